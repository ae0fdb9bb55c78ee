"""The cluster's memory: every object, one growing revision, and the events that watchers follow.

Single-threaded and never awaiting: a call is one atomic step of the asyncio loop. Objects are immutable by
agreement: `get` and `list` hand out the stored dict itself, a writer builds a new one and gives it away.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from devcluster.errors import AlreadyExists, Conflict, Gone, NotFound
from devcluster.resources import REGISTRY, Resource
from devcluster.shelf import Event, Key, Loses, Record, Shelf, Subscription, key_of

__all__ = ["Event", "Key", "Record", "Store", "Subscription", "key_of", "timestamp"]

Json = dict[str, Any]
Objects = list[Json]

FIRST_REVISION = 1000  # so that a watch from "1" is too old, as on any cluster with a past
HISTORY = 5000  # events kept per resource type before the oldest are compacted


def timestamp(seconds: float) -> str:
    """Epoch seconds as Kubernetes writes times: whole seconds, UTC, with Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Store:
    """Every object of the cluster. `now` gives epoch seconds (a virtual clock in tests)."""

    def __init__(self, *, now: Callable[[], float] = time.time, history: int = HISTORY) -> None:
        self.revision = FIRST_REVISION
        self.now = now
        self._history = history
        self._shelves: dict[str, Shelf] = {}

    def create(self, resource: Resource, obj: Json) -> Json:
        """Store a new object; fills uid, creationTimestamp, resourceVersion, generation. AlreadyExists."""
        key = key_of(obj)
        shelf = self.shelf(resource)
        if key in shelf.records:
            raise AlreadyExists(resource.plural, key[1], resource.group)
        metadata = {**obj["metadata"], "uid": obj["metadata"].get("uid") or str(uuid.uuid4())}
        metadata.setdefault("creationTimestamp", timestamp(self.now()))
        if resource.generation:
            metadata["generation"] = 1
        return self._write("ADDED", resource, {**obj, "metadata": metadata}, None).obj

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """The object; NotFound."""
        return self.record(resource, namespace, name).obj

    def find(self, resource: Resource, namespace: str, name: str) -> Json | None:
        """The object, or None."""
        record = self.shelf(resource).records.get((namespace, name))
        return record.obj if record else None

    def list(self, resource: Resource, namespace: str | None = None) -> Objects:
        """All objects in order of namespace and name."""
        return [record.obj for record in self.records(resource, namespace)]

    def update(self, resource: Resource, obj: Json, *, subresource: str = "") -> Json:
        """Replace an object. Conflict when its resourceVersion or uid is given and differs; NotFound.

        With a status subresource, only `subresource="status"` changes `status`, and it changes no spec.
        An equal object gets no new revision. A terminating object whose last finalizer goes is removed.
        """
        namespace, name = key_of(obj)
        current = self.get(resource, namespace, name)
        self._check_preconditions(
            resource, current, obj["metadata"].get("uid"), obj["metadata"].get("resourceVersion")
        )
        merged = self.merged(resource, current, obj, subresource)
        if merged == current:
            return current
        if finished(merged) and _ending(current):
            return self._remove(resource, merged, current)
        return self._write("MODIFIED", resource, merged, current).obj

    def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> Json:
        """Remove at once and return the last version; NotFound, Conflict. Grace is not its business."""
        current = self.get(resource, namespace, name)
        self._check_preconditions(resource, current, uid, resource_version)
        return self._remove(resource, current, current)

    def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        since: int | None = None,
        user: str = "",
    ) -> Subscription:
        """Events after revision `since` (None: from now on). Gone when `since` was compacted.

        `user` is whose connection it is; empty for a controller.
        """
        shelf = self.shelf(resource)
        subscription = Subscription(shelf, resource, namespace or "", user)
        if since is not None:
            if since < shelf.compacted:
                raise Gone(f"too old resource version: {since} ({shelf.compacted})")
            for event in shelf.events:
                if event.revision > since:
                    subscription.offer(event)
        shelf.subscriptions.append(subscription)
        return subscription

    def listen(self, resource: Resource, callback: Callable[[Event], None]) -> None:
        """Call `callback` at once for every event; it must not write (controllers' caches only note it)."""
        self.shelf(resource).listeners.append(callback)

    def cut_watches(self, resource: Resource | None = None, *, user: str = "") -> int:
        """End the watches of connections (not those of controllers), or of one user; how many were cut."""
        watching = [item for shelf in self._some(resource) for item in shelf.subscriptions]
        cut = [item for item in watching if item.user and user in ("", item.user)]
        for subscription in cut:
            subscription.close()
        return len(cut)

    def compact(self, resource: Resource | None = None) -> None:
        """Forget the past: watches from an earlier revision get 410."""
        for shelf in self._some(resource):
            shelf.events.clear()
            shelf.compacted = self.revision

    def lose_events(self, resource: Resource | None, loses: Loses) -> Callable[[], None]:
        """Until the returned function is called, connections do not hear of events that `loses` says."""
        shelves = (self.shelf(resource),) if resource else tuple(map(self.shelf, REGISTRY))
        for shelf in shelves:
            shelf.loses = loses
        return partial(_hear_all, shelves)

    def _some(self, resource: Resource | None) -> tuple[Shelf, ...]:
        return (self.shelf(resource),) if resource else tuple(self._shelves.values())

    def shelf(self, resource: Resource) -> Shelf:
        found = self._shelves.get(resource.key)
        if found is None:
            found = self._shelves[resource.key] = Shelf(resource, FIRST_REVISION, self._history)
        return found

    def record(self, resource: Resource, namespace: str, name: str) -> Record:
        """The stored version with its bytes; NotFound."""
        found = self.shelf(resource).records.get((namespace, name))
        if found is None:
            raise NotFound(resource.plural, name, resource.group)
        return found

    def records(
        self, resource: Resource, namespace: str | None = None, after: Key | None = None
    ) -> Iterator[Record]:
        """Stored versions in key order, behind `after`. Do not write while iterating."""
        shelf = self.shelf(resource)
        for key in shelf.span(namespace, after):
            yield shelf.records[key]

    def _check_preconditions(
        self, resource: Resource, current: Json, uid: str | None, version: str | None
    ) -> None:
        metadata = current["metadata"]
        name = metadata["name"]
        if uid and uid != metadata["uid"]:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata['uid']}"
            raise Conflict(resource.plural, name, resource.group, why)
        if version and version != metadata["resourceVersion"]:
            raise Conflict(resource.plural, name, resource.group)

    def merged(self, resource: Resource, current: Json, obj: Json, subresource: str) -> Json:
        """What may change by this door; server-owned metadata stays."""
        merged = dict(obj)
        if subresource == "status":
            merged = {**current, "metadata": obj["metadata"], "status": obj.get("status", {})}
        elif resource.has_status and subresource != "all":
            merged.pop("status", None)
            if "status" in current:
                merged["status"] = current["status"]
        kept = current["metadata"]
        metadata = {
            **obj["metadata"],
            "uid": kept["uid"],
            "creationTimestamp": kept["creationTimestamp"],
            "resourceVersion": kept["resourceVersion"],
        }
        if resource.generation:
            metadata["generation"] = kept.get("generation", 1) + int(_content_changed(current, merged))
        return {**merged, "metadata": metadata}

    def _write(self, kind: str, resource: Resource, obj: Json, previous: Json | None) -> Record:
        self.revision += 1
        metadata = {**obj["metadata"], "resourceVersion": str(self.revision)}
        head = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        rest = {name: value for name, value in obj.items() if name not in head}
        record = Record({**head, **rest}, self.revision)
        shelf = self.shelf(resource)
        if kind != "DELETED":
            shelf.put(key_of(obj), record)
        shelf.remember(Event(kind, resource, record, previous, self.revision))
        return record

    def _remove(self, resource: Resource, last: Json, previous: Json) -> Json:
        self.shelf(resource).remove(key_of(last))
        return self._write("DELETED", resource, last, previous).obj


def _hear_all(shelves: Iterable[Shelf]) -> None:
    for shelf in shelves:
        shelf.loses = None


def finished(obj: Json) -> bool:
    """A terminating object that nothing holds any more: no finalizer and no grace left."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if obj.get("kind") == "Namespace":
        return not obj.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def _ending(obj: Json) -> bool:
    """Terminating with its grace used up: only a finalizer can still hold it."""
    metadata = obj["metadata"]
    return bool(metadata.get("deletionTimestamp")) and not metadata.get("deletionGracePeriodSeconds")


def _content_changed(old: Json, new: Json) -> bool:
    """Whether anything but metadata and status differs (that is what moves `generation`)."""
    ignored = {"metadata", "status", "kind", "apiVersion"}
    names = (old.keys() | new.keys()) - ignored
    deleted = "deletionTimestamp" in new["metadata"] and "deletionTimestamp" not in old["metadata"]
    return deleted or any(old.get(name) != new.get(name) for name in names)
