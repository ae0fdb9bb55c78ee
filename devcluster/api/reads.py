"""GET of one object and LIST: selectors, chunks at one revision, resourceVersion rules, Tables."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from devcluster import tables
from devcluster.api.request import Request
from devcluster.api.respond import Accepted, accepted, partial, send_bytes, send_json
from devcluster.errors import ApiError, BadRequest, Cause, Gone, Invalid
from devcluster.resources import Resource
from devcluster.selectors import Predicate, field_predicate, label_predicate
from devcluster.store import Key, Record, Store

Json = dict[str, Any]

TOO_OLD_CHUNK = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)
TOO_OLD_LIST = "The resourceVersion for the provided list is too old."
FUTURE_PATIENCE = 3.0  # seconds upstream waits for a revision from the future
NEWEST = -1


@dataclass(frozen=True)
class Token:
    """A continue token: the revision of the list (-1: newest) and the last key given."""

    revision: int
    after: Key

    def encode(self, namespace: str) -> str:
        start = f"{self.after[1]}\u0000" if namespace else f"{self.after[0]}/{self.after[1]}\u0000"
        body = orjson.dumps({"v": "meta.k8s.io/v1", "rv": self.revision, "start": start})
        return base64.urlsafe_b64encode(body).decode().rstrip("=")


def decode_token(text: str, namespace: str) -> Token:
    """BadRequest for a token that is none."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise BadRequest(f"invalid continue token: illegal base64 data: {text}") from None
    try:
        body = orjson.loads(raw)
        start = str(body["start"]).rstrip("\u0000")
        revision = int(body["rv"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        first = raw[:1].decode("latin-1")
        why = f"invalid character '{first}' looking for beginning of value"
        raise BadRequest(f"invalid continue token: continue key is not valid: {why}") from None
    where, _, name = start.rpartition("/")
    return Token(revision, (namespace or where, name))


@dataclass
class Listing:
    """The result of a LIST before it is written."""

    kind: Resource
    revision: int
    records: list[Record]
    token: str = ""
    remaining: int = 0
    metadata: Json = field(default_factory=dict)

    def meta(self) -> Json:
        body: Json = {"resourceVersion": str(self.revision)}
        if self.token:
            body["continue"] = self.token
        if self.remaining:
            body["remainingItemCount"] = self.remaining
        return body


def selection(request: Request, kind: Resource) -> tuple[Predicate | None, Predicate | None]:
    """The label and the field test of a request; None where it names none."""
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    return (
        label_predicate(labels) if labels.strip() else None,
        field_predicate(fields, kind) if fields.strip() else None,
    )


def combined(predicates: Iterable[Predicate | None]) -> Predicate | None:
    kept = [predicate for predicate in predicates if predicate is not None]
    if not kept:
        return None
    return lambda obj: all(predicate(obj) for predicate in kept)


async def get(request: Request, store: Store, kind: Resource) -> None:
    """GET of one object."""
    record = store.record(kind, request.namespace if kind.namespaced else "", request.name)
    await send_object(request, store, kind, record.obj, record=record)


async def send_object(
    request: Request,
    store: Store,
    kind: Resource,
    obj: Json,
    *,
    status: int = 200,
    record: Record | None = None,
) -> None:
    """One object in the form the client accepts."""
    form = accepted(request.headers.get("accept", ""))
    if form.form == "table":
        shown = _shown(request, obj, form)
        row = tables.row(kind, obj, store.now(), shown)
        meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        await send_json(request, status, tables.table(kind, meta, [row], version=form.version))
    elif form.form == "metadata":
        await send_json(request, status, partial(obj, form.version))
    else:
        encoded = record.encoded if record is not None and record.obj is obj else orjson.dumps(obj)
        await send_bytes(request, status, [encoded, b"\n"])


def _shown(request: Request, obj: Json, form: Accepted) -> Json | None:
    choice = request.query.get("includeObject", "Metadata")
    if choice == "None":
        return None
    return obj if choice == "Object" else partial(obj, form.version)


async def list_objects(request: Request, store: Store, kind: Resource) -> None:
    """GET of a collection."""
    form = accepted(request.headers.get("accept", ""))
    found = await select(request, store, kind)
    if form.form == "table":
        rows = [
            tables.row(kind, item.obj, store.now(), _shown(request, item.obj, form)) for item in found.records
        ]
        await send_json(request, 200, tables.table(kind, found.meta(), rows, version=form.version))
    elif form.form == "metadata":
        items = [partial(item.obj, form.version) for item in found.records]
        head = {"kind": "PartialObjectMetadataList", "apiVersion": f"meta.k8s.io/{form.version}"}
        meta = {key: value for key, value in found.meta().items() if key != "remainingItemCount"}
        await send_json(request, 200, {**head, "metadata": meta, "items": items})
    else:
        await send_bytes(request, 200, encoded_list(found))


def encoded_list(found: Listing) -> Iterator[bytes]:
    """A typed list from each object's own bytes; items go without kind and apiVersion, as upstream's do."""
    kind = found.kind
    prefix = len(f'{{"kind":"{kind.kind}","apiVersion":"{kind.api_version}",')
    head = {"kind": kind.list_kind, "apiVersion": kind.api_version, "metadata": found.meta()}
    yield orjson.dumps(head)[:-1] + b',"items":['
    for index, record in enumerate(found.records):
        yield (b",{" if index else b"{") + record.encoded[prefix:]
    yield b"]}\n"


async def select(request: Request, store: Store, kind: Resource) -> Listing:
    """The objects a LIST names. Gone, BadRequest, a 504 for a revision that never comes."""
    predicate = combined(selection(request, kind))
    namespace = request.namespace if kind.namespaced else ""
    limit = request.integer("limit") or 0
    token_text = request.query.get("continue", "")
    wanted = request.query.get("resourceVersion", "")
    if token_text:
        return _page(store, kind, namespace, predicate, limit, decode_token(token_text, namespace))
    if wanted == "0":
        limit = 0
    exact = request.query.get("resourceVersionMatch") == "Exact"
    revision = await _revision(request, store, wanted)
    records = _records_at(store, kind, namespace, revision if exact else NEWEST, None)
    return _cut(store, kind, namespace, records, predicate, limit, revision if exact else store.revision)


async def _revision(request: Request, store: Store, wanted: str) -> int:
    if not wanted or wanted == "0":
        return store.revision
    if not wanted.isdigit():
        why = f'Invalid value: "{wanted}": strconv.ParseUint: parsing "{wanted}": invalid syntax'
        cause = Cause("FieldValueInvalid", why, "resourceVersion")
        raise Invalid("ListOptions", "", [cause], "meta.k8s.io")
    revision = int(wanted)
    waited = 0.0
    while store.revision < revision and waited < FUTURE_PATIENCE:
        await asyncio.sleep(0.1)
        waited += 0.1
    if store.revision < revision:
        raise FutureRevision(revision, store.revision)
    return revision


class FutureRevision(ApiError):
    """504: the revision asked for has not happened."""

    def __init__(self, wanted: int, current: int) -> None:
        cause = Cause("ResourceVersionTooLarge", "Too large resource version")
        message = f"Timeout: Too large resource version: {wanted}, current: {current}"
        details = {"causes": [cause.to_json()], "retryAfterSeconds": 1}
        super().__init__(504, "Timeout", message, details)


def _page(
    store: Store, kind: Resource, namespace: str, predicate: Predicate | None, limit: int, token: Token
) -> Listing:
    """The chunk behind a continue token, from the list as it was when it began."""
    try:
        records = _records_at(store, kind, namespace, token.revision, token.after)
    except Gone:
        fresh = Token(NEWEST, token.after).encode(namespace)
        raise Gone(TOO_OLD_CHUNK, fresh_token=fresh) from None
    revision = store.revision if token.revision == NEWEST else token.revision
    return _cut(store, kind, namespace, records, predicate, limit, revision)


def _cut(
    store: Store,
    kind: Resource,
    namespace: str,
    records: Iterator[Record],
    predicate: Predicate | None,
    limit: int,
    revision: int,
) -> Listing:
    matching = (record for record in records if predicate is None or predicate(record.obj))
    if not limit:
        return Listing(kind, revision, list(matching))
    chosen: list[Record] = []
    rest = 0
    for record in matching:
        if len(chosen) < limit:
            chosen.append(record)
            continue
        rest += 1
        if predicate is not None:
            break
    if not rest:
        return Listing(kind, revision, chosen)
    last = chosen[-1].obj["metadata"]
    token = Token(revision, (last.get("namespace", ""), last["name"])).encode(namespace)
    return Listing(kind, revision, chosen, token, 0 if predicate is not None else rest)


def _records_at(
    store: Store, kind: Resource, namespace: str, revision: int, after: Key | None
) -> Iterator[Record]:
    """Records as they stood at a revision: the newest, with later events undone. Gone when forgotten."""
    shelf = store.shelf(kind)
    if revision == NEWEST or not shelf.events or shelf.events[-1].revision <= revision:
        if revision != NEWEST and revision < shelf.compacted and not shelf.events:
            raise Gone(TOO_OLD_LIST)
        return store.records(kind, namespace, after)
    if revision < shelf.compacted:
        raise Gone(TOO_OLD_LIST)
    past = dict(shelf.records)
    for event in reversed(shelf.events):
        if event.revision <= revision:
            break
        if event.previous is None:
            past.pop(event.key, None)
        else:
            past[event.key] = Record(event.previous, int(event.previous["metadata"]["resourceVersion"]))
    keys = sorted(
        key for key in past if (not namespace or key[0] == namespace) and (after is None or key > after)
    )
    return (past[key] for key in keys)
