"""The JSON API of distributions."""

from django.http import HttpRequest
from ninja import Path, Router

from apps.accounts import policy
from apps.clusters import choice
from apps.pools.api import named, seen, target
from apps.pools.distribution import actions, shapes
from apps.pools.permissions import ASSIGN
from apps.pools.targets import PoolTarget

router = Router(tags=["pools"])
flat_router = Router(tags=["earlier panel"])


@router.post(
    "/pools/{namespace}/{name}/distribute",
    url_name="pool_distribute",
    response=shapes.DistributedOut,
    summary="Distribute pods by ratio",
    by_alias=True,
)
def distribute(
    request: HttpRequest, cluster: Path[str], namespace: str, name: str, wish: shapes.DistributeIn
) -> shapes.DistributedOut:
    """Share a pool's pods out, all moves or none; with `dryRun` only say which."""
    return answer(request, target(seen(request, cluster), namespace, name), wish)


@flat_router.post(
    "/distribute-pods",
    url_name="distribute_pods",
    response=shapes.DistributedOut,
    summary="Distribute pods by ratio",
    by_alias=True,
)
def flat_distribute(
    request: HttpRequest, wish: shapes.FlatDistributeIn, cluster: str = "", namespace: str = ""
) -> shapes.DistributedOut:
    """Share a pool's pods out, all moves or none; with `dryRun` only say which."""
    return answer(request, named(request, cluster, namespace, wish.deploymentName), wish)


def answer(request: HttpRequest, pool: PoolTarget, wish: shapes.DistributeIn) -> shapes.DistributedOut:
    """The plan, carried out unless it is a dry run. A dry run needs the same role: it asks the cluster."""
    person = choice.person(request)
    if wish.dryRun:
        policy.require(person, ASSIGN, cluster=pool.cluster)
        return shapes.plan_out(actions.preview(pool, wish.wanted()))
    begun = actions.distribute_pods(
        by=person, pool=pool, wanted=wish.wanted(), how=wish.how(), reason=wish.reason
    )
    return shapes.begun_out(begun)
