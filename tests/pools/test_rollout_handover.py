"""Rollouts that somebody begins with kubectl: each business keeps its pods, one new for one old."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.gateways import labels
from apps.pools.models import Holding, Rollout
from apps.pools.reconciler.reconciling import reconcile
from apps.pools.statuses import Source
from tests.pools.scaling import state_of
from tests.pools.world import Stage, World, assign, make_stage, world_on
from tests.processes import Devcluster, until


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool whose versions change; nobody else's tests see them."""
    stage = make_stage(devcluster)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage, alice: User) -> World:
    """Two pods of production, one of testing, one free."""
    world = world_on(own)
    for name, business in zip(world.names(), ("production", "production", "testing"), strict=False):
        assign(world, alice, name, business)
    return world


def restart(world: World, number: str) -> None:
    """What `kubectl rollout restart` does."""
    change = {"spec": {"template": {"metadata": {"annotations": {labels.RESTARTED_AT: number}}}}}
    world.outside.patch_merge("deployments", world.pool, change, namespace=world.namespace)


def split(world: World) -> dict[str, int]:
    """Ready pods of the newest version per business."""
    found: dict[str, int] = {}
    for pod in state_of(world).live:
        if pod.ready:
            found[pod.business] = found.get(pod.business, 0) + 1
    return found


class Serving:
    """The fewest addresses that each business' endpoints had ready, looked at between two steps."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fewest: dict[str, int] = {}

    def look(self) -> None:
        slices = self.world.outside.list("endpointslices", namespace=self.world.namespace)
        counts: dict[str, int] = dict.fromkeys(("llm-production", "llm-testing"), 0)
        for item in slices:
            own = item["metadata"]["labels"][labels.SERVICE_NAME]
            counts[own] = counts.get(own, 0) + sum(
                bool(entry["conditions"].get("ready")) for entry in item.get("endpoints") or []
            )
        for name, count in counts.items():
            self.fewest[name] = min(count, self.fewest.get(name, count))


def follow(world: World, *, seconds: float = 90) -> Serving:
    """Let the reconciler work until the rollout is over."""
    serving = Serving(world)

    def over() -> bool:
        serving.look()
        reconcile(world.portal, world.record)
        return not Rollout.objects.filter(ended_at=None).exists() and state_of(world).peopled == 1

    until(
        over,
        seconds=seconds,
        every=0.1,
        what="the rollout",
        told=lambda: str([(p.name, p.business, p.ready) for p in world.pods()]),
    )
    return serving


def test_a_rollout_by_kubectl_keeps_every_assignment(pool: World) -> None:
    until(lambda: counts(pool) == {"llm-production": 2, "llm-testing": 1}, what="endpoints")
    before = set(pool.names())
    restart(pool, "1")
    until(lambda: state_of(pool).peopled == 2, what="the new version")
    serving = follow(pool)
    assert split(pool) == {"production": 2, "testing": 1, "unassigned": 1}
    assert not before & set(pool.names())
    assert serving.fewest == {"llm-production": 2, "llm-testing": 1}
    assert not state_of(pool).deployment["spec"].get("paused")
    assert Holding.objects.filter(source=Source.RECONCILER, business="production").count() == 2


def counts(world: World) -> dict[str, Any]:
    serving = Serving(world)
    serving.look()
    return serving.fewest
