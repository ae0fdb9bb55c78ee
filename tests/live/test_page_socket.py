"""The page's socket: what a page sees, live."""

import asyncio
from collections.abc import Awaitable, Callable

from apps.accounts.models import User
from apps.live.db import db
from apps.live.hub import hub
from tests.live import parts
from tests.live.conftest import Visit, eventually

Open = Callable[..., Awaitable[Visit]]


async def test_a_page_gets_each_fragment_once_and_then_what_changes(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a", "b")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "2 pods")
    await db(parts.change, 1, "a", 5, "Failed")
    html = await page.shows("pods", "Failed")
    assert html.count("<tr") == 2
    assert page.page.lost_rows == []


async def test_a_change_sends_the_changed_row_only(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, *[f"pod-{number:02d}" for number in range(40)])
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "40 pods")
    sent: list[str] = []
    take = page.page.take
    page.page.take = lambda message: (sent.append(message), take(message))[1]  # type: ignore[method-assign]
    await db(parts.change, 1, "pod-07", 5, "Failed")
    await page.shows("pods", "Failed")
    rows = [message for message in sent if "<tr" in message]
    assert [message.count("<tr") for message in rows] == [1]


async def test_new_and_gone_rows_and_the_count_arrive(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a", "b")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "2 pods")
    await db(parts.set_pods, 1, "b", "c", "d", version=9)
    await page.shows("pods", "3 pods")  # each row that came or went has a frame of its own
    await page.shows("pods", "<td>d<")
    html = await page.misses("pods", "<td>a<")
    assert [name in html for name in ("<td>b<", "<td>c<", "<td>d<")] == [True, True, True]


async def test_all_viewers_of_a_region_share_one_look(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a")
    pages = [await visit(bob) for _number in range(8)]
    before = parts.asked["pods"]
    await asyncio.gather(*(page.join("live_test.pods", "pods", cluster_id=1) for page in pages))
    for page in pages:
        await page.shows("pods", "1 pods")
    assert parts.asked["pods"] == before + 1
    await db(parts.change, 1, "a", 5, "Failed")
    for page in pages:
        await page.shows("pods", "Failed")
    assert parts.asked["pods"] <= before + 3
    assert len(hub().regions) == 1


async def test_the_last_viewer_takes_the_region_along(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "0 pods")
    assert hub().ear.groups() == 2
    await page.say({"leave": ["pods"]})
    await eventually(lambda: not hub().regions, "no region")
    assert hub().ear.groups() == 1


async def test_an_equal_state_sends_nothing(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    frames, region = page.page.frames, next(iter(hub().regions.values()))
    looks = region.looks
    hub().look_again()
    await eventually(lambda: region.looks > looks, "looked again")
    await asyncio.sleep(0.3)
    assert page.page.frames == frames


async def test_roles_see_their_own_region(visit: Open, alice: User, bob: User) -> None:
    operator, viewer = await visit(alice), await visit(bob)
    for page in (operator, viewer):
        await page.join("live_test.count", "count", cluster_id=1)
    await operator.shows("count", "may lend")
    await viewer.shows("count", "may look")
    assert len(hub().regions) == 2


async def test_changes_faster_than_the_window_end_in_the_last_state(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    frames = page.page.frames
    for number in range(60):
        await db(parts.change, 1, "a", 10 + number, f"step-{number}")
    await page.shows("pods", "step-59")
    assert page.page.frames - frames < 60


async def test_a_part_that_asks_anew_replaces_what_its_element_showed(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a")
    await db(parts.set_pods, 2, "x", "y")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    await page.join("live_test.pods", "pods", cluster_id=2)
    await page.shows("pods", "2 pods")
    assert [region.args for region in hub().regions.values()] == [{"cluster_id": 2}]
