"""Holding a rollout between two steps: the Deployment is paused until an old pod may be taken.

The pause carries the rollout's number, so that a pause of somebody else is never ended, and one of ours that
somebody else ended is not put back in the same step.
"""

from apps.gateways import labels
from apps.gateways.errors import PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.patch import pointer
from apps.pools.models import Rollout
from apps.pools.scaling.state import PoolState

MARK = pointer("annotations", labels.ROLLOUT_HOLD)


def mark_of(state: PoolState) -> str:
    """The hold's annotation, "" for none."""
    return str((state.deployment["metadata"].get("annotations") or {}).get(labels.ROLLOUT_HOLD, ""))


def put(kubernetes: Kubernetes, state: PoolState, rollout: Rollout) -> None:
    """Hold the rollout, unless somebody holds it already."""
    if mark_of(state) or state.deployment["spec"].get("paused"):
        return
    body = {"metadata": {"annotations": {labels.ROLLOUT_HOLD: str(rollout.pk)}}, "spec": {"paused": True}}
    kubernetes.patch_merge("deployments", state.name, body, namespace=state.namespace)


def release(kubernetes: Kubernetes, state: PoolState) -> None:
    """End our own hold; nobody else's."""
    mark = mark_of(state)
    if not mark:
        return
    change = [{"op": "test", "path": MARK, "value": mark}, {"op": "remove", "path": MARK}]
    if state.deployment["spec"].get("paused"):
        change.append({"op": "remove", "path": "/spec/paused"})
    try:
        kubernetes.patch_json("deployments", state.name, change, namespace=state.namespace)
    except PatchRefused:
        return  # somebody else changed it since the look; the next look decides
