"""What can happen in one step: each deed has a name for the table and a weight."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

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
from apps.pools.handover.moving import change_hands
from apps.pools.handover.wish import Wish
from apps.pools.history.actions import undo_changes
from apps.pools.models import Intent
from apps.pools.refusals import PoolProblem
from apps.pools.scaling.actions import scale_pool
from apps.pools.statuses import IntentState, Source
from tests.pools.chaos.ground import BUSINESSES, PORTAL, Ground
from tests.pools.chaos.referee import Referee
from tests.pools.gateways import Dies, Killed
from tests.pools.world import assign, control, portal

PLACES = (*BUSINESSES, labels.UNASSIGNED)
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
    place = scene.chance.choice(PLACES)
    assign(scene.ground.world, scene.person, scene.pod(), place, force=scene.chance.random() < 0.7)


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


@deed("kubectl label", 12)
def label(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.labelled.add(name)
    scene.ground.world.relabel(name, scene.chance.choice(PLACES))


@deed("kubectl scale up", 1)
def grow(scene: Scene) -> None:
    world = scene.ground.world
    size = int(world.outside.get("deployments", world.pool, namespace=world.namespace)["spec"]["replicas"])
    if size < LARGEST:
        world.outside.scale("deployments", world.pool, size + 1, namespace=world.namespace)


@deed("kill a pod", 3)
def kill(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.pardon(name)
    scene.ground.world.outside.delete("pods", name, namespace=scene.ground.world.namespace, grace=0)


@deed("crash a container", 2)
def crash(scene: Scene) -> None:
    scene.mishap(kind="crash", name=scene.pod())


@deed("evict a pod", 2)
def evict(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.pardon(name)
    scene.mishap(kind="evict", name=name)


@deed("pod not Ready", 5)
def unready(scene: Scene) -> None:
    scene.mishap(kind="unready", name=scene.pod(), ttl=scene.chance.uniform(0.5, 3))


@deed("lose a node", 1)
def lose_node(scene: Scene) -> None:
    scene.mishap(kind="lose_node", ttl=scene.chance.uniform(1, 5))


@deed("cordon a node", 1)
def cordon(scene: Scene) -> None:
    outside = scene.ground.world.outside
    name = scene.chance.choice([item["metadata"]["name"] for item in outside.list("nodes")])
    outside.patch_merge("nodes", name, {"spec": {"unschedulable": True}})


@deed("answer 409, 410, 422, 429, 500 or 503", 10)
def answer(scene: Scene) -> None:
    status = scene.chance.choice((409, 410, 422, 429, 500, 503))
    verb = scene.chance.choice(("get", "list", "patch", "patch", "create", "delete"))
    scene.trouble(kind="answer", status=status, verb=verb, count=1, ttl=2, retry_after=1)


@deed("lose an answer", 6)
def lose_answer(scene: Scene) -> None:
    verb = scene.chance.choice(("patch", "create", "delete"))
    scene.trouble(kind="answer", status=503, verb=verb, after=True, count=1, ttl=2)


@deed("a slow answer", 2)
def hang(scene: Scene) -> None:
    scene.trouble(kind="hang", seconds=1, verb=scene.chance.choice(("get", "patch")), count=1, ttl=2)


@deed("die around a patch", 4)
def die(scene: Scene) -> None:
    world = scene.ground.world
    line = Dies(portal(scene.ground.devcluster))
    line.after = scene.chance.random() < 0.5
    wish = Wish(pod=scene.pod(), business=scene.chance.choice(PLACES), force=True)
    try:
        change_hands(line, world.record, wish)
    except Killed:
        return


@deed("cut the watches", 3)
def cut(scene: Scene) -> None:
    scene.trouble(kind="cut_watches")


@deed("forget old revisions", 1)
def compact(scene: Scene) -> None:
    scene.referee.blind = True
    control(scene.ground.world.outside, "POST", {"kind": "compact"})
    scene.trouble(kind="cut_watches")


@deed("kill the watcher", 1)
def kill_watcher(scene: Scene) -> None:
    scene.referee.blind = True
    scene.ground.kill("watcher")


@deed("kill the worker", 1)
def kill_worker(scene: Scene) -> None:
    scene.ground.kill("worker")
