"""With a real watcher process: what others do is seen within a second, and endpoints are followed."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.pools.models import Holding, Intent
from apps.pools.statuses import Source
from tests.pools.watcher import watching
from tests.pools.world import World, assign
from tests.processes import until

SOON = 10.0
"""The promise is one second; a loaded machine gets more, and what it took is printed."""


@pytest.fixture
def watched(world: World, tmp_path: Path) -> Iterator[World]:
    """The world with `manage.py watch` at work."""
    with watching(world, tmp_path):
        yield world


def took(look: Callable[[], bool], what: str) -> float:
    started = time.monotonic()
    until(look, seconds=SOON, every=0.02, what=what)
    seconds = time.monotonic() - started
    print(f"\n{what}: {seconds:.2f} s")
    return seconds


def test_labels_and_deaths_from_outside_are_seen_by_themselves(watched: World) -> None:
    first, second = watched.names()[:2]
    watched.relabel(first, "production")
    rows = Holding.objects.filter(pod_name=first, source=Source.EXTERNAL, business="production")
    took(lambda: rows.count() == 1, "external label in the history")
    watched.outside.delete("pods", second, namespace=watched.namespace, grace=0)
    took(lambda: not Holding.objects.filter(pod_name=second, to_at=None).exists(), "a deleted pod")
    until(lambda: watched.held().count() == 4, seconds=30, what="its successor")


def test_it_says_how_long_endpoints_took_to_switch(watched: World, alice: User) -> None:
    first, second = watched.names()[:2]
    lend = assign(watched, alice, first, "production")
    took(lambda: switched(lend), "endpoints of a lent pod")
    assign(watched, alice, second, "production")
    move = assign(watched, alice, first, "testing")
    took(lambda: switched(move), "endpoints of a moved pod")
    free = assign(watched, alice, first, "unassigned", force=True)
    took(lambda: switched(free), "endpoints of a freed pod")


def switched(intent: Intent) -> bool:
    intent.refresh_from_db()
    return intent.switch_seconds is not None
