"""What the gateway promises of each verb, on the development cluster and that of TEST_KUBECONFIG."""

import threading
import uuid
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from apps.gateways import manifests
from apps.gateways.decode import decode_event, decode_list, list_meta
from apps.gateways.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    PatchRefused,
    ServerError,
    TimedOut,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)
from apps.gateways.kubernetes import Kubernetes
from tests.gateways.conftest import Cluster, gone
from tests.gateways.test_manifests import POOL, TRICKS
from tests.processes import until

pytestmark = [pytest.mark.devcluster, pytest.mark.xdist_group("gateways")]


class Meta(msgspec.Struct):
    name: str = ""
    resource_version: str = msgspec.field(default="", name="resourceVersion")
    labels: dict[str, str] | None = None


class Thing(msgspec.Struct):
    metadata: Meta = msgspec.field(default_factory=Meta)


def fresh(stem: str) -> str:
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def deployment(cluster: Cluster, name: str, **more: Any) -> dict[str, Any]:
    """A Deployment without pods that any cluster accepts."""
    values = {**POOL, "name": name, "namespace": cluster.namespace, "replicas": 0, **more}
    return manifests.render("model_deployment", **values)[0]


def note(cluster: Cluster, name: str, **labels: str) -> dict[str, Any]:
    """A small object: a Service without pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": cluster.namespace, "labels": labels},
        "spec": {"selector": {"app": "nobody"}, "ports": [{"name": "http", "port": 80}]},
    }


def made(cluster: Cluster, stem: str = "web", **more: Any) -> str:
    name = fresh(stem)
    cluster.portal.create(deployment(cluster, name, **more))
    return name


def revision(cluster: Cluster, resource: str) -> str:
    return list_meta(next(cluster.portal.pages(resource, namespace=cluster.namespace))).resource_version


# --- reading ---------------------------------------------------------------------------------------------


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


# --- watching --------------------------------------------------------------------------------------------


def test_a_watch_tells_what_happened_since_a_revision(cluster: Cluster) -> None:
    since, name = revision(cluster, "services"), fresh("seen")
    cluster.portal.create(note(cluster, name))
    body = {"metadata": {"labels": {"moved": "yes"}}}
    cluster.portal.patch_merge("services", name, body, namespace=cluster.namespace)
    cluster.portal.delete("services", name, namespace=cluster.namespace)
    kinds = []
    with cluster.portal.watch("services", resource_version=since, namespace=cluster.namespace) as events:
        for line in events:
            event = decode_event(line, Thing)
            if event.object.metadata.name == name:
                kinds.append(event.type)
            if event.type == "DELETED" and event.object.metadata.name == name:
                break
    assert kinds == ["ADDED", "MODIFIED", "DELETED"]


def test_a_watch_ends_when_its_time_is_over(cluster: Cluster) -> None:
    since = revision(cluster, "services")
    events = cluster.portal.watch("services", resource_version=since, namespace=cluster.namespace, timeout=1)
    assert all(decode_event(line, Thing).type == "BOOKMARK" for line in events)
    assert events.closed


def test_a_forgotten_revision_is_gone(cluster: Cluster) -> None:
    if not cluster.real:
        cluster.portal.create(note(cluster, fresh("history")))
        cluster.misbehave(kind="compact")
    with pytest.raises(Gone):
        list(cluster.portal.watch("services", resource_version="1", timeout=5))


def test_a_watch_is_closed_from_another_thread(cluster: Cluster) -> None:
    since = revision(cluster, "services")
    events = cluster.portal.watch("services", resource_version=since, namespace=cluster.namespace)
    reader = threading.Thread(target=lambda: list(events))
    reader.start()
    cluster.portal.create(note(cluster, fresh("wake")))
    events.close()
    reader.join(10)
    assert not reader.is_alive()


def test_a_cut_watch_goes_on_from_the_last_revision(only_devcluster: Cluster) -> None:
    cluster = only_devcluster
    since = revision(cluster, "services")
    names = [fresh("cut") for _ in range(6)]
    seen: list[str] = []
    for name in names:
        events = cluster.portal.watch("services", resource_version=since, namespace=cluster.namespace)
        cluster.portal.create(note(cluster, name))
        line = next(line for line in events if decode_event(line, Thing).object.metadata.name == name)
        event = decode_event(line, Thing)
        seen.append(event.object.metadata.name)
        since = event.object.metadata.resource_version
        cluster.misbehave(kind="cut_watches", resource="services")
        try:
            assert not list(events)
        except Unreachable:
            pass  # a cut may also show as a broken connection
    assert seen == names


# --- writing ---------------------------------------------------------------------------------------------


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


def other_manager(cluster: Cluster, manifest: dict[str, Any]) -> None:
    """Somebody else applies."""
    path = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments/{manifest['metadata']['name']}"
    query = [("fieldManager", "somebody"), ("force", "true")]
    kind = "application/apply-patch+yaml"
    cluster.admin.transport.request("PATCH", path, query=query, body=manifest, content_type=kind)


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


# --- refusals --------------------------------------------------------------------------------------------


def test_a_wrong_token_is_unauthorized(cluster: Cluster) -> None:
    plain = replace(cluster.portal.connection, token="wrong", client_certificate_data="", client_key_data="")
    with pytest.raises(Unauthorized):
        Kubernetes(plain).list("pods", namespace=cluster.namespace)


def test_a_missing_right_is_forbidden_and_names_it(only_devcluster: Cluster) -> None:
    cluster = only_devcluster
    with pytest.raises(Forbidden, match=r"may not delete nodes"):
        cluster.portal.delete("nodes", cluster.portal.list("nodes")[0]["metadata"]["name"])
    with pytest.raises(Forbidden):
        cluster.portal.watch("secrets", resource_version="1")


def test_it_can_ask_for_its_rights(cluster: Cluster) -> None:
    assert cluster.portal.can_i("patch", "pods", namespace=cluster.namespace)
    assert cluster.portal.can_i("get", "pods/log", namespace=cluster.namespace)
    if not cluster.real:
        assert not cluster.portal.can_i("delete", "nodes")


def test_a_full_quota_is_forbidden_and_names_it(cluster: Cluster) -> None:
    name = fresh("no-pods")
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": cluster.namespace},
        "spec": {"hard": {"count/services": "0"} if cluster.real else {"pods": "0"}},
    }
    thing: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": fresh("over"), "namespace": cluster.namespace},
        "spec": {"containers": [{"name": "a", "image": "registry.k8s.io/pause:3.9"}]},
    }
    if cluster.real:
        thing = note(cluster, fresh("over"))
    cluster.admin.create(quota)
    try:
        quota_of = lambda: cluster.admin.get("resourcequotas", name, namespace=cluster.namespace)  # noqa: E731
        until(lambda: quota_of().get("status", {}).get("hard"))
        with pytest.raises(Forbidden, match=name):
            cluster.admin.create(thing)
    finally:
        cluster.admin.delete("resourcequotas", name, namespace=cluster.namespace)


ANSWERS = [
    (409, Conflict),
    (410, Gone),
    (422, Invalid),
    (429, TooManyRequests),
    (500, ServerError),
    (503, Unreachable),
]


@pytest.mark.parametrize(("status", "error"), ANSWERS)
def test_an_answer_gone_wrong_is_a_typed_error(
    only_devcluster: Cluster, status: int, error: type[Exception]
) -> None:
    only_devcluster.misbehave(
        kind="answer", status=status, verb="create", resource="services", retry_after=60, count=1
    )
    with pytest.raises((error, PatchRefused)) as caught:
        only_devcluster.portal.create(note(only_devcluster, fresh("unlucky")))
    assert getattr(caught.value, "status", None) == status


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_read_survives_what_passes(only_devcluster: Cluster, status: int) -> None:
    mishap = {"verb": "get", "resource": "services", "retry_after": 1, "count": 2}
    name = fresh("calm")
    only_devcluster.portal.create(note(only_devcluster, name))
    only_devcluster.misbehave(kind="answer", status=status, **mishap)
    assert only_devcluster.portal.get("services", name, namespace=only_devcluster.namespace)


def test_a_server_that_hangs_is_left_in_time(only_devcluster: Cluster) -> None:
    only_devcluster.misbehave(kind="hang", seconds=30, resource="services", verb="create", count=1)
    impatient = Kubernetes(only_devcluster.portal.connection, timeout=0.5)
    with pytest.raises(TimedOut) as caught:
        impatient.create(note(only_devcluster, fresh("late")))
    assert caught.value.maybe_done


# --- templates -------------------------------------------------------------------------------------------


def test_the_cluster_accepts_every_template_with_every_option(cluster: Cluster) -> None:
    place = {"name": fresh("all"), "namespace": cluster.namespace, "actor": "alice", "operation": "7"}
    workload = {
        "cpu": "500m", "memory": "1Gi", "instance_types": ["ml.g5.12xlarge"], "token_secret": "hf",
        "model_claim": "models", "cache_path": "/opt/cache", "environment": {"A": "b"},
    }  # fmt: skip
    service = {"load_balancer": "internal", "port": 9000}
    rendered = [
        *manifests.render("model_pool", **{**POOL, **place, **workload}),
        *manifests.render("model_deployment", **{**POOL, **place, **workload}),
        *manifests.render("model_service", **place, **service, deployment="d", model_type="vllm"),
        *manifests.render("business_service", **place, **service, pool="p", business="production"),
    ]
    assert [cluster.portal.create(manifest, dry_run=True)["kind"] for manifest in rendered] == [
        "Deployment", "Deployment", "Service", "Service",
    ]  # fmt: skip


def test_the_cluster_keeps_values_exactly(cluster: Cluster) -> None:
    name = fresh("tricks")
    manifest = deployment(
        cluster, name, command=["vllm", *TRICKS], environment=dict.fromkeys(["X"], TRICKS[0])
    )
    cluster.portal.apply(manifest)
    found = cluster.portal.get("deployments", name, namespace=cluster.namespace)
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert [manifests.from_literal(word) for word in container["command"]] == ["vllm", *TRICKS]
    assert (
        list(found["spec"]["template"]["metadata"]["labels"]) and len(container["command"]) == len(TRICKS) + 1
    )
