"""The end of a pool: asked for while pods are lent, then whole; other writes on pools stay refused."""

from collections.abc import Iterator

import pytest

from apps.accounts.models import User
from apps.inference import actions
from apps.inference.statuses import Kind
from apps.inference.targets import DeploymentTarget
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.business import services_of
from apps.pools.refusals import NeedsForce
from apps.pools.removal import OnlyWhole
from tests.inference.real import finish, lines
from tests.pools.world import World, assign, make_stage, world_on
from tests.processes import Devcluster


@pytest.fixture
def doomed(transactional_db: None, devcluster: Devcluster, alice: User) -> Iterator[World]:
    """A pool of its own with one lent pod, known to the mirror."""
    stage = make_stage(devcluster, replicas=2)
    world = world_on(stage)
    assign(world, alice, world.names()[0], "production")
    world.mirror()
    yield world
    stage.drop()


def target(world: World) -> DeploymentTarget:
    uid = world.outside.get("deployments", world.pool, namespace=world.namespace)["metadata"]["uid"]
    return DeploymentTarget(
        cluster_id=world.cluster.pk,
        cluster=world.cluster.slug,
        namespace=world.namespace,
        name=world.pool,
        kind=Kind.POOL,
        uid=uid,
        replicas=2,
    )


def test_a_pool_with_lent_pods_is_kept_unless_its_name_is_typed(doomed: World, alice: User) -> None:
    for confirm in ("", "LLM", "other"):
        with pytest.raises(NeedsForce, match="1 pod of llm is lent"):
            actions.undeploy(by=alice, deployment=target(doomed), confirm=confirm)
    with pytest.raises(OnlyWhole):
        actions.undeploy(by=alice, deployment=target(doomed), part="service")
    assert len(doomed.names()) == 2 and not Operation.objects.exists()


def test_a_typed_name_deletes_pool_services_and_pods(doomed: World, alice: User) -> None:
    done = finish(actions.undeploy(by=alice, deployment=target(doomed), confirm="llm"))
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
    assert doomed.pods() == []
    assert services_of(doomed.outside, namespace=doomed.namespace, pool=doomed.pool) == []
    assert [item["resource"] for item in done.result["results"]] == ["service", "service", "deployment"]


def test_a_pod_lent_after_the_question_stops_the_deletion(doomed: World, alice: User) -> None:
    assign(doomed, alice, doomed.names()[0], "unassigned", force=True)
    doomed.mirror()
    operation = actions.undeploy(by=alice, deployment=target(doomed))
    assign(doomed, alice, doomed.names()[0], "testing")
    done = finish(operation)
    assert done.status == OperationStatus.FAILED and "is lent" in done.message
    assert len(doomed.names()) == 2
