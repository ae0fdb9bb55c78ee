"""The little HTTP an engine needs: a read request, JSON answers, and a started stream, over plain ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson

Json = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class ConnectionCut(Exception):
    """The server died in the middle of an answer: the client's connection must end without a proper end."""


@dataclass(frozen=True)
class Request:
    """One request, its body read to the end."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    client: str

    def json(self) -> Json:
        """The body as a JSON object; ValueError otherwise."""
        parsed = orjson.loads(self.body)
        if not isinstance(parsed, dict):
            raise ValueError("not a JSON object")
        return parsed


async def read(scope: Any, receive: Receive) -> Request:
    """The whole request; ConnectionCut when the client left before it was sent."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionCut("client left")
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    client = "{}:{}".format(*(scope.get("client") or ("127.0.0.1", 0)))
    query = scope.get("query_string", b"").decode("latin-1")
    return Request(scope["method"], scope["path"], query, headers, b"".join(parts), client)


class Answer:
    """Writes one response; every response names the pod that gave it."""

    def __init__(self, send: Send, served_by: str) -> None:
        self._send = send
        self._served_by = served_by
        self.status = 0

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        self.status = status
        headers = [
            (b"content-type", content_type.encode()),
            (b"x-served-by", self._served_by.encode()),
            (b"server", b"uvicorn"),
        ]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, body: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def whole(self, status: int, body: bytes, content_type: str) -> None:
        await self.start(status, content_type, len(body))
        await self.end(body)

    async def json(self, body: Any, status: int = 200) -> None:
        await self.whole(status, orjson.dumps(body), "application/json")

    async def event(self, data: bytes) -> None:
        """One server-sent event."""
        await self.write(b"data: " + data + b"\n\n")


async def until_gone(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        continue


async def unless_gone(work: Awaitable[None], receive: Receive, tasks: set[asyncio.Task[None]]) -> bool:
    """Do `work` unless the client leaves first, which cancels it; True when it was cancelled from outside.

    While it runs the task stands in `tasks`, so that the end of the process can end it too.
    """
    doing: asyncio.Task[None] = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(until_gone(receive))
    tasks.add(doing)
    try:
        await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
        left = not doing.done()
        if left:
            doing.cancel()
        await asyncio.wait({doing})
        if doing.cancelled():
            return not left
        doing.result()
        return False
    finally:
        tasks.discard(doing)
        doing.cancel()
        watching.cancel()
