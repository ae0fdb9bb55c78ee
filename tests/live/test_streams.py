"""Lines that grow: nothing lost, nothing twice, one read for all who are at the same place."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.live import topics
from apps.live.db import db
from apps.live.hub import hub
from apps.live.publish import publish
from tests.live import parts
from tests.live.conftest import Visit, eventually

Open = Callable[..., Awaitable[Visit]]


def write(first: int, last: int) -> None:
    parts.write_lines(1, first, last)
    publish(topics.lines(1))


def numbers(page: Visit) -> list[int]:
    return [int(found) for found in re.findall(r"<p>(\d+)</p>", page.page.elements.get("lines", ""))]


async def follow(page: Visit) -> None:
    cursor = page.page.cursors.get("lines", 0)
    await page.join("live_test.lines", "lines", kind="stream", cursor=cursor, cluster_id=1)


async def test_lines_arrive_in_order_without_loss_or_doubles(visit: Open, bob: User) -> None:
    await db(write, 1, 1300)
    page = await visit(bob)
    await follow(page)
    for first in range(1301, 3301, 200):
        await db(write, first, first + 199)
    await eventually(lambda: page.page.cursors.get("lines") == 3300, "all lines")
    assert numbers(page) == list(range(1, 3301))


async def test_a_page_that_comes_back_goes_on_at_its_cursor(visit: Open, bob: User) -> None:
    await db(write, 1, 700)
    before = await visit(bob)
    await follow(before)
    await eventually(lambda: before.page.cursors.get("lines") == 700, "700 lines")
    await before.leave()
    await db(write, 701, 1500)
    after = await visit(bob)
    after.page = before.page
    await follow(after)
    await eventually(lambda: after.page.cursors.get("lines") == 1500, "1500 lines")
    assert numbers(after) == list(range(1, 1501))
    assert after.page.skipped == 0


async def test_three_reconnects_under_load_lose_and_double_nothing(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await follow(page)
    for turn in range(4):
        for first in range(turn * 1000 + 1, turn * 1000 + 1001, 250):
            await db(write, first, first + 249)
        kept = page.page
        await page.leave()
        page = await visit(bob)
        page.page = kept
        await follow(page)
    await eventually(lambda: page.page.cursors.get("lines") == 4000, "4000 lines")
    assert numbers(page) == list(range(1, 4001))


async def test_readers_at_the_same_cursor_share_one_read(visit: Open, bob: User) -> None:
    await db(write, 1, 100)
    pages = [await visit(bob) for _number in range(10)]
    before = parts.asked["lines"]
    await asyncio.gather(*(follow(page) for page in pages))
    await eventually(lambda: all(page.page.cursors.get("lines") == 100 for page in pages), "100 lines each")
    assert parts.asked["lines"] - before <= 6
    assert len(hub().feeds) == 1


async def test_pages_at_different_places_meet_and_share_their_reads(visit: Open, bob: User) -> None:
    await db(write, 1, 8000)
    pages = [await visit(bob) for _number in range(10)]
    for place, page in enumerate(pages):
        page.page.cursors["lines"] = place * 130
    parts.read_from.clear()
    await asyncio.gather(*(follow(page) for page in pages))
    await eventually(lambda: all(page.page.cursors["lines"] == 8000 for page in pages), "all lines")
    assert len(parts.read_from) <= 45


async def test_a_slow_read_is_shared_while_more_is_announced(
    visit: Open, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(parts.slowness, "lines", 0.5)
    await db(write, 1, 500)
    pages = [await visit(bob) for _number in range(10)]
    parts.read_from.clear()
    for page in pages:
        await follow(page)
        publish(topics.lines(1))
        await asyncio.sleep(0.1)
    await eventually(lambda: all(page.page.cursors.get("lines") == 500 for page in pages), "500 lines each")
    assert parts.read_from.count(0) == 1


async def test_a_page_that_takes_nothing_for_a_while_loses_nothing(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await follow(page)
    await eventually(lambda: page.page.beats, "the first beat")
    page.slow.clear()
    for first in range(1, 5001, 500):
        await db(write, first, first + 499)
    page.slow.set()
    await eventually(lambda: page.page.cursors.get("lines") == 5000, "5000 lines")
    assert numbers(page) == list(range(1, 5001))


async def test_a_lost_topic_is_healed_by_the_beat(visit: Open, bob: User, settings: Any) -> None:
    settings.LIVE_BEAT_SECONDS = 0.5
    page = await visit(bob)
    await follow(page)
    await db(parts.write_lines, 1, 1, 10)
    await eventually(lambda: page.page.cursors.get("lines") == 10, "10 lines without a topic")
