"""Sizes of a Deployment's ReplicaSets: all of it to one set, or shared in the middle of a rollout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devcluster.controllers.rollout import (
    DESIRED,
    MAXIMUM,
    active,
    by_age,
    is_rolling,
    is_saturated,
    max_surge,
    proportion,
    size,
    sizes,
)
from devcluster.objects import Json, annotations_of, uid_of, with_annotations, with_spec
from devcluster.resources import resource

if TYPE_CHECKING:
    from devcluster.controllers.deployment import DeploymentController

REPLICASETS = resource("replicasets")
COMPONENT = "deployment-controller"


class Scaling:
    """Works for one DeploymentController."""

    def __init__(self, controller: DeploymentController) -> None:
        self._controller = controller

    def scale(self, deployment: Json, newest: Json | None, old: list[Json]) -> tuple[Json | None, list[Json]]:
        """The sets as the API answered, not as the cache has them: status is computed from them."""
        only = _active_or_latest(newest, old)
        if only is not None:
            changed = self.resize(deployment, only, size(deployment))
        elif is_saturated(deployment, newest):
            changed = [entry for item in active(old) for entry in self.resize(deployment, item, 0)]
        elif is_rolling(deployment):
            changed = self._scale_in_proportion(deployment, active(everything_of(newest, old)))
        else:
            changed = []
        fresh = {uid_of(entry): entry for entry in changed}
        return (
            fresh.get(uid_of(newest), newest) if newest else None,
            [fresh.get(uid_of(entry), entry) for entry in old],
        )

    def _scale_in_proportion(self, deployment: Json, sets: list[Json]) -> list[Json]:
        wanted = size(deployment)
        to_add = (wanted + max_surge(deployment) if wanted > 0 else 0) - sizes(sets)
        newer_first = to_add > 0
        ordered = sorted(by_age(sets)[:: -1 if newer_first else 1], key=size, reverse=True)
        targets, added = [], 0
        for entry in ordered:
            share = proportion(entry, deployment, to_add, added) if to_add else 0
            targets.append(size(entry) + share)
            added += share
        if targets and to_add:
            targets[0] = max(0, targets[0] + to_add - added)
        pairs = zip(ordered, targets, strict=True)
        return [changed for entry, target in pairs for changed in self.resize(deployment, entry, target)]

    def resize(self, deployment: Json, replica_set: Json, target: int) -> list[Json]:
        """Give a ReplicaSet its new size and notes; [] when nothing changed. Conflict when stale."""
        noted = {DESIRED: str(size(deployment)), MAXIMUM: str(size(deployment) + max_surge(deployment))}
        before = size(replica_set)
        unchanged = noted.items() <= annotations_of(replica_set).items()
        if before == target and unchanged:
            return []
        changed = with_spec(with_annotations(replica_set, noted), replicas=target)
        stored = self._controller.update(REPLICASETS, changed)
        if before != target:
            self.note_scaling(deployment, stored, before, target)
        return [stored]

    def note_scaling(self, deployment: Json, replica_set: Json, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {replica_set['metadata']['name']} from {before} to {after}"
        self._controller.recorder.normal(COMPONENT, deployment, "ScalingReplicaSet", message)


def everything_of(newest: Json | None, old: list[Json]) -> list[Json]:
    """All ReplicaSets of a Deployment, the newest last."""
    return [*old, newest] if newest else list(old)


def _active_or_latest(newest: Json | None, old: list[Json]) -> Json | None:
    """The one set to scale, or None in the middle of a rollout (FindActiveOrLatest)."""
    running = active(everything_of(newest, old))
    if len(running) == 1:
        return running[0]
    if running:
        return None
    return newest or (by_age(old)[-1] if old else None)
