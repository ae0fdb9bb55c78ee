"""Leaving without a fence: the size is set as soon as the victims are released, before others are Ready.

Measured on a real controller: lent pods are safe as long as all of them are Ready and no replacement is yet.
So this is one step that hands nothing back, and it is refused while a lent pod is Pending or NotReady.
"""

import time
from collections.abc import Callable

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.operations.control import OperationFailed
from apps.pools.live_view import PodFacts
from apps.pools.scaling.choosing import Scaling, chosen, release
from apps.pools.scaling.planning import check_lent
from apps.pools.scaling.state import PoolState

RELEASE = 10.0
LOOK = 0.05


def leave(work: Scaling, set_size: Callable[[Scaling], None]) -> None:
    """Detach, see the release, set the size at once. Raises OperationFailed, CannotScale naming a pod."""
    state = work.state()
    if state.replicas == work.mark.replicas:
        return  # an answer was lost, or the worker died right after
    work.check(state)
    check_lent(state, work.mark.replicas)
    mine = {intent.pod_uid for intent in chosen(work)}
    release(work, state)
    end = time.monotonic() + RELEASE
    while held(state := work.state()):
        if time.monotonic() > end:
            raise OperationFailed(_("The pods were not released in time."))
        time.sleep(LOOK)
    check_lent(state, work.mark.replicas)
    if came := replacement(state, mine):
        words = _("A replacement (%(pod)s) was Ready too early, so a lent pod might have been deleted.")
        raise OperationFailed(words % {"pod": came.name})
    set_size(work)


def held(state: PoolState) -> bool:
    """Whether the ReplicaSet still owns a chosen pod."""
    return any(pod.business == labels.RETIRING for pod in state.live)


def replacement(state: PoolState, mine: set[str]) -> PodFacts | None:
    """A free, Ready pod younger than the youngest that was chosen."""
    limit = max((state.born.get(uid, "") for uid in mine), default="")
    young = [pod for pod in state.free if state.born.get(pod.uid, "") > limit and pod.ready]
    return young[0] if young else None
