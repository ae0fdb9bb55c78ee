"""A wished version of a pool: what changes in its pod template, and what that means in words."""

import shlex
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.inference.commands import CommandError, EngineCommand, parse
from apps.inference.wishes import argv_of
from apps.pools.live_view import revision as revision_of
from apps.pools.refusals import PoolProblem
from apps.pools.scaling.state import PoolState

MOST_GPUS = 64
Template = dict[str, Any]


@dataclass(frozen=True)
class VersionWish:
    """What is to be different; empty parts stay as they are. `gpus` per pod; `cpu` and `memory` are
    Kubernetes quantities; `revision` takes an earlier version as it was; `restart` (a time as text): new pods
    of the same.
    """

    image: str = ""
    command: str = ""
    gpus: int | None = None
    cpu: str = ""
    memory: str = ""
    revision: int | None = None
    restart: str = ""


@dataclass(frozen=True)
class Difference:
    """One thing that changes."""

    what: str
    before: str
    after: str


class VersionProblem(PoolProblem):
    """A version that cannot be; `field` says beside which control the words belong."""

    problem_status = 422
    problem_code = "invalid_version"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)
        self.field = field


def template_of(state: PoolState, wish: VersionWish) -> Template:
    """The pool's pod template as wished. Raises VersionProblem with its field."""
    template: Template = deepcopy(dict(state.deployment["spec"]["template"]))
    if wish.revision is not None:
        template = earlier(state, wish.revision)
    own = container(template)
    if wish.command:
        set_command(template, own, command_of(template, wish.command), wish)
    if wish.image:
        own["image"] = checked(wish.image)
    set_resources(own, wish)
    if wish.restart:
        template.setdefault("metadata", {}).setdefault("annotations", {})[labels.RESTARTED_AT] = wish.restart
    return template


def checked(image: str) -> str:
    """An image's name without blanks."""
    if len(image) > 300 or any(letter.isspace() for letter in image):
        raise VersionProblem("image", _("That is not the name of an image."))
    return image


def earlier(state: PoolState, number: int) -> Template:
    """The template of an earlier version, without the label that its ReplicaSet added."""
    for item in state.sets:
        if revision_of(item) == number:
            template: Template = deepcopy(dict(item["spec"]["template"]))
            template["metadata"].get("labels", {}).pop(labels.TEMPLATE_HASH, None)
            return template
    raise VersionProblem("revision", _("The cluster does not keep version %(number)d.") % {"number": number})


def container(template: Mapping[str, Any]) -> dict[str, Any]:
    """The container that serves."""
    found: dict[str, Any] = template["spec"]["containers"][0]
    return found


def command_of(template: Template, text: str) -> EngineCommand:
    """The new command, of the same engine: the pool's label says which it is."""
    own = (template.get("metadata") or {}).get("labels") or {}
    engine = own.get(labels.MODEL_TYPE, "")
    try:
        return parse(text, engine=engine if engine in labels.MODEL_TYPES else "")
    except CommandError as error:
        raise VersionProblem("command", str(error)) from error


def set_command(template: Template, own: dict[str, Any], command: EngineCommand, wish: VersionWish) -> None:
    """Arguments, environment, port, model and, unless said otherwise, the GPUs that they need."""
    own["command"] = argv_of(command)
    own.pop("args", None)
    given = dict(command.environment)
    kept = [item for item in own.get("env") or [] if item["name"] not in given]
    own["env"] = [*kept, *({"name": key, "value": value} for key, value in given.items())]
    for port in (own.get("ports") or [])[:1]:
        port["containerPort"] = command.port
    template["metadata"].setdefault("annotations", {})[labels.MODEL_ID] = command.model_id
    if wish.gpus is None and command.gpus:
        set_quantity(own, labels.GPU, str(command.gpus))


def set_resources(own: dict[str, Any], wish: VersionWish) -> None:
    """GPUs, CPU and memory, as request and limit."""
    if wish.gpus is not None:
        if not 0 <= wish.gpus <= MOST_GPUS:
            raise VersionProblem("gpus", _("A pod has 0 to %(most)d GPUs.") % {"most": MOST_GPUS})
        set_quantity(own, labels.GPU, str(wish.gpus) if wish.gpus else "")
    for name, text in (("cpu", wish.cpu), ("memory", wish.memory)):
        if text:
            set_quantity(own, name, text)


def set_quantity(own: dict[str, Any], name: str, text: str) -> None:
    """One resource; "" removes it."""
    resources = own.setdefault("resources", {})
    for part in ("requests", "limits"):
        quantities = resources.setdefault(part, {})
        quantities.pop(name, None)
        if text:
            quantities[name] = text


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What is different for people, in a fixed order."""
    old, new = told(before), told(after)
    return [Difference(what, old[what], new[what]) for what in new if old[what] != new[what]]


def told(template: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a template that people decide on."""
    own = container(template)
    asked = (own.get("resources") or {}).get("requests") or {}
    notes = (template.get("metadata") or {}).get("annotations") or {}
    env = ", ".join(f"{item['name']}={item.get('value', '…')}" for item in own.get("env") or [])
    return {
        _("Image"): str(own.get("image", "")),
        _("Command"): shlex.join([*(own.get("command") or []), *(own.get("args") or [])]),
        _("Environment"): env,
        _("GPUs per pod"): str(asked.get(labels.GPU, "0")),
        _("CPU"): str(asked.get("cpu", "–")),
        _("Memory"): str(asked.get("memory", "–")),
        _("Restarted"): str(notes.get(labels.RESTARTED_AT, "–")),
    }


def gpus_of(template: Mapping[str, Any]) -> int:
    """GPUs that one pod asks for."""
    asked = (container(template).get("resources") or {}).get("requests") or {}
    text = str(asked.get(labels.GPU, "0"))
    return int(text) if text.isdigit() else 0
