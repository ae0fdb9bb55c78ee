"""Choosing the pods that go, worst first, and taking them out until the ReplicaSet has as few as wished."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.kubernetes import Kubernetes
from apps.operations.control import OperationFailed
from apps.operations.run import Run, Seen
from apps.pools import draining
from apps.pools.handover.moving import change_hands
from apps.pools.handover.settling import settle
from apps.pools.handover.wish import Wish
from apps.pools.live_view import PodFacts, read_pod
from apps.pools.models import Intent, PoolRecord
from apps.pools.refusals import PoolProblem
from apps.pools.scaling import fence, marking
from apps.pools.scaling.detaching import detach
from apps.pools.scaling.marking import Mark
from apps.pools.scaling.names import is_detached
from apps.pools.scaling.planning import Victim, stock, worst
from apps.pools.scaling.state import PoolState, read
from apps.pools.statuses import IntentState

ROUNDS = 8
LATE = 120.0
SPARE = 2


@dataclass(frozen=True)
class Scaling:
    """A scale-down at work. `timeout`: seconds that the victims' last requests may take."""

    run: Run
    kubernetes: Kubernetes
    record: PoolRecord
    mark: Mark
    timeout: int

    def state(self) -> PoolState:
        """The pool as it is now."""
        return read(self.kubernetes, namespace=self.record.namespace, name=self.record.name)

    def check(self, state: PoolState) -> None:
        """Raise OperationFailed when the pool is no longer the one that was judged."""
        words = ""
        if marking.parse(state.mark) != self.mark:
            words = _("The mark of this scale-down on %(pool)s was changed.")
        elif state.owner_uid != self.mark.owner:
            words = _("A new version of %(pool)s is being rolled out.")
        elif state.replicas != self.mark.before:
            words = _("Somebody else scaled %(pool)s.")
        if words:
            raise OperationFailed(words % {"pool": state.name})


def chosen(work: Scaling) -> list[Intent]:
    """What this operation labelled `retiring`; what is not known of it is found out first."""
    made = Intent.objects.filter(operation_id=work.mark.operation, business=labels.RETIRING)
    for intent in made.filter(state=IntentState.OPEN):
        settle(intent.pk, work.kubernetes, final=True)
    return list(made.filter(state=IntentState.DONE).select_related("pool").order_by("serial"))


def surplus(work: Scaling, state: PoolState) -> int:
    """How many of the pods that are not chosen yet would be too many."""
    mine = {intent.pod_uid for intent in chosen(work)}
    staying = [pod for pod in state.live if not leaving(pod, mine)]
    return len(staying) - work.mark.replicas


def leaving(pod: PodFacts, mine: set[str]) -> bool:
    """Whether the pod was chosen and still is."""
    return pod.uid in mine and pod.business == labels.RETIRING


def retire(work: Scaling) -> list[str]:
    """Label the worst free pods `retiring` until enough are; one that is lent meanwhile is passed over."""
    for _round in range(ROUNDS):
        state = work.state()
        work.check(state)
        missing = surplus(work, state)
        if missing <= 0:
            return [intent.pod_name for intent in chosen(work)]
        candidates = stock(work.record, state)
        if len(candidates) < missing:
            words = _("Cannot scale down: need {k} unassigned pods, but only {free} available")
            raise OperationFailed(words.format(k=missing, free=len(candidates)))
        for victim in worst(work.kubernetes, state, candidates, missing):
            take(work, victim)
    raise OperationFailed(_("The pool is changing quickly; try again in a moment."))


def take(work: Scaling, victim: Victim) -> None:
    """Compare-and-set one pod to `retiring`; who lost it to somebody else says so."""
    wish = Wish(
        pod=victim.pod,
        origin=labels.UNASSIGNED,
        business=labels.RETIRING,
        force=True,
        internal=True,
        operation_id=work.mark.operation,
        reason=victim.why,
    )
    try:
        change_hands(work.kubernetes, work.record, wish)
    except PoolProblem as error:
        work.run.log(str(error))
    else:
        work.run.log(_("%(pod)s goes: %(why)s.") % {"pod": victim.pod, "why": victim.why})


def wait_for_requests(work: Scaling) -> None:
    """Give the last requests of the chosen pods their time."""

    def look() -> Seen:
        limit = timedelta(seconds=work.timeout)
        intents = [intent for intent in chosen(work) if serving(work, intent)]
        sights = [draining.look_at(work.kubernetes, intent, timeout=limit) for intent in intents]
        words = "; ".join(sight.words for sight in sights)
        return Seen(done=all(sight.over for sight in sights), text=words)

    work.run.wait(_("Wait until requests have ended"), look, every=1, deadline=work.timeout + LATE)


def serving(work: Scaling, intent: Intent) -> bool:
    """Whether the pod can have requests in hand: it runs, and is still ours to take."""
    pod = read_pod(work.kubernetes, namespace=intent.pool.namespace, name=intent.pod_name)
    return pod is not None and pod.uid == intent.pod_uid and pod.alive and pod.phase == "Running"


def converge(work: Scaling) -> Seen:
    """One look: detach what is chosen, choose more if a pod came or went, see whether all are released."""
    state = work.state()
    work.check(state)
    if not fence.stands(work.kubernetes, namespace=state.namespace, pool=state.name):
        raise OperationFailed(_("Somebody removed the fence around %(pool)s.") % {"pool": state.name})
    if surplus(work, state) > 0:
        check_fence_holds(work, state)
        retire(work)
        state = work.state()
    release(work, state)
    held = [pod.name for pod in state.live if pod.business == labels.RETIRING]
    inside = len(state.live) - len(held)
    done = not held and inside <= work.mark.replicas and state.counted == inside
    words = _("%(count)d pods left in the pool, %(held)d not released yet")
    return Seen(done=done, text=words % {"count": inside, "held": len(held)})


def check_fence_holds(work: Scaling, state: PoolState) -> None:
    """Raise OperationFailed when pods keep coming behind the fence: each one taken out would bring another.

    A few more than planned are chosen where pods came or went before it stood.
    """
    if len(chosen(work)) > 2 * (work.mark.before - work.mark.replicas) + SPARE:
        words = _(
            "New pods of %(pool)s keep coming although the fence stands; the cluster ignores its quota."
        )
        raise OperationFailed(words % {"pool": state.name})


def release(work: Scaling, state: PoolState) -> None:
    """Detach every chosen pod that is not."""
    mine = {intent.pod_uid for intent in chosen(work)}
    for pod in state.live:
        if leaving(pod, mine) and not is_detached(pod):
            detach(work.kubernetes, pod, app=state.app, operation=work.mark.operation)
