"""What keeps pages true when messages are lost, pages are slow, or many come at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.live import mirror, publish
from apps.live.db import db
from apps.live.ear import Ear
from apps.live.hub import Hub, hub
from apps.live.models import ClusterObject
from apps.live.regions import Region
from apps.live.rhythm import SECOND_LOOK, Follower
from apps.live.seats import Seat
from tests.live import parts
from tests.live.conftest import Visit, eventually

Open = Callable[..., Awaitable[Visit]]


def change_silently(phase: str) -> None:
    """A change whose message is lost: written past the mirror's publish."""
    row = ClusterObject.objects.get(kind="pods", name="a")
    ClusterObject.objects.filter(pk=row.pk).update(data={"phase": phase}, version=row.version + 1)


async def settled() -> None:
    """Whatever looks again by itself after a start has done so."""
    await eventually(lambda: hub().ear.hearing, "hearing")
    await asyncio.sleep(SECOND_LOOK + 0.5)


async def test_a_lost_message_is_healed_by_the_beat(visit: Open, bob: User, settings: Any) -> None:
    settings.LIVE_BEAT_SECONDS = 0.5
    await db(parts.set_pods, 1, "a")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    await db(change_silently, "Healed")
    await page.shows("pods", "Healed")


async def test_without_the_beat_the_loss_is_seen(visit: Open, bob: User) -> None:
    """The sabotage of the test above: a beat that never comes leaves the page behind, and
    this check notices.
    """
    await db(parts.set_pods, 1, "a")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    await settled()
    await db(change_silently, "Lost")
    await asyncio.sleep(1.5)
    assert "Lost" not in page.page.elements["pods"]


async def test_a_deaf_layer_is_noticed_and_caught_up_with(visit: Open, bob: User, settings: Any) -> None:
    settings.LIVE_ECHO_SECONDS = 0.3
    await db(parts.set_pods, 1, "a")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    await eventually(lambda: hub().ear.hearing, "hearing")
    await hub().ear._layer.flush()  # as a broken connection that nobody noticed: no subscription is left
    await db(change_silently, "Seen")
    await page.shows("pods", "Seen")
    await eventually(lambda: hub().ear.hearing, "hearing again")
    await db(parts.change, 1, "a", 50, "Heard")
    await page.shows("pods", "Heard")


async def test_a_storm_of_joins_under_changes_ends_equal_to_the_database(visit: Open, bob: User) -> None:
    wrong = await storm(visit, bob)
    print(f"storm: 30 joins, 60 changes, {wrong} pages wrong")
    assert wrong == 0


async def storm(visit: Open, bob: User, *, patience: float = 15) -> int:
    await db(parts.set_pods, 1, "a")
    pages = [await visit(bob) for _number in range(30)]

    async def come(page: Visit, number: int) -> None:
        await asyncio.sleep(number * 0.02)
        await page.join("live_test.pods", "pods", cluster_id=1)

    async def change() -> None:
        for number in range(60):
            await db(parts.change, 1, "a", 10 + number, f"step-{number}")

    await asyncio.gather(change(), *(come(page, number) for number, page in enumerate(pages)))
    try:
        await eventually(
            lambda: all("step-59" in page.page.elements.get("pods", "") for page in pages), seconds=6
        )
    except AssertionError:
        pass
    return sum("step-59" not in page.page.elements.get("pods", "") for page in pages)


class Careless(Region):
    """The sabotage: a region that looks before it listens, and never when somebody joins."""

    async def _look_again(self) -> None:
        if self.state is None:
            self._topics = frozenset()
        await super()._look_again()


async def test_a_region_that_does_not_listen_first_is_caught(
    visit: Open, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sabotage of the storm: without the subscription, the check must see stale pages."""
    monkeypatch.setattr("apps.live.hub.Region", Careless)
    assert await storm(visit, bob, patience=3) > 0


async def test_a_page_that_cannot_keep_up_gets_whole_regions(visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a", "b")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "2 pods")
    seat = next(iter(next(iter(hub().regions.values())).viewers))
    assert isinstance(seat, Seat)
    seat._size = 2
    page.slow.clear()
    for number in range(8):
        await db(parts.change, 1, "a", 10 + number, f"step-{number}")
        await asyncio.sleep(0.25)
    page.slow.set()
    await page.shows("pods", "step-7")
    assert seat.overflows >= 1


async def test_a_broken_fragment_does_not_end_the_page(visit: Open, bob: User) -> None:
    page = await visit(bob)
    await page.join("live_test.pods", "broken", cluster_id="no number")
    await page.join("live_test.count", "count", cluster_id=1)
    await page.shows("count", "may look")
    assert page.code == 0


async def test_the_ear_survives_a_layer_that_is_away(loop_end: None) -> None:
    """Subscribing to a dead server takes a moment, raises nothing, and is made up for later."""
    ear = Ear(lambda: None, echo=0.2)
    await ear.want(Follower(), ["clusters"])
    assert ear.groups() == 1
    assert not ear.hearing


async def test_publishing_is_heard_by_every_loop(transactional_db: None, loop_end: None) -> None:
    heard: list[int] = []

    class Listener(Follower):
        async def refresh(self) -> None:
            heard.append(1)

    own = Hub(beat=60)
    own.start()
    await eventually(lambda: own.ear.hearing, "hearing")
    await own.ear.want(Listener(), ["clusters"])
    publish.publish_now("clusters")
    await eventually(lambda: heard, "the topic")
    await own.stop()


async def test_a_thousand_topics_at_once_are_sent_once_each(transactional_db: None) -> None:
    failed = publish.failures()
    publisher = publish._publisher()
    assert await asyncio.to_thread(publish.flush, 10)
    before = publisher.sent
    for _turn in range(5):
        publish.publish_now(*(f"topic-{number}" for number in range(200)))
    assert await asyncio.to_thread(publish.flush, 10)
    assert 200 <= publisher.sent - before <= 1000
    assert publish.failures() == failed


async def test_very_many_changes_are_announced_as_one(visit: Open, bob: User) -> None:
    names = [f"pod-{number}" for number in range(200)]
    await db(parts.set_pods, 1, *names)
    assert await asyncio.to_thread(publish.flush, 10)
    before = publish._publisher().sent
    await db(lambda: mirror.replace(1, "pods", [], 9))
    assert await asyncio.to_thread(publish.flush, 10)
    assert publish._publisher().sent - before <= 3
