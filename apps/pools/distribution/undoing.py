"""Taking back what an operation moved and could not finish: each pod goes to where it was, the last first.

May be called at any moment and again: by the runner, by cancel, and by the sweep for what the cluster did not
let us do in time.
"""

import time
from datetime import timedelta

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.clusters.connections import connect
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.handover.moving import change_hands
from apps.pools.handover.settling import settle
from apps.pools.handover.wish import Wish
from apps.pools.live_view import businesses_of
from apps.pools.models import Holding, Intent, PoolRecord
from apps.pools.refusals import PoolProblem, Unsettled
from apps.pools.statuses import IntentState, Source

logger = structlog.get_logger(__name__)
RUNNERS = ("pools.distribute", "pools.undo_changes")
ENDED_BADLY = (OperationStatus.FAILED, OperationStatus.CANCELLED, OperationStatus.LOST)
PAUSE = 1.0
GIVE_UP = timedelta(minutes=10)


def begun(operation_id: str) -> bool:
    """Whether anything of the operation was taken back: then it does not go on."""
    return Intent.objects.filter(operation_id=operation_id, source=Source.RECONCILER).exists()


def take_back(kubernetes: Kubernetes, record: PoolRecord, operation_id: str, *, seconds: float = 0) -> str:
    """Put back what is not back yet, trying for `seconds`. Returns what came of it, in words."""
    deadline = time.monotonic() + seconds
    while True:
        left = attempt(kubernetes, record, operation_id)
        if not left:
            return _("Everything is back where it was.")
        if time.monotonic() >= deadline:
            words = ngettext("%(count)d pod is not back yet", "%(count)d pods are not back yet", left)
            return words % {"count": left} + "; " + _("the portal goes on with that in the background.")
        time.sleep(PAUSE)


def attempt(kubernetes: Kubernetes, record: PoolRecord, operation_id: str) -> int:
    """One round. Returns how many pods are left for another one."""
    left = 0
    for intent in unfinished(record, operation_id):
        try:
            known = settle(intent.pk, kubernetes, final=True)
            if known.state == IntentState.DONE:
                put_home(kubernetes, record, known)
        except (GatewayError, Unsettled) as error:
            logger.info("undo_postponed", pod=intent.pod_name, error=str(error))
            left += 1
        except PoolProblem as error:  # the pod has moved on, ended, or may not go there: it stays
            logger.info("undo_left_out", pod=intent.pod_name, error=str(error))
    return left


def unfinished(record: PoolRecord, operation_id: str) -> list[Intent]:
    """The operation's own changes whose pods are still there, the last first, and those not settled yet."""
    mine = Intent.objects.filter(pool=record, operation_id=operation_id).exclude(source=Source.RECONCILER)
    standing = Holding.objects.filter(pool=record, to_at=None).values("intent_id")
    done = mine.filter(state=IntentState.DONE, pk__in=standing)
    return list((done | mine.filter(state=IntentState.OPEN)).order_by("-serial"))


def put_home(kubernetes: Kubernetes, record: PoolRecord, last: Intent) -> None:
    """Give a pod to whom it belonged before the operation, or free it when that business has no service."""
    if not Holding.objects.filter(intent=last, to_at=None).exists():
        return
    first = Intent.objects.filter(pool=record, operation_id=last.operation_id, pod_uid=last.pod_uid)
    home = first.earliest("serial").origin
    known = businesses_of(kubernetes, namespace=record.namespace, pool=record.name)
    wish = Wish(
        pod=last.pod_name,
        origin=last.business,
        business=home if home in known else labels.UNASSIGNED,
        force=True,
        internal=True,
        source=Source.RECONCILER,
        batch=last.batch,
        operation_id=last.operation_id,
        reason=_("The operation did not reach its goal."),
    )
    change_hands(kubernetes, record, wish)


def sweep() -> None:
    """Go on with what runs could not take back: their worker died, or the cluster was away."""
    ended = Operation.objects.filter(
        runner__in=RUNNERS, status__in=ENDED_BADLY, ended_at__gte=timezone.now() - GIVE_UP
    )
    for operation in ended:
        record = PoolRecord.objects.filter(pk=operation.params["pool_id"]).first()
        if record and unfinished(record, str(operation.pk)):
            attempt(connect(record.cluster_id).kubernetes, record, str(operation.pk))
