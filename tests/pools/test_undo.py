"""Taking changes back: a batch, an operation or one move, backwards, and only what nobody has moved since."""

from collections import Counter
from typing import Any

import pytest

from apps.accounts.models import User
from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.services import Busy
from apps.operations.statuses import OperationStatus
from apps.pools.actions import assign_pod
from apps.pools.distribution.actions import distribute_pods
from apps.pools.distribution.wanted import Wanted
from apps.pools.history.actions import preview, undo_changes
from apps.pools.history.selectors import change_of
from apps.pools.history.undo import CannotUndo, UnknownChange
from apps.pools.models import Holding
from apps.pools.refusals import NeedsForce
from tests.inference.real import finish, lines
from tests.pools.checker import Recorder, faults
from tests.pools.world import World, assign


def split(world: World) -> dict[str, int]:
    return dict(Counter(pod.business for pod in world.pods() if pod.alive))


def places(world: World) -> dict[str, str]:
    return {pod.name: pod.business for pod in world.pods() if pod.alive}


def done(operation: Operation | None) -> Operation:
    assert operation is not None
    ended = finish(operation)
    assert ended.status == OperationStatus.SUCCEEDED, (ended.message, lines(ended))
    return ended


def distribute(world: World, by: User, **weights: float) -> str:
    """Share out, and the name of that change in the history."""
    operation = done(distribute_pods(by=by, pool=world.target, wanted=Wanted(weights)).operation)
    return f"operation-{operation.pk}"


def undo(world: World, by: User, change: str, **more: Any) -> Operation:
    return undo_changes(by=by, pool=world.target, change=change, **more)


def test_a_distribution_is_taken_back_as_it_was(world: World, alice: User, root: User) -> None:
    world.mirror()
    with Recorder(world) as recorder:
        assign(world, alice, world.names()[0], "testing")
        before = places(world)
        change = distribute(world, alice, production=3, testing=1)
        done(undo(world, root, change, force=True, reason="wrong ratio"))
        assert places(world) == before
        assert faults(world, recorder) == []
    last = Holding.objects.filter(to_at=None, intent__isnull=False).exclude(by="alice").first()
    assert last is not None and (last.by, last.reason) == ("root", "wrong ratio")


def test_an_undo_can_be_undone(world: World, alice: User) -> None:
    change = distribute(world, alice, production=1, unassigned=1)
    after = places(world)
    back = done(undo(world, alice, change, force=True, drain=False))
    assert split(world) == {labels.UNASSIGNED: 4}
    done(undo(world, alice, f"operation-{back.pk}"))
    assert places(world) == after


def test_a_single_move_is_taken_back_by_its_own_name(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    assign(world, alice, world.names()[1], "production")
    holding = Holding.objects.get(pod_name=name, to_at=None)
    done(undo(world, alice, change_of(holding), drain=False))
    assert world.business_of(name) == labels.UNASSIGNED


def test_several_moves_of_one_batch_are_taken_back_together(world: World, alice: User) -> None:
    for name in world.names()[:2]:
        assign_pod(by=alice, pod=world.pod_target(name, "production"), batch="board-1")
    plan = preview(world.target, "board-1")
    assert [move.pod for move in plan.moves] == list(reversed(world.names()[:2])), "backwards"
    done(undo(world, alice, "board-1", force=True, drain=False))
    assert split(world) == {labels.UNASSIGNED: 4}


def test_what_moved_since_is_said_and_stays_unless_forced(world: World, alice: User, root: User) -> None:
    change = distribute(world, alice, production=1)
    moved = world.names()[0]
    assign(world, root, moved, "testing")
    with pytest.raises(NeedsForce, match=rf"{moved} was moved by root .* lent to testing"):
        undo(world, alice, change)
    assert split(world) == {"production": 3, "testing": 1}
    done(undo(world, alice, change, force=True, drain=False))
    assert split(world) == {labels.UNASSIGNED: 3, "testing": 1}


def test_a_label_that_somebody_else_changed_counts_as_moved(world: World, alice: User) -> None:
    change = distribute(world, alice, production=1)
    world.relabel(world.names()[0], "testing")
    with pytest.raises(NeedsForce, match=world.names()[0]):
        undo(world, alice, change)


def test_nothing_is_left_to_take_back_twice(world: World, alice: User) -> None:
    change = distribute(world, alice, production=1)
    done(undo(world, alice, change, force=True, drain=False))
    with pytest.raises(CannotUndo, match="nothing to take back"):
        undo(world, alice, change)


def test_a_pod_of_a_business_that_is_gone_is_named(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "testing")
    assign_pod(by=alice, pod=world.pod_target(name, "production"), batch="b", force=True)
    world.outside.delete("services", "llm-testing", namespace=world.namespace)
    with pytest.raises(CannotUndo, match="no service any more"):
        undo(world, alice, "b")


@pytest.mark.parametrize(
    "change", ["", "nothing", "operation-0", "x" * 64, "00000000-0000-0000-0000-000000000000"]
)
def test_an_unknown_change_is_not_found(world: World, alice: User, change: str) -> None:
    with pytest.raises(UnknownChange):
        undo(world, alice, change)


def test_a_change_that_goes_on_is_cancelled_and_not_undone(world: World, alice: User) -> None:
    change = distribute(world, alice, production=1)
    distribute_pods(by=alice, pool=world.target, wanted=Wanted({"production": 1, "testing": 1}))
    with pytest.raises(Busy):
        undo(world, alice, change)
