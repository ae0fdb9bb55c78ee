"""Pods and pools that exist in no cluster, for rules that are pure."""

from typing import Any

from apps.gateways import labels
from apps.pools.live_view import PodFacts, PoolView

OWNER = "current-replicaset"


def pod(name: str = "pod-1", business: str = "unassigned", **more: Any) -> PodFacts:
    facts: dict[str, Any] = {
        "name": name,
        "namespace": "default",
        "uid": f"uid-{name}",
        "business": business,
        "stamp": "",
        "annotated": True,
        "phase": "Running",
        "state": "Running",
        "ready": True,
        "deleting": False,
        "owner_uid": OWNER,
        "node": "node-1",
        "port": 8000,
        "gpus": 1,
        "labels": {labels.MODEL: "llm", labels.DEPLOYMENT_TYPE: labels.MODEL_POOL},
        "writer": "kubectl-label",
        "written_at": "",
        "version": 1,
    }
    return PodFacts(**{**facts, **more})


def view(*pods: PodFacts, closed: tuple[str, ...] = ()) -> PoolView:
    return PoolView(
        name="llm",
        namespace="default",
        owner_uid=OWNER,
        pods=pods,
        businesses={"production": ("llm-production",), "testing": ("llm-testing",)},
        draining_nodes=frozenset(closed),
    )
