"""A caller who leaves before the answer: the view ends at once, and the log says so."""

import asyncio
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from hyperpod_site import urls

DEADLINE = 20.0
events: dict[str, asyncio.Event] = {}


@login_not_required
async def slow(request: HttpRequest) -> HttpResponse:
    """Answers after an hour, or is cancelled."""
    events["begun"].set()
    try:
        await asyncio.sleep(3600)
    finally:
        events["ended"].set()
    return HttpResponse()


urlpatterns = [path("slow/", slow, name="slow"), *urls.urlpatterns]


@pytest.mark.django_db(transaction=True)
async def test_a_caller_who_leaves_ends_the_view_and_is_in_the_log(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ROOT_URLCONF = __name__
    caplog.set_level("INFO")
    events.update(begun=asyncio.Event(), ended=asyncio.Event())
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    await said.put({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: dict[str, Any]) -> None:
        raise AssertionError(f"nobody is there to hear {message}")

    headers = [(b"host", b"testserver")]
    scope = {"type": "http", "method": "GET", "path": "/slow/", "headers": headers, "query_string": b""}
    application = asyncio.create_task(get_asgi_application()(scope, said.get, send))
    await asyncio.wait_for(events["begun"].wait(), DEADLINE)
    await said.put({"type": "http.disconnect"})
    await asyncio.wait_for(events["ended"].wait(), DEADLINE)
    await asyncio.wait_for(asyncio.wait([application]), DEADLINE)
    async with asyncio.timeout(DEADLINE):
        while "request_cancelled" not in caplog.text:
            await asyncio.sleep(0.05)
