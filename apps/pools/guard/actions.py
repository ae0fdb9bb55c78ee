"""Putting a pool's guard up and taking it away: both may be repeated, and both tidy up."""

from django.utils.translation import gettext_lazy as _lazy

from apps.audit.actions import action, note
from apps.clusters.connections import connect
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.guard import state as guard
from apps.pools.guard.state import BINDINGS, BUDGETS, POLICIES, GuardState
from apps.pools.guard.wanted import POLICY, binding_name
from apps.pools.permissions import GUARD
from apps.pools.refusals import PoolProblem
from apps.pools.targets import PoolTarget


class CannotGuard(PoolProblem):
    """The cluster, or the portal's account on it, has not what the guard needs."""

    problem_code = "cannot_guard"


@action("pools.install_guard", permission=GUARD, target="pool", label=_lazy("Guard pool"), atomic=False)
def install_guard(*, pool: PoolTarget) -> GuardState:
    """Put up what is missing or differs, and remove budgets of businesses that are gone.

    Raises CannotGuard in words, UnknownPool, GatewayError.
    """
    kubernetes = connect(pool.cluster_id).kubernetes
    wish = guard.wish_for(kubernetes, pool)
    before = guard.judge(kubernetes, pool, wish)
    note(before={"guard": before.state}, after={"guard": guard.ON})
    if before.lacking:
        raise CannotGuard(before.lacking)
    for manifest in wish.all:
        kubernetes.apply(manifest, force=True)
    for name in before.left_over:
        gone(kubernetes, BUDGETS, name, namespace=pool.namespace)
    return guard.judge(kubernetes, pool, wish)


@action("pools.remove_guard", permission=GUARD, target="pool", label=_lazy("Remove guard"), atomic=False)
def remove_guard(*, pool: PoolTarget) -> GuardState:
    """Take all of it away; the shared policy goes with its last binding. Raises UnknownPool, GatewayError."""
    kubernetes = connect(pool.cluster_id).kubernetes
    wish = guard.wish_for(kubernetes, pool)
    before = guard.judge(kubernetes, pool, wish)
    note(before={"guard": before.state}, after={"guard": guard.OFF})
    if before.state != guard.OFF:
        take_away(kubernetes, pool)
    return guard.judge(kubernetes, pool, wish)


def take_away(kubernetes: Kubernetes, pool: PoolTarget) -> None:
    """Delete the pool's part: its binding, its budgets, and the policy when nobody else needs it."""
    for item in guard.budgets_of(kubernetes, pool):
        gone(kubernetes, BUDGETS, item["metadata"]["name"], namespace=pool.namespace)
    gone(kubernetes, BINDINGS, binding_name(pool))
    if not any(item["spec"].get("policyName") == POLICY for item in kubernetes.list(BINDINGS)):
        gone(kubernetes, POLICIES, POLICY)


def gone(kubernetes: Kubernetes, resource: str, name: str, *, namespace: str = "") -> None:
    """Delete it; gone already is fine."""
    try:
        kubernetes.delete(resource, name, namespace=namespace)
    except NotFound:
        return
