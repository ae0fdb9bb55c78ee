"""Counts request bodies as they arrive: Django under ASGI would store any length before its first
middleware runs.
"""

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest

from hyperpod_site.answers import answer
from hyperpod_site.problems import too_large

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
MOST_THROWN_AWAY = 32 * 1024 * 1024


class BodyTooLarge(Exception):
    """More came than is taken."""


class LimitBodies:
    """An ASGI application before another one: bodies over DATA_UPLOAD_MAX_MEMORY_SIZE are answered with 413.

    What a client still sends is read and thrown away (up to 32 MB), so that it gets to read the answer.
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Pass on what is small enough."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        counter = Counter(receive, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        try:
            if declared_length(scope) > counter.limit:
                raise BodyTooLarge
            await self.app(scope, counter, send)
        except BodyTooLarge:
            await counter.throw_away()
            await refuse(scope, send)


class Counter:
    """A `receive` that counts."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self.receive = receive
        self.limit = limit
        self.seen = 0
        self.more = True

    async def __call__(self) -> Any:
        """The next message; BodyTooLarge once the limit is passed."""
        message = await self.next()
        if self.seen > self.limit:
            raise BodyTooLarge
        return message

    async def next(self) -> Any:
        """The next message, counted."""
        message: Any = await self.receive()
        if message["type"] == "http.request":
            self.seen += len(message.get("body", b""))
            self.more = message.get("more_body", False)
        else:
            self.more = False
        return message

    async def throw_away(self) -> None:
        """Read what is left."""
        while self.more and self.seen < MOST_THROWN_AWAY:
            await self.next()


def declared_length(scope: dict[str, Any]) -> int:
    """Content-Length, or 0 where there is none that can be read."""
    text = dict(scope["headers"]).get(b"content-length", b"0")
    return int(text) if text.isdigit() else 0


async def refuse(scope: dict[str, Any], send: Send) -> None:
    """413, in the form that the asker understands."""
    response = answer(ASGIRequest(scope, BytesIO()), too_large())
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
