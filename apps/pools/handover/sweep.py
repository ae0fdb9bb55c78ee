"""The recovery sweep: settles what was left open, heals what the watcher missed, brings back forgotten
drains.

Every part is safe to repeat and to run twice at once.
"""

from collections.abc import Callable

import structlog
from django.utils import timezone

from apps.clusters.connections import connect
from apps.clusters.models import Cluster
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.live import mirror
from apps.live.rows import Change
from apps.live.stored import rows
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE
from apps.pools.handover import observing, settling, switching
from apps.pools.handover.decide import PATIENCE
from apps.pools.handover.putting_back import put_back
from apps.pools.live_view import read_pod
from apps.pools.models import Holding, Intent
from apps.pools.refusals import PoolProblem
from apps.pools.statuses import IntentState

logger = structlog.get_logger(__name__)


def sweep() -> None:
    """All parts, for every active cluster; one that does not answer waits for the next time."""
    for row in Cluster.objects.filter(active=True):
        for part in (settle_open, heal_history, follow_endpoints, end_forgotten_drains):
            attempt(row.pk, part)


def attempt(cluster_id: int, part: Callable[[int, Kubernetes], None]) -> None:
    """One part on one cluster; what fails is logged and tried again next time."""
    try:
        part(cluster_id, connect(cluster_id).kubernetes)
    except (GatewayError, PoolProblem) as error:
        logger.info("sweep_postponed", part=part.__name__, cluster=cluster_id, error=str(error))


def settle_open(cluster_id: int, kubernetes: Kubernetes) -> None:
    """Intents whose action must be over by now: it died, or never got an answer."""
    old = timezone.now() - PATIENCE
    for intent in Intent.objects.filter(pool__cluster_id=cluster_id, state=IntentState.OPEN, made_at__lt=old):
        settled = settling.settle(intent.pk, kubernetes, final=True)
        logger.info("intent_recovered", intent=str(intent.pk), state=settled.state)
        switching.follow(settled)


def heal_history(cluster_id: int, kubernetes: Kubernetes) -> None:
    """Bring the history in line with the mirror, whatever events were missed."""
    pods = mirror.objects(cluster_id, "pods").filter(
        labels__contains={labels.DEPLOYMENT_TYPE: labels.MODEL_POOL}
    )
    seen = rows(pods)
    observing.pods_changed(cluster_id, [Change(old=None, new=row) for row in seen])
    if mirror.sync_state(cluster_id, "pods").loaded:
        close_gone(cluster_id, kubernetes, {row.uid for row in seen})


def close_gone(cluster_id: int, kubernetes: Kubernetes, known: set[str]) -> None:
    """End the intervals of pods that the mirror does not have; a pod that is only new to it is left alone."""
    open_ones = Holding.objects.filter(pool__cluster_id=cluster_id, to_at=None).select_related("pool")
    for holding in open_ones.exclude(pod_uid__in=known):
        pod = read_pod(kubernetes, namespace=holding.pool.namespace, name=holding.pod_name)
        if pod is None or pod.uid != holding.pod_uid or not pod.alive or pod.pool != holding.pool.name:
            observing.finish(holding.pool, [holding.pod_uid])


def follow_endpoints(cluster_id: int, kubernetes: Kubernetes) -> None:
    """Changes whose endpoints switched unnoticed."""
    switching.follow_all(cluster_id)


def end_forgotten_drains(cluster_id: int, kubernetes: Kubernetes) -> None:
    """Pods that still drain for an operation that is over go back to where they were."""
    draining = Intent.objects.filter(
        pool__cluster_id=cluster_id,
        state=IntentState.DONE,
        business=labels.DRAINING,
        holding__to_at=None,
    ).select_related("pool")
    for intent in draining:
        if not at_work(intent.operation_id):
            put_back(kubernetes, intent)


def at_work(operation_id: str) -> bool:
    """Whether the operation is still going on."""
    if not operation_id.isdigit():
        return False
    return Operation.objects.filter(pk=operation_id, status__in=ACTIVE).exists()
