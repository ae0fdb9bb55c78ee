"""Bodies of unknown length are counted while they arrive, before Django stores them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hyperpod_site.asgi import application
from hyperpod_site.bodies import LimitBodies

LIMIT = 1024 * 1024


async def swallow(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads everything and says how much it was."""
    read, more = 0, True
    while more:
        message = await receive()
        read, more = read + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(read).encode()})


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _number in range(count):
        yield b"x" * 65536


@pytest.mark.parametrize("path", ["/api/anything", "/page"])
@pytest.mark.parametrize(("count", "status"), [(16, 200), (17, 413), (160, 413)])
async def test_a_chunked_body_is_refused_once_it_is_too_large(path: str, count: int, status: int) -> None:
    transport = httpx.ASGITransport(LimitBodies(swallow))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(path, content=chunks(count))
    assert answer.status_code == status
    assert answer.text == str(LIMIT) if status == 200 else "too large" in answer.text


async def test_a_declared_length_is_refused_before_the_application_runs() -> None:
    transport = httpx.ASGITransport(LimitBodies(swallow))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.post("/api/x", content=b"x" * (LIMIT + 1))).json()["status"] == 413


async def test_the_site_itself_stands_behind_the_limit() -> None:
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post("/accounts/login/", content=chunks(17))
    assert answer.status_code == 413 and "Send less than 1 MB" in answer.text
