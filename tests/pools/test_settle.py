"""Lost answers and dead processes: what became of an intent is found out later, and written once."""

from datetime import timedelta
from typing import TypeVar

import pytest
from django.utils import timezone

from apps.gateways.errors import PatchRefused
from apps.gateways.kubernetes import Kubernetes
from apps.pools.handover import patch
from apps.pools.handover.moving import change_hands
from apps.pools.handover.settling import settle
from apps.pools.handover.sweep import sweep
from apps.pools.handover.wish import Wish
from apps.pools.models import Holding, Intent
from apps.pools.refusals import BeingMoved, Moved, NotTaken
from apps.pools.statuses import IntentState
from tests.pools.checker import Recorder, faults
from tests.pools.gateways import Dies, Killed, LosesAnswers, Meddled
from tests.pools.world import World

Gateway = TypeVar("Gateway", bound=Kubernetes)


@pytest.fixture(autouse=True)
def seen(world: World) -> None:
    """The mirror knows the pods, as a watcher would have told it."""
    world.mirror()


def gateway(world: World, kind: type[Gateway]) -> Gateway:
    return kind(world.portal.connection)


def grow_old(world: World) -> None:
    Intent.objects.update(made_at=timezone.now() - timedelta(minutes=2))


def wish(world: World, business: str = "production") -> Wish:
    return Wish(pod=world.names()[0], business=business, origin="unassigned")


def test_a_lost_answer_of_a_done_change_is_settled_once(world: World) -> None:
    with Recorder(world) as recorder:
        intent = change_hands(gateway(world, LosesAnswers), world.record, wish(world))
        assert intent.state == IntentState.DONE
        for _number in range(3):
            settle(intent.pk, world.portal, final=True)
        assert Holding.objects.filter(intent=intent).count() == 1
        assert faults(world, recorder) == []


def test_two_lost_answers_and_nothing_done_end_in_a_failure_that_stays_true(world: World) -> None:
    lossy = gateway(world, LosesAnswers)
    lossy.count, lossy.applied = 2, False
    name = world.names()[0]
    pod = world.pod(name)
    with Recorder(world) as recorder:
        with pytest.raises(NotTaken, match="is where it was"):
            change_hands(lossy, world.record, wish(world))
        intent = Intent.objects.get()
        late = patch.change(intent, pod)  # the first request, stuck in the network until now
        with pytest.raises(PatchRefused):
            world.portal.patch_json("pods", name, late, namespace=world.namespace)
        assert world.business_of(name) == "unassigned"
        assert faults(world, recorder) == []


def test_a_process_that_dies_before_its_patch_leaves_the_pod_where_it_was(world: World) -> None:
    with Recorder(world) as recorder:
        with pytest.raises(Killed):
            change_hands(gateway(world, Dies), world.record, wish(world))
        with pytest.raises(BeingMoved):
            change_hands(world.portal, world.record, wish(world, "testing"))
        grow_old(world)
        sweep()
        assert Intent.objects.get().state == IntentState.FAILED
        assert change_hands(world.portal, world.record, wish(world, "testing")).state == IntentState.DONE
        assert faults(world, recorder) == []


def test_a_process_that_dies_after_its_patch_is_settled_by_the_watcher(world: World) -> None:
    dying = gateway(world, Dies)
    dying.after = True
    with Recorder(world) as recorder:
        with pytest.raises(Killed):
            change_hands(dying, world.record, wish(world))
        assert Intent.objects.get().state == IntentState.OPEN
        world.mirror()
        assert Intent.objects.get().state == IntentState.DONE
        assert faults(world, recorder) == []


def test_a_process_that_dies_after_its_patch_is_settled_by_the_sweep(world: World) -> None:
    dying = gateway(world, Dies)
    dying.after = True
    with Recorder(world) as recorder:
        with pytest.raises(Killed):
            change_hands(dying, world.record, wish(world))
        grow_old(world)
        sweep()
        assert faults(world, recorder) == []
        assert Holding.objects.get(to_at=None, pod_name=world.names()[0]).business == "production"


def test_the_next_change_of_the_pod_settles_what_a_dead_process_left(world: World) -> None:
    dying = gateway(world, Dies)
    dying.after = True
    with Recorder(world) as recorder:
        with pytest.raises(Killed):
            change_hands(dying, world.record, wish(world))
        again = Wish(pod=world.names()[0], business="testing", force=True)
        assert change_hands(world.portal, world.record, again).origin == "production"
        assert faults(world, recorder) == []


def test_a_change_in_between_wins_and_the_loser_is_told_by_whom(world: World) -> None:
    name = world.names()[0]
    meddled = gateway(world, Meddled)
    meddled.meddle = lambda: world.relabel(name, "testing")
    with Recorder(world) as recorder:
        with pytest.raises(Moved, match="lent to testing"):
            change_hands(meddled, world.record, wish(world))
        world.mirror()
        assert faults(world, recorder) == []
    assert world.business_of(name) == "testing"


def test_sabotage_without_compare_and_set_the_checker_turns_red(world: World) -> None:
    name = world.names()[0]
    meddled = gateway(world, Meddled)
    meddled.meddle, meddled.guarded = lambda: world.relabel(name, "testing"), False
    with Recorder(world) as recorder:
        change_hands(meddled, world.record, wish(world))
        world.mirror()
        assert any("labels" in fault for fault in faults(world, recorder)), "the check cannot be broken"


def test_sabotage_without_settle_the_checker_turns_red(world: World) -> None:
    dying = gateway(world, Dies)
    dying.after = True
    with Recorder(world) as recorder:
        with pytest.raises(Killed):
            change_hands(dying, world.record, wish(world))
        assert len(faults(world, recorder)) >= 2, "the check cannot be broken"
