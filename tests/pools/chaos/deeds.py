"""What can happen in one step: each deed has a name and a weight. Here: what people do with the portal."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.gateways import labels
from apps.gateways.errors import GatewayError
from apps.operations.actions import NotNow, cancel
from apps.operations.models import Operation
from apps.operations.services import Busy
from apps.operations.statuses import ACTIVE
from apps.pools.actions import drain_pod
from apps.pools.distribution.actions import How, distribute_pods
from apps.pools.distribution.wanted import Wanted
from apps.pools.history.actions import undo_changes
from apps.pools.models import Intent
from apps.pools.refusals import PoolProblem
from apps.pools.rollouts.actions import WATCHED, roll_out_pool
from apps.pools.rollouts.runner import How as RolloutHow
from apps.pools.rollouts.wishes import VersionWish
from apps.pools.scaling.actions import scale_pool
from apps.pools.shares.actions import set_shares, switch_shares
from apps.pools.shares.asking import Answer
from apps.pools.shares.asking import How as Words
from apps.pools.shares.wishes import SharesWish, ShareWish
from apps.pools.statuses import IntentState, Source
from tests.pools.chaos.ground import BUSINESSES, PORTAL, Ground
from tests.pools.chaos.referee import Referee
from tests.pools.world import assign

PLACES = (*BUSINESSES, labels.UNASSIGNED)
ANSWERS: tuple[Words, ...] = ("", "change", "exception")
SMALLEST, LARGEST = 5, 10
REFUSALS = (PoolProblem, Busy, NotNow, GatewayError)


@dataclass
class Scene:
    """What a deed needs: where, who watches, its own chance, and the person who does it."""

    ground: Ground
    referee: Referee
    chance: Random
    person: User

    def pod(self) -> str:
        """Any pod that is alive. LookupError when there is none."""
        return self.chance.choice(self.ground.world.names())

    def mishap(self, **body: Any) -> None:
        self.ground.world.mishap(namespace=self.ground.world.namespace, **body)

    def trouble(self, **body: Any) -> None:
        """A mishap that hits the portal's own requests only."""
        self.ground.world.mishap(user=PORTAL, **body)


Deed = Callable[[Scene], object]
DEEDS: dict[str, tuple[Deed, int]] = {}


def deed(name: str, weight: int) -> Callable[[Deed], Deed]:
    """Put it into the table."""

    def register(what: Deed) -> Deed:
        DEEDS[name] = (what, weight)
        return what

    return register


@deed("move a pod", 34)
def move(scene: Scene) -> None:
    place, answer = scene.chance.choice(PLACES), Answer(scene.chance.choice(ANSWERS), minutes=1)
    force = scene.chance.random() < 0.7
    assign(scene.ground.world, scene.person, scene.pod(), place, force=force, share=answer)


@deed("move a pod, drained", 3)
def drain(scene: Scene) -> None:
    pod = scene.ground.world.pod_target(scene.pod(), scene.chance.choice(PLACES))
    drain_pod(by=scene.person, pod=pod, force=True, timeout=5)


@deed("scale by the portal", 6)
def scale(scene: Scene) -> None:
    size = scene.chance.randint(SMALLEST, LARGEST)
    scale_pool(by=scene.person, pool=scene.ground.world.target, replicas=size, timeout=5)


@deed("distribute", 3)
def distribute(scene: Scene) -> None:
    parts = {place: float(scene.chance.randint(0, 3)) for place in PLACES}
    how = How(force=True, drain=scene.chance.random() < 0.5, timeout=5)
    distribute_pods(by=scene.person, pool=scene.ground.world.target, wanted=Wanted(parts), how=how)


@deed("undo", 2)
def undo(scene: Scene) -> None:
    done = Intent.objects.filter(pool=scene.ground.world.record, state=IntentState.DONE)
    newest = list(done.filter(source=Source.PORTAL).order_by("-serial")[:10])
    change = str(scene.chance.choice(newest).pk)
    undo_changes(
        by=scene.person, pool=scene.ground.world.target, change=change, force=True, drain=False, timeout=5
    )


@deed("cancel an operation", 3)
def cancel_one(scene: Scene) -> None:
    active = list(Operation.objects.filter(status__in=ACTIVE).order_by("pk"))
    found = scene.chance.choice(active)
    cancel(by=User.objects.get(pk=found.actor_id), operation=found)


@deed("set shares", 3)
def share(scene: Scene) -> None:
    wish = SharesWish([share_of(scene, name) for name in BUSINESSES], dwell=1, patience=5)
    set_shares(by=scene.person, pool=scene.ground.world.target, wish=wish)


def share_of(scene: Scene, business: str) -> ShareWish:
    """A small number or a weight, with a floor at times."""
    floor = scene.chance.randint(0, 1)
    if scene.chance.random() < 0.5:
        return ShareWish(business, weight=scene.chance.randint(1, 3), floor=floor)
    return ShareWish(business, count=scene.chance.randint(floor, 2), floor=floor)


@deed("switch shares on or off", 3)
def switch(scene: Scene) -> None:
    switch_shares(by=scene.person, pool=scene.ground.world.target, enabled=scene.chance.random() < 0.6)


@deed("pause shares or go on", 2)
def pause(scene: Scene) -> None:
    switch_shares(by=scene.person, pool=scene.ground.world.target, paused=scene.chance.random() < 0.5)


@deed("roll out by the portal", 1)
def roll_out(scene: Scene) -> None:
    wish, how = VersionWish(restart=timezone.now().isoformat()), RolloutHow(timeout=5, settle=WATCHED)
    roll_out_pool(by=scene.person, pool=scene.ground.world.target, wish=wish, how=how)
