"""Business services: made with a true name and tag, deleted without leaving pods to nobody."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from apps.accounts.models import User
from apps.gateways import labels
from apps.operations.statuses import OperationStatus
from apps.pools.actions import create_business_service, delete_business_service
from apps.pools.business import ServiceProblem, ServiceWish, Taken, UnknownService, services_of
from apps.pools.refusals import NeedsForce, UnknownPool
from apps.pools.targets import PoolTarget
from tests.inference.real import finish, lines
from tests.pools.world import World, assign


def make(world: World, by: User, name: str, tag: str, **more: bool) -> None:
    create_business_service(by=by, pool=world.target, wish=ServiceWish(name=name, business=tag, **more))


def tags(world: World) -> list[str]:
    found = services_of(world.outside, namespace=world.namespace, pool=world.pool)
    return sorted(service.business for service in found)


def test_a_service_selects_the_pods_of_its_business_by_name_of_port(world: World, alice: User) -> None:
    make(world, alice, "llm-staging", "staging")
    service = world.outside.get("services", "llm-staging", namespace=world.namespace)
    assert service["spec"]["selector"] == {labels.MODEL: "llm", labels.BUSINESS: "staging"}
    assert service["metadata"]["labels"][labels.SERVICE_TYPE] == labels.BUSINESS_SERVICE
    port = service["spec"]["ports"][0]
    assert (port["name"], port["port"]) == ("http", 8000) and service["spec"]["type"] == "ClusterIP"


def test_an_external_service_asks_for_a_load_balancer(world: World, alice: User) -> None:
    make(world, alice, "llm-public", "public", external=True)
    service = world.outside.get("services", "llm-public", namespace=world.namespace)
    assert service["spec"]["type"] == "LoadBalancer"


@pytest.mark.parametrize("tag", ["unassigned", "Draining", "retiring", "", "-a", "a b", "x" * 64, "a\n"])
def test_a_tag_that_cannot_be_is_refused_beside_its_field(world: World, alice: User, tag: str) -> None:
    with pytest.raises(ServiceProblem) as refused:
        make(world, alice, "llm-new", tag)
    assert refused.value.field == "business" and tags(world) == ["production", "testing"]


@pytest.mark.parametrize("name", ["1llm", "LLM", "llm_x", "", "x" * 64, "../x", "llm-"])
def test_a_name_that_cannot_be_is_refused_beside_its_field(world: World, alice: User, name: str) -> None:
    with pytest.raises(ServiceProblem) as refused:
        make(world, alice, name, "staging")
    assert refused.value.field == "name" and tags(world) == ["production", "testing"]


def test_a_tag_is_given_once_per_pool_and_a_name_once_per_namespace(world: World, alice: User) -> None:
    with pytest.raises(Taken) as refused:
        make(world, alice, "llm-other", "production")
    assert refused.value.field == "business"
    with pytest.raises(Taken) as refused:
        make(world, alice, "llm-production", "staging")
    assert refused.value.field == "name"


@pytest.mark.parametrize("tag", [f"rush-{number}" for number in range(5)])
def test_two_people_with_one_tag_at_once_leave_one_service(
    world: World, alice: User, root: User, tag: str
) -> None:
    gate = Barrier(2)

    def one(who: User, name: str) -> bool:
        gate.wait(30)
        try:
            make(world, who, name, tag)
        except Taken:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(2) as threads:
        made = list(threads.map(one, (alice, root), (f"llm-{tag}-a", f"llm-{tag}-b")))
    assert made.count(True) == 1 and tags(world).count(tag) == 1


def test_a_pool_that_is_none_is_refused(world: World, alice: User) -> None:
    nowhere = PoolTarget(world.cluster.pk, world.cluster.slug, world.namespace, "nothing")
    with pytest.raises(UnknownPool):
        create_business_service(by=alice, pool=nowhere, wish=ServiceWish(name="a", business="b"))


def test_deleting_a_service_without_pods_is_done_at_once(world: World, alice: User) -> None:
    assert delete_business_service(by=alice, pool=world.target, name="llm-testing") is None
    assert tags(world) == ["production"]
    with pytest.raises(UnknownService):
        delete_business_service(by=alice, pool=world.target, name="llm-testing")


def test_deleting_the_last_service_asks_and_then_frees_its_pods(world: World, alice: User) -> None:
    names = world.names()[:2]
    for name in names:
        assign(world, alice, name, "production")
    with pytest.raises(NeedsForce, match="2 pods serve production"):
        delete_business_service(by=alice, pool=world.target, name="llm-production")
    assert tags(world) == ["production", "testing"]
    operation = delete_business_service(by=alice, pool=world.target, name="llm-production", force=True)
    assert operation is not None
    done = finish(operation)
    assert done.status == OperationStatus.SUCCEEDED, (done.message, lines(done))
    assert tags(world) == ["testing"]
    assert {world.business_of(name) for name in names} == {labels.UNASSIGNED}
