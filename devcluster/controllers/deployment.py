"""The Deployment controller: rolling updates, recreation, proportional scaling, pause, revisions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.controllers.deployment_status import (
    counts_and_availability,
    make_condition,
    rollout_status,
    set_condition,
)
from devcluster.controllers.pods import is_finished
from devcluster.controllers.references import claim
from devcluster.controllers.revisions import Revisions
from devcluster.controllers.rollout import (
    DESIRED,
    active,
    by_age,
    counted,
    has_deadline,
    is_complete,
    is_rolling,
    max_unavailable,
    new_size,
    revision_of,
    size,
    sizes,
)
from devcluster.controllers.scaling import Scaling, everything_of
from devcluster.objects import (
    Json,
    Key,
    annotations_of,
    condition,
    controller_ref,
    epoch,
    generation_of,
    is_terminating,
    key_of,
    labels_of,
    matches,
    spec_of,
    status_of,
    uid_of,
    with_status,
)
from devcluster.resources import resource
from devcluster.store import Event

PODS = resource("pods")
REPLICASETS = resource("replicasets")
DEPLOYMENTS = resource("deployments")
COMPONENT = "deployment-controller"


class DeploymentController(Controller):
    name = "deployment"

    def start(self) -> None:
        self.deployments = self.watch(DEPLOYMENTS, self.enqueue)
        self.sets = self.watch(REPLICASETS, self._on_set)
        self.pods = self.watch(PODS, self._on_pod)
        self.scaling = Scaling(self)
        self.revisions = Revisions(self)
        for key in self.deployments.names():
            self.queue.add(key)

    # --- events -------------------------------------------------------------------------------------

    def _on_set(self, event: Event) -> None:
        references = [controller_ref(obj) for obj in (event.obj, event.previous) if obj is not None]
        owners = {ref["name"] for ref in references if ref and ref["kind"] == "Deployment"}
        for name in owners:
            self.queue.add((event.key[0], name))
        if not owners and event.type != "DELETED":
            self._add_would_be_owners(event.obj)

    def _add_would_be_owners(self, replica_set: Json) -> None:
        for deployment in self.deployments.list(key_of(replica_set)[0]):
            if matches(spec_of(deployment).get("selector"), labels_of(replica_set)):
                self.queue.add(key_of(deployment))

    def _on_pod(self, event: Event) -> None:
        """Only Recreate waits for pods to be gone."""
        if event.type != "DELETED":
            return
        reference = controller_ref(event.obj)
        parent = self.sets.get((event.key[0], reference["name"])) if reference else None
        owner = controller_ref(parent) if parent else None
        deployment = self.deployments.get((event.key[0], owner["name"])) if owner else None
        if deployment is not None and not is_rolling(deployment):
            self.queue.add(key_of(deployment))

    # --- one pass -----------------------------------------------------------------------------------

    def sync(self, key: Hashable) -> None:
        deployment = self.deployments.get(cast(Key, key))
        if deployment is None:
            return
        sets = self._claimed(deployment)
        if is_terminating(deployment):
            self._sync_status_only(deployment, sets)
            return
        deployment = self._mark_pause(deployment)
        if spec_of(deployment).get("paused") or self._is_scaling(deployment, sets):
            self._sync_scale(deployment, sets)
        elif is_rolling(deployment):
            self._roll(deployment, sets)
        else:
            self._recreate(deployment, sets)

    def _claimed(self, deployment: Json) -> list[Json]:
        sets = claim(
            self,
            owner=deployment,
            owner_resource=DEPLOYMENTS,
            children=self.sets.list(key_of(deployment)[0]),
            child_resource=REPLICASETS,
            selector=spec_of(deployment).get("selector"),
        )
        return by_age(sets)

    def _mark_pause(self, deployment: Json) -> Json:
        """Progressing becomes Unknown while paused, so that no deadline passes."""
        entry = condition(status_of(deployment).get("conditions"), "Progressing")
        if not has_deadline(deployment) or (entry and entry["reason"] == "ProgressDeadlineExceeded"):
            return deployment
        paused = bool(spec_of(deployment).get("paused"))
        noted = entry is not None and entry["reason"] == "DeploymentPaused"
        if paused == noted:
            return deployment
        word = "paused" if paused else "resumed"
        reason = f"Deployment{word.capitalize()}"
        entry = make_condition("Progressing", "Unknown", reason, f"Deployment is {word}", self.clock.now())
        return self.add_condition(deployment, entry)

    def add_condition(self, deployment: Json, entry: Json) -> Json:
        """Write one condition; Conflict when the cache is behind."""
        conditions = set_condition(list(status_of(deployment).get("conditions") or ()), entry)
        changed = with_status(deployment, {**status_of(deployment), "conditions": conditions})
        return self.update_status(DEPLOYMENTS, changed)

    def _is_scaling(self, deployment: Json, sets: list[Json]) -> bool:
        """A ReplicaSet noted another size of the Deployment than it has now."""
        noted = (annotations_of(entry).get(DESIRED) for entry in active(sets))
        return any(text is not None and int(text) != size(deployment) for text in noted)

    # --- scaling ------------------------------------------------------------------------------------

    def _sync_status_only(self, deployment: Json, sets: list[Json]) -> None:
        newest, old = self.revisions.split(deployment, sets)
        self._write(
            deployment,
            counts_and_availability(deployment, everything_of(newest, old), newest, self.clock.now()),
        )

    def _sync_scale(self, deployment: Json, sets: list[Json]) -> None:
        deployment, newest, old = self.revisions.sync(deployment, sets, create=False)
        newest, old = self.scaling.scale(deployment, newest, old)
        if spec_of(deployment).get("paused"):
            self._clean_up(deployment, old)
        self._write(
            deployment,
            counts_and_availability(deployment, everything_of(newest, old), newest, self.clock.now()),
        )

    # --- rollouts -----------------------------------------------------------------------------------

    def _roll(self, deployment: Json, sets: list[Json]) -> None:
        deployment, newest, old = self.revisions.sync(deployment, sets, create=True)
        newest = cast(Json, newest)
        if self._grow_newest(deployment, newest, old) or self._shrink_old(deployment, newest, old):
            self._sync_rollout(deployment, newest, old)
            return
        if is_complete(deployment, status_of(deployment)):
            self._clean_up(deployment, old)
        self._sync_rollout(deployment, newest, old)

    def _grow_newest(self, deployment: Json, newest: Json, old: list[Json]) -> bool:
        if size(newest) == size(deployment):
            return False
        if size(newest) > size(deployment):
            return bool(self.scaling.resize(deployment, newest, size(deployment)))
        return bool(self.scaling.resize(deployment, newest, new_size(deployment, [*old, newest], newest)))

    def _shrink_old(self, deployment: Json, newest: Json, old: list[Json]) -> bool:
        if sizes(old) == 0:
            return False
        minimum = size(deployment) - max_unavailable(deployment)
        new_unavailable = size(newest) - counted([newest], "availableReplicas")
        most = sizes([*old, newest]) - minimum - new_unavailable
        if most <= 0:
            return False
        old, cleaned = self._drop_unhealthy(deployment, old, most)
        return self._drop_available(deployment, [*old, newest], old, minimum) + cleaned > 0

    def _drop_unhealthy(self, deployment: Json, old: list[Json], most: int) -> tuple[list[Json], int]:
        """Old pods that serve nobody go first."""
        total, kept = 0, []
        for entry in by_age(old):
            broken = size(entry) - counted([entry], "availableReplicas")
            count = min(most - total, broken) if size(entry) else 0
            changed = self.scaling.resize(deployment, entry, size(entry) - count) if count > 0 else []
            total += max(0, count)
            kept.append(changed[0] if changed else entry)
        return kept, total

    def _drop_available(self, deployment: Json, everything: list[Json], old: list[Json], minimum: int) -> int:
        spare = counted(everything, "availableReplicas") - minimum
        total = 0
        for entry in by_age(old):
            count = min(size(entry), spare - total)
            if count > 0:
                self.scaling.resize(deployment, entry, size(entry) - count)
                total += count
        return total

    def _recreate(self, deployment: Json, sets: list[Json]) -> None:
        deployment, newest, old = self.revisions.sync(deployment, sets, create=False)
        shrunk = [entry for item in active(old) for entry in self.scaling.resize(deployment, item, 0)]
        if shrunk or self._old_pods_run(deployment, newest, old):
            self._sync_rollout(deployment, newest, old)
            return
        if newest is None:
            deployment, newest, old = self.revisions.sync(deployment, sets, create=True)
        self.scaling.resize(deployment, cast(Json, newest), size(deployment))
        if is_complete(deployment, status_of(deployment)):
            self._clean_up(deployment, old)
        self._sync_rollout(deployment, newest, old)

    def _old_pods_run(self, deployment: Json, newest: Json | None, old: list[Json]) -> bool:
        if counted(old, "replicas"):
            return True
        owners = {uid_of(entry) for entry in old}
        pods = self.pods.list(key_of(deployment)[0])
        return any((controller_ref(pod) or {}).get("uid") in owners and not is_finished(pod) for pod in pods)

    # --- status and cleaning ------------------------------------------------------------------------

    def _sync_rollout(self, deployment: Json, newest: Json | None, old: list[Json]) -> None:
        status = rollout_status(deployment, everything_of(newest, old), newest, self.clock.now())
        if not self._write(deployment, status):
            self._look_again_at_deadline(deployment, status)

    def _write(self, deployment: Json, status: Json) -> bool:
        if status == status_of(deployment):
            return False
        self.update_status(DEPLOYMENTS, with_status(deployment, status))
        return True

    def _look_again_at_deadline(self, deployment: Json, status: Json) -> None:
        entry = condition(status.get("conditions"), "Progressing")
        if entry is None or not has_deadline(deployment) or is_complete(deployment, status):
            return
        if entry["reason"] == "ProgressDeadlineExceeded":
            return
        due = epoch(entry["lastUpdateTime"]) + spec_of(deployment)["progressDeadlineSeconds"]
        self.queue.add_after(key_of(deployment), max(0.0, due - self.clock.now()) + 1)

    def _clean_up(self, deployment: Json, old: list[Json]) -> None:
        """Delete the oldest empty ReplicaSets beyond revisionHistoryLimit."""
        limit = spec_of(deployment).get("revisionHistoryLimit", 10)
        alive = [entry for entry in old if not is_terminating(entry)]
        surplus = len(alive) - limit
        for entry in sorted(alive, key=revision_of)[: max(0, surplus)]:
            seen = status_of(entry).get("observedGeneration", 0) >= generation_of(entry)
            if size(entry) == 0 and counted([entry], "replicas") == 0 and seen:
                self.delete(REPLICASETS, entry)
