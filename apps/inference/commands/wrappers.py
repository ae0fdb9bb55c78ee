"""What stands around an engine's command: `FOO=1`, `env`, `exec`, `bash -c "..."`; and what may not."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _

from apps.inference.commands.words import CommandError, split

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)\Z", re.DOTALL)
_SHELLS = {"bash", "sh", "dash", "zsh", "ash"}
_SHELL_COMMAND = re.compile(r"-[a-z]*c\Z")
_FOREIGN = {"docker", "podman", "nerdctl", "kubectl", "helm", "sudo", "ssh"}
_SECRET_NAME = re.compile(r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|KEY|CREDENTIALS)\Z", re.IGNORECASE)
_SECRET_FLAGS = {"--api-key", "--hf-token", "--admin-api-key", "--ssl-keyfile-password"}
_HUGGING_FACE_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}")
_DEEPEST = 3


def unwrap(words: Sequence[str], *, depth: int = 0) -> tuple[list[str], dict[str, str]]:
    """(the program's own words, its environment) without shells and assignments around it.

    Raises CommandError for wrappers that mean another machine, for secrets, and when nothing is left.
    """
    environment: dict[str, str] = {}
    rest = list(words)
    while rest:
        assignment = _ASSIGNMENT.match(rest[0])
        if assignment:
            environment[assignment[1]] = assignment[2]
        elif rest[0].rpartition("/")[2] not in ("env", "exec", "nohup"):
            break
        rest.pop(0)
    if not rest:
        raise CommandError(_("There is no program in the command."))
    if rest[0].rpartition("/")[2] in _SHELLS and len(rest) > 1 and _SHELL_COMMAND.match(rest[1]):
        rest, inner = unwrap(_inside(rest, depth), depth=depth + 1)
        environment |= inner
    _check(rest, environment)
    return rest, environment


def _inside(words: Sequence[str], depth: int) -> list[str]:
    """The words of the command in `bash -c "..."`."""
    if len(words) != 3 or depth >= _DEEPEST:
        raise CommandError(
            _("Give the engine's own command instead of “%(shell)s”.") % {"shell": " ".join(words[:2])[:60]}
        )
    return split(words[2])


def _check(words: Sequence[str], environment: dict[str, str]) -> None:
    program = words[0].rpartition("/")[2]
    if program in _FOREIGN:
        raise CommandError(
            _("“%(program)s” runs outside the pod. Give the engine's command; the image has its own field.")
            % {"program": program}
        )
    if "CUDA_VISIBLE_DEVICES" in environment:
        raise CommandError(_("The cluster chooses the pod's GPUs; leave CUDA_VISIBLE_DEVICES out."))
    for name in environment:
        if _SECRET_NAME.search(name):
            raise CommandError(_secret(name))
    for word in words:
        if word.partition("=")[0].replace("_", "-") in _SECRET_FLAGS:
            raise CommandError(_secret(word.partition("=")[0]))
        if _HUGGING_FACE_TOKEN.search(word):
            raise CommandError(_secret("hf_…"))


def _secret(name: str) -> str:
    return _("Leave %(name)s out: commands are kept and shown. A HuggingFace token has its own field.") % {
        "name": name
    }
