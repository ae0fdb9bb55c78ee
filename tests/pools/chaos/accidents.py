"""What goes wrong: pods, nodes, the cluster's answers, the portal's own processes."""

from apps.pools.handover.moving import change_hands
from apps.pools.handover.wish import Wish
from tests.pools.chaos.deeds import PLACES, Scene, deed
from tests.pools.gateways import Dies, Killed
from tests.pools.world import control, portal

HURTFUL = frozenset({"kill a pod", "crash a container", "evict a pod", "pod not Ready", "lose a node"})
"""What clients may feel."""


@deed("kill a pod", 3)
def kill(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.pardon(name)
    scene.ground.world.outside.delete("pods", name, namespace=scene.ground.world.namespace, grace=0)


@deed("crash a container", 2)
def crash(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.sightings.accident(name)
    scene.mishap(kind="crash", name=name)


@deed("evict a pod", 2)
def evict(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.pardon(name)
    scene.mishap(kind="evict", name=name)


@deed("pod not Ready", 5)
def unready(scene: Scene) -> None:
    name = scene.pod()
    scene.referee.sightings.accident(name)
    scene.mishap(kind="unready", name=name, ttl=scene.chance.uniform(0.5, 3))


@deed("lose a node", 1)
def lose_node(scene: Scene) -> None:
    pods = {pod.name: pod.node for pod in scene.ground.world.pods() if pod.node}
    node = scene.chance.choice(sorted(set(pods.values())))
    scene.referee.sightings.accident(*(name for name, place in pods.items() if place == node))
    scene.mishap(kind="lose_node", name=node, ttl=scene.chance.uniform(1, 5))


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
    scene.referee.absent = True
    scene.ground.kill("worker")
