"""What a Deployment's status says, condition by condition, with upstream's reasons and words."""

from __future__ import annotations

from collections.abc import Sequence

from devcluster.controllers.rollout import (
    counted,
    has_deadline,
    has_timed_out,
    is_complete,
    is_progressing,
    max_unavailable,
    size,
    sizes,
)
from devcluster.objects import (
    Json,
    clean,
    condition,
    drop_condition,
    generation_of,
    put_condition,
    rfc3339,
    status_of,
)


def make_condition(kind: str, status: str, reason: str, message: str, now: float) -> Json:
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": rfc3339(now),
        "lastTransitionTime": rfc3339(now),
        "reason": reason,
        "message": message,
    }


def set_condition(conditions: list[Json], entry: Json) -> list[Json]:
    """Same status and reason change nothing; same status keeps its transition time (upstream's rule)."""
    old = condition(conditions, entry["type"])
    if old is None:
        return put_condition(conditions, entry)
    if (old["status"], old["reason"]) == (entry["status"], entry["reason"]):
        return conditions
    if old["status"] == entry["status"]:
        entry = {**entry, "lastTransitionTime": old["lastTransitionTime"]}
    return [*drop_condition(conditions, entry["type"]), entry]


def counts_and_availability(
    deployment: Json, everything: Sequence[Json], newest: Json | None, now: float
) -> Json:
    """calculateStatus: the numbers, and the Available condition."""
    available = counted(everything, "availableReplicas")
    status = clean(
        {
            "observedGeneration": generation_of(deployment),
            "replicas": counted(everything, "replicas"),
            "updatedReplicas": counted([newest] if newest else [], "replicas"),
            "readyReplicas": counted(everything, "readyReplicas"),
            "availableReplicas": available,
            "unavailableReplicas": max(0, sizes(everything) - available),
            "collisionCount": status_of(deployment).get("collisionCount"),
        }
    )
    entry = _availability(available >= size(deployment) - max_unavailable(deployment), now)
    status["conditions"] = set_condition(list(status_of(deployment).get("conditions") or ()), entry)
    return status


def _availability(enough: bool, now: float) -> Json:
    if enough:
        message = "Deployment has minimum availability."
        return make_condition("Available", "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return make_condition("Available", "False", "MinimumReplicasUnavailable", message, now)


def rollout_status(deployment: Json, everything: Sequence[Json], newest: Json | None, now: float) -> Json:
    """syncRolloutStatus: counts, Available, Progressing and ReplicaFailure."""
    status = counts_and_availability(deployment, everything, newest, now)
    conditions: list[Json] = status["conditions"]
    if not has_deadline(deployment):
        conditions = drop_condition(conditions, "Progressing")
    elif not _was_complete(deployment, status):
        conditions = _progress(deployment, status, newest, now)
    status["conditions"] = _failures(conditions, everything, newest, now)
    return status


def _was_complete(deployment: Json, status: Json) -> bool:
    entry = condition(status_of(deployment).get("conditions"), "Progressing")
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    return settled and entry is not None and entry["reason"] == "NewReplicaSetAvailable"


def _progress(deployment: Json, status: Json, newest: Json | None, now: float) -> list[Json]:
    conditions: list[Json] = status["conditions"]
    subject = (
        f'ReplicaSet "{newest["metadata"]["name"]}"'
        if newest
        else (f'Deployment "{deployment["metadata"]["name"]}"')
    )
    if is_complete(deployment, status):
        message = f"{subject} has successfully progressed."
        entry = make_condition("Progressing", "True", "NewReplicaSetAvailable", message, now)
        return set_condition(conditions, entry)
    if is_progressing(deployment, status):
        return _step_forward(conditions, f"{subject} is progressing.", now)
    if has_timed_out(deployment, status, now):
        message = f"{subject} has timed out progressing."
        entry = make_condition("Progressing", "False", "ProgressDeadlineExceeded", message, now)
        return set_condition(conditions, entry)
    return conditions


def _step_forward(conditions: list[Json], message: str, now: float) -> list[Json]:
    """Every step moves lastUpdateTime, so the deadline starts anew."""
    entry = make_condition("Progressing", "True", "ReplicaSetUpdated", message, now)
    old = condition(conditions, "Progressing")
    if old is not None and old["status"] == "True":
        entry["lastTransitionTime"] = old["lastTransitionTime"]
    return [*drop_condition(conditions, "Progressing"), entry]


def _failures(
    conditions: list[Json], everything: Sequence[Json], newest: Json | None, now: float
) -> list[Json]:
    ordered = ([newest] if newest else []) + [entry for entry in everything if entry is not newest]
    for replica_set in ordered:
        found = condition(status_of(replica_set).get("conditions"), "ReplicaFailure")
        if found is not None:
            entry = make_condition("ReplicaFailure", found["status"], found["reason"], found["message"], now)
            return set_condition(conditions, entry)
    return drop_condition(conditions, "ReplicaFailure")
