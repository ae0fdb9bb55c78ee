"""Many people want one pod at the same moment: one of them gets it, the others are told the truth."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from apps.accounts.models import Role, User
from apps.pools.models import Intent
from apps.pools.refusals import BeingMoved, Moved, PoolProblem
from apps.pools.statuses import IntentState
from tests.builders import make_user
from tests.pools.checker import Recorder, faults
from tests.pools.world import World, assign

AT_ONCE = 50


def race(world: World, people: list[User], name: str, origin: str, targets: list[str]) -> list[str]:
    """Everybody assigns at the same moment; "done" or the refusal's words for each."""
    gate = Barrier(len(people))

    def one(number: int) -> str:
        gate.wait(60)
        try:
            assign(world, people[number], name, targets[number % len(targets)], origin=origin, force=True)
        except (Moved, BeingMoved) as refusal:
            return str(refusal)
        finally:
            connections.close_all()
        return "done"

    with ThreadPoolExecutor(len(people)) as threads:
        return list(threads.map(one, range(len(people))))


@pytest.fixture
def people(transactional_db: None) -> list[User]:
    return [make_user(f"person-{number}", Role.OPERATOR) for number in range(AT_ONCE)]


def test_fifty_assigns_of_one_pod_have_one_winner_each_round(world: World, people: list[User]) -> None:
    name = world.names()[0]
    rounds = [("unassigned", ["production", "testing"], AT_ONCE), ("", ["unassigned"], 10)]
    tried = 0
    world.mirror()
    with Recorder(world) as recorder:
        for origin, targets, number in rounds:
            seen = origin or world.business_of(name)
            answers = race(world, people[:number], name, seen, targets)
            tried += len(answers)
            assert answers.count("done") == 1, Counter(answers)
            assert all(name in words for words in answers if words != "done")
        assert faults(world, recorder) == []
    states = Counter(Intent.objects.values_list("state", flat=True))
    assert states[IntentState.DONE] == 2 and not states[IntentState.OPEN]
    print(f"\n{tried} assigns of one pod in {len(rounds)} rounds: 2 done, {tried - 2} refused, 0 wrong rows")


def test_a_business_keeps_its_last_pod_when_two_people_take_both_at_once(
    world: World, people: list[User]
) -> None:
    first, second = world.names()[:2]
    for name in (first, second):
        assign(world, people[0], name, "production")
    gate = Barrier(2)

    def take(name: str) -> bool:
        gate.wait(30)
        try:
            assign(world, people[1], name, "testing", origin="production")
        except PoolProblem:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as threads:
        taken = list(threads.map(take, (first, second)))
    assert taken.count(True) <= 1
    assert "production" in {world.business_of(first), world.business_of(second)}
