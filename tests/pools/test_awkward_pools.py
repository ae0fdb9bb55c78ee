"""Pools in states that nobody plans for: empty, paused, Recreate, scaled or written by somebody else."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.gateways import labels
from apps.gateways.kubernetes.writes import APPLY_PATCH
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.distribution.actions import distribute_pods
from apps.pools.distribution.plan import CannotDistribute
from apps.pools.distribution.wanted import Wanted
from apps.pools.models import Holding, Rollout
from apps.pools.reconciler.care import in_care
from apps.pools.reconciler.reconciling import reconcile
from apps.pools.rollouts.actions import roll_out_pool
from apps.pools.rollouts.plan import CannotRollOut
from apps.pools.rollouts.runner import How
from apps.pools.rollouts.wishes import VersionWish
from apps.pools.scaling.planning import CannotScale
from apps.pools.shares.actions import set_shares
from apps.pools.shares.wishes import ShareProblem, SharesWish, ShareWish
from apps.pools.statuses import Source
from tests.inference.real import finish, lines
from tests.pools.rolling import follow, lend, restart, resume, rolling_stage, split
from tests.pools.scaling import autoscaler, begin, leftovers, resize, settled, state_of
from tests.pools.world import Stage, World, assign, world_on
from tests.processes import Devcluster, until


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool of three that only these tests bring into such states."""
    stage = rolling_stage(devcluster)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage) -> World:
    resume(own)
    world = world_on(own)
    world.mirror()
    return world


def change(world: World, **spec: object) -> None:
    """What `kubectl edit` does to the Deployment."""
    world.outside.patch_merge("deployments", world.pool, {"spec": spec}, namespace=world.namespace)


def roll_out(world: World, by: User, number: str) -> Operation:
    wish, how = VersionWish(restart=number), How(settle=0, timeout=5)
    return roll_out_pool(by=by, pool=world.target, wish=wish, how=how).operation


def done(operation: Operation) -> None:
    ended = finish(operation)
    assert ended.status == OperationStatus.SUCCEEDED, (ended.message, lines(ended))


def test_an_empty_pool_has_nothing_to_share_out_takes_a_new_version_and_grows(
    pool: World, alice: User
) -> None:
    resize(pool, 0)
    settled(pool, 0)
    with pytest.raises(CannotDistribute, match="no pods to share out"):
        distribute_pods(by=alice, pool=pool.target, wanted=Wanted({"production": 1}))
    pool.mirror()
    with pytest.raises(ShareProblem, match="need 1 pods, the pool has 0"):
        set_shares(by=alice, pool=pool.target, wish=SharesWish([ShareWish("production", count=1)]))
    assert reconcile(pool.portal, pool.record).done == []
    done(roll_out(pool, alice, "empty"))
    assert Rollout.objects.get().ended_at is not None
    with pytest.raises(CannotScale, match="has 0 pods already"):
        begin(pool, alice, 0)
    done(begin(pool, alice, 1))
    settled(pool, 1)


def test_a_paused_deployment_is_scaled_and_shared_out_but_not_rolled_out(pool: World, alice: User) -> None:
    change(pool, paused=True)
    assert distribute_pods(by=alice, pool=pool.target, wanted=Wanted({"production": 1})).operation
    done(Operation.objects.get())
    assign(pool, alice, pool.names()[0], labels.UNASSIGNED)
    done(begin(pool, alice, 2, timeout=5))
    assert (split(pool), leftovers(pool)) == ({"production": 2}, [])
    with pytest.raises(CannotRollOut, match="paused; resume it first"):
        roll_out(pool, alice, "paused")


def test_recreate_ends_every_pod_and_the_assignments_come_back(pool: World, alice: User) -> None:
    lend(pool, alice, "production", "testing")
    kept = {"production": 1, "testing": 1, "unassigned": 1}
    change(pool, strategy={"type": "Recreate", "rollingUpdate": None})
    before = state_of(pool).owner_uid
    restart(pool, "recreate")
    until(lambda: state_of(pool).owner_uid != before, seconds=40, what="the new version")
    settled(pool, 3)
    pool.mirror()
    assert in_care(pool.cluster.pk, {(pool.namespace, pool.pool)}) == {(pool.namespace, pool.pool)}
    until(lambda: (reconcile(pool.portal, pool.record), split(pool) == kept)[1], seconds=40, every=0.2)
    until(
        lambda: reconcile(pool.portal, pool.record).done == [] and Rollout.objects.get().ended_at, every=0.2
    )
    assert split(pool) == kept


def test_an_autoscaler_stops_a_rollout_and_is_named(pool: World, alice: User) -> None:
    kind = ("autoscaling/v2", "HorizontalPodAutoscaler")
    pool.outside.create(autoscaler(pool, *kind))
    try:
        with pytest.raises(CannotRollOut, match="the autoscaler hungry"):
            roll_out(pool, alice, "autoscaled")
        assert not Operation.objects.exists()
    finally:
        pool.outside.delete("horizontalpodautoscalers", "hungry", namespace=pool.namespace)


def test_what_another_field_manager_writes_is_changed_by_us_and_told_as_theirs(
    pool: World, alice: User
) -> None:
    """A GitOps tool owns label, size and template by server-side apply."""
    name, labelled = pool.names()[0], {"metadata": {"labels": {labels.BUSINESS: "production"}}}
    apply(pool, f"/api/v1/namespaces/{pool.namespace}/pods/{name}", "v1", "Pod", labelled)
    pool.mirror()
    assert [(row.source, row.by) for row in Holding.objects.filter(business="production")] == [
        (Source.EXTERNAL, "flux")
    ]
    assign(pool, alice, name, "testing", force=True)
    assert pool.business_of(name) == "testing"
    template = {"metadata": {"annotations": {labels.RESTARTED_AT: "flux"}}}
    path = f"/apis/apps/v1/namespaces/{pool.namespace}/deployments/{pool.pool}"
    apply(pool, path, "apps/v1", "Deployment", {"spec": {"replicas": 3, "template": template}})
    until(lambda: state_of(pool).peopled == 2, what="the new version")
    follow(pool)
    assert (Rollout.objects.get().by, split(pool)["testing"]) == ("flux", 1)
    settled(pool, 3)
    done(begin(pool, alice, 2, timeout=5))
    assert leftovers(pool) == []


def apply(world: World, path: str, version: str, kind: str, part: dict[str, object]) -> None:
    """What `kubectl apply --server-side --force-conflicts --field-manager=flux` does with a part of it."""
    query = [("fieldManager", "flux"), ("force", "true")]
    body = {"apiVersion": version, "kind": kind, **part}
    world.outside.transport.request("PATCH", path, query=query, body=body, content_type=APPLY_PATCH)
