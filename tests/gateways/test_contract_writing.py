"""What the gateway promises of writes, on the development cluster and that of TEST_KUBECONFIG."""

import threading
import uuid
from typing import Any

import pytest

from apps.gateways.errors import AlreadyExists, Conflict, Invalid, NotFound, PatchRefused
from tests.gateways.conftest import Cluster, gone
from tests.gateways.things import deployment, fresh, made, note, other_manager
from tests.processes import until

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("gateways")]


def test_creating_twice_is_already_there(cluster: Cluster) -> None:
    name = made(cluster)
    with pytest.raises(AlreadyExists, match=name):
        cluster.portal.create(deployment(cluster, name))


def test_a_dry_run_stores_nothing(cluster: Cluster) -> None:
    name = fresh("dry")
    assert cluster.portal.create(deployment(cluster, name), dry_run=True)["metadata"]["name"] == name
    assert cluster.portal.apply(deployment(cluster, name), dry_run=True)["metadata"]["name"] == name
    assert gone(cluster.portal, "deployments", name, cluster.namespace)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("metadata", "labels", "business"), "not allowed!", "metadata.labels"),
        (("metadata", "labels", "business"), "x" * 64, "metadata.labels"),
        (("metadata", "name"), "Bad_Name", "metadata.name"),
        (("spec", "replicas"), -1, "spec.replicas"),
        (("spec", "replicas"), "many", ""),
        (("spec", "surprise"), 1, ""),
        (("spec", "template", "spec", "containers", 0, "image"), None, "image"),
    ],
)
def test_what_makes_no_sense_is_invalid(
    cluster: Cluster, path: tuple[Any, ...], value: Any, field: str
) -> None:
    manifest = deployment(cluster, fresh("wrong"))
    inner: Any = manifest
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(Invalid) as caught:
        cluster.portal.create(manifest)
    assert field in str([cause.field for cause in caught.value.causes])


def test_a_missing_namespace_is_not_found(cluster: Cluster) -> None:
    manifest = deployment(cluster, fresh("lost"))
    manifest["metadata"]["namespace"] = "no-such-namespace-here"
    with pytest.raises(NotFound, match="namespace"):
        cluster.portal.create(manifest)


def test_applying_creates_changes_and_repeats(cluster: Cluster) -> None:
    name = fresh("applied")
    first = cluster.portal.apply(deployment(cluster, name))
    again = cluster.portal.apply(deployment(cluster, name))
    changed = cluster.portal.apply(deployment(cluster, name, image="other:2"))
    assert first["metadata"]["generation"] == again["metadata"]["generation"] == 1
    assert changed["metadata"]["generation"] == 2
    assert {entry["manager"] for entry in first["metadata"]["managedFields"]} == {"hyperpod-portal"}


def test_applying_over_another_manager_is_a_conflict_unless_forced(cluster: Cluster) -> None:
    name = fresh("shared")
    cluster.portal.apply(deployment(cluster, name))
    other_manager(cluster, deployment(cluster, name, image="theirs:1"))
    with pytest.raises(Conflict, match="somebody"):
        cluster.portal.apply(deployment(cluster, name, image="ours:2"))
    forced = cluster.portal.apply(deployment(cluster, name, image="ours:2"), force=True)
    assert forced["spec"]["template"]["spec"]["containers"][0]["image"] == "ours:2"


def test_a_json_patch_compares_and_sets(cluster: Cluster) -> None:
    name = fresh("cas")
    cluster.portal.create(note(cluster, name, business="unassigned"))

    def move(expected: str, wanted: str) -> dict[str, Any]:
        operations = [
            {"op": "test", "path": "/metadata/labels/business", "value": expected},
            {"op": "replace", "path": "/metadata/labels/business", "value": wanted},
        ]
        return cluster.portal.patch_json("services", name, operations, namespace=cluster.namespace)

    assert move("unassigned", "production")["metadata"]["labels"]["business"] == "production"
    with pytest.raises(PatchRefused):
        move("unassigned", "testing")
    found = cluster.portal.get("services", name, namespace=cluster.namespace)
    assert found["metadata"]["labels"]["business"] == "production"


