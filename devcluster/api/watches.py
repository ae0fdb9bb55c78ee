"""WATCH: events from a revision on, bookmarks, selectors that objects enter and leave, and its ends."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any

import orjson

from devcluster import tables
from devcluster.api.reads import combined, selection
from devcluster.api.request import Request
from devcluster.api.respond import JSON_TYPE, Accepted, accepted, partial
from devcluster.errors import ApiError, Gone
from devcluster.resources import Resource
from devcluster.selectors import Predicate
from devcluster.store import Event, Record, Store, Subscription

Json = dict[str, Any]

BOOKMARK_EVERY = 60.0
LAST_BOOKMARK = 2.0  # seconds before the end, as upstream's watch cache does
LEAST_TIMEOUT = 1800


class Watch:
    """One client's watch of one collection or object."""

    def __init__(self, request: Request, store: Store, kind: Resource) -> None:
        self.request, self.store, self.kind = request, store, kind
        self.form: Accepted = accepted(request.headers.get("accept", ""))
        self.predicate: Predicate | None = combined((*selection(request, kind), _named(request)))
        self.namespace = request.namespace if kind.namespaced else ""
        self.bookmarks = request.flag("allowWatchBookmarks")
        self.heads = True
        seconds = request.integer("timeoutSeconds")
        self.timeout = float(seconds) if seconds else LEAST_TIMEOUT * (1 + random.random())

    async def run(self) -> None:
        """Stream until the timeout, a cut, or the client's leaving."""
        initial, since = self._start()
        try:
            subscription = self.store.watch(
                self.kind, self.namespace, since=since, user=self.request.user.name
            )
        except Gone as gone:
            await self._open()
            await self._send(_line("ERROR", orjson.dumps(gone.to_status())), more=False)
            return
        records = list(self.store.records(self.kind, self.namespace)) if initial else []
        gone_away = asyncio.create_task(self._until_disconnect(subscription))
        try:
            await self._open()
            await self._send(b"".join(self._initial(records)))
            await self._follow(subscription)
        finally:
            subscription.close()
            gone_away.cancel()
        await self._send(b"", more=False)

    def _start(self) -> tuple[bool, int | None]:
        """Whether existing objects come first, and the revision from which events are told."""
        text = self.request.query.get("resourceVersion", "")
        if text and not text.isdigit():
            why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
            raise ApiError(500, "", f"resourceVersion: {why}")
        if self.request.flag("sendInitialEvents"):
            return True, None
        revision = int(text or 0)
        return (True, None) if revision == 0 else (False, revision)

    def _initial(self, records: list[Record]) -> Iterator[bytes]:
        for record in records:
            if self.predicate is None or self.predicate(record.obj):
                yield self._encode("ADDED", record)
        if self.request.flag("sendInitialEvents") and self.bookmarks:
            yield self._bookmark({"k8s.io/initial-events-end": "true"})

    async def _follow(self, subscription: Subscription) -> None:
        end = time.monotonic() + self.timeout
        marks = self._bookmark_times(end)
        mark = next(marks)
        while not (subscription.closed and not subscription.pending):
            now = time.monotonic()
            if now >= end:
                return
            if now >= mark:
                await self._send(self._bookmark())
                mark = next(marks)
            if await subscription.wait(min(mark, end) - now if min(mark, end) > now else 0.0):
                lines = b"".join(filter(None, map(self._told, subscription.drain())))
                if lines:
                    await self._send(lines)

    def _bookmark_times(self, end: float) -> Iterator[float]:
        if self.bookmarks:
            last = end - LAST_BOOKMARK
            moment = time.monotonic() + BOOKMARK_EVERY
            while moment < last:
                yield moment
                moment += BOOKMARK_EVERY
            yield last
        while True:
            yield float("inf")

    def _told(self, event: Event) -> bytes:
        """The line for this watcher: an object leaving the selector is DELETED, one entering is ADDED."""
        if self.predicate is None:
            return self._encode(event.type, event.record)
        before = event.previous is not None and event.type != "ADDED" and self.predicate(event.previous)
        after = event.type != "DELETED" and self.predicate(event.obj)
        if before and after:
            return self._encode("MODIFIED", event.record)
        if before and event.type == "MODIFIED":
            return self._encode("DELETED", _last_seen(event))
        if before:
            return self._encode("DELETED", event.record)
        return self._encode("ADDED", event.record) if after else b""

    def _encode(self, kind: str, record: Record) -> bytes:
        if self.form.form == "json":
            return _line(kind, record.encoded)
        if self.form.form == "metadata":
            return _line(kind, orjson.dumps(partial(record.obj, self.form.version)))
        return _line(kind, orjson.dumps(self._table(record.obj)))

    def _table(self, obj: Json) -> Json:
        choice = self.request.query.get("includeObject", "Metadata")
        shown = {"None": None, "Object": obj}.get(choice, partial(obj, self.form.version))
        row = tables.row(self.kind, obj, self.store.now(), shown)
        heads, self.heads = self.heads, False
        meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
        return tables.table(self.kind, meta, [row], heads=heads, version=self.form.version)

    def _bookmark(self, annotations: Json | None = None) -> bytes:
        metadata: Json = {"resourceVersion": str(self.store.revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        if self.form.form == "json":
            body = {"kind": self.kind.kind, "apiVersion": self.kind.api_version, "metadata": metadata}
        elif self.form.form == "metadata":
            body = partial({"metadata": metadata}, self.form.version)
        else:
            body = tables.table(self.kind, metadata, [], heads=False, version=self.form.version)
        return _line("BOOKMARK", orjson.dumps(body))

    async def _open(self) -> None:
        headers = [(b"content-type", JSON_TYPE), (b"cache-control", b"no-cache, private")]
        await self.request.send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _send(self, data: bytes, *, more: bool = True) -> None:
        if data or not more:
            await self.request.send({"type": "http.response.body", "body": data, "more_body": more})

    async def _until_disconnect(self, subscription: Subscription) -> None:
        while (await self.request.receive())["type"] != "http.disconnect":
            continue
        subscription.close()


def _last_seen(event: Event) -> Record:
    """An object that left the selector is shown as it was before, at the new revision (as upstream does)."""
    previous = event.previous or {}
    metadata = {**previous["metadata"], "resourceVersion": str(event.revision)}
    return Record({**previous, "metadata": metadata}, event.revision)


def _line(kind: str, encoded: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + encoded + b"}\n"


def _named(request: Request) -> Predicate | None:
    """A watch of one object by its path."""
    if not request.name:
        return None
    name = request.name
    return lambda obj: bool(obj["metadata"]["name"] == name)
