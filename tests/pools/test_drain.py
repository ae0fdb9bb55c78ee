"""Drained moves: requests in hand end first; what is cancelled, refused or cut off leaves the pod where it
was.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.operations.actions import cancel
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.statuses import OperationStatus
from apps.pools.actions import BadTimeout, drain_pod
from apps.pools.handover.sweep import sweep
from apps.pools.models import Holding, Intent
from apps.pools.refusals import Moved, NeedsForce
from tests.inference.real import finish, lines
from tests.pools.checker import Recorder, faults
from tests.pools.streaming import Stream
from tests.pools.world import World, assign
from tests.processes import until


@pytest.fixture
def recorder(world: World) -> Iterator[Recorder]:
    """Sees every label from the beginning."""
    world.mirror()
    with Recorder(world) as begun:
        yield begun


@pytest.fixture
def lent(world: World, recorder: Recorder, alice: User) -> list[str]:
    """Two pods of production."""
    names = world.names()[:2]
    for name in names:
        assign(world, alice, name, "production")
    return names


def begin(world: World, by: User, name: str, business: str = "testing", **more: object) -> Operation:
    return drain_pod(by=by, pod=world.pod_target(name, business), **more)


def test_a_drained_move_waits_for_a_stream_and_then_hands_over(
    world: World, recorder: Recorder, alice: User, lent: list[str]
) -> None:
    stream = Stream(world, lent[0], tokens=300)
    stream.start()
    assert stream.begun.wait(20)
    done = finish(begin(world, alice, lent[0]))
    assert done.status == OperationStatus.SUCCEEDED, done.message
    assert "[DONE]" in stream.ended, "the pod was handed over before its stream had ended"
    assert world.business_of(lent[0]) == "testing"
    told = Holding.objects.filter(pod_name=lent[0]).order_by("pk").values_list("business", flat=True)
    assert list(told) == ["unassigned", "production", "draining", "testing"]
    assert faults(world, recorder) == []


def test_it_does_not_believe_the_first_sight_of_an_idle_pod(
    world: World, alice: User, lent: list[str], settings: Any
) -> None:
    settings.PORTAL_DRAIN_SETTLE = 3
    started = time.monotonic()
    done = finish(begin(world, alice, lent[0]))
    assert done.status == OperationStatus.SUCCEEDED, done.message
    assert time.monotonic() - started >= settings.PORTAL_DRAIN_SETTLE
    intent = Intent.objects.get(pod_name=lent[0], business="draining")
    assert intent.idle_since is not None and intent.goal == "testing"


def test_the_timeout_ends_the_wait(world: World, alice: User, lent: list[str]) -> None:
    stream = Stream(world, lent[0], tokens=2000)
    stream.start()
    assert stream.begun.wait(20)
    done = finish(begin(world, alice, lent[0], timeout=5))
    assert done.status == OperationStatus.SUCCEEDED, done.message
    assert world.business_of(lent[0]) == "testing" and "[DONE]" not in stream.ended
    stream.hang_up()


def test_the_floor_is_asked_before_anything_is_drained(world: World, alice: User, lent: list[str]) -> None:
    assign(world, alice, lent[1], "testing")
    with pytest.raises(NeedsForce, match="last pod"):
        begin(world, alice, lent[0])
    assert world.business_of(lent[0]) == "production" and not Operation.objects.exists()


def test_a_stale_wish_is_refused_before_an_operation_starts(
    world: World, alice: User, lent: list[str]
) -> None:
    with pytest.raises(Moved):
        begin(world, alice, lent[0], origin="testing")
    assert not Operation.objects.exists()


@pytest.mark.parametrize("seconds", [0, -1, 4, 3601, 10**9])
def test_a_timeout_beyond_reason_is_refused(world: World, alice: User, lent: list[str], seconds: int) -> None:
    with pytest.raises(BadTimeout):
        begin(world, alice, lent[0], timeout=seconds)


def test_a_cancelled_drain_puts_the_pod_back(
    world: World, recorder: Recorder, alice: User, lent: list[str]
) -> None:
    operation = take_out(world, alice, lent[0])
    cancel(by=alice, operation=operation)
    assert finish(operation).status == OperationStatus.CANCELLED
    assert world.business_of(lent[0]) == "production"
    assert faults(world, recorder) == []


def test_a_drain_that_nobody_continues_is_ended_by_the_sweep(
    world: World, alice: User, lent: list[str]
) -> None:
    operation = take_out(world, alice, lent[0])
    sweep()
    assert world.business_of(lent[0]) == "draining", "the sweep leaves a drain at work alone"
    Operation.objects.filter(pk=operation.pk).update(status=OperationStatus.LOST)
    sweep()
    assert world.business_of(lent[0]) == "production"


def test_a_draining_pod_is_not_given_to_anybody_else(world: World, alice: User, lent: list[str]) -> None:
    take_out(world, alice, lent[0])
    with pytest.raises(Moved, match="being drained"):
        assign(world, alice, lent[0], "testing")


def test_a_drain_whose_goal_ends_meanwhile_puts_the_pod_back(
    world: World, alice: User, lent: list[str]
) -> None:
    operation = take_out(world, alice, lent[0])
    world.outside.delete("services", f"{world.pool}-testing", namespace=world.namespace)
    done = finish(operation)
    assert done.status == OperationStatus.FAILED and "testing" in done.message, lines(done)
    assert world.business_of(lent[0]) == "production"


def take_out(world: World, by: User, name: str) -> Operation:
    """A drain that has begun and waits."""
    operation = begin(world, by, name)
    execute(operation.pk)
    until(lambda: world.business_of(name) == "draining", what="the pod to be taken out")
    operation.refresh_from_db()
    assert operation.status == OperationStatus.WAITING
    return operation
