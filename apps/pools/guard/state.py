"""What of a pool's guard stands in the cluster, and what its cluster and its account allow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.gateways.errors import Forbidden, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.pools.business import pool_deployment
from apps.pools.guard.wanted import Wanted, wanted
from apps.pools.live_view import businesses_of
from apps.pools.targets import PoolTarget

Json = dict[str, Any]
POLICIES, BINDINGS = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
BUDGETS = "poddisruptionbudgets"
RIGHTS = ((POLICIES, "create"), (BINDINGS, "create"), (BUDGETS, "create"))
ON, OFF, DIFFERS = "on", "off", "differs"


@dataclass(frozen=True)
class Budget:
    """A business' budget. `allowed`: pods that may be evicted at this moment, None before that is known."""

    business: str
    state: str
    least: int
    allowed: int | None = None


@dataclass(frozen=True)
class GuardState:
    """A pool's guard. `lacking` says why it cannot be put up, in words; "" when it can."""

    policy: str
    budgets: tuple[Budget, ...]
    left_over: tuple[str, ...]
    lacking: str

    @property
    def state(self) -> str:
        """on: all stands as it should; off: nothing does; differs: something does."""
        words = {self.policy, *(budget.state for budget in self.budgets)}
        if self.left_over or len(words) > 1:
            return DIFFERS
        return words.pop()


def read(kubernetes: Kubernetes, pool: PoolTarget) -> GuardState:
    """Ask the cluster. Raises UnknownPool, GatewayError."""
    return judge(kubernetes, pool, wish_for(kubernetes, pool))


def wish_for(kubernetes: Kubernetes, pool: PoolTarget) -> Wanted:
    """What the pool's guard would be with its present businesses."""
    deployment = pool_deployment(kubernetes, pool.namespace, pool.name)
    businesses = businesses_of(kubernetes, namespace=pool.namespace, pool=pool.name)
    return wanted(pool, uid=str(deployment["metadata"]["uid"]), businesses=businesses)


def judge(kubernetes: Kubernetes, pool: PoolTarget, wish: Wanted) -> GuardState:
    """Compare what stands with what should."""
    standing = {item["metadata"]["name"]: item for item in budgets_of(kubernetes, pool)}
    budgets = [described(tag, item, standing) for tag, item in wish.budgets.items()]
    known = {item["metadata"]["name"] for item in wish.budgets.values()}
    return GuardState(
        policy=policy_state(kubernetes, wish),
        budgets=tuple(budgets),
        left_over=tuple(sorted(standing.keys() - known)),
        lacking=lacking(kubernetes, pool),
    )


def described(tag: str, item: Json, standing: Mapping[str, Json]) -> Budget:
    """One budget as it stands."""
    found = standing.get(item["metadata"]["name"])
    least = int(item["spec"]["minAvailable"])
    if found is None:
        return Budget(tag, OFF, least)
    state = ON if covers(found["spec"], item["spec"]) else DIFFERS
    return Budget(tag, state, least, (found.get("status") or {}).get("disruptionsAllowed"))


def policy_state(kubernetes: Kubernetes, wish: Wanted) -> str:
    """Whether policy and binding stand; a policy without this pool's binding does nothing for it."""
    try:
        binding = kubernetes.get(BINDINGS, wish.binding["metadata"]["name"])
        policy = kubernetes.get(POLICIES, wish.policy["metadata"]["name"])
    except (NotFound, Forbidden):
        return OFF
    same = covers(policy["spec"], wish.policy["spec"]) and covers(binding["spec"], wish.binding["spec"])
    return ON if same else DIFFERS


def budgets_of(kubernetes: Kubernetes, pool: PoolTarget) -> list[Json]:
    """The budgets that the portal made for this pool, also of businesses that are gone."""
    selector = labels.selector({labels.MODEL: pool.name, labels.MANAGED_BY: labels.PORTAL})
    return kubernetes.list(BUDGETS, namespace=pool.namespace, label_selector=selector)


def covers(found: Any, wish: Any) -> bool:
    """Whether everything wished is found; what the cluster adds by default does not count."""
    if isinstance(wish, dict):
        return isinstance(found, dict) and all(covers(found.get(key), wish[key]) for key in wish)
    if isinstance(wish, list):
        same = isinstance(found, list) and len(found) == len(wish)
        return same and all(covers(one, other) for one, other in zip(found, wish, strict=True))
    return bool(found == wish)


def lacking(kubernetes: Kubernetes, pool: PoolTarget) -> str:
    """Why the guard cannot be put up on this cluster with this account."""
    if not all(kubernetes.can_i(verb, plural, namespace=pool.namespace) for plural, verb in RIGHTS):
        return _(
            "The portal's account may not do that on this cluster. Bind the role hyperpod-portal-guard of"
            " deploy/rbac.yaml to it."
        )
    try:
        kubernetes.list(BINDINGS)
    except NotFound:
        return _("This cluster has no ValidatingAdmissionPolicies; Kubernetes has them since 1.30.")
    return ""
