"""What a request leaves open is closed at its end."""

import asyncio
import contextlib
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory

from apps.live.leftovers import CloseLeftovers, close_after

SCOPE = {"type": "http"}


def request_of(scope: dict[str, Any]) -> HttpRequest:
    request: HttpRequest = AsyncRequestFactory().get("/")
    request.scope.update(scope)  # type: ignore[attr-defined]  # an ASGIRequest
    return request


@pytest.mark.parametrize("ends", [None, ValueError("broken"), asyncio.CancelledError()], ids=repr)
async def test_it_is_closed_however_the_request_ends(ends: BaseException | None) -> None:
    heard: list[str] = []

    async def answering(scope: dict[str, Any], _receive: Any, _send: Any) -> None:
        close_after(request_of(scope), lambda: heard.append("closed"))
        heard.append("answered")
        if ends is not None:
            raise ends

    with contextlib.nullcontext() if ends is None else pytest.raises(type(ends)):
        await CloseLeftovers(answering)(SCOPE, None, None)
    assert heard == ["answered", "closed"]


async def test_two_requests_at_once_close_their_own(event: asyncio.Event) -> None:
    heard: list[str] = []

    async def answering(scope: dict[str, Any], receive: Any, _send: Any) -> None:
        close_after(request_of(scope), lambda: heard.append(receive))
        if receive == "slow":
            await event.wait()

    app = CloseLeftovers(answering)
    slow = asyncio.create_task(app(SCOPE, "slow", None))
    await asyncio.sleep(0)
    await app(SCOPE, "quick", None)
    assert heard == ["quick"]
    event.set()
    await slow
    assert heard == ["quick", "slow"]


def test_a_request_that_came_another_way_is_left_to_django() -> None:
    close_after(HttpRequest(), lambda: pytest.fail("nobody may call this"))


@pytest.fixture
def event() -> asyncio.Event:
    return asyncio.Event()
