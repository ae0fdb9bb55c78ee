"""A pod changes hands: what the cluster, the history and the audit say afterwards, and what is refused."""

import pytest
from django.core.exceptions import PermissionDenied

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.gateways import labels
from apps.pools.models import Holding, Intent
from apps.pools.refusals import (
    Moved,
    NeedsForce,
    NodeDraining,
    NotLive,
    UnknownBusiness,
    UnknownPod,
)
from apps.pools.statuses import IntentState, Source
from tests.pools.world import World, assign
from tests.processes import until


def test_a_free_pod_is_lent_and_written_down_once(world: World, alice: User) -> None:
    name = world.names()[0]
    intent = assign(world, alice, name, "production", origin="unassigned")
    assert (intent.state, world.business_of(name)) == (IntentState.DONE, "production")
    holding = Holding.objects.get(pod_name=name, to_at=None)
    assert (holding.business, holding.previous, holding.by) == ("production", "unassigned", "alice")
    assert holding.intent_id == intent.pk and holding.source == Source.PORTAL
    assert AuditEntry.objects.filter(code="pools.assign_pod", outcome="done").count() == 1


def test_the_pod_carries_the_intent_and_the_deletion_cost(world: World, alice: User) -> None:
    name = world.names()[0]
    intent = assign(world, alice, name, "production")
    lent = world.outside.get("pods", name, namespace=world.namespace)["metadata"]["annotations"]
    assert (lent[labels.INTENT], lent[labels.DELETION_COST]) == (str(intent.pk), labels.COST_LENT)
    assign(world, alice, name, labels.UNASSIGNED, force=True)
    freed = world.outside.get("pods", name, namespace=world.namespace)["metadata"]["annotations"]
    assert freed[labels.DELETION_COST] == labels.COST_FREE


def test_nothing_restarts_when_a_pod_changes_hands(world: World, alice: User) -> None:
    before = {pod.name: pod.uid for pod in world.pods()}
    assign(world, alice, world.names()[0], "production")
    assert {pod.name: pod.uid for pod in world.pods()} == before


def test_it_says_who_moved_the_pod_when_the_person_saw_an_older_state(
    world: World, alice: User, root: User
) -> None:
    name = world.names()[0]
    assign(world, root, name, "testing")
    with pytest.raises(Moved, match=r"was moved by root \d+ s ago: it is lent to testing"):
        assign(world, alice, name, "production", origin="unassigned")
    assert world.business_of(name) == "testing"


def test_it_refuses_a_pod_that_is_there_already(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "testing")
    with pytest.raises(Moved, match="lent to testing already"):
        assign(world, alice, name, "testing")


@pytest.mark.parametrize("word", ["unknown", "draining", "retiring", "Draining", "a/b", "", "x" * 64])
def test_it_refuses_words_that_are_no_business_of_the_pool(world: World, alice: User, word: str) -> None:
    name = world.names()[0]
    with pytest.raises(UnknownBusiness):
        assign(world, alice, name, word)
    assert world.business_of(name) == "unassigned" and not Intent.objects.exists()


def test_it_refuses_a_pod_of_another_deployment(world: World, alice: User) -> None:
    with pytest.raises(UnknownPod, match="not a pod of llm"):
        assign(world, alice, "somebody-else", "production")


def test_it_refuses_an_evicted_pod(world: World, alice: User) -> None:
    name = world.names()[0]
    world.mishap(kind="evict", namespace=world.namespace, name=name)
    until(lambda: not world.pod(name).alive, what="the eviction")
    with pytest.raises(NotLive, match="Evicted"):
        assign(world, alice, name, "production")


def test_it_refuses_a_pod_that_is_terminating(world: World, alice: User) -> None:
    name = world.names()[0]
    world.outside.delete("pods", name, namespace=world.namespace, grace=30)
    with pytest.raises((NotLive, UnknownPod)):
        assign(world, alice, name, "production")


def test_it_refuses_to_lend_a_pod_on_a_cordoned_node(world: World, alice: User) -> None:
    name = world.names()[0]
    node = world.pod(name).node
    world.outside.patch_merge("nodes", node, {"spec": {"unschedulable": True}})
    try:
        with pytest.raises(NodeDraining, match="cordoned"):
            assign(world, alice, name, "production")
    finally:
        world.outside.patch_merge("nodes", node, {"spec": {"unschedulable": None}})


def test_it_asks_before_the_last_serving_pod_leaves(world: World, alice: User) -> None:
    first, second = world.names()[:2]
    assign(world, alice, first, "production")
    with pytest.raises(NeedsForce, match="last pod that serves production"):
        assign(world, alice, first, "testing")
    assign(world, alice, second, "production")
    assign(world, alice, first, "testing")
    assert world.business_of(first) == "testing"


def test_it_asks_before_a_pod_is_lent_that_is_not_ready(world: World, alice: User) -> None:
    name = world.names()[0]
    world.mishap(kind="unready", namespace=world.namespace, name=name)
    until(lambda: not world.pod(name).ready, what="the pod to be not Ready")
    with pytest.raises(NeedsForce, match="not Ready"):
        assign(world, alice, name, "production")
    assign(world, alice, name, "production", force=True)
    assert world.business_of(name) == "production"


def test_a_viewer_is_refused_and_the_refusal_is_audited(world: World, bob: User) -> None:
    name = world.names()[0]
    with pytest.raises(PermissionDenied, match="operators and admins may"):
        assign(world, bob, name, "production")
    entry = AuditEntry.objects.get(code="pools.assign_pod")
    assert (entry.outcome, entry.actor_name, world.business_of(name)) == ("denied", "bob", "unassigned")
