"""Holding a rollout between two steps: the Deployment is paused until an old pod may be taken.

The pause carries the rollout's number, so that a pause of somebody else is never ended, and one of ours that
somebody else ended is not put back in the same step. Where a pause is not enough, see pace.py.
"""

from typing import Any

from apps.gateways import labels
from apps.gateways.errors import PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover.patch import pointer
from apps.pools.models import Rollout
from apps.pools.rollouts import pace
from apps.pools.scaling.state import PoolState

MARK = pointer("annotations", labels.ROLLOUT_HOLD)


def mark_of(state: PoolState) -> str:
    """The hold's annotation, "" for none."""
    return pace.mark_of(state.deployment)


def put(kubernetes: Kubernetes, state: PoolState, rollout: Rollout, *, firm: bool) -> None:
    """Hold the rollout, unless somebody else holds it or has ended our hold. `firm`: old pods are at stake,
    so that a pause is not enough once the new version is whole.
    """
    paused, mark = bool(state.deployment["spec"].get("paused")), mark_of(state)
    endless, before = firm and pace.is_whole(state), pace.is_endless(state.deployment)
    if paused != bool(mark) or (mark and endless == before):
        return
    kept = pace.wished(state.deployment)
    words = [rollout.pk, *kept] if endless else [rollout.pk]
    times = pace.spec_of(pace.ENDLESS, pace.ENDLESS + 1) if endless else pace.spec_of(*kept)
    body = {
        "metadata": {"annotations": {labels.ROLLOUT_HOLD: " ".join(map(str, words))}},
        "spec": {"paused": True, **(times if endless or before else {})},
    }
    kubernetes.patch_merge("deployments", state.name, body, namespace=state.namespace)


def release(kubernetes: Kubernetes, state: PoolState) -> None:
    """End our own hold; nobody else's."""
    mark = mark_of(state)
    if not mark:
        return
    change: list[dict[str, Any]] = [
        {"op": "test", "path": MARK, "value": mark},
        {"op": "remove", "path": MARK},
    ]
    if state.deployment["spec"].get("paused"):
        change.append({"op": "remove", "path": "/spec/paused"})
    if pace.is_endless(state.deployment):
        times = pace.spec_of(*pace.wished(state.deployment))
        change += [{"op": "add", "path": f"/spec/{name}", "value": value} for name, value in times.items()]
    try:
        kubernetes.patch_json("deployments", state.name, change, namespace=state.namespace)
    except PatchRefused:
        return  # somebody else changed it since the look; the next look decides
