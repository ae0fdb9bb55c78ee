"""The programs that the page shows, run as shown; its presets, asked of a real engine; calls at once."""

import asyncio
import contextlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from asgiref.sync import sync_to_async

from apps.inference.testing import LANGUAGES, PRESETS
from tests.inference.calling import CALLS, CALLS_EACH, MODEL, NAME, Web, chat
from tests.processes import until

pytestmark = CALLS
PAYLOAD = chat(tokens=3) | {"user": 'O\'Brien said "$HOME `id` \\\\" éé \n', "stop": None, "echo": False}
COMMANDS = {
    "curl": ("sh", "call.sh"),
    "python": (sys.executable, "call.py"),
    "javascript": ("node", "call.mjs"),
}


def program(web: Web, language: str, **fields: str) -> str:
    """The program that the page shows."""
    form = {"service": f"{web.place.namespace}/{NAME}", "method": "POST", "path": "/v1/chat/completions"}
    form |= {"payload": json.dumps(PAYLOAD, indent=2), "language": language, **fields}
    address = f"{web.address}/c/{web.place.cluster.slug}/deploy/test/code/"
    headers = {"X-CSRFToken": web.cookies["csrftoken"]}
    answer = httpx.post(address, data=form, cookies=web.cookies, headers=headers)
    assert answer.status_code == 200, answer.text
    shown = re.search(r'<pre class="log"[^>]*>(.*?)</pre>', answer.text, re.DOTALL)
    assert shown, answer.text
    return html.unescape(shown[1])


def run(language: str, text: str, folder: Path, token: str) -> str:
    """What the program prints."""
    command, name = COMMANDS[language]
    (folder / name).write_text(text)
    environment = {"PATH": os.environ["PATH"], "PORTAL_TOKEN": token, "HOME": "/nowhere"}
    done = subprocess.run(
        [command, name], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("language", [name for name, _title in LANGUAGES])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_program_on_the_page_works_as_shown(web: Web, tmp_path: Path, language: str, method: str) -> None:
    assert shutil.which(COMMANDS[language][0]), f"install {COMMANDS[language][0]}"
    path = {"POST": "/v1/chat/completions", "GET": "/v1/models?limit=3&q=a b"}[method]
    printed = run(language, program(web, language, method=method, path=path), tmp_path, web.token)
    assert "data: [DONE]" in printed if method == "POST" else json.loads(printed)["data"][0]["id"] == MODEL


@pytest.mark.parametrize("language", ["curl", "python"])
def test_the_program_says_what_was_sent_exactly(web: Web, tmp_path: Path, language: str) -> None:
    text = program(web, language, payload=json.dumps(PAYLOAD | {"model": "nobody $(id) 'x'"}))
    if language == "python":
        text = text.replace(
            "with urllib", "assert json.loads(request.data)['user'] == PAYLOAD['user']\nwith urllib"
        )
        with pytest.raises(AssertionError, match="404"):
            run(language, text, tmp_path, web.token)
        return
    assert "nobody $(id) 'x'" in json.dumps(json.loads(run(language, text, tmp_path, web.token)))


def at_work(web: Web) -> float:
    """Requests that the engines have, running or waiting for a slot."""
    return web.running + web.metric("vllm:num_requests_waiting")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
async def test_every_preset_is_a_request_that_an_engine_takes(web: Web, preset: object) -> None:
    described = next(each.described() for each in PRESETS if each is preset)
    payload = described["payload"] and {**described["payload"], "model": MODEL, "max_tokens": 2}
    path = described["path"].removeprefix("/")
    async with web.program() as client:
        answer = await client.request("POST" if payload else "GET", web.api(path), json=payload)
    assert answer.status_code == 200, answer.text


async def test_calls_at_once_are_capped_per_person_and_free_again(web: Web) -> None:
    async with contextlib.AsyncExitStack() as open_calls:
        client = await open_calls.enter_async_context(web.program())
        streams = [client.stream("POST", web.api(), json=chat(tokens=4000)) for _ in range(20)]
        opening = [asyncio.create_task(open_calls.enter_async_context(each)) for each in streams]
        await asyncio.gather(*opening)
        more = range(CALLS_EACH - len(streams))
        waiting = [asyncio.create_task(client.post(web.api(), json=chat(tokens=4000))) for _ in more]
        await sync_to_async(until)(lambda: at_work(web) == CALLS_EACH, seconds=20, what="all to be asked")
        refused = await client.post(web.api(), json=chat())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert refused.status_code == 429
    assert f"{CALLS_EACH} model calls running" in refused.json()["detail"]
    await sync_to_async(until)(lambda: web.running == 0, seconds=20, what="every slot to be free")
    async with web.program() as client:
        assert (await client.post(web.api(), json=chat(tokens=1))).status_code == 200


async def test_callers_who_leave_at_any_moment_leave_no_seat_taken(web: Web) -> None:
    async def impatient(client: httpx.AsyncClient, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # httpx's own would begin anew with every token
                await client.post(web.api(), json=chat(tokens=4000))

    async with web.program() as client:
        for _round in range(4):
            await asyncio.gather(*(impatient(client, 0.005 * number) for number in range(1, 21)))
        await sync_to_async(until)(lambda: at_work(web) == 0, seconds=30, what="every slot to be free")
        async with asyncio.timeout(30):  # a seat is free a moment after the slot
            while await refused(web, client):
                await asyncio.sleep(0.2)


async def refused(web: Web, client: httpx.AsyncClient) -> int:
    """How many of as many calls as there are seats are refused now."""
    streams = [client.post(web.api(), json=chat(tokens=2)) for _ in range(CALLS_EACH)]
    statuses = [answer.status_code for answer in await asyncio.gather(*streams)]
    assert {*statuses} <= {200, 429}
    return statuses.count(429)
