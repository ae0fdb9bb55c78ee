"""The flags of a command as argparse reads them: `--flag value`, `--flag=value`, underscores; last wins."""

import re
from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from apps.inference.commands.words import CommandError

_NEGATIVE_NUMBER = re.compile(r"-\d+(\.\d+)?\Z")
_SWITCH = re.compile(
    r"--(no|enable|disable|skip|use|return|log|allow)-.+"
    r"|--(trust-remote-code|enforce-eager|headless|async-scheduling|moe-.+-only|is-embedding|calculate-kv-scales)\Z"
)
_HUMAN_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([kKmMgG]?)\Z")
_SCALE = {"": 1, "k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20, "g": 10**9, "G": 2**30}


class Flags:
    """The words after the program. Readers take all spellings of one flag; errors show the first."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)

    def given(self, *names: str) -> bool:
        return any(name in names for _at, name, _value in self._flags())

    def text(self, *names: str) -> str | None:
        """The last value given for any of `names`, or None. Raises CommandError when the value is missing."""
        found = None
        for at, name, value in self._flags():
            if name in names:
                found = value if value is not None else self._next(at, name)
        return found

    def texts(self, *names: str) -> tuple[str, ...]:
        """All values of a flag that takes several words (`--served-model-name a b`)."""
        found: tuple[str, ...] = ()
        for at, name, value in self._flags():
            if name in names:
                found = (value,) if value is not None else tuple(self._run(at)) or (self._next(at, name),)
        return found

    def number(self, *names: str, default: int, low: int, high: int) -> int:
        """A whole number in [low, high]. Raises CommandError naming flag, value and range."""
        value = self.text(*names)
        if value is None:
            return default
        # isascii: int() also takes digits of other scripts, and engines' own parsers differ there
        if value.isascii() and re.fullmatch(r"\+?\d{1,9}", value) and low <= int(value) <= high:
            return int(value)
        raise CommandError(
            _("%(flag)s must be a whole number from %(low)d to %(high)d, not “%(value)s”.")
            % {"flag": names[0], "low": low, "high": high, "value": value[:40]}
        )

    def length(self, *names: str) -> int | None:
        """A length in tokens; vLLM's short forms `4k` (4000), `4K` (4096) too. None = the engine decides."""
        value = self.text(*names)
        if value is None or value in ("auto", "-1"):
            return None
        found = _HUMAN_NUMBER.match(value)
        size = round(float(found[1]) * _SCALE[found[2]]) if found and len(value) <= 12 else 0
        if size < 1:
            raise CommandError(
                _("%(flag)s must be a number of tokens, not “%(value)s”.")
                % {"flag": names[0], "value": value[:40]}
            )
        return size

    def positional(self) -> str | None:
        """The first word that is neither a flag nor a flag's value."""
        skip = False
        for word in self.words:
            if skip and not word.startswith("-"):
                skip = False
            elif word.startswith("-") and len(word) > 1:
                skip = "=" not in word and not _SWITCH.match(_spelled(word))
            else:
                return word
        return None

    def _flags(self) -> Iterator[tuple[int, str, str | None]]:
        for at, word in enumerate(self.words):
            if word.startswith("-") and not _NEGATIVE_NUMBER.match(word):
                name, equals, value = word.partition("=")
                yield at, _spelled(name), value if equals else None

    def _next(self, at: int, name: str) -> str:
        following = self.words[at + 1 : at + 2]
        if following and (not following[0].startswith("-") or _NEGATIVE_NUMBER.match(following[0])):
            return following[0]
        raise CommandError(_("%(flag)s has no value.") % {"flag": name})

    def _run(self, at: int) -> Iterator[str]:
        for word in self.words[at + 1 :]:
            if word.startswith("-"):
                return
            yield word


def _spelled(name: str) -> str:
    """vLLM and SGLang take underscores for dashes in long flags."""
    return name.replace("_", "-") if name.startswith("--") else name
