"""Replays exchanges recorded from a real API server against devcluster's, and says where the answers differ.

The stage is a still life: the API over a store whose controllers do not run, called through ASGI. Recorded
objects are placed with their recorded uid and resourceVersion, so recorded requests, revisions and continue
tokens fit as they are.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from devcluster import rbac
from devcluster.api.app import Api
from devcluster.auth import Tokens, User, administrator
from devcluster.decode import Decoder
from devcluster.options import Options
from devcluster.resources import Resource, resource_for
from devcluster.schema import schema_of
from devcluster.store import Store
from devcluster.world import World

Json = dict[str, Any]

RECORDED = Path(__file__).resolve().parent.parent / "wire"
ADMIN, PORTAL = "admin-token", "portal-token"
CALLERS = {"user portal (no RBAC)": PORTAL, "a wrong bearer token": "wrong", "no credentials": ""}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
AGE = re.compile(r"(\d+[dhms])+|<unknown>")
DROPPED = frozenset(
    {
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "selfLink",
        "storageVersionHash",
        "singularName",
        "default-token",
        "observedGeneration",
    }
)
# What 1.20 served in beta; a version that is lacking there is asked for by one that is lacking here.
NEWER_VERSIONS = (
    ("/apis/policy/v1beta1", "/apis/policy/v1"),
    ("policy/v1beta1", "policy/v1"),
    ("/apis/discovery.k8s.io/v1beta1", "/apis/discovery.k8s.io/v1"),
)
GONE_FIELDS = frozenset({"metadata.selfLink", "spec.externalID", "spec.template.metadata.selfLink"})
LACKING = {"/apis/policy/v1": "/apis/policy/v9"}
OLD_TOKENS = "default-token-"


def load(name: str) -> list[Json]:
    """The exchanges of one recorded file."""
    exchanges: list[Json] = orjson.loads((RECORDED / f"{name}.json").read_bytes())["exchanges"]
    return exchanges


class Stage:
    """One API server with what a recording needs."""

    def __init__(self) -> None:
        self.seconds = 1_795_321_200.0
        self.store = Store(now=lambda: self.seconds)
        self.world = World(self.store, Options())
        self.registry = self.world.registry
        rbac.bootstrap(self.registry)
        tokens = Tokens()
        tokens.add(ADMIN, administrator())
        tokens.add(PORTAL, User("portal"))
        transport = httpx.ASGITransport(Api(self.registry, self.world, tokens))
        self.client = httpx.AsyncClient(transport=transport, base_url="https://stage", timeout=30)
        self.names: dict[str, str] = {}
        for name in ("demo", "demo-quota", "default"):
            self.place({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def place(self, *objects: Json) -> None:
        """Put objects in as they were recorded, oldest revision first; an existing one is replaced."""
        for obj in sorted(objects, key=lambda item: int(item["metadata"].get("resourceVersion") or 0)):
            self._place(obj)

    def _place(self, obj: Json) -> None:
        kind = resource_for(obj["apiVersion"], obj["kind"])
        metadata = {key: value for key, value in obj["metadata"].items() if value != "<trimmed>"}
        version = int(metadata.pop("resourceVersion", 0) or 0)
        self.store.revision = max(self.store.revision, version - 1)
        placed = {**obj, "metadata": metadata}
        placed = self._typed(kind, placed)
        if self.store.find(kind, metadata.get("namespace", ""), metadata["name"]):
            stored = self.store.update(kind, placed, subresource="all")
        else:
            stored = self.store.create(kind, placed)
        # Nobody has read it yet, so the recorded generation can still take the place of our own.
        stored["metadata"].pop("generation", None)
        stored["metadata"].update({"generation": metadata["generation"]} if "generation" in metadata else {})

    def _typed(self, kind: Resource, obj: Json) -> Json:
        """By the published schema: what a real server said must be sayable here."""
        decoder = Decoder(f"recorded {kind.kind}")
        typed = decoder.object(schema_of(kind), obj)
        assert not set(decoder.unknown) - GONE_FIELDS, decoder.unknown
        return typed

    def status(self, kind: Resource, namespace: str, name: str, status: Json) -> None:
        """What a controller would have reported by now."""
        current = self.store.get(kind, namespace, name)
        self.store.update(kind, {**current, "status": status}, subresource="status")

    async def ask(self, exchange: Json) -> tuple[int, Any, httpx.Headers]:
        """Send a recorded request; (status, body, headers), a watch's body as a list of its lines."""
        asked = exchange["request"]
        headers = {"accept": asked.get("accept") or "application/json", "user-agent": "recorder/1"}
        if asked.get("content_type"):
            headers["content-type"] = asked["content_type"]
        token = CALLERS.get(asked.get("as") or "", ADMIN)
        if token:
            headers["authorization"] = f"Bearer {token}"
        path = LACKING.get(asked["path"]) or self._mine(asked["path"])
        content = self._content(asked.get("body"))
        answer = await self.client.request(asked["method"], path, headers=headers, content=content)
        return answer.status_code, _body(answer, exchange), answer.headers

    def _content(self, body: Any) -> bytes | None:
        if body is None:
            return None
        return self._mine(body if isinstance(body, str) else orjson.dumps(body).decode()).encode()

    def _mine(self, text: str) -> str:
        """Recorded uids and revisions as this stage knows them."""
        for old, new in NEWER_VERSIONS:
            text = text.replace(old, new)
        return re.sub(r"[\w-]+", lambda match: self.names.get(match.group(), match.group()), text)

    def learn(self, recorded: Any, mine: Any) -> None:
        """Remember which uid and revision of ours stand for the recorded ones."""
        if isinstance(recorded, dict) and isinstance(mine, dict):
            for key in recorded.keys() & mine.keys():
                if key in ("uid", "resourceVersion") and isinstance(mine[key], str) and recorded[key]:
                    self.names[recorded[key]] = mine[key]
                else:
                    self.learn(recorded[key], mine[key])


