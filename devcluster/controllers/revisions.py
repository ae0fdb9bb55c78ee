"""A Deployment's ReplicaSets by revision: finds, makes and annotates the newest one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from devcluster.controllers.deployment_status import make_condition
from devcluster.controllers.rollout import (
    DESIRED,
    HASH_LABEL,
    HISTORY,
    MAXIMUM,
    NOT_COPIED,
    REVISION,
    by_age,
    has_deadline,
    max_surge,
    new_size,
    plain_template,
    revision_of,
    same_template,
    size,
)
from devcluster.errors import AlreadyExists, ApiError
from devcluster.objects import (
    Json,
    annotations_of,
    condition,
    hashed,
    is_owned_by,
    key_of,
    owner_reference,
    spec_of,
    status_of,
    with_annotations,
    with_metadata,
    with_spec,
    with_status,
)
from devcluster.resources import resource

if TYPE_CHECKING:
    from devcluster.controllers.deployment import DeploymentController

REPLICASETS = resource("replicasets")
DEPLOYMENTS = resource("deployments")


class Revisions:
    """Works for one DeploymentController."""

    def __init__(self, controller: DeploymentController) -> None:
        self._controller = controller

    def split(self, deployment: Json, sets: list[Json]) -> tuple[Json | None, list[Json]]:
        """(the oldest set with the Deployment's template, all others)."""
        template = spec_of(deployment)["template"]
        fitting = [entry for entry in by_age(sets) if same_template(spec_of(entry)["template"], template)]
        newest = fitting[0] if fitting else None
        return newest, [entry for entry in sets if entry is not newest]

    def sync(
        self, deployment: Json, sets: list[Json], *, create: bool
    ) -> tuple[Json, Json | None, list[Json]]:
        """The Deployment as written, its newest ReplicaSet (made when `create`), and the old ones."""
        newest, old = self.split(deployment, sets)
        revision = max((revision_of(entry) for entry in old), default=0) + 1
        if newest is not None:
            newest = self._annotate(deployment, newest, revision)
            deployment = self._note_found(deployment, newest)
        elif create:
            newest = self._make(deployment, old, revision)
            deployment = self._note_created(deployment, newest)
        return deployment, newest, old

    # --- the newest ---------------------------------------------------------------------------------

    def _annotate(self, deployment: Json, newest: Json, revision: int) -> Json:
        """Copies the Deployment's annotations and, after a rollback, gives an old set the next revision."""
        changes = copied_annotations(deployment)
        noted = annotations_of(newest).get(REVISION)
        if revision_of(newest) < revision:
            changes[REVISION] = str(revision)
            if noted:
                past = annotations_of(newest).get(HISTORY)
                changes[HISTORY] = f"{past},{noted}" if past else noted
        wait = spec_of(deployment).get("minReadySeconds", 0)
        changed = with_annotations(newest, changes) if changes else newest
        if spec_of(newest).get("minReadySeconds", 0) != wait:
            changed = with_spec(changed, minReadySeconds=wait)
        return newest if changed == newest else self._controller.update(REPLICASETS, changed)

    def _make(self, deployment: Json, old: list[Json], revision: int) -> Json:
        manifest = new_replica_set(deployment, revision)
        target = new_size(deployment, [*old, manifest], manifest)
        manifest = with_spec(manifest, replicas=target)
        try:
            made = self._controller.create(REPLICASETS, manifest)
        except AlreadyExists:
            return self._taken(deployment, manifest)
        except ApiError as error:
            self._note_failure(deployment, error)
            raise
        if target > 0:
            self._controller.scaling.note_scaling(deployment, made, 0, target)
        return made

    def _taken(self, deployment: Json, manifest: Json) -> Json:
        """The name exists: ours with the same template, or a hash collision (then another name next time)."""
        found = self._controller.live(REPLICASETS, key_of(manifest))
        template = spec_of(deployment)["template"]
        if found and is_owned_by(found, deployment) and same_template(spec_of(found)["template"], template):
            return found
        status = status_of(deployment)
        count = int(status.get("collisionCount", 0)) + 1
        self._controller.update_status(
            DEPLOYMENTS, with_status(deployment, {**status, "collisionCount": count})
        )
        raise AlreadyExists(REPLICASETS.plural, manifest["metadata"]["name"], REPLICASETS.group)

    # --- the Deployment's side ----------------------------------------------------------------------

    def _note_found(self, deployment: Json, newest: Json) -> Json:
        missing = condition(status_of(deployment).get("conditions"), "Progressing") is None
        if has_deadline(deployment) and missing:
            message = f'Found new replica set "{newest["metadata"]["name"]}"'
            return self._note(deployment, newest, "FoundNewReplicaSet", message)
        return self._note(deployment, newest, "", "")

    def _note_created(self, deployment: Json, newest: Json) -> Json:
        message = f'Created new replica set "{newest["metadata"]["name"]}"'
        reason = "NewReplicaSetCreated" if has_deadline(deployment) else ""
        return self._note(deployment, newest, reason, message)

    def _note(self, deployment: Json, newest: Json, reason: str, message: str) -> Json:
        changed = deployment
        revision = annotations_of(newest).get(REVISION, "")
        if annotations_of(deployment).get(REVISION) != revision:
            changed = with_annotations(deployment, {REVISION: revision})
        if reason:
            entry = make_condition("Progressing", "True", reason, message, self._controller.clock.now())
            return self._controller.add_condition(changed, entry)
        return deployment if changed is deployment else self._controller.update_status(DEPLOYMENTS, changed)

    def _note_failure(self, deployment: Json, error: ApiError) -> None:
        message = f"Failed to create new replica set: {error.message}"
        entry = make_condition("Progressing", "False", "FailedCreate", message, self._controller.clock.now())
        self._controller.add_condition(deployment, entry)


def copied_annotations(deployment: Json) -> dict[str, str]:
    return {name: value for name, value in annotations_of(deployment).items() if name not in NOT_COPIED}


def template_hash(deployment: Json) -> str:
    """Changes with the template and with each collision."""
    text = json.dumps(plain_template(spec_of(deployment)["template"]), sort_keys=True)
    return hashed(f"{text}{status_of(deployment).get('collisionCount', '')}")


def new_replica_set(deployment: Json, revision: int) -> Json:
    """The manifest of a new set of size 0 for the Deployment's template."""
    spec, namespace, mark = spec_of(deployment), key_of(deployment)[0], template_hash(deployment)
    template = spec["template"]
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: mark}
    selector = spec["selector"]
    wanted = {**(selector.get("matchLabels") or {}), HASH_LABEL: mark}
    notes = {
        **copied_annotations(deployment),
        DESIRED: str(size(deployment)),
        MAXIMUM: str(size(deployment) + max_surge(deployment)),
        REVISION: str(revision),
    }
    wait = spec.get("minReadySeconds", 0)
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-{mark}",
            "namespace": namespace,
            "labels": labels,
            "annotations": notes,
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": 0,
            **({"minReadySeconds": wait} if wait else {}),
            "selector": {**selector, "matchLabels": wanted},
            "template": with_metadata({"metadata": {}, **template}, labels=labels),
        },
        "status": {"replicas": 0},
    }
