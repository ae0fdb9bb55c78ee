"""Rollouts by the portal: planned, refused in words, done, taken back; inference's restart goes this way."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.gateways import labels
from apps.inference.actions import restart_deployment
from apps.inference.selectors import deployments
from apps.operations.actions import cancel
from apps.operations.models import Operation
from apps.operations.runner import execute
from apps.operations.services import Busy
from apps.operations.statuses import OperationStatus
from apps.pools.models import Rollout
from apps.pools.refusals import PoolProblem
from apps.pools.rollouts.actions import preview, roll_out_pool
from apps.pools.rollouts.plan import NeedsRoom, NothingNew
from apps.pools.rollouts.runner import How, StalePlan
from apps.pools.rollouts.wishes import VersionProblem, VersionWish
from tests.inference.real import finish, lines
from tests.pools.rolling import Serving, cordon, follow, lend, resume, rolling_stage, split, told
from tests.pools.scaling import state_of
from tests.pools.world import Stage, World, assign, world_on
from tests.processes import Devcluster, until

NEW = VersionWish(image="vllm/vllm-openai:v0.11.0")
QUICK = How(settle=0, timeout=5)


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool whose versions change; nobody else's tests see them."""
    stage = rolling_stage(devcluster)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage) -> Iterator[World]:
    """Three free pods, in the mirror."""
    resume(own)
    world = world_on(own)
    world.mirror()
    yield world
    cordon(world, False)


def place(world: World) -> tuple[int, str, str]:
    return world.cluster.pk, world.namespace, world.pool


def begin(world: World, by: User, wish: VersionWish = NEW, how: How = QUICK) -> Operation:
    return roll_out_pool(by=by, pool=world.target, wish=wish, how=how).operation


def test_a_rollout_replaces_every_pod_and_each_business_keeps_its_own(pool: World, alice: User) -> None:
    lend(pool, alice, "production", "testing")
    before, serving = set(pool.names()), Serving(pool)
    image = f"vllm/vllm-openai:{pool.cluster.slug}"
    done = finish(begin(pool, alice, VersionWish(image=image)), seconds=120)
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done), told(pool))
    serving.look()
    assert split(pool) == {"production": 1, "testing": 1, "unassigned": 1}
    assert not before & set(pool.names())
    assert state_of(pool).deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert Rollout.objects.get().ended_at is not None
    assert any("takes the place of" in line for line in lines(done))


def test_a_plan_names_each_pod_and_is_refused_when_stale(pool: World, alice: User) -> None:
    first = pool.names()[0]
    assign(pool, alice, first, "production")
    found = preview(place(pool), NEW, QUICK)
    assert found.surge and "before an old one goes" in found.room
    assert [step.business for step in found.steps] == ["unassigned"] * 2 + ["production"]
    assign(pool, alice, first, "unassigned", force=True)
    with pytest.raises(StalePlan):
        begin(pool, alice, how=How(seen=found.version))
    assert not Operation.objects.exists()


def test_without_a_free_gpu_a_free_pod_makes_room_or_a_business_is_asked(pool: World, alice: User) -> None:
    cordon(pool, True)
    pool.mirror()
    found = preview(place(pool), NEW, QUICK)
    assert not found.surge and "goes first and makes room" in found.room
    assert found.strategy["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    cordon(pool, False)
    lend(pool, alice, "production", "production", "testing")
    cordon(pool, True)
    with pytest.raises(NeedsRoom) as question:
        preview(place(pool), NEW, QUICK)
    assert question.value.details["businesses"] == ["production", "testing"]
    found = preview(place(pool), NEW, How(gives_up="production"))
    assert found.gives_up == "production" and "has it back in the end" in found.room


@pytest.fixture
def single(transactional_db: None, devcluster: Devcluster) -> Iterator[World]:
    """A pool of one."""
    stage = rolling_stage(devcluster, replicas=1)
    yield world_on(stage)
    stage.drop()


def test_a_business_that_gave_up_a_pod_has_it_back_in_the_end(single: World, alice: User) -> None:
    pool = single
    lend(pool, alice, "production")
    cordon(pool, True)
    pool.mirror()
    image = f"vllm/vllm-openai:{pool.cluster.slug}"
    operation = begin(pool, alice, VersionWish(image=image), How("production", timeout=5, settle=0))
    cordon(pool, False)
    done = finish(operation, seconds=120)
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done), told(pool))
    assert split(pool) == {"production": 1}
    assert Rollout.objects.get().gives_up == "production"


def test_a_cancelled_rollout_goes_back_and_assignments_stay(pool: World, alice: User) -> None:
    lend(pool, alice, "production")
    old = state_of(pool).deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    operation = begin(pool, alice, VersionWish(image="vllm/vllm-openai:cancelled"))
    execute(operation.pk)
    until(lambda: state_of(pool).peopled == 2, what="the new version")
    cancel(by=alice, operation=operation)
    done = finish(operation)
    assert done.status == OperationStatus.CANCELLED, (done.message, lines(done))
    follow(pool)
    now = state_of(pool).deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert (now, split(pool)["production"]) == (old, 1)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (VersionWish(image="not an image"), "not the name of an image"),
        (VersionWish(command="python -m sglang.launch_server --model-path x"), "not a command of vLLM"),
        (VersionWish(command="vllm serve"), "model"),
        (VersionWish(gpus=65), "0 to 64 GPUs"),
        (VersionWish(revision=999), "does not keep version 999"),
    ],
)
def test_a_version_that_cannot_be_is_refused_in_words(pool: World, wish: VersionWish, words: str) -> None:
    with pytest.raises(VersionProblem, match=words):
        preview(place(pool), wish, QUICK)


def test_the_present_version_one_too_large_and_a_paused_pool_are_refused(pool: World, alice: User) -> None:
    template = state_of(pool).deployment["spec"]["template"]
    with pytest.raises(NothingNew):
        preview(place(pool), VersionWish(image=template["spec"]["containers"][0]["image"]), QUICK)
    with pytest.raises(PoolProblem, match="No node has 60 GPUs"):
        preview(place(pool), VersionWish(gpus=60), QUICK)
    pool.outside.patch_merge("deployments", pool.pool, {"spec": {"paused": True}}, namespace=pool.namespace)
    try:
        with pytest.raises(PoolProblem, match="is paused"):
            preview(place(pool), NEW, QUICK)
    finally:
        change = {"spec": {"paused": None}}
        pool.outside.patch_merge("deployments", pool.pool, change, namespace=pool.namespace)


def test_a_restart_of_a_pool_is_a_rollout_and_two_at_once_are_refused(pool: World, alice: User) -> None:
    deployment = deployments.target(alice, pool.cluster.slug, pool.namespace, pool.pool)
    operation = restart_deployment(by=alice, deployment=deployment)
    assert operation.runner.endswith("roll_out") and labels.RESTARTED_AT not in operation.params
    with pytest.raises(Busy):
        begin(pool, alice)
    cancel(by=alice, operation=operation)
