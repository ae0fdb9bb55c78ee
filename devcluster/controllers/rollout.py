"""The arithmetic of a Deployment: sizes, proportions and completeness, as in upstream's deploymentutil."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from devcluster.objects import Json, annotations_of, condition, epoch, generation_of, spec_of, status_of

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        DESIRED,
        MAXIMUM,
    }
)
HASH_LABEL = "pod-template-hash"
NO_DEADLINE = 2**31 - 1


def size(owner: Json) -> int:
    """spec.replicas, 1 when absent."""
    replicas = spec_of(owner).get("replicas")
    return 1 if replicas is None else int(replicas)


def sizes(owners: Iterable[Json]) -> int:
    return sum(size(owner) for owner in owners)


def counted(owners: Iterable[Json], field: str) -> int:
    """The sum of a status field."""
    return sum(int(status_of(owner).get(field, 0)) for owner in owners)


def active(owners: Iterable[Json]) -> list[Json]:
    return [owner for owner in owners if size(owner) > 0]


def by_age(owners: Iterable[Json]) -> list[Json]:
    """Oldest first, by creation time and then name."""
    return sorted(
        owners, key=lambda owner: (owner["metadata"]["creationTimestamp"], owner["metadata"]["name"])
    )


def is_rolling(deployment: Json) -> bool:
    return bool((spec_of(deployment).get("strategy") or {}).get("type", "RollingUpdate") == "RollingUpdate")


def _scaled(value: int | str, total: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        share = int(value[:-1]) * total / 100
        return math.ceil(share) if up else math.floor(share)
    return int(value)


def fenceposts(deployment: Json) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; never both zero."""
    rolling = (spec_of(deployment).get("strategy") or {}).get("rollingUpdate") or {}
    total = size(deployment)
    surge = _scaled(rolling.get("maxSurge", "25%"), total, up=True)
    unavailable = _scaled(rolling.get("maxUnavailable", "25%"), total, up=False)
    return surge, 1 if surge == 0 and unavailable == 0 else unavailable


def max_surge(deployment: Json) -> int:
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Json) -> int:
    if not is_rolling(deployment) or size(deployment) == 0:
        return 0
    return min(fenceposts(deployment)[1], size(deployment))


def new_size(deployment: Json, everything: Sequence[Json], newest: Json) -> int:
    """How large the newest ReplicaSet may be now (NewRSNewReplicas)."""
    if not is_rolling(deployment):
        return size(deployment)
    room = size(deployment) + max_surge(deployment) - sizes(everything)
    if room <= 0:
        return size(newest)
    return size(newest) + min(room, size(deployment) - size(newest))


def proportion(replica_set: Json, deployment: Json, to_add: int, added: int) -> int:
    """This set's share of a change in the middle of a rollout (GetReplicaSetProportion)."""
    if size(replica_set) == 0 or to_add == 0 or to_add == added:
        return 0
    fraction = _fraction(replica_set, deployment)
    allowed = to_add - added
    return min(fraction, allowed) if to_add > 0 else max(fraction, allowed)


def _fraction(replica_set: Json, deployment: Json) -> int:
    if size(deployment) == 0:
        return -size(replica_set)
    most = size(deployment) + max_surge(deployment)
    noted = annotations_of(replica_set).get(MAXIMUM)
    before = int(noted) if noted else int(status_of(deployment).get("replicas", 0)) or 1
    return _rounded(size(replica_set) * most / before) - size(replica_set)


def _rounded(value: float) -> int:
    """Go's math.Round: half away from zero."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def is_saturated(deployment: Json, newest: Json | None) -> bool:
    """Whether the newest set has all pods of the Deployment, available."""
    if newest is None:
        return False
    noted = annotations_of(newest).get(DESIRED)
    wanted = size(deployment)
    return bool(
        noted
        and size(newest) == wanted
        and int(noted) == wanted
        and status_of(newest).get("availableReplicas", 0) == wanted
    )


def is_complete(deployment: Json, status: Json) -> bool:
    wanted = size(deployment)
    return bool(
        status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("observedGeneration", 0) >= generation_of(deployment)
    )


def is_progressing(deployment: Json, status: Json) -> bool:
    """Whether the new status shows any step forward from the one stored."""
    old = status_of(deployment)

    def value(source: Json, field: str) -> int:
        return int(source.get(field, 0))

    was_old = value(old, "replicas") - value(old, "updatedReplicas")
    is_old = value(status, "replicas") - value(status, "updatedReplicas")
    grown = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return is_old < was_old or any(value(status, field) > value(old, field) for field in grown)


def has_deadline(deployment: Json) -> bool:
    deadline = spec_of(deployment).get("progressDeadlineSeconds")
    return deadline is not None and deadline != NO_DEADLINE


def has_timed_out(deployment: Json, status: Json, now: float) -> bool:
    """Whether nothing moved for longer than progressDeadlineSeconds."""
    entry = condition(status.get("conditions"), "Progressing")
    if not has_deadline(deployment) or entry is None or entry["reason"] == "NewReplicaSetAvailable":
        return False
    if entry["reason"] == "ProgressDeadlineExceeded":
        return True
    return epoch(entry["lastUpdateTime"]) + float(spec_of(deployment)["progressDeadlineSeconds"]) < now


def revision_of(owner: Json) -> int:
    text = annotations_of(owner).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def same_template(left: Json, right: Json) -> bool:
    """Templates equal apart from the hash label that the controller adds."""
    return plain_template(left) == plain_template(right)


def plain_template(template: Json) -> Json:
    """The template without the hash label and the empty creationTimestamp."""
    metadata = {name: value for name, value in (template.get("metadata") or {}).items() if value}
    labels = {name: value for name, value in (metadata.get("labels") or {}).items() if name != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}
