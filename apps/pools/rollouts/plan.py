"""What a rollout would do: each pod's successor, and where the room for the first one comes from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from apps.clusters.gpus import node_gpus
from apps.gateways.kubernetes import Kubernetes
from apps.inference.capacity import problem as never_fits
from apps.pools.handover import rules
from apps.pools.live_view import PodFacts
from apps.pools.models import PoolRecord
from apps.pools.reconciler.sight import Sight, look
from apps.pools.refusals import NeedsForce, PoolProblem
from apps.pools.rollouts import holding, pace
from apps.pools.rollouts.planning import is_lent
from apps.pools.rollouts.wishes import Difference, Template, VersionWish, differences, gpus_of, template_of
from apps.pools.scaling.planning import autoscaled, check_owner, unsettled


class CannotRollOut(PoolProblem):
    """The pool cannot change its version now."""

    problem_code = "cannot_roll_out"


class NothingNew(CannotRollOut):
    """The wished version is the present one."""

    problem_status = 422
    problem_code = "unchanged"


class NeedsRoom(NeedsForce):
    """No node has room for one more pod and none is free: a business has to give one up for a while."""

    problem_code = "needs_room"

    def __init__(self, message: str, businesses: list[str]) -> None:
        super().__init__(message)
        self.details = {**self.details, "businesses": businesses}


@dataclass(frozen=True)
class Step:
    """One old pod and what becomes of it."""

    pod: str
    business: str
    words: str


@dataclass(frozen=True)
class Plan:
    """A rollout. `surge`: a new pod comes before an old one goes; `gives_up`: the business that has one pod
    less until the end, "" for none; `steps` in the order in which pods go.
    """

    sight: Sight
    template: Template
    changes: list[Difference]
    surge: bool
    gives_up: str
    steps: list[Step]
    room: str
    version: str

    @property
    def strategy(self) -> dict[str, Any]:
        """The Deployment's strategy for it."""
        surge, away = (1, 0) if self.surge else (0, 1)
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": away}}


def plan(
    kubernetes: Kubernetes, record: PoolRecord, wish: VersionWish, *, gives_up: str = "", own: int = 0
) -> Plan:
    """Judge a wished version on what the cluster says. `own` is the operation that asks, if one does.

    Raises VersionProblem, CannotRollOut, NeedsRoom, Busy, UnknownPool, GatewayError.
    """
    sight = look(kubernetes, record)
    check_owner(record, own)
    check_state(kubernetes, sight, wish)
    template = template_of(sight.state, wish)
    changes = differences(sight.state.deployment["spec"]["template"], template)
    if not changes:
        raise NothingNew(_("That is the version that runs already."))
    check_fits(record, template)
    surge = has_room(record, gpus_of(template))
    gives_up = "" if surge else giver(sight, gives_up)
    return Plan(
        sight=sight,
        template=template,
        changes=changes,
        surge=surge,
        gives_up=gives_up,
        steps=steps(sight),
        room=room(sight, surge=surge, gives_up=gives_up),
        version=version_of(sight),
    )


def check_state(kubernetes: Kubernetes, sight: Sight, wish: VersionWish) -> None:
    """Nothing else may be under way, and nobody else may change the size meanwhile; only a roll-back may
    interrupt a rollout.
    """
    state = sight.state
    if state.deployment["spec"].get("paused") and not holding.mark_of(state):
        raise CannotRollOut(_("%(pool)s is paused; resume it first.") % {"pool": state.name})
    if pace.is_endless(state.deployment):
        words = _("The last pods of the version before end their requests; try again in a moment.")
        raise CannotRollOut(words)
    if wish.revision is not None and sight.old:
        return
    for words in [*unsettled(state), autoscaled(kubernetes, state)]:
        if words:
            raise CannotRollOut(words)


def check_fits(record: PoolRecord, template: Template) -> None:
    """Some node must be able to hold such a pod."""
    if words := never_fits(record.cluster_id, gpus=gpus_of(template)):
        raise CannotRollOut(words)


def has_room(record: PoolRecord, gpus: int) -> bool:
    """Whether one more pod fits on a node now, as far as the mirror knows."""
    return any(node.free >= gpus for node in node_gpus(record.cluster_id) if node.ready)


def giver(sight: Sight, asked: str) -> str:
    """Who gives a pod up when none is free. Raises NeedsRoom unless somebody said so."""
    if sight.state.free:
        return ""
    counts = Counter(pod.business for pod in sight.state.live if pod.business in sight.businesses)
    if asked and counts[asked]:
        return asked
    if not counts:
        return ""
    names = [name for name, _count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    words = _(
        "No node has room for one more pod and none of this pool is free. One business has to do with a pod"
        " less until the rollout is over: which?"
    )
    raise NeedsRoom(words, names)


def steps(sight: Sight) -> list[Step]:
    """Every pod that goes, in the order in which it does."""
    pods = sight.old or sight.state.live
    ordered = sorted(pods, key=lambda pod: (pod.ready, is_lent(pod), pod.name))
    return [Step(pod.name, pod.business, fate(pod)) for pod in ordered]


def fate(pod: PodFacts) -> str:
    """What becomes of an old pod."""
    if not is_lent(pod):
        return _("goes as soon as a new pod is there: nobody has it")
    words = _("is %(place)s until a new pod serves in its place; then its last requests end, and it goes")
    return words % {"place": rules.place(pod.business)}


def room(sight: Sight, *, surge: bool, gives_up: str) -> str:
    """Where the room for the first new pod comes from."""
    if surge:
        return _("A node has room for one more pod, so each new pod comes before an old one goes.")
    if gives_up:
        words = _("No GPU is free: %(business)s gives up a pod first, and has it back in the end.")
        return words % {"business": gives_up}
    if sight.state.free:
        words = _("No GPU is free: the free pod %(pod)s goes first and makes room.")
        return words % {"pod": min(pod.name for pod in sight.state.free)}
    return _("No GPU is free; the pods are lent to nobody, so they are replaced one by one.")


def version_of(sight: Sight) -> str:
    """What a plan rests on: the Deployment's wish, and who has which pod."""
    pods = sorted((pod.uid, pod.business) for pod in [*sight.old, *sight.state.live])
    generation = sight.state.deployment["metadata"].get("generation", 0)
    return sha256(repr((generation, pods)).encode()).hexdigest()[:16]


def is_taken(deployment: Mapping[str, Any], template: Template) -> bool:
    """Whether the Deployment has this version already."""
    return not differences(deployment["spec"]["template"], template)
