"""The ReplicaSet controller: keeps the count, adopts and releases, and chooses victims as upstream does."""

from __future__ import annotations

from collections.abc import Hashable
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.controllers.expectations import Expectations
from devcluster.controllers.pods import is_active, is_available, is_ready
from devcluster.controllers.ranking import victims
from devcluster.controllers.references import claim
from devcluster.errors import ApiError, NotFound
from devcluster.objects import (
    Json,
    Key,
    clean,
    condition,
    controller_ref,
    drop_condition,
    generation_of,
    is_terminating,
    key_of,
    labels_of,
    matches,
    owner_reference,
    put_condition,
    rfc3339,
    spec_of,
    status_of,
    uid_of,
    with_status,
)
from devcluster.resources import resource
from devcluster.store import Event

PODS = resource("pods")
REPLICASETS = resource("replicasets")
BURST = 500
COMPONENT = "replicaset-controller"


class ReplicaSetController(Controller):
    name = "replicaset"
    honours_cost = True

    def start(self) -> None:
        self.expectations = Expectations(self.clock)
        self.sets = self.watch(REPLICASETS, self._on_set)
        self.pods = self.watch(PODS, self._on_pod)
        for key in self.sets.names():
            self.queue.add(key)

    def sync(self, key: Hashable) -> None:
        key = cast(Key, key)
        owner = self.sets.get(key)
        if owner is None:
            self.expectations.forget(key)
            return
        due = self.expectations.satisfied(key)
        pods = self._claimed(owner)
        failure: ApiError | None = None
        if due and not is_terminating(owner):
            failure = self._manage(owner, pods)
        self._write_status(owner, pods, failure)
        self._look_again_when_available(owner, pods)
        if failure is not None:
            raise failure

    def _claimed(self, owner: Json) -> list[Json]:
        namespace = key_of(owner)[0]
        return claim(
            self,
            owner=owner,
            owner_resource=REPLICASETS,
            children=[pod for pod in self.pods.list(namespace) if is_active(pod)],
            child_resource=PODS,
            selector=spec_of(owner).get("selector"),
        )

    # --- events -------------------------------------------------------------------------------------

    def _on_set(self, event: Event) -> None:
        if event.type == "DELETED":
            self.expectations.forget(event.key)
        self.queue.add(event.key)

    def _on_pod(self, event: Event) -> None:
        pod, old = event.obj, event.previous
        owner_key = self._owner_key(pod)
        if event.type == "DELETED" or is_terminating(pod):
            self._pod_gone(pod, owner_key)
            return
        if event.type == "ADDED" and owner_key is not None:
            self.expectations.created(owner_key)
        if old is not None and self._owner_key(old) not in (None, owner_key):
            self.queue.add(cast(Key, self._owner_key(old)))
        if owner_key is not None:
            self.queue.add(owner_key)
            self._await_availability(owner_key, old, pod)
        elif controller_ref(pod) is None and self._changed(old, pod):
            self._add_would_be_owners(pod)

    def _pod_gone(self, pod: Json, owner_key: Key | None) -> None:
        if owner_key is not None:
            self.expectations.deleted(owner_key, uid_of(pod))
            self.queue.add(owner_key)

    def _await_availability(self, key: Key, old: Json | None, pod: Json) -> None:
        owner = self.sets.get(key)
        wait = spec_of(owner).get("minReadySeconds", 0) if owner else 0
        if wait and is_ready(pod) and not (old is not None and is_ready(old)):
            self.queue.add_after(key, wait + 1)

    def _changed(self, old: Json | None, pod: Json) -> bool:
        return old is None or labels_of(old) != labels_of(pod) or controller_ref(old) is not None

    def _add_would_be_owners(self, pod: Json) -> None:
        for owner in self.sets.list(key_of(pod)[0]):
            if matches(spec_of(owner).get("selector"), labels_of(pod)):
                self.queue.add(key_of(owner))

    def _owner_key(self, pod: Json) -> Key | None:
        reference = controller_ref(pod)
        if reference is None or reference["kind"] != "ReplicaSet":
            return None
        key = (key_of(pod)[0], reference["name"])
        owner = self.sets.get(key)
        return key if owner is not None and uid_of(owner) == reference["uid"] else None

    # --- the count ----------------------------------------------------------------------------------

    def _manage(self, owner: Json, pods: list[Json]) -> ApiError | None:
        missing = spec_of(owner).get("replicas", 1) - len(pods)
        if missing > 0:
            return self._create_pods(owner, min(missing, BURST))
        if missing < 0:
            return self._delete_pods(owner, pods, min(-missing, BURST))
        return None

    def _create_pods(self, owner: Json, count: int) -> ApiError | None:
        """Slow start: 1, 2, 4 ... so that a refusal costs one call, not hundreds."""
        key = key_of(owner)
        self.expectations.expect(key, creations=count)
        done, batch = 0, 1
        while done < count:
            batch = min(batch, count - done)
            failures = [error for error in (self._create_pod(owner) for _ in range(batch)) if error]
            done += batch
            if failures:
                self.expectations.created(key, len(failures) + count - done)
                return failures[0]
            batch *= 2
        return None

    def _create_pod(self, owner: Json) -> ApiError | None:
        try:
            pod = self.create(PODS, pod_from_template(owner))
        except ApiError as error:
            self.recorder.warning(COMPONENT, owner, "FailedCreate", f"Error creating: {error.message}")
            return error
        message = f"Created pod: {pod['metadata']['name']}"
        self.recorder.normal(COMPONENT, owner, "SuccessfulCreate", message)
        return None

    def _delete_pods(self, owner: Json, pods: list[Json], count: int) -> ApiError | None:
        related, now = self._related_pods(owner), self.clock.now()
        chosen = victims(pods, related, count, now, honours_cost=self.honours_cost)
        key = key_of(owner)
        self.expectations.expect(key, deletions={uid_of(pod) for pod in chosen})
        failure: ApiError | None = None
        for pod in chosen:
            failure = self._delete_pod(owner, pod) or failure
        return failure

    def _delete_pod(self, owner: Json, pod: Json) -> ApiError | None:
        namespace, name = key_of(pod)
        try:
            self.doors.delete(PODS, namespace, name, user=self.account)
        except NotFound:
            self.expectations.deleted(key_of(owner), uid_of(pod))
            return None
        except ApiError as error:
            self.expectations.deleted(key_of(owner), uid_of(pod))
            self.recorder.warning(COMPONENT, owner, "FailedDelete", f"Error deleting: {error.message}")
            return error
        self.recorder.normal(COMPONENT, owner, "SuccessfulDelete", f"Deleted pod: {name}")
        return None

    def _related_pods(self, owner: Json) -> list[Json]:
        """Pods of all ReplicaSets of the same Deployment: their number per node is a rank."""
        namespace = key_of(owner)[0]
        parent = controller_ref(owner)
        siblings = [owner]
        if parent is not None:
            siblings = [
                entry
                for entry in self.sets.list(namespace)
                if (controller_ref(entry) or {}).get("uid") == parent["uid"]
            ]
        selectors = [spec_of(entry).get("selector") for entry in siblings]
        pods = self.pods.list(namespace)
        return [pod for pod in pods if any(matches(entry, labels_of(pod)) for entry in selectors)]

    # --- status -------------------------------------------------------------------------------------

    def _write_status(self, owner: Json, pods: list[Json], failure: ApiError | None) -> None:
        status = self._status(owner, pods, failure)
        if status != status_of(owner):
            fresh = self.live(REPLICASETS, key_of(owner))
            if fresh is not None and uid_of(fresh) == uid_of(owner):
                self.update_status(REPLICASETS, with_status(fresh, status))

    def _status(self, owner: Json, pods: list[Json], failure: ApiError | None) -> Json:
        spec = spec_of(owner)
        wait, now = spec.get("minReadySeconds", 0), self.clock.now()
        wanted = template_labels(owner)
        counts = {
            "fullyLabeledReplicas": sum(wanted.items() <= labels_of(pod).items() for pod in pods),
            "readyReplicas": sum(is_ready(pod) for pod in pods),
            "availableReplicas": sum(is_available(pod, wait, now) for pod in pods),
            "observedGeneration": generation_of(owner),
            "conditions": self._conditions(owner, pods, failure),
        }
        return {"replicas": len(pods), **clean(counts)}

    def _conditions(self, owner: Json, pods: list[Json], failure: ApiError | None) -> list[Json]:
        old = status_of(owner).get("conditions") or []
        if failure is None:
            return drop_condition(old, "ReplicaFailure")
        if condition(old, "ReplicaFailure"):
            return list(old)
        short = len(pods) < spec_of(owner).get("replicas", 1)
        entry = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": rfc3339(self.clock.now()),
            "reason": "FailedCreate" if short else "FailedDelete",
            "message": failure.message,
        }
        return put_condition(old, entry)

    def _look_again_when_available(self, owner: Json, pods: list[Json]) -> None:
        wait = spec_of(owner).get("minReadySeconds", 0)
        ready = sum(is_ready(pod) for pod in pods)
        available = sum(is_available(pod, wait, self.clock.now()) for pod in pods)
        if wait and ready == spec_of(owner).get("replicas", 1) and available != ready:
            self.queue.add_after(key_of(owner), wait)


def template_labels(owner: Json) -> dict[str, str]:
    """The labels its pods get."""
    metadata = spec_of(owner)["template"].get("metadata") or {}
    return metadata.get("labels") or {}


def pod_from_template(owner: Json) -> Json:
    """A pod as a controller makes it from its template: labels, annotations and owner set."""
    template = spec_of(owner)["template"]
    metadata = {
        "namespace": owner["metadata"]["namespace"],
        "generateName": f"{owner['metadata']['name']}-",
        "labels": dict(template_labels(owner)),
        "ownerReferences": [owner_reference(owner)],
    }
    annotations = (template.get("metadata") or {}).get("annotations")
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template.get("spec") or {}}
