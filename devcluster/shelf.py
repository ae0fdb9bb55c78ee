"""One resource type in memory: its records in key order, its recent events, and those who follow them."""

from __future__ import annotations

import asyncio
import bisect
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from devcluster.resources import Resource

Json = dict[str, Any]
Events = list["Event"]
Key = tuple[str, str]
Loses = Callable[["Event", str], bool]
"""Whether a user's watch does not hear of an event."""

SLOW_WATCHER = 20_000  # events a watcher may leave unread before it is cut off, as upstream does


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

    def __init__(self, shelf: Shelf, resource: Resource, namespace: str, user: str) -> None:
        self.resource = resource
        self.namespace = namespace
        self.user = user
        self.closed = False
        self._shelf = shelf
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
        self._shelf.forget(self)
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
        self.loses: Loses | None = None

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

    def forget(self, subscription: Subscription) -> None:
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)

    def remember(self, event: Event) -> None:
        if len(self.events) == self.events.maxlen:
            self.compacted = self.events[0].revision
        self.events.append(event)
        for subscription in tuple(self.subscriptions):
            if not self._lost(event, subscription):
                subscription.offer(event)
        for listener in self.listeners:
            listener(event)

    def _lost(self, event: Event, subscription: Subscription) -> bool:
        return bool(self.loses and subscription.user and self.loses(event, subscription.user))
