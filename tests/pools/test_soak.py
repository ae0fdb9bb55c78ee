"""People, somebody with kubectl and dying pods, all at once, with a real watcher: the history stays exact."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connections

from apps.accounts.models import Role, User
from apps.gateways.errors import GatewayError
from apps.pools.refusals import PoolProblem
from tests.builders import make_user
from tests.pools.checker import Recorder, faults
from tests.pools.watcher import watching
from tests.pools.world import World, assign
from tests.processes import until

PEOPLE, STEPS, SEED = 4, 25, 20261122
BUSINESSES = ("production", "testing", "unassigned")


@pytest.fixture
def watched(world: World, tmp_path: Path) -> Iterator[World]:
    with watching(world, tmp_path):
        yield world


def busy(world: World, by: User, seed: int) -> Counter[str]:
    """One person's many wishes; some others' meddling in between."""
    chance, done = random.Random(seed), Counter[str]()
    for _step in range(STEPS):
        names = world.names()
        name, business = chance.choice(names), chance.choice(BUSINESSES)
        deed = chance.choices(("move", "label", "kill"), (80, 17, 3))[0]
        try:
            if deed == "move":
                assign(world, by, name, business, force=True)
            elif deed == "label":
                world.relabel(name, business)
            else:
                world.outside.delete("pods", name, namespace=world.namespace, grace=0)
            done[deed] += 1
        except (PoolProblem, GatewayError):
            done["refused"] += 1
    connections.close_all()
    return done


def test_the_history_is_exact_after_many_changes_at_once(watched: World) -> None:
    people = [make_user(f"busy-{number}", Role.OPERATOR) for number in range(PEOPLE)]
    with Recorder(watched) as recorder:
        with ThreadPoolExecutor(PEOPLE) as threads:
            counts = list(threads.map(busy, [watched] * PEOPLE, people, range(SEED, SEED + PEOPLE)))
        watched.wait_ready(4)
        wrong = settled_faults(watched, recorder)
    total = sum(counts, Counter[str]())
    print(f"\n{total.total()} steps by {PEOPLE} people, seed {SEED}: {dict(total)}; wrong: {len(wrong)}")
    assert total["move"] >= 20 and wrong == []


def settled_faults(world: World, recorder: Recorder) -> list[str]:
    """The checker's words once the watcher had time to see the last change."""
    found: list[str] = []

    def look() -> bool:
        found[:] = faults(world, recorder)
        return not found

    try:
        until(look, seconds=15, every=0.5)
    except AssertionError:
        return found
    return found
