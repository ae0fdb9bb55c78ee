"""Calling models through the portal's own web server: streams, refusals, callers that hang up."""

import asyncio
import contextlib
import re
import time

import httpx
import pytest

from tests.inference.calling import CALLS, MODEL, NAME, Web, chat
from tests.processes import until

pytestmark = CALLS


def words_of(page: bytes) -> str:
    """What a page says, without its markup."""
    main = page.decode().rpartition("<main")[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", main)).strip()[:500]


async def test_a_chat_streams_token_by_token(web: Web) -> None:
    async with web.client() as client, client.stream("POST", web.url(), json=chat(tokens=20)) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Served-By"] in web.place.names("pods")
        arrivals = [time.monotonic() async for line in answer.aiter_lines() if line.startswith("data: {")]
    assert len(arrivals) >= 20
    assert arrivals[-1] - arrivals[0] > 0.4, "it came in pieces, not at the end"


async def test_get_and_whole_answers_pass(web: Web) -> None:
    async with web.client() as client:
        models = (await client.get(web.url("v1/models"))).json()
        whole = (await client.post(web.url(), json=chat(tokens=3, stream=False))).json()
    assert models["data"][0]["id"] == MODEL
    assert whole["system_fingerprint"] in web.place.names("pods")


async def test_twenty_streams_run_at_once(web: Web) -> None:
    async def one(client: httpx.AsyncClient) -> tuple[float, float, str]:
        async with client.stream("POST", web.url(), json=chat(tokens=40)) as answer:
            assert answer.status_code == 200, words_of(await answer.aread())
            chunks = [(time.monotonic(), chunk) async for chunk in answer.aiter_bytes()]
        return chunks[0][0], chunks[-1][0], b"".join(chunk for _at, chunk in chunks).decode()

    async with web.client() as client:
        streams = await asyncio.gather(*(one(client) for _ in range(20)))
    whole = sum("data: [DONE]" in text for _first, _last, text in streams)
    most = max(sum(first <= at <= last for first, last, _text in streams) for at, _last, _text in streams)
    print(f"streams: {whole} of 20 whole, at most {most} at the same moment")
    assert whole == 20, [text[-200:] for _first, _last, text in streams if "data: [DONE]" not in text]
    assert most >= 8


async def test_hanging_up_frees_the_model_at_once(web: Web) -> None:
    async with web.client() as client:
        async with client.stream("POST", web.url(), json=chat(tokens=4000)) as answer:
            chunks = answer.aiter_bytes()
            await anext(chunks)
            await asyncio.to_thread(until, lambda: web.running == 1, seconds=15, what="the model to work")
        left = time.monotonic()
        await asyncio.to_thread(until, lambda: web.running == 0, seconds=15, what="the slot to be free")
        print(f"slot free {time.monotonic() - left:.2f} s after the caller left")


async def test_hanging_up_before_the_answer_begins_frees_the_model_too(web: Web) -> None:
    async with web.client() as client:
        asked = asyncio.create_task(client.post(web.url(), json=chat(tokens=4000, stream=False)))
        await asyncio.to_thread(until, lambda: web.running == 1, seconds=15, what="the model to work")
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        await asyncio.to_thread(until, lambda: web.running == 0, seconds=15, what="the slot to be free")


async def test_hanging_up_on_the_whole_answer_frees_the_model_too(web: Web) -> None:
    body = {"service": NAME, "payload": chat(tokens=4000, stream=False), "namespace": web.place.namespace}
    for address in (f"c/{web.place.cluster.slug}/proxy-request", "proxy-request"):
        async with web.program() as client:
            asked = asyncio.create_task(client.post(f"{web.address}/api/{address}", json=body))
            await asyncio.to_thread(until, lambda: web.running == 1, seconds=15, what="the model to work")
            asked.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asked
            left = time.monotonic()
            await asyncio.to_thread(until, lambda: web.running == 0, seconds=15, what="the slot to be free")
            print(f"{address}: slot free {time.monotonic() - left:.2f} s after the caller left")


async def test_a_token_is_enough_and_its_stream_is_freed_as_well(web: Web) -> None:
    async with web.program() as client:
        async with client.stream("POST", web.api(), json=chat(tokens=4000)) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["X-Served-By"] in web.place.names("pods")
            chunks = answer.aiter_bytes()  # kept: a forgotten iterator hangs up
            await anext(chunks)
            await asyncio.to_thread(until, lambda: web.running == 1, seconds=15, what="the model to work")
        await asyncio.to_thread(until, lambda: web.running == 0, seconds=15, what="the slot to be free")


async def test_without_a_good_token_the_api_says_401_as_json(web: Web) -> None:
    async with httpx.AsyncClient(headers={"Authorization": "Bearer wrong"}) as client:
        wrong = await client.post(web.api(), json=chat())
    async with httpx.AsyncClient(cookies=web.cookies) as client:
        no_csrf = await client.post(web.api(), json=chat())
    assert (wrong.status_code, no_csrf.status_code) == (401, 403)
    assert wrong.json()["code"] == "not_logged_in"


async def test_refusals_of_the_model_come_through_as_they_are(web: Web) -> None:
    async with web.client() as client:
        unknown = await client.post(web.url(), json=chat() | {"model": "nobody"})
        nowhere = await client.get(web.url("v1/nothing"))
    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert "nobody" in unknown.text


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("POST", b"not json", 422),
        ("POST", b"", 422),
        ("POST", b"\xff\xfe", 422),
        ("PUT", b"{}", 405),
        ("DELETE", b"", 405),
        ("POST", b'{"a": "' + b"x" * 2_000_000 + b'"}', 413),
    ],
)
async def test_what_is_no_request_of_a_model_is_refused(
    web: Web, method: str, body: bytes, status: int
) -> None:
    async with web.client() as client:
        answer = await client.request(
            method, web.url(), content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == status


async def test_nobody_calls_without_a_csrf_token_or_a_login(web: Web) -> None:
    async with httpx.AsyncClient(cookies=web.cookies) as client:
        assert (await client.post(web.url(), json=chat())).status_code == 403
    async with httpx.AsyncClient() as client:
        assert (await client.get(web.url("v1/models"))).status_code == 302


async def test_a_service_that_the_mirror_does_not_know_is_not_called(web: Web) -> None:
    async with web.client() as client:
        assert (await client.get(web.url("v1/models", service="kubernetes"))).status_code == 404


async def test_nothing_of_the_portals_own_goes_out_and_nothing_unexpected_comes_back(web: Web) -> None:
    async with web.client() as client:
        answer = await client.get(web.url("v1/models"))
    passed = {name.lower() for name in answer.headers}
    assert "server" not in passed or answer.headers["server"] != "devcluster"
    assert "set-cookie" not in passed or "sessionid" in answer.headers["set-cookie"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_api_answers_as_json_with_the_pods_name(web: Web) -> None:
    body = {"service": NAME, "path": "/v1/chat/completions", "payload": chat(tokens=3, stream=False)}
    address = f"{web.address}/api/proxy-request?cluster={web.place.cluster.slug}"
    headers = {"X-CSRFToken": web.cookies["csrftoken"]}
    answer = httpx.post(address, json=body, cookies=web.cookies, headers=headers, timeout=30).json()
    assert (answer["success"], answer["status"], answer["isText"]) == (True, 200, False)
    assert answer["servedBy"] == answer["data"]["system_fingerprint"]
