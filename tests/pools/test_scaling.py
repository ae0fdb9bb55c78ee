"""Scale-downs on a real cluster that lags: only free pods go, and whatever is killed on the way is healed."""

from collections.abc import Iterator

import pytest
from django.db.models.functions import Now

from apps.accounts.models import User
from apps.gateways import labels
from apps.gateways.errors import NotFound, PatchRefused
from apps.operations.actions import cancel
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.services import Busy
from apps.operations.statuses import OperationStatus
from apps.pools.handover.decide import decide
from apps.pools.handover.patch import change
from apps.pools.handover.settling import settle
from apps.pools.live_view import PodFacts
from apps.pools.models import Holding, Rollout
from apps.pools.reconciler.reconciling import reconcile
from apps.pools.refusals import Moved
from apps.pools.scaling.detaching import detach
from apps.pools.scaling.fence import remove
from apps.pools.scaling.healing import freeing
from apps.pools.scaling.names import is_detached
from apps.pools.scaling.planning import CannotScale, plan
from apps.pools.statuses import Source
from tests.inference.real import finish, lines
from tests.pools.scaling import (
    Losses,
    autoscaler,
    begin,
    classify,
    leftovers,
    lend,
    settled,
    state_of,
    unready,
)
from tests.pools.world import Stage, World, assign, make_stage, world_on
from tests.processes import Devcluster, until

SIZE = 8


