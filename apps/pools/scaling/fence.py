"""The fence: a ResourceQuota of no pods for one pool's PriorityClass, so that its ReplicaSet makes none.

It stops all healing of the pool as well, so it says whose it is and until when, and the sweep removes a
forgotten one.
"""

from datetime import datetime
from typing import Any

from apps.gateways import labels
from apps.gateways.errors import AlreadyExists, NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.operations.run import Seen
from apps.pools.scaling.names import fence_name
from apps.pools.scaling.state import PoolState

UNTIL = "hyperpod-portal.io/until"


def put_up(kubernetes: Kubernetes, state: PoolState, *, operation: str, until: datetime) -> None:
    """Create the fence; one that stands already is kept. Raises GatewayError."""
    try:
        kubernetes.create(manifest(state, operation=operation, until=until))
    except AlreadyExists:
        return


def manifest(state: PoolState, *, operation: str, until: datetime) -> dict[str, Any]:
    """The quota."""
    scope = {"scopeName": "PriorityClass", "operator": "In", "values": [state.priority_class]}
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {
            "name": fence_name(state.name),
            "namespace": state.namespace,
            "labels": {labels.MANAGED_BY: labels.PORTAL, labels.MODEL: state.name},
            "annotations": {labels.OPERATION: operation, UNTIL: until.isoformat()},
        },
        "spec": {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [scope]}},
    }


def stands(kubernetes: Kubernetes, *, namespace: str, pool: str) -> bool:
    """Whether the fence is enforced: admission goes by what a quota's status shows."""
    try:
        found = kubernetes.get("resourcequotas", fence_name(pool), namespace=namespace)
    except NotFound:
        return False
    going = found["metadata"].get("deletionTimestamp")
    hard = (found.get("status") or {}).get("hard") or {}
    return not going and str(hard.get("pods")) == "0"


def standing(kubernetes: Kubernetes, state: PoolState) -> Seen:
    """The same for a wait."""
    return Seen(done=stands(kubernetes, namespace=state.namespace, pool=state.name))


def remove(kubernetes: Kubernetes, *, namespace: str, pool: str) -> None:
    """Take it away; gone already is fine."""
    try:
        kubernetes.delete("resourcequotas", fence_name(pool), namespace=namespace)
    except NotFound:
        return


def all_of(kubernetes: Kubernetes) -> list[dict[str, Any]]:
    """Every fence of the cluster."""
    found = kubernetes.list(
        "resourcequotas", label_selector=labels.selector({labels.MANAGED_BY: labels.PORTAL})
    )
    return [item for item in found if fence_name(pool_of(item)) == item["metadata"]["name"]]


def pool_of(item: dict[str, Any]) -> str:
    """The pool that a fence is around."""
    return str((item["metadata"].get("labels") or {}).get(labels.MODEL, ""))


def owner_of(item: dict[str, Any]) -> str:
    """The operation that put it up."""
    return str((item["metadata"].get("annotations") or {}).get(labels.OPERATION, ""))
