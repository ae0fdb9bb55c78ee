"""The sweep: a fence, a mark or detached pods whose scale-down is over are put right, within seconds."""

import structlog
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.clusters.connections import connect
from apps.clusters.models import Cluster
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.operations.models import Operation
from apps.operations.statuses import ACTIVE
from apps.pools.handover.records import record_of
from apps.pools.refusals import PoolProblem
from apps.pools.scaling import fence, healing, marking

logger = structlog.get_logger(__name__)
Place = tuple[str, str]


def sweep() -> None:
    """Every active cluster; one that does not answer waits for the next time."""
    for row in Cluster.objects.filter(active=True):
        try:
            sweep_cluster(row.pk, connect(row.pk).kubernetes)
        except (GatewayError, PoolProblem) as error:
            logger.info("scale_sweep_postponed", cluster=row.pk, error=str(error))


def sweep_cluster(cluster_id: int, kubernetes: Kubernetes) -> None:
    """One cluster: two lists, and a round of healing for each pool that needs one."""
    for namespace, name in sorted(forgotten_marks(kubernetes) | forgotten_fences(kubernetes)):
        record = record_of(cluster_id, namespace, name)
        try:
            done = healing.heal(kubernetes, record)
        except (GatewayError, PoolProblem) as error:
            logger.info("scale_heal_postponed", pool=str(record), error=str(error))
        else:
            logger.info("scale_healed", pool=str(record), done=done)


def forgotten_marks(kubernetes: Kubernetes) -> set[Place]:
    """Pools whose Deployment says that a scale-down runs that does not."""
    selector = labels.selector({labels.DEPLOYMENT_TYPE: labels.MODEL_POOL})
    found = set()
    for item in kubernetes.list("deployments", label_selector=selector):
        mark = marking.of(item)
        if mark and is_over(mark.operation, overdue=mark.overdue):
            found.add((item["metadata"]["namespace"], item["metadata"]["name"]))
    return found


def forgotten_fences(kubernetes: Kubernetes) -> set[Place]:
    """Pools with a fence that nobody needs."""
    found = set()
    for item in fence.all_of(kubernetes):
        until = parse_datetime((item["metadata"].get("annotations") or {}).get(fence.UNTIL, ""))
        overdue = until is None or timezone.now() > until
        if is_over(fence.owner_of(item), overdue=overdue):
            found.add((item["metadata"]["namespace"], fence.pool_of(item)))
    return found


def is_over(operation: str, *, overdue: bool) -> bool:
    """Whether the operation has ended. One that this portal does not know is another portal's until its time
    is up.
    """
    row = Operation.objects.filter(pk=operation).first() if operation.isdigit() else None
    if row is None:
        return overdue
    return row.status not in ACTIVE