def test_fifty_racing_patches_have_one_winner(cluster: Cluster) -> None:
    name = fresh("race")
    cluster.portal.create(note(cluster, name, business="unassigned"))
    won: list[str] = []
    lost: list[str] = []

    def move(wanted: str) -> None:
        operations = [
            {"op": "test", "path": "/metadata/labels/business", "value": "unassigned"},
            {"op": "replace", "path": "/metadata/labels/business", "value": wanted},
        ]
        try:
            cluster.portal.patch_json("services", name, operations, namespace=cluster.namespace)
            won.append(wanted)
        except Conflict:
            lost.append(wanted)

    threads = [threading.Thread(target=move, args=(f"b{number}",)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = cluster.portal.get("services", name, namespace=cluster.namespace)
    assert (len(won), len(lost)) == (1, 49) and found["metadata"]["labels"]["business"] == won[0]


def test_a_json_patch_on_a_missing_path_is_refused(cluster: Cluster) -> None:
    name = fresh("bare")
    cluster.portal.create(note(cluster, name, a="b"))
    add = [{"op": "add", "path": "/metadata/annotations/x", "value": "y"}]
    with pytest.raises(PatchRefused):
        cluster.portal.patch_json("services", name, add, namespace=cluster.namespace)


def test_a_merge_patch_sets_and_removes_and_sees_a_stale_revision(cluster: Cluster) -> None:
    name = fresh("merge")
    old = cluster.portal.create(note(cluster, name, a="1", b="2"))["metadata"]["resourceVersion"]
    body: dict[str, Any] = {"metadata": {"labels": {"a": None, "c": "3"}}}
    found = cluster.portal.patch_merge("services", name, body, namespace=cluster.namespace)
    assert found["metadata"]["labels"] == {"b": "2", "c": "3"}
    body["metadata"]["resourceVersion"] = old
    with pytest.raises(Conflict) as caught:
        cluster.portal.patch_merge("services", name, body, namespace=cluster.namespace)
    assert not isinstance(caught.value, PatchRefused)


def test_scaling_compares_the_wanted_number(cluster: Cluster) -> None:
    name = made(cluster)
    scale = cluster.portal.scale
    assert scale("deployments", name, 0, namespace=cluster.namespace)["spec"].get("replicas", 0) == 0
    expected = {"namespace": cluster.namespace, "expected": 3}
    with pytest.raises(PatchRefused):
        scale("deployments", name, 1, **expected)
    with pytest.raises(Invalid) as caught:
        scale("deployments", name, -1, namespace=cluster.namespace)
    assert "spec.replicas" in caught.value.causes[0].field
    with pytest.raises(NotFound):
        scale("deployments", "nobody", 1, namespace=cluster.namespace)


def test_scaling_up_from_what_is_expected(cluster: Cluster) -> None:
    name = made(cluster, image="does-not-exist/image:1", instance_types=["no-such-type"])
    cluster.portal.scale("deployments", name, 0, namespace=cluster.namespace)
    cluster.portal.scale("deployments", name, 2, namespace=cluster.namespace, expected=0)
    cluster.portal.scale("deployments", name, 1, namespace=cluster.namespace, expected=2)
    found = cluster.portal.get("deployments", name, namespace=cluster.namespace)
    assert found["spec"]["replicas"] == 1


def test_deleting_means_that_very_object(cluster: Cluster) -> None:
    name = made(cluster)
    uid = cluster.portal.get("deployments", name, namespace=cluster.namespace)["metadata"]["uid"]
    with pytest.raises(Conflict, match="no longer the object"):
        cluster.portal.delete("deployments", name, namespace=cluster.namespace, uid=str(uuid.uuid4()))
    cluster.portal.delete("deployments", name, namespace=cluster.namespace, uid=uid)
    until(lambda: gone(cluster.portal, "deployments", name, cluster.namespace))
    with pytest.raises(NotFound, match=name):
        cluster.portal.delete("deployments", name, namespace=cluster.namespace)


@pytest.mark.parametrize("propagation", ["Foreground", "Orphan"])
def test_deleting_in_other_ways(cluster: Cluster, propagation: str) -> None:
    name = made(cluster)
    cluster.portal.delete("deployments", name, namespace=cluster.namespace, propagation=propagation)
    until(lambda: gone(cluster.portal, "deployments", name, cluster.namespace), seconds=60)


def test_an_unknown_way_to_delete_is_refused(cluster: Cluster) -> None:
    with pytest.raises(Invalid):
        cluster.portal.delete("deployments", "x", namespace=cluster.namespace, propagation="Sideways")
