"""What a controller believes: informer caches that follow the store late, and work queues with backoff."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable

from devcluster.clock import Clock, Timer
from devcluster.objects import Json, Key
from devcluster.resources import Resource
from devcluster.store import Event, Store

Handler = Callable[[Event], None]
BASE_DELAY = 0.005  # upstream's ItemExponentialFailureRateLimiter
MAX_DELAY = 1000.0


class Cache:
    """One kind as one controller sees it: events arrive in their order, up to `lag` seconds late.

    The first waiting event draws a delay; what happens meanwhile arrives with it, as a stalled watch
    delivers in bursts. Caches of different kinds draw for themselves, so kinds are not ordered.
    """

    def __init__(
        self, store: Store, resource: Resource, clock: Clock, rng: random.Random, lag: float
    ) -> None:
        self.resource = resource
        self._clock = clock
        self._rng = rng
        self._lag = lag
        self._objects: dict[Key, Json] = {}
        self._spaces: dict[str, dict[Key, Json]] = {}
        self._pending: list[Event] = []
        self._handlers: list[Handler] = []
        for obj in store.list(resource):
            self._put((obj["metadata"].get("namespace", ""), obj["metadata"]["name"]), obj)
        store.listen(resource, self._offer)

    def on_event(self, handler: Handler) -> None:
        """Call `handler` for each event when it arrives here (that is late)."""
        self._handlers.append(handler)

    def get(self, key: Key) -> Json | None:
        return self._objects.get(key)

    def list(self, namespace: str | None = None) -> list[Json]:
        """Objects in the order they became known."""
        if namespace is None:
            return list(self._objects.values())
        return list(self._spaces.get(namespace, {}).values())

    def names(self) -> tuple[Key, ...]:
        """Keys of all objects."""
        return tuple(self._objects)

    def _offer(self, event: Event) -> None:
        self._pending.append(event)
        if len(self._pending) == 1:
            self._clock.after(self._rng.uniform(0, self._lag), self._deliver)

    def _deliver(self) -> None:
        arrived, self._pending = self._pending, []  # what handlers write meanwhile draws its own delay
        for event in arrived:
            self._take(event)
            for handler in self._handlers:
                handler(event)

    def _take(self, event: Event) -> None:
        if event.type == "DELETED":
            self._objects.pop(event.key, None)
            self._spaces.get(event.key[0], {}).pop(event.key, None)
        else:
            self._put(event.key, event.obj)

    def _put(self, key: Key, obj: Json) -> None:
        self._objects[key] = obj
        self._spaces.setdefault(key[0], {})[key] = obj


class Caches:
    """Makes a controller's caches: one per kind, each with its own seeded delays."""

    def __init__(self, store: Store, clock: Clock, *, seed: int, lag: float, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._seed = seed
        self._lag = lag
        self._owner = owner
        self._made: dict[str, Cache] = {}

    def of(self, resource: Resource) -> Cache:
        found = self._made.get(resource.key)
        if found is None:
            rng = random.Random(f"{self._seed}/{self._owner}/{resource.key}")
            found = self._made[resource.key] = Cache(self._store, resource, self._clock, rng, self._lag)
        return found


class WorkQueue:
    """Keys to look at: each once however often added; failed ones again, later and later."""

    def __init__(self, clock: Clock, work: Callable[[], None]) -> None:
        self._clock = clock
        self._work = work
        self._keys: dict[Hashable, None] = {}
        self._failures: dict[Hashable, int] = {}
        self._delayed: dict[Hashable, Timer] = {}
        self._called = False

    def add(self, key: Hashable) -> None:
        self._keys.setdefault(key)
        if not self._called:
            self._called = True
            self._clock.at(0, self._call)

    def add_after(self, key: Hashable, seconds: float) -> None:
        """Add later; the earliest of several promises for a key counts."""
        due = self._clock.now() + seconds
        waiting = self._delayed.get(key)
        if waiting is not None and waiting.due <= due:
            return
        if waiting is not None:
            waiting.cancel()
        self._delayed[key] = self._clock.at(due, lambda: self._ripe(key))

    def retry(self, key: Hashable) -> None:
        """Add after a delay that doubles with each failure until `forget`."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        self.add_after(key, min(MAX_DELAY, BASE_DELAY * 2 ** min(failures, 20)))

    def forget(self, key: Hashable) -> None:
        self._failures.pop(key, None)

    def take(self) -> list[Hashable]:
        """All keys that are due, oldest first."""
        keys = list(self._keys)
        self._keys.clear()
        return keys

    def _ripe(self, key: Hashable) -> None:
        self._delayed.pop(key, None)
        self.add(key)

    def _call(self) -> None:
        self._called = False
        self._work()
