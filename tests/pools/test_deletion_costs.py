"""Pods that others lend with kubectl: soon the cluster takes them last, as it does the portal's."""

from apps.gateways import labels
from apps.pools.reconciler import turns
from apps.pools.reconciler.care import in_care
from tests.pools.scaling import Losses, resize, settled
from tests.pools.world import World


def seen(world: World) -> set[tuple[str, str]]:
    """What the watcher asks for when the pool's pods change, and what a worker then does."""
    world.mirror()
    place = (world.namespace, world.pool)
    asked = in_care(world.cluster.pk, {place, (world.namespace, "another")})
    turns.changed(world.cluster.pk, {place})
    turns.work()
    world.mirror()
    return asked


def test_a_pod_is_as_dear_as_the_hands_that_others_give_it_to(world: World) -> None:
    first = world.names()[0]
    world.relabel(first, "production")
    assert world.pod(first).cost == labels.COST_FREE
    assert seen(world) == {(world.namespace, world.pool)}
    assert world.pod(first).cost == labels.COST_LENT
    world.relabel(first, labels.UNASSIGNED)
    assert seen(world) == {(world.namespace, world.pool)}
    assert world.pod(first).cost == labels.COST_FREE


def test_pods_that_cost_what_they_should_are_left_alone(world: World) -> None:
    before = {pod.name: pod.version for pod in world.pods()}
    assert seen(world) == set()
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
