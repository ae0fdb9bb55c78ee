"""Valkey goes and comes back: writes do not fail, pages go on more slowly, nothing is missing in the end."""

import asyncio
import copy
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from apps.accounts.models import User
from apps.live import publish
from apps.live.db import db
from apps.live.hub import hub
from hyperpod_site.stack.services import Valkey
from tests.live import parts
from tests.live.conftest import Visit, eventually

Open = Callable[..., Awaitable[Visit]]


@pytest.fixture
def valkey(settings: Any) -> Iterator[Valkey]:
    """A Valkey of this test's own as the channel layer."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as name:
        service = Valkey(Path(name) / "valkey", durable=False)
        service.start()
        layers = copy.deepcopy(django_settings.CHANNEL_LAYERS)
        layers["default"]["CONFIG"]["hosts"] = [service.url]
        settings.CHANNEL_LAYERS = layers
        settings.LIVE_ECHO_SECONDS = 0.5
        settings.LIVE_CLIENT_BEAT_SECONDS = 0.2
        yield service
        service.stop()


async def test_pages_live_through_an_outage(valkey: Valkey, visit: Open, bob: User) -> None:
    await db(parts.set_pods, 1, "a")
    page = await visit(bob)
    await page.join("live_test.pods", "pods", cluster_id=1)
    await page.shows("pods", "1 pods")
    await eventually(lambda: page.page.hearing, "hearing")
    await asyncio.to_thread(valkey.stop)
    await db(parts.change, 1, "a", 5, "Unheard")
    await page.shows("pods", "Unheard")
    await eventually(lambda: not page.page.hearing, "the page to know that it is slow")
    newcomer = await visit(bob)
    await newcomer.join("live_test.pods", "pods", cluster_id=1)
    await newcomer.shows("pods", "Unheard")
    await asyncio.to_thread(valkey.start)
    await eventually(lambda: hub().ear.hearing, "hearing again")
    await db(parts.change, 1, "a", 6, "Heard")
    await page.shows("pods", "Heard")
    await newcomer.shows("pods", "Heard")
    assert (page.code, newcomer.code) == (0, 0)


async def test_a_topic_waits_for_valkey_and_is_sent_when_it_is_back(valkey: Valkey, loop_end: None) -> None:
    await asyncio.to_thread(valkey.stop)
    failed = publish.failures()
    publish.publish_now("clusters")
    await eventually(lambda: publish.failures() > failed, "a counted failure")
    assert not publish.flush(0)
    await asyncio.to_thread(valkey.start)
    assert await asyncio.to_thread(publish.flush, 15)
