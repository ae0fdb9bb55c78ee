"""For how long a new pod must be Ready before it counts: as people wished it, or without end in a hold.

A paused Deployment is not quite still: once all pods of the newest version are available, its controller ends
every older one, paused or not (`IsSaturated` in upstream's sync). So while the newest version is whole and an
old pod still has a business or requests, none of its pods may count as available yet.
"""

from collections.abc import Mapping
from typing import Any

from apps.gateways import labels
from apps.pools.scaling.state import PoolState

ENDLESS = 86_400
DEADLINE = 600
Deployment = Mapping[str, Any]


def mark_of(deployment: Deployment) -> str:
    """The hold's annotation: the rollout's number, then the wished times where ours stand; "" for none."""
    return str((deployment["metadata"].get("annotations") or {}).get(labels.ROLLOUT_HOLD, ""))


def wished(deployment: Deployment) -> tuple[int, int]:
    """`minReadySeconds` and `progressDeadlineSeconds` as people want them."""
    kept = mark_of(deployment).split()[1:]
    if len(kept) == 2 and is_endless(deployment):
        return int(kept[0]), int(kept[1])
    spec = deployment["spec"]
    return int(spec.get("minReadySeconds") or 0), int(spec.get("progressDeadlineSeconds") or DEADLINE)


def is_endless(item: Mapping[str, Any]) -> bool:
    """Whether no new pod of a Deployment or ReplicaSet ever counts as available."""
    return int(item["spec"].get("minReadySeconds") or 0) == ENDLESS


def is_whole(state: PoolState) -> bool:
    """Whether the newest version has been given all its pods."""
    return bool(state.newest) and int((state.newest or {})["spec"].get("replicas", 0)) >= state.replicas


def spec_of(seconds: int, deadline: int) -> dict[str, int]:
    """Both as the Deployment has them; the deadline must be the longer one."""
    return {"minReadySeconds": seconds, "progressDeadlineSeconds": deadline}