@pytest.fixture(scope="module")
def eight(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool of eight with a PriorityClass of its own."""
    stage = make_stage(devcluster, replicas=SIZE)
    classify(stage)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, eight: Stage) -> World:
    """Eight ready, free pods, however the last test left them."""
    eight.outside.scale("deployments", eight.pool, SIZE, namespace=eight.namespace)
    return world_on(eight)


def test_a_scale_down_takes_only_free_pods_and_leaves_nothing_behind(pool: World, alice: User) -> None:
    lent = pool.names()[:4]
    lend(pool, lent)
    pool.mirror()
    with Losses(pool) as losses:
        done = finish(begin(pool, alice, 6, timeout=5))
        assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
        settled(pool, 6)
    assert (losses.lent, losses.born, leftovers(pool)) == ([], [], [])
    assert set(lent) <= set(pool.names())


def test_a_scale_up_makes_free_stock(pool: World, alice: User) -> None:
    done = finish(begin(pool, alice, 9))
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
    settled(pool, 9)
    assert leftovers(pool) == []


def test_too_few_free_pods_are_said_in_the_known_words(pool: World, alice: User) -> None:
    lend(pool, pool.names()[:4])
    with pytest.raises(CannotScale) as refusal:
        begin(pool, alice, 3)
    assert str(refusal.value) == "Cannot scale down: need 5 unassigned pods, but only 4 available"
    assert refusal.value.problem_facts == {"currentReplicas": 8, "targetReplicas": 3, "unassignedPods": 4}
    assert Operation.objects.count() == 0 and leftovers(pool) == []


def test_the_worst_go_first_and_the_plan_says_why(pool: World) -> None:
    bad = pool.names()[3]
    unready(pool, [bad])
    chosen = plan(pool.portal, pool.record, 6).victims
    assert chosen[0].pod == bad and "not Ready" in chosen[0].why
    assert "idle" in chosen[1].why


@pytest.mark.parametrize("size", [-1, 8, 1001])
def test_sizes_that_mean_nothing_are_refused(pool: World, alice: User, size: int) -> None:
    with pytest.raises(CannotScale):
        begin(pool, alice, size)


AUTOSCALERS = {
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "scaledobjects": ("keda.sh/v1alpha1", "ScaledObject"),
}


@pytest.mark.parametrize("plural", AUTOSCALERS)
def test_an_autoscaler_is_named(pool: World, alice: User, plural: str) -> None:
    try:
        pool.outside.create(autoscaler(pool, *AUTOSCALERS[plural]))
    except NotFound:
        pytest.skip(f"the cluster has no {plural}")
    try:
        with pytest.raises(CannotScale, match="the autoscaler hungry"):
            begin(pool, alice, 6)
    finally:
        pool.outside.delete(plural, "hungry", namespace=pool.namespace)


def test_a_second_scale_is_told_of_the_first(pool: World, alice: User) -> None:
    first = begin(pool, alice, 6, timeout=5)
    with pytest.raises(Busy):
        begin(pool, alice, 5)
    cancel(by=alice, operation=first)
    finish(first)


def test_a_scale_takes_another_pod_when_the_chosen_one_is_lent_first(pool: World, alice: User) -> None:
    victim = plan(pool.portal, pool.record, 7).victims[0].pod
    operation = begin(pool, alice, 7, timeout=5)
    assign(pool, alice, victim, "production")
    with Losses(pool) as losses:
        assert finish(operation).status == OperationStatus.SUCCEEDED
    assert losses.lent == [] and pool.business_of(victim) == "production"


def test_a_chosen_pod_cannot_be_lent(pool: World, alice: User) -> None:
    operation = begin(pool, alice, 7, timeout=60)
    assert execute(operation.pk)
    chosen = next(pod.name for pod in pool.pods() if pod.business == labels.RETIRING)
    with pytest.raises(Moved):
        assign(pool, alice, chosen, "production")
    assert finish(operation).status == OperationStatus.SUCCEEDED
    told = Holding.objects.filter(pod_name=chosen).order_by("pk")
    assert [row.business for row in told] == ["unassigned", "retiring"] and told.last().to_at  # type: ignore[union-attr]


def choose(pool: World, by: User) -> tuple[Operation, PodFacts]:
    """A scale-down that has chosen a pod and waits for its requests."""
    operation = begin(pool, by, 7, timeout=60)
    assert execute(operation.pk)
    return operation, next(pod for pod in pool.pods() if pod.business == labels.RETIRING)


def test_a_rollout_that_is_not_over_yet_does_not_free_a_chosen_pod(pool: World, alice: User) -> None:
    operation, chosen = choose(pool, alice)
    Rollout.objects.create(pool=pool.record, wanted={}, source=Source.EXTERNAL)
    reconcile(pool.portal, pool.record)
    assert pool.business_of(chosen.name) == labels.RETIRING
    assert finish(operation).status == OperationStatus.SUCCEEDED


def test_a_pod_that_is_taken_out_while_somebody_frees_it_stays_chosen(pool: World, alice: User) -> None:
    operation, chosen = choose(pool, alice)
    intent, seen = decide(pool.portal, pool.record, freeing(pool.record, chosen))
    assert detach(pool.portal, chosen, app=state_of(pool).app, operation=str(operation.pk))
    with pytest.raises(PatchRefused):
        pool.portal.patch_json("pods", chosen.name, change(intent, seen), namespace=pool.namespace)
    settle(intent.pk, pool.portal, final=True)
    cancel(by=alice, operation=operation)
    assert finish(operation).status == OperationStatus.CANCELLED
    settled(pool, SIZE)
    assert leftovers(pool) == [] and nobodys(pool) == []


def test_a_cluster_that_will_not_delete_yet_is_asked_again(pool: World, alice: User) -> None:
    pool.mishap(kind="answer", status=409, verb="delete", resource="pods", count=3)
    finish(begin(pool, alice, 6, timeout=5))
    until(lambda: not leftovers(pool), seconds=30, what="everything to be put right")
    settled(pool, 6)
    assert nobodys(pool) == []
    pool.mirror()
    open_rows = Holding.objects.filter(pool=pool.record, to_at=None)
    assert set(open_rows.values_list("pod_name", flat=True)) == set(pool.names())


def nobodys(pool: World) -> list[str]:
    """Pods that no ReplicaSet has."""
    return [pod.name for pod in pool.pods() if not pod.owner_uid and not pod.deleting]


def test_cancelled_before_the_size_is_set_everything_is_as_before(pool: World, alice: User) -> None:
    before = pool.names()
    operation = begin(pool, alice, 6, timeout=60)
    assert execute(operation.pk)
    assert any(pod.business == labels.RETIRING for pod in pool.pods())
    cancel(by=alice, operation=operation)
    with Losses(pool) as losses:
        assert finish(operation).status == OperationStatus.CANCELLED
    assert (pool.names(), losses.born, leftovers(pool)) == (before, [], [])
    assert len(state_of(pool).free) == SIZE


@pytest.fixture
def classless(transactional_db: None, devcluster: Devcluster) -> Iterator[World]:
    """A pool that somebody else made: no PriorityClass, so no fence."""
    stage = make_stage(devcluster, replicas=4)
    yield world_on(stage)
    stage.drop()


def test_without_a_fence_a_lent_pod_in_danger_is_named(classless: World, alice: User) -> None:
    lent = classless.names()[0]
    lend(classless, [lent])
    unready(classless, [lent])
    with pytest.raises(CannotScale, match=f"{lent} is lent to production and not Ready"):
        begin(classless, alice, 3)
    classless.calm()
    settled(classless, 4)
    with Losses(classless) as losses:
        done = finish(begin(classless, alice, 3, timeout=5))
        assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
        settled(classless, 3)
    assert (losses.lent, leftovers(classless)) == ([], [])


def test_a_fence_that_somebody_removes_costs_no_lent_pod(pool: World, alice: User) -> None:
    lend(pool, pool.names()[:4])
    operation = begin(pool, alice, 6, timeout=5)
    with Losses(pool) as losses:
        pool.mishap(kind="ignore_cost")
        while not any(is_detached(pod) for pod in pool.pods()) and operation.active:
            execute(operation.pk)
            Operation.objects.filter(pk=operation.pk).update(next_look_at=Now())
            operation.refresh_from_db()
        remove(pool.outside, namespace=pool.namespace, pool=pool.pool)
        finish(operation)
        until(lambda: not leftovers(pool), seconds=30, what="everything to be put right")
    assert losses.lent == []
