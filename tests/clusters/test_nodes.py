"""Nodes and their GPUs: counted by the database, shown on the page, answered by the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.clusters import gpus
from apps.clusters.models import Cluster
from apps.clusters.node_pages import SORTS, node_page
from apps.live import syncing
from tests.inference.mirrored import Mirrored

ClientOf = Callable[[User], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.objects.create(slug="demo", name="Demo", server="https://127.0.0.1:9", token="t")


@pytest.fixture
def mirrored(cluster: Cluster) -> Mirrored:
    """Two nodes of 8 and 4 GPUs; pods hold 3 of them, one waits for 16, one has ended."""
    made = Mirrored(cluster.pk)
    made.node("node-1", gpus=8)
    made.node("node-2", gpus=4)
    hold(made, "runs", 2, node="node-1")
    hold(made, "starts", 1, node="node-1", phase="Pending")
    hold(made, "ended", 4, node="node-1", phase="Succeeded")
    hold(made, "waits", 16, phase="Pending")
    made.write()
    return made


def hold(made: Mirrored, name: str, count: int, *, node: str = "", phase: str = "Running") -> None:
    container = {"name": "server", "resources": {"requests": {"nvidia.com/gpu": str(count)}}}
    made.add("pods", name, spec={"nodeName": node, "containers": [container]}, status={"phase": phase})


def test_gpus_are_counted_per_node_and_in_all(cluster: Cluster, mirrored: Mirrored) -> None:
    nodes = gpus.node_gpus(cluster.pk)
    assert [(node.name, node.total, node.used, node.free) for node in nodes] == [
        ("node-1", 8, 3, 5),
        ("node-2", 4, 0, 4),
    ]
    totals = gpus.totals(cluster.pk, nodes)
    assert (totals.total, totals.used, totals.free, totals.pending, totals.largest_gap) == (12, 3, 9, 16, 5)


def test_a_cordoned_or_lost_node_has_nothing_free(cluster: Cluster, mirrored: Mirrored) -> None:
    mirrored.objects["nodes"][0]["spec"] = {"unschedulable": True}
    mirrored.objects["nodes"][1]["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
    mirrored.revision += 1
    for node in mirrored.objects["nodes"]:
        node["metadata"]["resourceVersion"] = str(mirrored.revision)
    mirrored.write()
    assert [node.free for node in gpus.node_gpus(cluster.pk)] == [0, 0]


def test_the_number_of_queries_does_not_grow(
    cluster: Cluster, mirrored: Mirrored, django_assert_num_queries: Callable[[int], object]
) -> None:
    with django_assert_num_queries(4):  # type: ignore[attr-defined]  # pytest-django's context manager
        gpus.totals(cluster.pk, gpus.node_gpus(cluster.pk))


def test_the_page_shows_nodes_and_totals(mirrored: Mirrored, client_of: ClientOf, bob: User) -> None:
    address = reverse("clusters:node_list", kwargs={"cluster": "demo"})
    page = client_of(bob).get(address).content.decode()
    assert "node-1" in page and "node-2" in page and "3 of 8 GPUs used" in page
    filtered = client_of(bob).get(address, {"q": "node-2"}).content.decode()
    assert "node-2" in filtered and 'id="node-node-1"' not in filtered


def names_of(cluster: Cluster, **asked: Any) -> list[str]:
    return [node.name for node in node_page(cluster.pk, **asked)[0].rows]


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS), "nonsense"])
def test_the_database_sorts_by_every_column(cluster: Cluster, mirrored: Mirrored, sort: str) -> None:
    assert sorted(names_of(cluster, sort=sort)) == ["node-1", "node-2"]


def test_nodes_are_sorted_by_what_pods_hold(cluster: Cluster, mirrored: Mirrored) -> None:
    assert names_of(cluster, sort="used") == ["node-2", "node-1"]
    assert names_of(cluster, sort="-free") == ["node-1", "node-2"]
    assert names_of(cluster, sort="-gpus") == names_of(cluster, sort="-pods") == ["node-1", "node-2"]


def test_many_nodes_come_in_pages_with_all_of_them_in_the_sums(
    cluster: Cluster, client_of: ClientOf, bob: User
) -> None:
    made = Mirrored(cluster.pk)
    for number in range(120):
        made.node(f"node-{number:03d}", gpus=8)
    made.write()
    found, totals = node_page(cluster.pk, q=" NODE-0 ", sort="-name", page=2)
    assert (len(found.rows), found.total, found.rows[0].name, totals.total) == (50, 100, "node-049", 960)
    address = reverse("clusters:node_list", kwargs={"cluster": "demo"})
    page = client_of(bob).get(address, {"page": "3", "sort": "name"}).content.decode()
    assert page.count("GPUs used") == 20 and "101–120 of 120" in page
    assert 'aria-sort="ascending"' in page and "?sort=-name" in page and "?sort=-free" not in page


def test_an_unreachable_cluster_is_shown_as_it_last_was(
    cluster: Cluster, mirrored: Mirrored, client_of: ClientOf, bob: User
) -> None:
    syncing.failing(cluster.pk, ["nodes", "pods"], "The cluster does not answer.")
    page = client_of(bob).get(reverse("clusters:node_list", kwargs={"cluster": "demo"})).content.decode()
    assert "Cluster unreachable since" in page and "node-1" in page


def test_nothing_read_yet_is_not_shown_as_empty(cluster: Cluster, client_of: ClientOf, bob: User) -> None:
    page = client_of(bob).get(reverse("clusters:node_list", kwargs={"cluster": "demo"})).content.decode()
    assert "for the first time" in page and "has no nodes yet" not in page


def test_the_api_answers_in_the_earlier_panels_words(
    mirrored: Mirrored, client_of: ClientOf, bob: User
) -> None:
    for path in ("/api/cluster-status", "/api/c/demo/nodes"):
        body = client_of(bob).get(path).json()
        node = body["nodes"][0]
        assert (node["nodeName"], node["totalGPU"], node["usedGPU"], node["availableGPU"]) == (
            "node-1",
            8,
            3,
            5,
        )
        assert (body["totalGPUs"], body["pendingGPUs"], body["nodeCount"]) == (12, 16, 2)


def test_several_clusters_and_none_named_is_a_conflict_that_names_them(
    mirrored: Mirrored, client_of: ClientOf, bob: User
) -> None:
    Cluster.objects.create(slug="second", name="Second", server="https://127.0.0.1:9", token="t")
    answer = client_of(bob).get("/api/cluster-status")
    assert answer.status_code == 409 and "demo, second" in answer.json()["error"]
    assert client_of(bob).get("/api/cluster-status?cluster=demo").status_code == 200
