"""Nonsense of every kind, for every resource: a clear refusal or a harmless object, never an inner error."""

from __future__ import annotations

import json
import random
from typing import Any

from devcluster.resources import REGISTRY, Resource
from devcluster.schema import Node, schema_of
from tests.devcluster.wire import ADMIN, Stage

Json = dict[str, Any]

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PATCHES = ("application/json-patch+json", "application/merge-patch+json",
           "application/strategic-merge-patch+json", "application/apply-patch+yaml")  # fmt: skip
ROUNDS = 6
FLOOR = 1000


def shaped(node: Node, rng: random.Random, depth: int = 0) -> Any:
    """A value of the right type, mostly: small, odd, sometimes wrong."""
    if rng.random() < 0.02:
        return rng.choice([None, 0, -1, "", "x" * 70, [], {}, True, "../..", "<b>"])
    if node.type == "object" and depth < 6:
        names = [name for name in node.fields if rng.random() < 0.5 or name in node.required]
        return {name: shaped(node.fields[name], rng, depth + 1) for name in names[:8]}
    if node.type == "map" and node.items is not None:
        return {rng.choice(["a", "b/c", "-"]): shaped(node.items, rng, depth + 1) for _ in range(2)}
    if node.type == "list" and node.items is not None:
        return [shaped(node.items, rng, depth + 1) for _ in range(rng.randrange(3))]
    plain = {"integer": 1, "number": 1.5, "boolean": True, "quantity": "1", "intorstring": "50%"}
    return plain.get(node.type, rng.choice(["a", "In", "Pod", "2026-01-01T00:00:00Z", "1"]))


class Nonsense:
    """Sends it and keeps every answer that is the server's own fault."""

    def __init__(self, seed: int) -> None:
        self.stage, self.rng = Stage(), random.Random(seed)
        self.sent, self.broken = 0, list[str]()

    async def send(self, method: str, path: str, body: Any = None, media: str = "application/json") -> None:
        headers = {
            "authorization": f"Bearer {ADMIN}",
            "content-type": media,
            "accept": f"{TABLE},application/json",
        }
        content = None if body is None else json.dumps(body)
        answer = await self.stage.client.request(method, path, content=content, headers=headers)
        self.sent += 1
        meant = "failed to create typed patch object" in answer.text
        if answer.status_code >= 500 and not meant:
            self.broken.append(f"{method} {path} {media} {str(content)[:500]}: {answer.text[:300]}")

    async def try_all(self, kind: Resource) -> None:
        where = "demo" if kind.namespaced else ""
        collection, single = kind.path(where), kind.path(where, "odd")
        await self.send("POST", collection, self.body(kind))
        for method in ("PUT", "DELETE"):
            await self.send(method, single, self.body(kind))
        await self.send("POST", collection, self.body(kind))
        await self.send("PATCH", single, self.body(kind), self.rng.choice(PATCHES))
        await self.send("PATCH", single, [{"op": "replace", "path": "/metadata", "value": []}], PATCHES[0])
        for name in kind.subresources:
            if name not in ("proxy", "log"):
                await self.send(
                    self.rng.choice(["GET", "PUT", "POST", "PATCH"]), f"{single}/{name}", self.body(kind)
                )
        await self.send("GET", collection)

    def body(self, kind: Resource) -> Any:
        body = shaped(schema_of(kind), self.rng)
        if not isinstance(body, dict) or self.rng.random() < 0.1:
            return body
        metadata = {"name": "odd", "labels": {"a": self.rng.choice(["b", "", "-"])}}
        return {**body, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}


async def test_nonsense_never_breaks_the_server() -> None:
    nonsense = Nonsense(20)
    for _ in range(ROUNDS):
        for kind in REGISTRY:
            if kind.stored and kind.plural != "namespaces":
                await nonsense.try_all(kind)
    print(f"\n{nonsense.sent} odd requests sent, {len(nonsense.broken)} answered by an inner error")
    assert not nonsense.broken, "\n".join(nonsense.broken)
    assert nonsense.sent >= FLOOR
