"""The frame of every controller: late caches, a work queue, retries, and the cluster's write doors."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from devcluster.auth import service_account
from devcluster.cache import Cache, Caches, WorkQueue
from devcluster.clock import Clock
from devcluster.errors import ApiError, NotFound
from devcluster.objects import Json, Key, generated_name, uid_of
from devcluster.recorder import Recorder
from devcluster.resources import Resource
from devcluster.store import Event, Store

logger = logging.getLogger(__name__)
MANAGER = "kube-controller-manager"
Create = Callable[..., Json]
Delete = Callable[..., object]


@dataclass(frozen=True)
class Doors:
    """The API's own write path, without HTTP: admission, defaults and graceful deletion included.

    `create(resource, obj, manager=..., user=...)` raises ApiError (403 over quota, 409, 422);
    `delete(resource, namespace, name, uid=, propagation=, user=...)` raises NotFound or Conflict. Admission
    policies see `user`.
    """

    create: Create
    delete: Delete


class Controller:
    """Subclasses name their caches in `__init__`, enqueue keys from events, and `sync` one key."""

    name = ""

    def __init__(
        self, store: Store, clock: Clock, caches: Caches, rng: random.Random, doors: Doors, recorder: Recorder
    ) -> None:
        self.store = store
        self.clock = clock
        self.caches = caches
        self.rng = rng
        self.doors = doors
        self.recorder = recorder
        self.queue = WorkQueue(clock, self._run)
        self.errors: dict[Hashable, str] = {}
        self.account = service_account("kube-system", f"{self.name}-controller")

    def start(self) -> None:
        """Look at everything that exists already (a controller's first LIST)."""

    def sync(self, key: Hashable) -> None:
        """Bring the world one step nearer to what `key` says; ApiError means: again later."""
        raise NotImplementedError

    def tick(self, now: float) -> None:
        """Work through the keys that are due."""
        for key in self.queue.take():
            self._attempt(key)

    def _run(self) -> None:
        self.tick(self.clock.now())

    def _attempt(self, key: Hashable) -> None:
        try:
            self.sync(key)
        except ApiError as error:
            self.errors[key] = error.message
            self.queue.retry(key)
        except Exception:  # as upstream: one odd object must not stop a controller
            logger.exception("the %s controller failed on %s", self.name, key)
            self.queue.retry(key)
        else:
            self.errors.pop(key, None)
            self.queue.forget(key)

    def watch(self, resource: Resource, enqueue: Callable[[Event], None] | None = None) -> Cache:
        """This controller's cache of a kind, with what to do when an event arrives."""
        cache = self.caches.of(resource)
        if enqueue is not None:
            cache.on_event(enqueue)
        return cache

    def enqueue(self, event: Event) -> None:
        self.queue.add(event.key)

    def create(self, resource: Resource, obj: Json) -> Json:
        """Create through the API's admission; generateName is completed from this controller's own seed."""
        metadata = dict(obj["metadata"])
        if "name" not in metadata:
            metadata["name"] = generated_name(metadata["generateName"], self.rng)
        return self.doors.create(resource, {**obj, "metadata": metadata}, manager=MANAGER, user=self.account)

    def delete(self, resource: Resource, obj: Json, *, propagation: str = "Background") -> None:
        """Ask for deletion of exactly this object; one that is gone already is fine."""
        namespace, name = obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
        try:
            self.doors.delete(
                resource, namespace, name, uid=uid_of(obj), propagation=propagation, user=self.account
            )
        except NotFound:
            return

    def update(self, resource: Resource, obj: Json) -> Json:
        return self.store.update(resource, obj)

    def update_status(self, resource: Resource, obj: Json) -> Json:
        return self.store.update(resource, obj, subresource="status")

    def live(self, resource: Resource, key: Key) -> Json | None:
        """The object as it is now (a GET past the cache)."""
        return self.store.find(resource, *key)