def _body(answer: httpx.Response, exchange: Json) -> Any:
    if "watch=" in exchange["request"]["path"] and answer.status_code == 200:
        return [orjson.loads(line) for line in answer.content.splitlines()]
    if "json" in answer.headers.get("content-type", ""):
        return answer.json()
    return answer.text


def recorded_body(exchange: Json) -> Any:
    """The recorded answer; of a watch, its lines without their moments."""
    body = exchange["response"]["body"]
    if isinstance(body, list):
        return [item["line"] for item in body]
    return body


def normal(value: Any, key: str = "") -> Any:
    """Without what differs from one run, or one encoder, to the next."""
    if isinstance(value, dict):
        items = {name: normal(item, name) for name, item in value.items() if name not in DROPPED}
        return {name: item for name, item in items.items() if item not in (None, {}, [], "")}
    if isinstance(value, list):
        return _normal_list(value, key)
    if isinstance(value, str):
        if key == "continue":
            return "<token>"
        return re.sub(r"\b\d{4,}\b", "<number>", TIME.sub("<time>", UUID.sub("<uid>", value)))
    return value


def _normal_list(values: list[Any], key: str) -> list[Any]:
    if key == "cells":
        return [_cell(value) for value in values]
    if key == "columnDefinitions":
        return [(item["name"], item["priority"]) for item in values]
    kept = [
        item
        for item in values
        if not (isinstance(item, dict) and str(item.get("name")).startswith(OLD_TOKENS))
    ]
    result: list[Any] = []
    for item in (normal(item) for item in kept):
        if key != "causes" or item not in result:
            result.append(item)
    return result


def _cell(value: Any) -> Any:
    if isinstance(value, str) and AGE.fullmatch(value):
        return "<age>"
    return normal(str(value))


@dataclass
class Tally:
    """How the exchanges of the recordings fared."""

    matched: list[str] = field(default_factory=list)
    differing: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, difference: str) -> None:
        if difference:
            self.differing[name] = difference
        else:
            self.matched.append(name)

    @property
    def tried(self) -> int:
        return len(self.matched) + len(self.differing)


def difference(
    status: int, body: Any, exchange: Json, adapt: Callable[[Any], Any] = lambda value: value
) -> str:
    """What is not as recorded, in one line; empty when nothing."""
    if status != exchange["response"]["status"]:
        return f"status {status} instead of {exchange['response']['status']}: {str(body)[:300]}"
    expected, found = normal(adapt(recorded_body(exchange))), normal(adapt(body))
    return first_difference(expected, found)


def first_difference(expected: Any, found: Any, path: str = "") -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in {**expected, **found}:
            if text := first_difference(expected.get(key), found.get(key), f"{path}.{key}"):
                return text
        return ""
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (left, right) in enumerate(zip(expected, found, strict=True)):
            if text := first_difference(left, right, f"{path}[{index}]"):
                return text
        return ""
    return "" if expected == found else f"{path}: recorded {str(expected)[:400]!r}, here {str(found)[:400]!r}"


def objects_in(bodies: Iterable[Any]) -> list[Json]:
    """Every whole object in recorded bodies: single ones, list items (with their kind) and watch events."""
    found: list[Json] = []
    for body in bodies:
        if isinstance(body, list):
            found += objects_in([line["object"] for line in body if line["type"] != "BOOKMARK"])
        elif isinstance(body, dict) and str(body.get("kind", "")).endswith("List"):
            head = {"apiVersion": body["apiVersion"], "kind": body["kind"].removesuffix("List")}
            found += [{**head, **item} for item in body.get("items") or []]
        elif isinstance(body, dict) and _is_object(body):
            found.append(body)
    return found


def _is_object(body: Json) -> bool:
    made = body.get("kind") not in (None, "Status", "Table", "PartialObjectMetadata")
    return made and bool(body.get("metadata", {}).get("uid"))


async def run_watch(stage: Stage, exchange: Json, act: Callable[[], None]) -> tuple[int, Any]:
    """A recorded watch while `act` happens; shortened to a second, as the events are already there."""
    path = re.sub(r"timeoutSeconds=\d+", "timeoutSeconds=1", exchange["request"]["path"])
    asked = {**exchange, "request": {**exchange["request"], "path": path}}
    waiting = asyncio.create_task(stage.ask(asked))
    await asyncio.sleep(0.05)
    act()
    status, body, _ = await waiting
    return status, body
