"""Moves of pods that cannot be, by the page and both paths of the API: refused, and the cluster as before."""

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.pools.models import Holding, Intent
from tests.bad_input.answers import counted, harmless, problem
from tests.pools.world import Stage, World, assign, make_stage, world_on
from tests.processes import Devcluster, until

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("bad-pools")]
ClientOf = Callable[[User], Client]
Send = Callable[[Client, World, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def own_stage(devcluster: Devcluster) -> Iterator[Stage]:
    stage = make_stage(devcluster, replicas=2)
    yield stage
    stage.drop()


@pytest.fixture
def world(transactional_db: None, own_stage: Stage) -> World:
    found = world_on(own_stage)
    found.mirror()
    return found


def by_page(client: Client, world: World, wish: dict[str, Any]) -> Any:
    kwargs = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    data = {"pod": wish["pod"], "business": wish["business"], "origin": wish.get("from", ""), "how": "now"}
    return client.post(reverse("pools:move", kwargs=kwargs), data, headers={"HX-Request": "true"})


def canonical(client: Client, world: World, wish: dict[str, Any]) -> Any:
    kwargs = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    body = {key: value for key, value in wish.items() if key != "pod"}
    address = reverse("api:pool_assign", kwargs={**kwargs, "pod": wish["pod"]})
    return client.post(address, json.dumps(body), content_type="application/json")


def flat(client: Client, world: World, wish: dict[str, Any]) -> Any:
    body = {"podName": wish["pod"], "businessTag": wish["business"], "modelName": world.pool}
    body |= {"from": wish["from"]} if "from" in wish else {}
    return client.post("/api/assign-pod", json.dumps(body), content_type="application/json")


WAYS: dict[str, Send] = {"page": by_page, "canonical": canonical, "flat": flat}


def cluster_state(world: World) -> dict[str, Any]:
    """Labels and annotations of every pod, and every Service, as the cluster has them."""
    pods = world.outside.list("pods", namespace=world.namespace)
    services = world.outside.list("services", namespace=world.namespace)
    state = {
        pod["metadata"]["name"]: (pod["metadata"]["labels"], pod["metadata"].get("annotations"))
        for pod in pods
    }
    return state | {item["metadata"]["name"]: item["spec"]["selector"] for item in services}


def refused(client: Client, world: World, wish: dict[str, Any], statuses: tuple[int, ...]) -> None:
    """Every way refuses, and nothing has changed, neither here nor there."""
    for name, send in WAYS.items():
        before, there = (counted(), Intent.objects.count(), Holding.objects.count()), cluster_state(world)
        answer = send(client, world, wish)
        harmless(answer, allowed=statuses)
        if name != "page":
            problem(answer)
        assert (answer.content or answer.headers.get("HX-Trigger")) and name
        after = (counted(), Intent.objects.count(), Holding.objects.count())
        assert after[1] == before[1] and cluster_state(world) == there, name


@pytest.mark.parametrize(
    "pod",
    [
        "no-such-pod",
        "NO_SUCH",
        "a" * 253,
        "kube-root-ca.crt",
        "<script>alert(1)",
        "{{7*7}}",
        "$(id)",
        "١",
    ],
)
def test_an_unknown_pod(world: World, client_of: ClientOf, alice: User, pod: str) -> None:
    refused(client_of(alice), world, {"pod": pod, "business": "production"}, (404, 422))


@pytest.mark.parametrize(
    "business", ["nobody", "draining", "retiring", "Draining", "t" * 64, "a/b", "-", "<b>", "$(id)"]
)
def test_a_business_that_is_none(world: World, client_of: ClientOf, alice: User, business: str) -> None:
    refused(client_of(alice), world, {"pod": world.names()[0], "business": business}, (422,))


def test_a_stale_from(world: World, client_of: ClientOf, alice: User, root: User) -> None:
    name = world.names()[0]
    assign(world, root, name, "testing")
    refused(client_of(alice), world, {"pod": name, "business": "production", "from": "unassigned"}, (409,))
    refused(client_of(alice), world, {"pod": name, "business": "production", "from": "nobody"}, (409,))


def test_an_evicted_pod(world: World, client_of: ClientOf, alice: User) -> None:
    name = world.names()[0]
    world.mishap(kind="evict", namespace=world.namespace, name=name)
    until(lambda: not world.pod(name).alive, what="the eviction")
    world.wait_ready(2)  # its replacement comes by itself and is no doing of ours
    refused(client_of(alice), world, {"pod": name, "business": "production"}, (409,))


def test_a_deleted_pod(world: World, client_of: ClientOf, alice: User) -> None:
    name = world.names()[0]
    world.outside.delete("pods", name, namespace=world.namespace, grace=0)
    until(lambda: name not in {pod.name for pod in world.pods()}, what="the deletion")
    world.wait_ready(2)
    refused(client_of(alice), world, {"pod": name, "business": "production"}, (404,))


def test_a_pod_of_somebody_else(world: World, client_of: ClientOf, alice: User) -> None:
    spec = {"containers": [{"name": "a", "image": "busybox"}]}
    own = {
        "name": "foreign",
        "namespace": world.namespace,
        "labels": {"app": "foreign", "business": "production"},
    }
    world.outside.create({"apiVersion": "v1", "kind": "Pod", "metadata": own, "spec": spec})
    try:
        refused(client_of(alice), world, {"pod": "foreign", "business": "testing"}, (404, 409))
    finally:
        world.outside.delete("pods", "foreign", namespace=world.namespace, grace=0)


def test_a_pod_by_another_clusters_address(world: World, client_of: ClientOf, alice: User) -> None:
    for slug, place in itertools.product(("other", world.cluster.slug), ("kube-system", "elsewhere")):
        there = cluster_state(world)
        address = f"/api/c/{slug}/pools/{place}/{world.pool}/pods/{world.names()[0]}/business"
        answer = client_of(alice).post(address, {"business": "production"}, content_type="application/json")
        assert answer.status_code == 404 and problem(answer)
        assert cluster_state(world) == there


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "llm-new", "business": "draining"},
        {"name": "llm-new", "business": "t" * 64},
        {"name": "n" * 64, "business": "new"},
        {"name": "Llm", "business": "new"},
        {"name": "1llm", "business": "new"},
        {"name": "llm-production", "business": "new"},
        {"name": "llm-new", "business": "production"},
        {"name": "../llm", "business": "new"},
        {"name": "llm-new", "business": "<script>alert(1)</script>"},
    ],
)
def test_a_business_service_that_cannot_be(
    world: World, client_of: ClientOf, alice: User, wish: dict[str, str]
) -> None:
    client, there = client_of(alice), cluster_state(world)
    kwargs = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    page = client.post(reverse("pools:create_service", kwargs=kwargs), wish)
    own = client.post(
        reverse("api:pool_services", kwargs=kwargs), json.dumps(wish), content_type="application/json"
    )
    known = {"serviceName": wish["name"], "businessTag": wish["business"], "modelPool": world.pool}
    earlier = client.post("/api/deploy-service", json.dumps(known), content_type="application/json")
    harmless(page, allowed=(422,))
    assert problem(own)["status"] in (409, 422) and problem(earlier)["status"] in (409, 422)
    assert cluster_state(world) == there
