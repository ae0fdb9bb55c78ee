"""What a change of a pool's size would do, or why it is refused: asked by preview, action and runner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.inference.naming import priority_class
from apps.operations.models import Operation
from apps.operations.services import Busy
from apps.operations.statuses import ACTIVE
from apps.pools.engine import busy
from apps.pools.live_view import PodFacts
from apps.pools.models import Intent, PoolRecord
from apps.pools.refusals import PoolProblem
from apps.pools.scaling.state import PoolState, autoscalers, read
from apps.pools.statuses import IntentState

MOST = 1000
ASKED = 24
"""So many engines are asked whether they are idle; beyond that a plan would keep people waiting."""


class CannotScale(PoolProblem):
    """The pool cannot be scaled now; `details` has the earlier panel's fields."""

    problem_code = "cannot_scale"

    @property
    def problem_facts(self) -> Mapping[str, Any]:
        """The numbers, as JSON fields of the API's answer."""
        return self.details


class Unchanged(CannotScale):
    """The wished size is the present one, or out of bounds."""

    problem_status = 422
    problem_code = "invalid"


@dataclass(frozen=True)
class Victim:
    """A pod that would go, and why this one."""

    pod: str
    uid: str
    why: str


@dataclass(frozen=True)
class Plan:
    """A change of size. `fenced`: the pool's own PriorityClass and the right to make a quota are there."""

    state: PoolState
    replicas: int
    victims: tuple[Victim, ...]
    fenced: bool

    @property
    def current(self) -> int:
        """The present size."""
        return self.state.replicas

    @property
    def free(self) -> int:
        """Pods that nobody has."""
        return len(self.state.free)

    @property
    def down(self) -> bool:
        """Whether pods go."""
        return self.replicas < self.current

    @property
    def added(self) -> int:
        """How many pods come."""
        return max(0, self.replicas - self.current)


def plan(kubernetes: Kubernetes, record: PoolRecord, replicas: int, *, own: int = 0) -> Plan:
    """Judge a wished size on what the cluster says. `own` is the operation that asks, if one does.

    Raises CannotScale or Busy with the reason, UnknownPool, GatewayError.
    """
    state = read(kubernetes, namespace=record.namespace, name=record.name)
    check_size(state, replicas)
    check_owner(record, own)
    check_settled(kubernetes, state)
    surplus = state.replicas - replicas
    if surplus <= 0:
        return Plan(state, replicas, (), fenced=False)
    candidates = stock(record, state)
    if len(candidates) < surplus:
        words = _("Cannot scale down: need {k} unassigned pods, but only {free} available")
        raise refusal(state, replicas, words.format(k=surplus, free=len(candidates)))
    fenced = can_fence(kubernetes, state)
    if not fenced:
        check_lent(state, replicas)
    return Plan(state, replicas, worst(kubernetes, state, candidates, surplus), fenced)


def refusal(
    state: PoolState, replicas: int, words: str, kind: type[CannotScale] = CannotScale
) -> CannotScale:
    """A refusal with the numbers that the earlier panel's users read."""
    facts: dict[str, Any] = {
        "currentReplicas": state.replicas,
        "targetReplicas": replicas,
        "unassignedPods": len(state.free),
    }
    return kind(words, **facts)


def check_size(state: PoolState, replicas: int) -> None:
    """A size that can be wished, and is not the present one."""
    if not 0 <= replicas <= MOST:
        raise refusal(state, replicas, _("A pool has 0 to %(most)d pods.") % {"most": MOST}, Unchanged)
    if replicas == state.replicas:
        words = _("%(pool)s has %(count)d pods already.") % {"pool": state.name, "count": replicas}
        raise refusal(state, replicas, words, Unchanged)
    if not state.app:
        words = _(
            "%(pool)s does not select its pods by the label “app”, so the portal cannot scale it safely."
        )
        raise refusal(state, replicas, words % {"pool": state.name})


