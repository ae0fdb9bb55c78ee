"""The Guard tab: what stands in the cluster, asked when the tab is looked at, and the two buttons."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import permissions, policy
from apps.accounts.requests import UserRequest
from apps.clusters.connections import connect
from apps.pools import selectors
from apps.pools.guard import state as guard
from apps.pools.guard.actions import install_guard, remove_guard
from apps.pools.guard.state import GuardState
from apps.pools.page import Tab, pool_page, register_tab
from apps.pools.permissions import GUARD, VIEW
from apps.pools.refusals import PoolProblem
from apps.pools.targets import PoolTarget

register_tab(Tab("guard", _("Guard"), "pools:guard"))


@require_safe
def tab(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """The tab, at once; what the cluster says comes after."""
    return render(request, "pools/guard.html", pool_page(request, cluster, namespace, name, tab="guard"))


@require_safe
def state(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """What stands, asked of the cluster."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    policy.require(request.user, VIEW, cluster=pool.cluster)
    return answer(request, pool, guard.read(connect(pool.cluster_id).kubernetes, pool))


@require_POST
def install(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Put it up, or put it right."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    try:
        found = install_guard(by=request.user, pool=pool)
    except PoolProblem as problem:
        found = guard.read(connect(pool.cluster_id).kubernetes, pool)
        return answer(request, pool, found, words=str(problem), status=422)
    return answer(request, pool, found)


@require_POST
def remove(request: UserRequest, cluster: str, namespace: str, name: str) -> HttpResponse:
    """Take it away."""
    pool = selectors.pool_target(request.user, cluster, namespace, name)
    return answer(request, pool, remove_guard(by=request.user, pool=pool))


def answer(
    request: UserRequest, pool: PoolTarget, found: GuardState, *, words: str = "", status: int = 200
) -> HttpResponse:
    """The state alone for htmx, else with the page around it."""
    context = {
        "target": pool,
        "guard": found,
        "words": words,
        "may_guard": policy.may(request.user, GUARD, cluster=pool.cluster),
        "guard_refusal": permissions.get(GUARD).refusal(),
    }
    if request.headers.get("HX-Request") == "true":
        return render(request, "pools/guard.html#state", context, status=status)
    around = pool_page(request, pool.cluster, pool.namespace, pool.name, tab="guard")
    return render(request, "pools/guard.html", {**around, **context}, status=status)
