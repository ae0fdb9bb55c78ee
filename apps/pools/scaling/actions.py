"""Asking for another size of a pool: from its page, the API, or inference's own ways through the guard."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.audit.entries import Target
from apps.clusters.connections import connect
from apps.inference.targets import DeploymentTarget
from apps.operations import services
from apps.operations.models import Operation
from apps.pools import selectors
from apps.pools.handover.records import record_of
from apps.pools.permissions import SCALE
from apps.pools.refusals import PoolProblem
from apps.pools.scaling.planning import Plan, plan
from apps.pools.scaling.runner import scale_pool as runner
from apps.pools.targets import PoolTarget

REQUESTS_SECONDS = 120
SHORTEST, LONGEST = 5, 3600


class BadTimeout(PoolProblem):
    """A time for last requests outside of its bounds."""

    problem_status = 422
    problem_code = "invalid"


@action("pools.scale_pool", permission=SCALE, target="pool", label=_lazy("Scale pool"), atomic=False)
def scale_pool(
    *, pool: PoolTarget, replicas: int, timeout: int = REQUESTS_SECONDS, key: str = ""
) -> Operation:
    """Ask for so many pods; going down, only free ones leave, after `timeout` seconds (5 to 3600) at most.

    Raises CannotScale in words, Busy, UnknownPool, GatewayError.
    """
    if not SHORTEST <= timeout <= LONGEST:
        raise BadTimeout(_("The last requests get 5 to 3600 seconds."))
    place = (pool.cluster_id, pool.namespace, pool.name)
    found = preview(place, replicas)
    target = Target(kind="deployment", name=pool.name, cluster=pool.cluster, namespace=pool.namespace)
    with transaction.atomic():
        return begin(place, target, found, timeout=timeout, key=key)


def scale_handler(*, deployment: DeploymentTarget, key: str = "", **wish: Any) -> Operation:
    """The handler for `scale` on a pool: the same, inside inference's action."""
    place = (deployment.cluster_id, deployment.namespace, deployment.name)
    found = preview(place, int(wish["replicas"]))
    return begin(place, deployment.audit_target(), found, timeout=REQUESTS_SECONDS, key=key)


def begin(place: tuple[int, str, str], target: Target, found: Plan, *, timeout: int, key: str) -> Operation:
    """Start the operation. Its target is the Deployment, as of all work on it: one of them at a time."""
    note(before={"replicas": found.current}, after={"replicas": found.replicas})
    return services.start(
        runner,
        target=target,
        key=key,
        pool_id=record_of(*place).pk,
        replicas=found.replicas,
        timeout=timeout,
    )


def preview(place: tuple[int, str, str], replicas: int) -> Plan:
    """What a size would do, asked of the cluster, so that no refusal is found in a log only."""
    return plan(connect(place[0]).kubernetes, record_of(*place), replicas)


def stock_of(deployment: DeploymentTarget) -> int:
    """A pool's free pods in the mirror."""
    pool = selectors.pool(deployment.cluster_id, deployment.namespace, deployment.name)
    return pool.status.free if pool else 0
