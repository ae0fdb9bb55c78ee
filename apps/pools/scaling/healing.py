"""Putting right what a scale-down left: safe to call at any moment, again and again, until it says done.

One rule decides about every detached pod: it goes back only under a standing fence, and only while the
Deployment wants more pods than its ReplicaSet has; else it is deleted. Before the size was set that puts
all of them back, after it deletes all of them.
"""

import time

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.errors import GatewayError, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.moving import change_hands
from apps.pools.handover.settling import settle
from apps.pools.handover.wish import Wish
from apps.pools.live_view import PodFacts, pods_of
from apps.pools.models import Intent, PoolRecord
from apps.pools.refusals import PoolProblem, UnknownPool
from apps.pools.scaling import detaching, fence, marking
from apps.pools.scaling.names import is_detached
from apps.pools.scaling.planning import is_retiring
from apps.pools.scaling.state import PoolState, observed, read
from apps.pools.statuses import IntentState, Source


def heal(kubernetes: Kubernetes, record: PoolRecord) -> bool:
    """One round; True when nothing is left. Raises GatewayError, PoolProblem."""
    place = {"namespace": record.namespace, "name": record.name}
    try:
        marking.void(kubernetes, read(kubernetes, **place))
        state = read(kubernetes, **place)
    except (UnknownPool, NotFound):
        return bury(kubernetes, record)
    settle_open(kubernetes, record)
    fenced = fence.stands(kubernetes, namespace=record.namespace, pool=record.name)
    if sort_out(kubernetes, record, state, fenced=fenced) or (fenced and not taken_in(state)):
        return False
    free_chosen(kubernetes, record, state)
    fence.remove(kubernetes, namespace=record.namespace, pool=record.name)
    if state.mark:
        marking.write(kubernetes, state, None)
    return True


def heal_for(kubernetes: Kubernetes, record: PoolRecord, *, seconds: float) -> bool:
    """Rounds until it is done or the time is up; the sweep does the rest."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if heal(kubernetes, record):
                return True
        except (GatewayError, PoolProblem):
            pass  # the next round, or the sweep
        time.sleep(0.3)
    return False


def bury(kubernetes: Kubernetes, record: PoolRecord) -> bool:
    """The Deployment is gone: its detached pods follow it."""
    for pod in pods_of(kubernetes, namespace=record.namespace, pool=record.name):
        if is_detached(pod):
            detaching.delete(kubernetes, record, pod)
    fence.remove(kubernetes, namespace=record.namespace, pool=record.name)
    return True


def sort_out(kubernetes: Kubernetes, record: PoolRecord, state: PoolState, *, fenced: bool) -> bool:
    """Put detached pods back or delete them. Returns whether there is something to wait for."""
    out = [pod for pod in state.pods if is_detached(pod)]
    inside = sum(not is_detached(pod) for pod in state.live)
    coming = [pod for pod in state.pods if is_coming(state, pod)]
    room = state.replicas - inside - len(coming) if fenced else 0
    for pod in out:
        if room > 0 and returnable(state, pod):
            detaching.attach(kubernetes, pod, app=state.app)
            room -= 1
        else:
            detaching.delete(kubernetes, record, pod)
    return bool(out or coming)


def is_coming(state: PoolState, pod: PodFacts) -> bool:
    """Whether the pod has its label again and waits for its ReplicaSet to take it."""
    ended = pod.deleting or pod.phase in ("Failed", "Succeeded")
    return not ended and not pod.owner_uid and pod.labels.get(labels.APP) == state.app


def returnable(state: PoolState, pod: PodFacts) -> bool:
    """Whether the current ReplicaSet would keep it: an earlier version's would delete it at once."""
    same = pod.labels.get(labels.TEMPLATE_HASH) == state.template_hash
    return same and pod.phase not in ("Failed", "Succeeded")


def taken_in(state: PoolState) -> bool:
    """Whether the controllers know the size and the pods, so that they will make none too many."""
    newest = state.newest
    if newest is None or not state.seen or not observed(newest):
        return False
    rolling = state.peopled > 1 or any(int(item["spec"].get("replicas", 0)) for item in state.sets[:-1])
    agreed = int(newest["spec"].get("replicas", 0)) == state.replicas
    return rolling or (agreed and state.counted == len(state.live))


def settle_open(kubernetes: Kubernetes, record: PoolRecord) -> None:
    """Choices whose outcome is not known: nobody sends their patch again."""
    opened = Intent.objects.filter(pool=record, state=IntentState.OPEN, business=labels.RETIRING)
    for intent in opened:
        settle(intent.pk, kubernetes, final=True)


def free_chosen(kubernetes: Kubernetes, record: PoolRecord, state: PoolState) -> None:
    """Pods that were chosen and stayed are free again."""
    for pod in state.live:
        if is_retiring(pod):
            change_hands(kubernetes, record, freeing(record, pod))


def freeing(record: PoolRecord, pod: PodFacts) -> Wish:
    """Back to the stock, by the portal itself."""
    made = Intent.objects.filter(pool=record, pod_uid=pod.uid, business=labels.RETIRING)
    newest = made.order_by("-serial").first()
    return Wish(
        pod=pod.name,
        origin=labels.RETIRING,
        business=labels.UNASSIGNED,
        force=True,
        internal=True,
        source=Source.RECONCILER,
        operation_id=newest.operation_id if newest else "",
        reason=str(_("The scale-down did not reach its goal.")),
    )
