"""The living models of the demo, made by the same actions as people use; whatever is there already stays."""

import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

from django.core.management.base import CommandError

from apps.accounts.models import User
from apps.clusters.connections import connect
from apps.clusters.models import Cluster
from apps.gateways import labels
from apps.inference import records
from apps.inference.actions import deploy_model
from apps.inference.forms import DeployForm
from apps.live import mirror
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.actions import assign_pod, create_business_service
from apps.pools.business import ServiceWish
from apps.pools.live_view import look
from apps.pools.targets import PodTarget, PoolTarget

PATIENCE = 120.0
"""Seconds for the cluster to be mirrored, for an earlier start's work to end, and for pods to be ready."""
POOL = "qwen3-pool"
WORKLOADS: tuple[dict[str, Any], ...] = (
    {
        "name": POOL,
        "command": "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096",
        "replicas": 6,
        "as_pool": True,
    },
    {
        "name": "llama-chat",
        "command": "python -m sglang.launch_server --model-path meta-llama/Llama-3.1-8B-Instruct --tp-size 2",
        "replicas": 2,
    },
)
LENT = {"production": 3, "testing": 1}
REASON = "demo"


def deploy_all(*, by: User, cluster: Cluster) -> dict[str, Operation]:
    """Begin to deploy what the cluster does not have yet; the operations by name. CommandError when late."""
    until(lambda: listed(cluster), "The watcher has not listed the cluster")
    for workload in WORKLOADS:
        until(partial(settled, cluster, workload["name"]), f"{workload['name']} is still in use")
    missing = [workload for workload in WORKLOADS if not there(cluster, workload["name"])]
    return {workload["name"]: deploy(by, cluster, workload) for workload in missing}


def lend(*, by: User, cluster: Cluster, operation: Operation) -> None:
    """Once the pool is ready, give it two businesses with a few of its pods."""
    until(lambda: ended(operation), f"{operation} takes too long")
    if operation.status != OperationStatus.SUCCEEDED:
        return
    pool = PoolTarget(cluster.pk, cluster.slug, cluster.default_namespace, POOL)
    seen = look(connect(cluster.pk).kubernetes, namespace=pool.namespace, name=pool.name)
    free = iter([pod.name for pod in seen.pods if seen.live(pod) and pod.business == labels.UNASSIGNED])
    for business, count in LENT.items():
        wish = ServiceWish(name=f"qwen3-{business}", business=business)
        create_business_service(by=by, reason=REASON, pool=pool, wish=wish)
        for pod in islice(free, count):
            assign_pod(by=by, reason=REASON, pod=PodTarget(pool, pod, business))


def deploy(by: User, cluster: Cluster, workload: dict[str, Any]) -> Operation:
    """One workload through the form that people fill in."""
    form = DeployForm({"namespace": cluster.default_namespace, **workload}, cluster=cluster)
    if not form.is_valid():
        raise CommandError(f"{workload['name']}: {form.errors.as_text()}")
    return deploy_model(by=by, cluster=cluster, wish=form.wish, reason=REASON)


def listed(cluster: Cluster) -> bool:
    """Whether the mirror was filled from the cluster as it is registered now; a new start has a new one."""
    state = mirror.sync_state(cluster.pk, "deployments")
    return state.synced_at is not None and state.synced_at > cluster.updated_at


def there(cluster: Cluster, name: str) -> bool:
    """Whether the cluster has the deployment."""
    place = {"namespace": cluster.default_namespace, "name": name}
    return mirror.objects(cluster.pk, "deployments").filter(**place).exists()


def settled(cluster: Cluster, name: str) -> bool:
    """Whether it is there, or no record holds the name any more: that of an earlier start may for a while."""
    return there(cluster, name) or name not in records.taken_names(cluster.pk, cluster.default_namespace)


def ended(operation: Operation) -> bool:
    operation.refresh_from_db()
    return not operation.active


def until(true: Callable[[], bool], otherwise: str) -> None:
    """Wait for something; CommandError with these words when it does not come."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise CommandError(f"{otherwise} after {PATIENCE:.0f} s")
        time.sleep(0.5)
