"""What the gateway promises of get and list, on the development cluster and that of TEST_KUBECONFIG."""

from dataclasses import replace

import pytest

from apps.gateways.decode import decode_list
from apps.gateways.errors import Gone, Invalid
from apps.gateways.kubernetes import Kubernetes
from tests.gateways.conftest import Cluster
from tests.gateways.things import Thing, fresh, made, note

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("gateways")]


def test_it_tells_the_version(cluster: Cluster) -> None:
    assert cluster.portal.version()["gitVersion"].startswith("v1.")


def test_what_is_created_can_be_got(cluster: Cluster) -> None:
    name = made(cluster)
    found = cluster.portal.get("deployments", name, namespace=cluster.namespace)
    assert (found["kind"], found["metadata"]["name"], found["spec"]["replicas"]) == ("Deployment", name, 0)


def test_the_connections_namespace_is_used_where_none_is_named(cluster: Cluster) -> None:
    name = made(cluster)
    client = Kubernetes(replace(cluster.portal.connection, namespace=cluster.namespace))
    assert client.get("deployments", name)["metadata"]["namespace"] == cluster.namespace


def test_a_list_is_chosen_by_labels_and_fields_and_complete_in_kind(cluster: Cluster) -> None:
    names = [fresh("note") for _ in range(3)]
    for number, name in enumerate(names):
        cluster.portal.create(note(cluster, name, number=str(number), batch=names[0]))
    found = cluster.portal.list(
        "services", namespace=cluster.namespace, label_selector=f"batch={names[0]},number!=1"
    )
    assert sorted(item["metadata"]["name"] for item in found) == sorted([names[0], names[2]])
    assert {(item["kind"], item["apiVersion"]) for item in found} == {("Service", "v1")}
    field = f"metadata.name={names[1]}"
    assert len(cluster.portal.list("services", namespace=cluster.namespace, field_selector=field)) == 1
    assert names[0] in {item["metadata"]["name"] for item in cluster.portal.list("services")}


def test_a_list_of_nothing_is_empty_and_a_bad_selector_invalid(cluster: Cluster) -> None:
    assert cluster.portal.list("pods", namespace="no-such-namespace-here") == []
    with pytest.raises(Invalid):
        cluster.portal.list("services", label_selector="a===b")


def test_pages_are_of_one_revision_and_lose_nothing(cluster: Cluster) -> None:
    names = {fresh("page") for _ in range(5)}
    for name in names:
        cluster.portal.create(note(cluster, name, kind="page"))
    pages = []
    for number, body in enumerate(
        cluster.portal.pages("services", limit=2, namespace=cluster.namespace, label_selector="kind=page")
    ):
        pages.append(decode_list(body, Thing))
        if number == 0:
            cluster.portal.create(note(cluster, fresh("late"), kind="page"))
    found = [item.metadata.name for page in pages for item in page.items or []]
    assert len(pages) == 3 and set(found) == names and len(found) == 5
    assert len({page.metadata.resource_version for page in pages}) == 1


def test_an_expired_continue_token_is_gone(only_devcluster: Cluster) -> None:
    cluster = only_devcluster
    for _ in range(3):
        cluster.portal.create(note(cluster, fresh("old"), kind="old"))
    pages = cluster.portal.pages("services", limit=1, namespace=cluster.namespace, label_selector="kind=old")
    next(pages)
    cluster.portal.create(note(cluster, fresh("old"), kind="old"))
    cluster.misbehave(kind="compact")
    with pytest.raises(Gone):
        list(pages)
