"""Events as upstream's recorder writes them: repeated ones are counted, old ones go away."""

from __future__ import annotations

import random
from collections import OrderedDict

from devcluster.clock import Clock
from devcluster.objects import Json, rfc3339
from devcluster.resources import resource
from devcluster.store import Store

EVENTS = resource("events")
LIVES = 3600.0  # seconds, the API server's --event-ttl
KEPT = 3000  # in all: keeps a long demo small


class Recorder:
    """Writes Events for one cluster. Components differ only in the name they sign with."""

    def __init__(self, store: Store, clock: Clock, rng: random.Random) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._known: OrderedDict[tuple[str, ...], tuple[str, str]] = OrderedDict()
        self._sweeping = False

    def normal(self, component: str, obj: Json, reason: str, message: str, **more: str) -> None:
        self._record("Normal", component, obj, reason, message, **more)

    def warning(self, component: str, obj: Json, reason: str, message: str, **more: str) -> None:
        self._record("Warning", component, obj, reason, message, **more)

    def _record(
        self,
        kind: str,
        component: str,
        obj: Json,
        reason: str,
        message: str,
        *,
        host: str = "",
        field_path: str = "",
    ) -> None:
        key = (component, obj["metadata"].get("uid", ""), field_path, kind, reason, message)
        where = self._known.get(key)
        if where is None or not self._count_again(where):
            self._known[key] = self._create(kind, component, obj, reason, message, host, field_path)
            self._prune()
        self._known.move_to_end(key)
        self._sweep_later()

    def _count_again(self, where: tuple[str, str]) -> bool:
        current = self._store.find(EVENTS, *where)
        if current is None:
            return False
        now = rfc3339(self._clock.now())
        self._store.update(EVENTS, {**current, "count": current["count"] + 1, "lastTimestamp": now})
        return True

    def _create(
        self, kind: str, component: str, obj: Json, reason: str, message: str, host: str, field_path: str
    ) -> tuple[str, str]:
        now = self._clock.now()
        name = f"{obj['metadata']['name']}.{self._rng.getrandbits(62):016x}"
        namespace = obj["metadata"].get("namespace") or "default"
        source = {"component": component, **({"host": host} if host else {})}
        self._store.create(
            EVENTS,
            {
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": reference(obj, field_path),
                "reason": reason,
                "message": message,
                "source": source,
                "firstTimestamp": rfc3339(now),
                "lastTimestamp": rfc3339(now),
                "count": 1,
                "type": kind,
                "eventTime": None,
                "reportingComponent": component,
                "reportingInstance": host,
            },
        )
        return namespace, name

    def _prune(self) -> None:
        while len(self._known) > KEPT:
            self._forget(next(iter(self._known)))

    def _forget(self, key: tuple[str, ...]) -> None:
        where = self._known.pop(key)
        if self._store.find(EVENTS, *where):
            self._store.delete(EVENTS, *where)

    def _sweep_later(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            self._clock.after(LIVES / 4, self._sweep)

    def _sweep(self) -> None:
        """Drop events nobody repeated within their time to live."""
        self._sweeping = False
        oldest = rfc3339(self._clock.now() - LIVES)
        for key, where in list(self._known.items()):
            event = self._store.find(EVENTS, *where)
            if event is None or event["lastTimestamp"] < oldest:
                self._forget(key)
        if self._known:
            self._sweep_later()


def reference(obj: Json, field_path: str = "") -> Json:
    """An ObjectReference to `obj`, as events carry it."""
    metadata = obj["metadata"]
    entry = {
        "kind": obj["kind"],
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata.get("uid", ""),
        "apiVersion": obj["apiVersion"],
        "resourceVersion": metadata.get("resourceVersion", ""),
        "fieldPath": field_path,
    }
    if obj["kind"] == "Node":
        entry["uid"] = metadata["name"]  # the kubelet signs node events with the name
    return {name: value for name, value in entry.items() if value}
