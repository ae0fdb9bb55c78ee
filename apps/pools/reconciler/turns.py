"""Which pools the reconciler looks at, and when: soon after a change, else every half minute.

A change marks its pool as due and calls the duty at once; changes that come while a worker is at the pool
make it look once more. A worker takes a pool for a while by a conditional UPDATE; that is only thrift, since
two at one pool do no harm.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.clusters.connections import connect
from apps.gateways.errors import GatewayError
from apps.live import topics
from apps.live.publish import publish
from apps.operations import periodic
from apps.pools.handover.records import record_of
from apps.pools.models import PoolRecord, Rollout, Turn
from apps.pools.reconciler.care import Place, in_care
from apps.pools.reconciler.reconciling import Report, reconcile
from apps.pools.refusals import PoolProblem

logger = structlog.get_logger(__name__)
DUTY = "pools.reconcile"
EVERY = timedelta(seconds=30)
ROUNDS = 5


def changed(cluster_id: int, places: Iterable[Place], *, wrong: Iterable[Place] = ()) -> None:
    """Pods of these pools (namespace, name) changed: those in the reconciler's care are looked at soon, and
    those where something is `wrong`.
    """
    for namespace, name in in_care(cluster_id, set(places)) | set(wrong):
        ask(record_of(cluster_id, namespace, name))


def endpoints_changed(cluster_id: int, namespaces: set[str]) -> None:
    """Endpoints changed: rollouts there wait for them."""
    rolling = Rollout.objects.filter(
        ended_at=None, pool__cluster_id=cluster_id, pool__namespace__in=namespaces
    )
    for rollout in rolling.select_related("pool"):
        ask(rollout.pool)


def ask(record: PoolRecord) -> None:
    """Have a pool looked at now; called again before that, it does nothing more."""
    turn, _made = Turn.objects.get_or_create(pool=record)
    if Turn.objects.filter(pk=turn.pk, due_at=None).update(due_at=timezone.now()):
        periodic.call_soon(DUTY)


def work() -> None:
    """The duty: every pool that is due, one after the other."""
    for record in due():
        attempt(record)


periodic.periodic(DUTY, every=5)(work)


def due() -> list[PoolRecord]:
    """Pools that were asked for or whose time has come, and those in care that nobody has looked at for a
    while.
    """
    asked = Q(turn__due_at__isnull=False) | Q(turn__again_at__lte=timezone.now())
    cared = Q(share_policy__enabled=True, share_policy__paused=False) | Q(
        rollouts__ended_at=None, rollouts__pk__gt=0
    )
    late = Q(turn=None) | Q(turn__looked_at=None) | Q(turn__looked_at__lt=timezone.now() - EVERY)
    busy = Q(rollouts__ended_at=None, rollouts__pk__gt=0)  # its requests end without a word from the cluster
    found = PoolRecord.objects.filter(asked | (cared & late) | busy, cluster__active=True)
    return list(found.select_related("cluster").distinct().order_by("pk"))


def attempt(record: PoolRecord) -> None:
    """One pool, if nobody is at it; what fails is logged and tried again next time."""
    turn, _made = Turn.objects.get_or_create(pool=record)
    if not take(turn):
        return
    try:
        rounds(record, turn)
    except (GatewayError, PoolProblem) as error:
        logger.info("reconcile_postponed", pool=str(record), error=str(error))
    finally:
        Turn.objects.filter(pk=turn.pk).update(taken_until=None)


def take(turn: Turn) -> bool:
    """Whether this worker has the pool until it gives no sign for a worker's lease."""
    free = Q(taken_until=None) | Q(taken_until__lt=timezone.now())
    return bool(Turn.objects.filter(free, pk=turn.pk).update(taken_until=lease()))


def lease() -> datetime:
    """Until when a worker's last sign counts."""
    return timezone.now() + timedelta(seconds=settings.OPERATIONS_LEASE)


def rounds(record: PoolRecord, turn: Turn) -> None:
    """Look until nobody has asked meanwhile and nothing is left to do."""
    kubernetes = connect(record.cluster_id).kubernetes
    for _round in range(ROUNDS):
        Turn.objects.filter(pk=turn.pk).update(taken_until=lease())
        seen = Turn.objects.values_list("due_at", flat=True).get(pk=turn.pk)
        report = reconcile(kubernetes, record)
        if note(record, turn, report, seen) and not report.more:
            return
    ask_again(record)


def note(record: PoolRecord, turn: Turn, report: Report, seen: datetime | None) -> bool:
    """Write down what came of a look; False when somebody asked for another one meanwhile."""
    before = Turn.objects.values_list("waits", flat=True).get(pk=turn.pk)
    Turn.objects.filter(pk=turn.pk).update(
        looked_at=timezone.now(), again_at=report.again, waits=report.waits
    )
    if report.waits != before:
        publish(topics.pool(record.cluster_id, record.namespace, record.name))
    return bool(Turn.objects.filter(pk=turn.pk).filter(Q(due_at=None) | Q(due_at=seen)).update(due_at=None))


def ask_again(record: PoolRecord) -> None:
    """More is left than one turn should do."""
    Turn.objects.filter(pool=record).update(due_at=timezone.now())
    periodic.call_soon(DUTY)
