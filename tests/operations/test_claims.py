"""Who may write: claim races, leases that run out, and fences."""

import threading
from dataclasses import replace

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.operations import claims, sweeper
from apps.operations.control import Fenced
from apps.operations.ledger import Ledger
from apps.operations.lines import Line
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from tests.operations import samples
from tests.operations.helpers import claimed, expire, start, texts

pytestmark = pytest.mark.django_db(transaction=True)
RACERS = 8


def test_of_eight_claimers_at_once_one_wins(alice: User) -> None:
    for _ in range(5):
        operation = start(alice, samples.greet, name="Ada")
        won, gate = [], threading.Barrier(RACERS)

        def race(pk: int, won: list[claims.Claim | None], gate: threading.Barrier) -> None:
            gate.wait()
            won.append(claims.claim(pk))
            connection.close()

        racers = [threading.Thread(target=race, args=(operation.pk, won, gate)) for _ in range(RACERS)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert len(won) == RACERS and len([claim for claim in won if claim]) == 1


def taken_over(operation: Operation) -> None:
    """The sweeper takes it from its silent runner, and another one claims it."""
    expire(operation)
    sweeper.sweep()
    assert claims.claim(operation.pk)


def test_after_a_take_over_the_old_runner_writes_nothing(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    old = claimed(operation)
    old.log("not yet written")
    taken_over(operation)
    before = texts(operation)
    for write in (old.checkpoint, lambda: old.once("Step", lambda: 1), lambda: old.ledger.save(message="x")):
        with pytest.raises(Fenced):
            write()
    operation.refresh_from_db()
    assert texts(operation) == before and not operation.steps.exists() and operation.message == ""


def test_without_the_fence_the_old_runner_would_double_lines(alice: User) -> None:
    """The sabotage: the old runner gets the new epoch, as if there were no fence; the check turns red."""
    operation = start(alice, samples.greet, name="Ada")
    old = claimed(operation)
    taken_over(operation)
    operation.refresh_from_db()
    unfenced = replace(old.ledger.claim, epoch=operation.epoch)
    for _runner in ("the new one", "the old one"):
        Ledger(unfenced, last_seq=last_seq(operation)).save(said=[Line("Hello Ada")])
    assert texts(operation).count("Hello Ada") == 2, "the doubled line is seen"


def test_a_commit_whose_answer_was_lost_doubles_nothing(alice: User) -> None:
    """The second ledger does not know that the first one's lines were written; as after a cut connection."""
    operation = start(alice, samples.greet, name="Ada")
    known = claimed(operation)
    known.log("one")
    known.log("two")
    known.checkpoint()
    unaware = Ledger(known.ledger.claim, last_seq=0)
    unaware.add([Line("one"), Line("two"), Line("three")])
    unaware.save()
    assert texts(operation) == ["one", "two", "three"] and last_seq(operation) == 3


def last_seq(operation: Operation) -> int:
    return Operation.objects.values_list("last_seq", flat=True).get(pk=operation.pk)


def test_a_lease_in_time_is_not_taken(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    claimed(operation)
    sweeper.sweep()
    operation.refresh_from_db()
    assert (operation.status, operation.epoch) == (OperationStatus.RUNNING, 1)


def test_a_silent_runner_that_cannot_go_on_is_lost_and_says_so(alice: User) -> None:
    operation = start(alice, samples.count_once, upto=1, pause=0)
    claimed(operation)
    expire(operation)
    sweeper.sweep()
    operation.refresh_from_db()
    assert operation.status == OperationStatus.LOST and "Nobody knows how far it came." in operation.message
    assert texts(operation) == [operation.message]


def test_work_that_kills_every_worker_is_given_up(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    for _ in range(3):
        claimed(operation)
        expire(operation)
        sweeper.sweep()
    operation.refresh_from_db()
    assert operation.status == OperationStatus.FAILED and "3 workers died over it" in operation.message


def test_two_sweeps_at_once_bury_a_worker_once(alice: User) -> None:
    operation = start(alice, samples.greet, name="Ada")
    claimed(operation)
    expire(operation)
    dead = list(sweeper.dead_rows())
    for _ in range(2):
        sweeper.bury(dead[0])
    operation.refresh_from_db()
    assert (operation.deaths, operation.epoch, len(texts(operation))) == (1, 2, 1)
