"""What others do with kubectl."""

from django.utils import timezone

from apps.gateways import labels
from tests.pools.chaos.deeds import LARGEST, PLACES, Scene, deed
from tests.pools.chaos.sightings import SETTLE
from tests.pools.world import World


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


@deed("kubectl rollout restart", 1)
def restart(scene: Scene) -> None:
    begin_rollout(scene.ground.world)


def begin_rollout(world: World) -> None:
    """New pods of the same version, all at once. Some seconds of `minReadySeconds` give the portal time to
    hold it, as a pool's minute does. LookupError while the Deployment is paused, as kubectl refuses it.
    """
    found = world.outside.get("deployments", world.pool, namespace=world.namespace)
    if found["spec"].get("paused"):
        raise LookupError("can't restart paused deployment")
    change = {"metadata": {"annotations": {labels.RESTARTED_AT: timezone.now().isoformat()}}}
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "100%", "maxUnavailable": 0}}
    body = {"spec": {"template": change, "strategy": strategy, "minReadySeconds": SETTLE}}
    world.outside.patch_merge("deployments", world.pool, body, namespace=world.namespace)
