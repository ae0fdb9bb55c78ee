"""Pods that others lend with kubectl: soon the cluster takes them last, as it does the portal's."""

from apps.gateways import labels
from apps.pools.reconciler import turns
from tests.pools.scaling import Losses, resize, settled
from tests.pools.world import World


def seen(world: World) -> list[str]:
    """A watcher sees the pods, and a worker does what is due then. Returns the pools that were."""
    world.mirror()
    due = [record.name for record in turns.due()]
    turns.work()
    return due


def test_a_pod_is_as_dear_as_the_hands_that_others_give_it_to(world: World) -> None:
    first = world.names()[0]
    world.relabel(first, "production")
    assert world.pod(first).cost == labels.COST_FREE
    assert seen(world) == [world.pool]
    assert world.pod(first).cost == labels.COST_LENT
    world.relabel(first, labels.UNASSIGNED)
    assert seen(world) == [world.pool]
    assert world.pod(first).cost == labels.COST_FREE


def test_pods_that_cost_what_they_should_are_left_alone(world: World) -> None:
    before = {pod.name: pod.version for pod in world.pods()}
    assert seen(world) == []
    assert {pod.name: pod.version for pod in world.pods()} == before


def test_a_pod_without_annotations_is_as_dear_too(world: World) -> None:
    first = world.names()[0]
    body = {"metadata": {"annotations": None, "labels": {labels.BUSINESS: "production"}}}
    world.outside.patch_merge("pods", first, body, namespace=world.namespace)
    assert not world.pod(first).annotated
    seen(world)
    assert world.pod(first).cost == labels.COST_LENT


def test_kubectl_scale_takes_no_pod_that_others_lent_before(world: World) -> None:
    lent = sorted(world.names())[:3]
    for name in lent:
        world.relabel(name, "production")
    seen(world)
    with Losses(world) as losses:
        resize(world, 3)
        losses.wait_for(1)
        settled(world, 3)
    assert losses.lent == [] and set(world.names()) == set(lent)