def check_owner(record: PoolRecord, own: int) -> None:
    """Nothing else may be at work on the pool."""
    found = Operation.objects.filter(
        status__in=ACTIVE,
        target_cluster=record.cluster.slug,
        target_namespace=record.namespace,
        target_name=record.name,
        target_kind__in=("pool", "deployment"),
    )
    if busy_with := found.exclude(pk=own).first():
        raise Busy(busy_with)


def check_settled(kubernetes: Kubernetes, state: PoolState) -> None:
    """Nothing may be under way in the cluster: what the controllers do next must be known."""
    for problem in unsettled(state):
        raise refusal(state, state.replicas, problem)
    if words := autoscaled(kubernetes, state):
        raise refusal(state, state.replicas, words)


def autoscaled(kubernetes: Kubernetes, state: PoolState) -> str:
    """Who else changes the pool's size, in words; "" for nobody."""
    found = autoscalers(kubernetes, namespace=state.namespace, name=state.name)
    words = _("%(pool)s is scaled by the autoscaler %(names)s; change or remove that first.")
    return words % {"pool": state.name, "names": ", ".join(found)} if found else ""


def unsettled(state: PoolState) -> list[str]:
    """Why the controllers' next steps are not known, in words."""
    found = []
    if not state.seen or not state.newest:
        found.append(_("The cluster is still working on the last change of %(pool)s.") % {"pool": state.name})
    if state.peopled > 1:
        found.append(
            _("%(pool)s is rolling out a new version; wait until it is done.") % {"pool": state.name}
        )
    if len(state.live) != state.replicas:
        words = _("%(pool)s has %(live)d live pods of %(count)d wished for; wait until they agree.")
        found.append(words % {"pool": state.name, "live": len(state.live), "count": state.replicas})
    if state.mark:
        words = _("An earlier scale-down of %(pool)s is being put right; try again in a moment.")
        found.append(words % {"pool": state.name})
    return found


def check_lent(state: PoolState, replicas: int) -> None:
    """Without a fence the controller takes Pending and NotReady pods first, lent or not: name one."""
    for pod in state.lent:
        if not pod.ready:
            words = _(
                "%(pod)s is lent to %(business)s and not Ready (%(state)s). This pool has no PriorityClass"
                " of its own, so the cluster might delete that pod instead of a free one."
            )
            facts = {"pod": pod.name, "business": pod.business, "state": pod.state}
            raise refusal(state, replicas, words % facts)


def can_fence(kubernetes: Kubernetes, state: PoolState) -> bool:
    """Whether a quota can stop this pool's pods, and no others, from being made."""
    own = state.priority_class == priority_class(state.namespace, state.name)
    rights = ("create", "get", "delete")
    return own and all(kubernetes.can_i(verb, "resourcequotas", namespace=state.namespace) for verb in rights)


def stock(record: PoolRecord, state: PoolState) -> list[PodFacts]:
    """Free pods that nobody is being given at this moment."""
    pending = Intent.objects.filter(pool=record, state=IntentState.OPEN)
    leaving = set(pending.values_list("pod_uid", flat=True))
    return [pod for pod in state.free if pod.uid not in leaving]


def worst(
    kubernetes: Kubernetes, state: PoolState, candidates: list[PodFacts], count: int
) -> tuple[Victim, ...]:
    """The first to go: not Ready, then idle, then the youngest."""
    young = sorted(candidates, key=lambda pod: (state.born.get(pod.uid, ""), pod.name), reverse=True)
    asked = [pod for pod in young if pod.ready][:ASKED] if len(young) > count else []
    at_work = {pod.uid for pod in asked if busy(kubernetes, pod)}
    ranked = sorted(young, key=lambda pod: (pod.ready, pod.uid in at_work))
    return tuple(Victim(pod.name, pod.uid, reason(pod, pod.uid in at_work)) for pod in ranked[:count])


def reason(pod: PodFacts, at_work: bool) -> str:
    """Why a pod is chosen."""
    if not pod.ready:
        return _("free, not Ready (%(state)s)") % {"state": pod.state}
    if at_work:
        return _("free; its last requests may end first")
    return _("free, idle, among the youngest")


def is_retiring(pod: PodFacts) -> bool:
    """Whether a scale-down has chosen the pod."""
    return pod.business == labels.RETIRING
