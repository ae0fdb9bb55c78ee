"""The cluster's memory: every object, one growing revision, and the events that watchers follow.

Single-threaded and never awaiting: a call is one atomic step of the asyncio loop. Objects are immutable by
agreement: `get` and `list` hand out the stored dict itself, a writer builds a new one and gives it away.
"""

from __future__ import annotations

import asyncio
import bisect
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from devcluster.errors import AlreadyExists, Conflict, Gone, NotFound
from devcluster.resources import Resource

Json = dict[str, Any]
Objects = list[Json]
Events = list["Event"]
Key = tuple[str, str]

FIRST_REVISION = 1000  # so that a watch from "1" is too old, as on any cluster with a past
HISTORY = 2000  # events kept per resource type before the oldest are compacted
SLOW_WATCHER = 20_000  # events a watcher may leave unread before it is cut off, as upstream does


def timestamp(seconds: float) -> str:
    """Epoch seconds as Kubernetes writes times: whole seconds, UTC, with Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Record:
    """One stored version of an object, with its JSON bytes made at most once."""

    __slots__ = ("_encoded", "obj", "revision")

    def __init__(self, obj: Json, revision: int) -> None:
        self.obj = obj
        self.revision = revision
        self._encoded: bytes | None = None

    @property
    def encoded(self) -> bytes:
        if self._encoded is None:
            self._encoded = orjson.dumps(self.obj)
        return self._encoded


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `type` is ADDED, MODIFIED or DELETED; `previous` is the object before it, or None."""

    type: str
    resource: Resource
    record: Record
    previous: Json | None
    revision: int

    @property
    def obj(self) -> Json:
        return self.record.obj

    @property
    def key(self) -> Key:
        return key_of(self.record.obj)


def key_of(obj: Json) -> Key:
    """(namespace, name); the namespace of a cluster-scoped object is the empty string."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


class Subscription:
    """A watcher's queue: `drain()` for controllers, `async for` for connections. Ends when closed."""

    def __init__(self, store: Store, resource: Resource, namespace: str, external: bool) -> None:
        self.resource = resource
        self.namespace = namespace
        self.external = external
        self.closed = False
        self._store = store
        self._pending: deque[Event] = deque()
        self._waiter: asyncio.Future[None] | None = None

    @property
    def pending(self) -> int:
        """How many events wait to be read."""
        return len(self._pending)

    def offer(self, event: Event) -> None:
        if self.namespace and event.key[0] != self.namespace:
            return
        self._pending.append(event)
        if len(self._pending) > SLOW_WATCHER:
            self.close()
        self._wake()

    def drain(self) -> list[Event]:
        """Everything not yet read, oldest first; never waits."""
        events = list(self._pending)
        self._pending.clear()
        return events

    async def wait(self, timeout: float | None = None) -> bool:
        """True when there is something to read or the watch was closed; False after `timeout` seconds."""
        if self._pending or self.closed:
            return True
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._waiter, timeout)
        except TimeoutError:
            return False
        finally:
            self._waiter = None
        return True

    def close(self) -> None:
        self.closed = True
        self._store.forget(self)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            await self.wait()
            for event in self.drain():
                yield event
            if self.closed:
                return


class Shelf:
    """All objects of one resource type, in key order, with the recent events of that type."""

    def __init__(self, resource: Resource, revision: int, history: int) -> None:
        self.resource = resource
        self.records: dict[Key, Record] = {}
        self.keys: list[Key] = []
        self.events: deque[Event] = deque(maxlen=history)
        self.compacted = revision
        self.subscriptions: list[Subscription] = []
        self.listeners: list[Callable[[Event], None]] = []

    def put(self, key: Key, record: Record) -> None:
        if key not in self.records:
            bisect.insort(self.keys, key)
        self.records[key] = record

    def remove(self, key: Key) -> None:
        del self.records[key]
        self.keys.pop(bisect.bisect_left(self.keys, key))

    def span(self, namespace: str | None, after: Key | None) -> Iterator[Key]:
        """Keys of a namespace (or all) strictly behind `after`."""
        start = bisect.bisect_left(self.keys, (namespace, "")) if namespace else 0
        if after is not None:
            start = max(start, bisect.bisect_right(self.keys, after))
        for index in range(start, len(self.keys)):
            key = self.keys[index]
            if namespace and key[0] != namespace:
                return
            yield key

    def remember(self, event: Event) -> None:
        if len(self.events) == self.events.maxlen:
            self.compacted = self.events[0].revision
        self.events.append(event)
        for subscription in tuple(self.subscriptions):
            subscription.offer(event)
        for listener in self.listeners:
            listener(event)


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
        if finished(merged):
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
        external: bool = False,
    ) -> Subscription:
        """Events after revision `since` (None: from now on). Gone when `since` was compacted."""
        shelf = self.shelf(resource)
        subscription = Subscription(self, resource, namespace or "", external)
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

    def cut_watches(self, resource: Resource | None = None) -> int:
        """End the watches of connections (not those of controllers); how many were cut."""
        shelves = self._some(resource)
        cut = [item for shelf in shelves for item in shelf.subscriptions if item.external]
        for subscription in cut:
            subscription.close()
        return len(cut)

    def compact(self, resource: Resource | None = None) -> None:
        """Forget the past: watches from an earlier revision get 410."""
        for shelf in self._some(resource):
            shelf.events.clear()
            shelf.compacted = self.revision

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

    def forget(self, subscription: Subscription) -> None:
        subscriptions = self.shelf(subscription.resource).subscriptions
        if subscription in subscriptions:
            subscriptions.remove(subscription)

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


def finished(obj: Json) -> bool:
    """A terminating object that nothing holds any more: no finalizer and no grace left."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if obj.get("kind") == "Namespace":
        return not obj.get("spec", {}).get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")


def _content_changed(old: Json, new: Json) -> bool:
    """Whether anything but metadata and status differs (that is what moves `generation`)."""
    ignored = {"metadata", "status", "kind", "apiVersion"}
    names = (old.keys() | new.keys()) - ignored
    deleted = "deletionTimestamp" in new["metadata"] and "deletionTimestamp" not in old["metadata"]
    return deleted or any(old.get(name) != new.get(name) for name in names)
