"""One HTTP request to an ASGI app, watched while it is answered; the client may leave in the middle."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class Call:
    """Started at once; `await call.over()` in wall time, or let virtual time pass and look at it."""

    def __init__(self, app: Any, method: str, path: str, body: Any = None) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.finished = False
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        payload = b"" if body is None else json.dumps(body).encode()
        self._incoming.put_nowait({"type": "http.request", "body": payload, "more_body": False})
        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
        self.task = asyncio.ensure_future(app(scope, self._incoming.get, self._take))
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message["body"]
            self.finished = not message["more_body"]

    def leave(self) -> None:
        """The client closes its connection."""
        self._incoming.put_nowait({"type": "http.disconnect"})

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of each server-sent event so far; the last one is the text [DONE]."""
        rows = [row.removeprefix("data: ") for row in self.body.decode().split("\n\n") if row]
        return [row if row == "[DONE]" else json.loads(row) for row in rows]

    @property
    def words(self) -> str:
        """The streamed text so far."""
        deltas = [
            event["choices"][0]["delta"] for event in self.events if event != "[DONE]" and event["choices"]
        ]
        return "".join(delta.get("content", "") for delta in deltas)
