"""Distributions on a real pool: planned, carried out whole or taken back whole, refused when out of date."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.gateways import labels
from apps.operations.actions import cancel
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.services import Busy
from apps.operations.statuses import OperationStatus
from apps.pools.distribution.actions import How, StalePlan, distribute_pods, preview, token
from apps.pools.distribution.plan import CannotDistribute
from apps.pools.distribution.undoing import sweep
from apps.pools.distribution.wanted import BadRatios, Wanted
from apps.pools.models import Aside, Holding, Intent
from apps.pools.refusals import BeingMoved, NeedsForce, UnknownBusiness
from tests.inference.real import finish, lines
from tests.pools.checker import Recorder, faults
from tests.pools.streaming import Stream
from tests.pools.world import World, assign
from tests.processes import until

EVENLY = Wanted({"production": 1, "testing": 1})


@pytest.fixture
def recorder(world: World) -> Iterator[Recorder]:
    world.mirror()
    with Recorder(world) as begun:
        yield begun


def split(world: World) -> dict[str, int]:
    return dict(Counter(pod.business for pod in world.pods() if pod.alive))


def begin(world: World, by: User, wanted: Wanted = EVENLY, **how: Any) -> Operation:
    begun = distribute_pods(by=by, pool=world.target, wanted=wanted, how=How(**how))
    assert begun.operation is not None
    return begun.operation


def done(operation: Operation) -> Operation:
    ended = finish(operation)
    assert ended.status == OperationStatus.SUCCEEDED, (ended.message, lines(ended))
    return ended


def test_free_pods_are_shared_out_by_weight(world: World, recorder: Recorder, alice: User) -> None:
    ended = done(begin(world, alice, Wanted({"production": 3, "testing": 1})))
    assert split(world) == {"production": 3, "testing": 1}
    told = Holding.objects.exclude(intent=None).values_list("intent__batch", "by")
    assert set(told) == {(f"operation-{ended.pk}", "alice")} and len(told) == 4
    assert faults(world, recorder) == []


def test_percents_leave_the_rest_free(world: World, alice: User) -> None:
    done(begin(world, alice, Wanted({"production": 50}, percents=True)))
    assert split(world) == {"production": 2, labels.UNASSIGNED: 2}


def test_lent_pods_finish_their_streams_before_they_change_hands(
    world: World, recorder: Recorder, alice: User
) -> None:
    names = world.names()
    for name in names:
        assign(world, alice, name, "production")
    streams = [Stream(world, name, tokens=200) for name in names]
    for stream in streams:
        stream.start()
        assert stream.begun.wait(20)
    done(begin(world, alice))
    moved = [pod.name for pod in world.pods() if pod.business == "testing"]
    assert len(moved) == 2 and split(world)["production"] == 2
    assert all("[DONE]" in stream.ended for stream in streams if stream.pod in moved)
    assert faults(world, recorder) == []


def test_who_is_not_named_keeps_its_pods(world: World, alice: User) -> None:
    assign(world, alice, world.names()[0], "testing")
    done(begin(world, alice, Wanted({"production": 1})))
    assert split(world) == {"production": 3, "testing": 1}


def test_a_pool_that_is_so_already_needs_no_operation(world: World, alice: User) -> None:
    begun = distribute_pods(by=alice, pool=world.target, wanted=Wanted({labels.UNASSIGNED: 1}))
    assert begun.operation is None and begun.plan.moves == () and not Operation.objects.exists()


def test_a_plan_of_another_moment_is_refused_and_says_who_was_faster(
    world: World, alice: User, root: User
) -> None:
    seen = token(preview(world.target, EVENLY))
    name = world.names()[0]
    assign(world, root, name, "production")
    with pytest.raises(StalePlan, match=rf"{name} is lent to production now \(root\)"):
        begin(world, alice, plan=seen)
    assert not Operation.objects.exists() and split(world)["production"] == 1


def test_a_business_deleted_after_the_preview_makes_the_plan_stale(world: World, alice: User) -> None:
    seen = token(preview(world.target, Wanted({"production": 1})))
    world.outside.delete("services", "llm-testing", namespace=world.namespace)
    with pytest.raises(StalePlan):
        begin(world, alice, Wanted({"production": 1}), plan=seen)


def test_a_business_deleted_before_its_pods_come_has_all_of_them_taken_back(
    world: World, recorder: Recorder, alice: User
) -> None:
    operation = begin(world, alice)
    world.outside.delete("services", "llm-testing", namespace=world.namespace)
    ended = finish(operation)
    assert ended.status == OperationStatus.FAILED
    assert "no business service" in ended.message and "back where it was" in ended.message
    assert split(world) == {labels.UNASSIGNED: 4}
    assert faults(world, recorder) == []


def test_a_pod_moved_under_the_operation_has_the_others_taken_back(
    world: World, recorder: Recorder, alice: User, root: User
) -> None:
    operation = begin(world, alice, Wanted({"production": 1}))
    taken = world.names()[-1]
    assign(world, root, taken, "testing")
    ended = finish(operation)
    assert ended.status == OperationStatus.FAILED and taken in ended.message
    assert split(world) == {labels.UNASSIGNED: 3, "testing": 1}
    assert faults(world, recorder) == []


def until_draining(world: World, operation: Operation) -> None:
    """Run it until pods are out of service."""

    def drains() -> bool:
        Operation.objects.filter(pk=operation.pk, status=OperationStatus.WAITING).update(next_look_at=Now())
        execute(operation.pk)
        return labels.DRAINING in split(world)

    until(drains, seconds=30, every=0.1, what="pods to be drained")


def test_cancel_puts_every_pod_back(world: World, recorder: Recorder, alice: User) -> None:
    for name in world.names()[:3]:
        assign(world, alice, name, "production")
    operation = begin(world, alice, Wanted({"production": 1, "testing": 3}))
    until_draining(world, operation)
    assert split(world)["testing"] == 1, "the free pod goes first"
    cancel(by=alice, operation=operation)
    assert finish(operation).status == OperationStatus.CANCELLED
    assert split(world) == {"production": 3, labels.UNASSIGNED: 1}
    assert faults(world, recorder) == []


def test_what_a_lost_worker_left_is_taken_back_by_the_sweep(
    world: World, recorder: Recorder, alice: User
) -> None:
    for name in world.names()[:3]:
        assign(world, alice, name, "production")
    operation = begin(world, alice, Wanted({"production": 1, "testing": 3}))
    until_draining(world, operation)
    Operation.objects.filter(pk=operation.pk).update(status=OperationStatus.LOST, ended_at=Now())
    sweep()
    assert split(world) == {"production": 3, labels.UNASSIGNED: 1}
    sweep()
    assert faults(world, recorder) == []


def test_a_lost_answer_is_not_a_second_move(world: World, recorder: Recorder, alice: User) -> None:
    operation = begin(world, alice)
    world.mishap(kind="answer", verb="patch", resource="pods", status=500, count=3, after=True)
    done(operation)
    assert split(world) == {"production": 2, "testing": 2}
    assert Intent.objects.filter(operation_id=str(operation.pk), state="done").count() == 4
    assert faults(world, recorder) == []


def test_two_distributions_at_once_are_one_and_a_clear_answer(world: World, alice: User, root: User) -> None:
    begin(world, alice)
    with pytest.raises(Busy, match="alice is already at work on llm"):
        begin(world, root, Wanted({"production": 1}))


def test_taking_all_pods_of_a_business_is_asked_about(world: World, alice: User) -> None:
    for name in world.names():
        assign(world, alice, name, "production")
    wish = Wanted({"production": 0, "testing": 1})
    with pytest.raises(NeedsForce, match="production would have no serving pod"):
        begin(world, alice, wish)
    done(begin(world, alice, wish, force=True, drain=False))
    assert split(world) == {"testing": 4}


def test_a_tiny_weight_does_not_take_the_last_pod(world: World, alice: User) -> None:
    assign(world, alice, world.names()[0], "testing")
    done(begin(world, alice, Wanted({"production": 1000, "testing": 1})))
    assert split(world) == {"production": 3, "testing": 1}


def test_free_pods_on_a_cordoned_node_stay_free(world: World, alice: User) -> None:
    pod = world.pods()[0]
    node = pod.node
    there = sum(other.node == node for other in world.pods())
    world.outside.patch_merge("nodes", node, {"spec": {"unschedulable": True}})
    try:
        plan = preview(world.target, Wanted({"production": 1}))
    finally:
        world.outside.patch_merge("nodes", node, {"spec": {"unschedulable": False}})
    assert len(plan.moves) == 4 - there and "no new work" in " ".join(plan.notes)


def test_a_pod_that_is_kept_aside_is_lent_to_nobody(world: World) -> None:
    pod = world.pods()[0]
    Aside.objects.create(pool=world.record, pod_uid=pod.uid, pod_name=pod.name, business="", reason="hung")
    plan = preview(world.target, EVENLY)
    assert pod.name not in {move.pod for move in plan.moves} and len(plan.moves) == 3
    assert "kept aside" in " ".join(plan.notes) and plan.after[labels.UNASSIGNED] == 1


@pytest.mark.parametrize(
    ("wanted", "problem", "words"),
    [
        (Wanted({}), BadRatios, "who gets"),
        (Wanted({"production": -1}), BadRatios, "0 to 10000"),
        (Wanted({"production": float("nan")}), BadRatios, "0 to 10000"),
        (Wanted({"production": float("inf")}), BadRatios, "0 to 10000"),
        (Wanted({"production": 0, "testing": 0}), BadRatios, "Every weight is 0"),
        (Wanted({"production": 60, "testing": 50}, percents=True), BadRatios, "come to 110"),
        (Wanted({"production": 60, "unassigned": 30}, percents=True), BadRatios, "100 in all"),
        (Wanted({"staging": 1}), UnknownBusiness, "It has: production, testing"),
        (Wanted({"draining": 1}), UnknownBusiness, "reserved word"),
        (Wanted({"Retiring": 1}), UnknownBusiness, "reserved word"),
        (Wanted({"production": 1}, floors={"staging": 1}), UnknownBusiness, "no business service"),
        (Wanted({"production": 1}, floors={"testing": 1}), BadRatios, "no weight"),
        (Wanted({"production": 1}, floors={"unassigned": 1}), BadRatios, "for a business"),
        (Wanted({"production": 1}, floors={"production": 5}), BadRatios, "need 5 pods"),
        (Wanted({"production": 1}, floors={"production": -1}), BadRatios, "whole number"),
    ],
)
def test_wishes_that_cannot_be_meant_are_refused_in_words(
    world: World, alice: User, wanted: Wanted, problem: type[Exception], words: str
) -> None:
    with pytest.raises(problem, match=words):
        begin(world, alice, wanted)
    assert not Operation.objects.exists() and not Intent.objects.exists()


def test_a_pod_between_two_businesses_makes_it_wait(world: World, alice: User) -> None:
    world.relabel(world.names()[0], "draining")
    with pytest.raises(BeingMoved, match=f"{world.names()[0]} is being drained"):
        begin(world, alice)


def test_a_pool_without_pods_cannot_be_shared_out(world: World) -> None:
    empty = world.target.__class__(world.cluster.pk, world.cluster.slug, world.namespace, "empty")
    body = world.outside.get("deployments", world.pool, namespace=world.namespace)
    template = {
        "metadata": {"labels": {"app": "empty"}},
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": "empty"}}, "template": template}
    meta = {"name": "empty", "namespace": world.namespace, "labels": body["metadata"]["labels"]}
    world.outside.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
    with pytest.raises(CannotDistribute, match="no pods"):
        preview(empty, Wanted({labels.UNASSIGNED: 1}))
    world.outside.delete("deployments", "empty", namespace=world.namespace)
