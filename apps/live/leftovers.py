"""What a request leaves open is closed when the request is over, however it ends.

Django closes a response that it has begun to send. One whose request was cancelled between its view and its
answer, in a middleware, it drops (`ASGIHandler.handle`): what it held stayed open until the garbage collector
came by, and in a quiet process that is never.
"""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from django.http import HttpRequest

KEY = "portal.leftovers"
Application = Callable[..., Awaitable[None]]


class CloseLeftovers:
    """An ASGI application before Django's."""

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Pass on, then close what `close_after` was told."""
        with ExitStack() as leftovers:
            await self.app({**scope, KEY: leftovers}, receive, send)


def close_after(request: HttpRequest, close: Callable[[], None]) -> None:
    """Have `close` called on the event loop when the request is over; it must not wait, and may be called
    again by Django. Without `CloseLeftovers` in front, as in Django's test client, Django's call must do.
    """
    leftovers: ExitStack | None = getattr(request, "scope", {}).get(KEY)
    if leftovers is not None:
        leftovers.callback(close)
