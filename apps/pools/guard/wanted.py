"""What a pool's guard consists of: the objects as they should stand in the cluster."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.audit import context
from apps.gateways import labels, manifests
from apps.inference.naming import priority_class
from apps.pools.models import Share
from apps.pools.targets import PoolTarget

Json = dict[str, Any]
POLICY = "hyperpod-portal-lent-pods"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"


@dataclass(frozen=True)
class Wanted:
    """The policy, the pool's binding, and a budget per business."""

    policy: Json
    binding: Json
    budgets: Mapping[str, Json]

    @property
    def all(self) -> tuple[Json, ...]:
        """In the order in which they are put up."""
        return (self.policy, self.binding, *self.budgets.values())


def wanted(pool: PoolTarget, *, uid: str, businesses: Mapping[str, Any]) -> Wanted:
    """The guard of a pool whose Deployment has this uid, for its businesses (tags)."""
    policy, binding = manifests.render(
        "pool_guard",
        policy=POLICY,
        binding=binding_name(pool),
        namespace=pool.namespace,
        pool=pool.name,
        expression=expression(),
        words=_("This pod is lent; the portal scales its pool without it."),
        actor=context.current().actor_name,
    )
    floors = floors_of(pool)
    budgets = {tag: budget(pool, uid, tag, max(1, floors.get(tag, 1))) for tag in sorted(businesses)}
    return Wanted(policy, binding, budgets)


def expression() -> str:
    """CEL: whoever deletes is not the ReplicaSet controller, or nobody has the pod."""
    label = f"oldObject.metadata.labels.{labels.BUSINESS}"
    free = f"{label} in ['{labels.UNASSIGNED}', '{labels.RETIRING}']"
    return f"request.userInfo.username != '{CONTROLLER}' || !has({label}) || {free}"


def budget(pool: PoolTarget, uid: str, business: str, least: int) -> Json:
    """One business' budget: `least` of its pods stay Ready through drains and evictions."""
    return manifests.render(
        "pool_budget",
        name=budget_name(pool.name, business),
        namespace=pool.namespace,
        pool=pool.name,
        pool_uid=uid,
        business=business,
        least=least,
        actor=context.current().actor_name,
    )[0]


def floors_of(pool: PoolTarget) -> dict[str, int]:
    """The floors that the pool's shares promise."""
    shares = Share.objects.filter(
        policy__pool__cluster_id=pool.cluster_id,
        policy__pool__namespace=pool.namespace,
        policy__pool__name=pool.name,
    )
    return dict(shares.values_list("business", "floor"))


def binding_name(pool: PoolTarget) -> str:
    """Bindings have no namespace, so the name tells pools of one name apart."""
    return f"{priority_class(pool.namespace, pool.name)}-guard"


def budget_name(pool: str, business: str) -> str:
    """A tag may have letters that a name may not, so its fingerprint stands for it."""
    mark = hashlib.sha256(business.encode()).hexdigest()[:8]
    return f"{pool[:45].rstrip('-')}-{mark}-guard"
