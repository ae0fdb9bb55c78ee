"""The JSON API of a pool's guard: `/api/c/<cluster>/pools/<namespace>/<name>/guard`."""

from django.http import HttpRequest
from ninja import Path, Router, Schema

from apps.clusters import choice
from apps.clusters.connections import connect
from apps.pools.api import seen, target
from apps.pools.guard import state as guard
from apps.pools.guard.actions import install_guard, remove_guard
from apps.pools.guard.state import GuardState

router = Router(tags=["pools"])
PLACE = "/pools/{namespace}/{name}/guard"


class BudgetOut(Schema):
    """A business' disruption budget: `least` pods stay Ready, `allowed` may be evicted now."""

    business: str
    state: str
    least: int
    allowed: int | None


class GuardOut(Schema):
    """`state` and `policy` are on, off or differs; `lacking` says why the guard cannot be put up."""

    state: str
    policy: str
    budgets: list[BudgetOut]
    leftOver: list[str]
    lacking: str


@router.get(PLACE, url_name="pool_guard", response=GuardOut, summary="A pool's guard")
def read(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> GuardOut:
    """What of the guard stands in the cluster."""
    pool = target(seen(request, cluster), namespace, name)
    return described(guard.read(connect(pool.cluster_id).kubernetes, pool))


@router.put(PLACE, url_name="pool_guard", response=GuardOut, summary="Guard a pool")
def install(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> GuardOut:
    """Put it up, or put it right."""
    pool = target(seen(request, cluster), namespace, name)
    return described(install_guard(by=choice.person(request), pool=pool))


@router.delete(PLACE, url_name="pool_guard", response=GuardOut, summary="Remove a pool's guard")
def remove(request: HttpRequest, cluster: Path[str], namespace: str, name: str) -> GuardOut:
    """Take it away."""
    pool = target(seen(request, cluster), namespace, name)
    return described(remove_guard(by=choice.person(request), pool=pool))


def described(found: GuardState) -> GuardOut:
    """The state in the API's words."""
    return GuardOut(
        state=found.state,
        policy=found.policy,
        budgets=[
            BudgetOut(business=item.business, state=item.state, least=item.least, allowed=item.allowed)
            for item in found.budgets
        ],
        leftOver=list(found.left_over),
        lacking=found.lacking,
    )
