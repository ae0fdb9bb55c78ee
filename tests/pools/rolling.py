"""Rollouts followed by the reconciler, and what the businesses' endpoints had meanwhile."""

import uuid
from collections import Counter

from apps.accounts.models import User
from apps.gateways import labels
from apps.pools.models import Rollout
from apps.pools.reconciler.reconciling import reconcile
from tests.pools.scaling import quick_stage, state_of
from tests.pools.world import Stage, World, assign
from tests.processes import Devcluster, until

SERVICES = ("llm-production", "llm-testing")


def rolling_stage(devcluster: Devcluster, *, replicas: int = 3) -> Stage:
    """A pool whose versions change quickly; nobody else's tests see them."""
    name = f"rolling-{uuid.uuid4().hex[:8]}"
    return quick_stage(devcluster, namespace=name, replicas=replicas, businesses=("production", "testing"))


def lend(world: World, by: User, *businesses: str) -> None:
    """Lend so many pods, the others stay free; until the endpoints list them."""
    for name, business in zip(world.names(), businesses, strict=False):
        assign(world, by, name, business)
    wanted = Counter(f"llm-{business}" for business in businesses)
    until(lambda: listed(world) == {name: wanted[name] for name in SERVICES}, what="the endpoints")


def cordon(world: World, closed: bool) -> None:
    """Close all nodes to new pods, or open them."""
    for node in world.outside.list("nodes"):
        change = {"spec": {"unschedulable": closed}}
        world.outside.patch_merge("nodes", node["metadata"]["name"], change)


def resume(stage: Stage) -> None:
    """End whatever pause and strategy an earlier test left behind."""
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    spec = {"paused": None, "minReadySeconds": 0, "progressDeadlineSeconds": 600, "strategy": strategy}
    change = {"metadata": {"annotations": {labels.ROLLOUT_HOLD: None}}, "spec": spec}
    stage.outside.patch_merge("deployments", stage.pool, change, namespace=stage.namespace)


def restart(world: World, number: str) -> None:
    """What `kubectl rollout restart` does."""
    change = {"spec": {"template": {"metadata": {"annotations": {labels.RESTARTED_AT: number}}}}}
    world.outside.patch_merge("deployments", world.pool, change, namespace=world.namespace)


def split(world: World) -> dict[str, int]:
    """Ready pods of the newest version per business."""
    return dict(Counter(pod.business for pod in state_of(world).live if pod.ready))


def listed(world: World) -> dict[str, int]:
    """Ready addresses per business service."""
    counts = dict.fromkeys(SERVICES, 0)
    for item in world.outside.list("endpointslices", namespace=world.namespace):
        service = item["metadata"]["labels"][labels.SERVICE_NAME]
        ready = [entry for entry in item.get("endpoints") or [] if entry["conditions"].get("ready")]
        counts[service] = counts.get(service, 0) + len(ready)
    return counts


class Serving:
    """The fewest ready addresses that each business' service had, looked at between two steps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fewest = listed(world)

    def look(self) -> None:
        now = listed(self.world)
        self.fewest = {name: min(count, now[name]) for name, count in self.fewest.items()}


def follow(world: World, *, seconds: float = 90) -> Serving:
    """Let the reconciler work until the rollout is over."""
    serving = Serving(world)

    def over() -> bool:
        serving.look()
        reconcile(world.portal, world.record)
        return not Rollout.objects.filter(ended_at=None).exists() and state_of(world).peopled == 1

    until(over, seconds=seconds, every=0.1, what="the rollout", told=lambda: told(world))
    return serving


def told(world: World) -> str:
    """How the pods look."""
    return ", ".join(f"{pod.name} {pod.business} ready={pod.ready}" for pod in world.pods())
