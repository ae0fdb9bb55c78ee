"""Writes over the wire: who owns a field, what is refused, what a dry run leaves behind."""

from __future__ import annotations

import pytest

from tests.devcluster.client import Client, deployment, pod

APPLY = "application/apply-patch+yaml"


@pytest.fixture
def pods(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/pods"


@pytest.fixture
def deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def test_the_last_writer_of_a_label_is_named(admin: Client, portal: Client, pods: str) -> None:
    admin.create(pods, pod("a", business="unassigned"))
    portal.patch(f"{pods}/a?fieldManager=hyperpod-portal", {"metadata": {"labels": {"business": "one"}}})
    answer = admin.patch(
        f"{pods}/a?fieldManager=kubectl-label", {"metadata": {"labels": {"business": "two"}}}
    )
    owners = [
        entry["manager"]
        for entry in answer.json()["metadata"]["managedFields"]
        if "f:business" in str(entry["fieldsV1"])
    ]
    assert owners == ["kubectl-label"]


def test_a_writer_without_a_name_is_known_by_its_agent(admin: Client, pods: str) -> None:
    made = admin.create(pods, pod("a"))
    assert [entry["manager"] for entry in made["metadata"]["managedFields"]] == ["tester"]


def test_an_applier_may_not_take_what_another_holds(admin: Client, deployments: str) -> None:
    path = f"{deployments}/d"
    first = admin.ask("PATCH", f"{path}?fieldManager=one", deployment("d", 1), media=APPLY)
    refused = admin.ask("PATCH", f"{path}?fieldManager=two", deployment("d", 2), media=APPLY)
    forced = admin.ask("PATCH", f"{path}?fieldManager=two&force=true", deployment("d", 2), media=APPLY)
    assert (first.status_code, refused.status_code, forced.status_code) == (201, 409, 200)
    assert refused.json()["details"]["causes"][0]["field"] == ".spec.replicas"


def test_applying_the_same_again_changes_nothing(admin: Client, deployments: str) -> None:
    path = f"{deployments}/d?fieldManager=one"
    first = admin.ask("PATCH", path, deployment("d"), media=APPLY).json()
    again = admin.ask("PATCH", path, deployment("d"), media=APPLY).json()
    assert again["metadata"]["generation"] == first["metadata"]["generation"] == 1
    assert again["metadata"]["managedFields"][0] == first["metadata"]["managedFields"][0]


def test_a_scale_is_owned_by_its_door(admin: Client, deployments: str) -> None:
    admin.create(deployments, deployment("d"))
    admin.patch(f"{deployments}/d/scale?fieldManager=scaler", {"spec": {"replicas": 0}})
    admin.patch(f"{deployments}/d/scale?fieldManager=scaler", {"spec": {"replicas": 1}})
    entries = admin.get(f"{deployments}/d")["metadata"]["managedFields"]
    doors = [entry["subresource"] for entry in entries if entry["manager"] == "scaler"]
    assert doors == ["scale"]


def test_unknown_fields_are_dropped_with_a_warning_or_refused(admin: Client, namespace: str) -> None:
    path, body = f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "a"}, "dta": {}}
    warned = admin.ask("POST", path, body)
    assert warned.headers["warning"] == '299 - "unknown field \\"dta\\""'
    assert "dta" not in warned.json()
    refused = admin.ask("POST", f"{path}?fieldValidation=Strict", {**body, "metadata": {"name": "b"}})
    assert (refused.status_code, "strict decoding error" in refused.text) == (400, True)


def test_a_dry_run_leaves_nothing_behind(admin: Client, pods: str) -> None:
    assert admin.ask("POST", f"{pods}?dryRun=All", pod("a")).status_code == 201
    assert admin.ask("GET", f"{pods}/a").status_code == 404
    admin.create(pods, pod("b"))
    tried = admin.patch(f"{pods}/b?dryRun=All", {"metadata": {"labels": {"x": "1"}}}).json()
    assert tried["metadata"]["labels"] == {"x": "1"}
    assert "labels" not in admin.get(f"{pods}/b")["metadata"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"metadata": {"name": "UPPER"}}, 422),
        ({"metadata": {"name": "a", "labels": {"k": "x" * 64}}}, 422),
        ({"metadata": {"name": "a", "labels": {"k": 1}}}, 400),
        ({"metadata": {"name": "a", "labels": ["k"]}}, 400),
        ({"metadata": {}}, 422),
        ([], 400),
        (b"{not json", 400),
        (b"\xff\xfe", 400),
        (b"", 400),
    ],
)
def test_bad_bodies_are_refused(admin: Client, pods: str, body: object, status: int) -> None:
    whole = {**body, "spec": pod("a")["spec"]} if isinstance(body, dict) else body
    assert admin.ask("POST", pods, whole).status_code == status


def test_a_huge_body_is_refused(admin: Client, pods: str) -> None:
    assert admin.ask("POST", pods, b'{"a":"' + b"x" * 4_000_000 + b'"}').status_code == 413


def test_the_selector_of_a_deployment_may_not_change(admin: Client, deployments: str) -> None:
    admin.create(deployments, deployment("d"))
    answer = admin.patch(f"{deployments}/d", {"spec": {"selector": {"matchLabels": {"app": "other"}}}})
    assert (answer.status_code, "field is immutable" in answer.text) == (422, True)


def test_a_service_keeps_its_address_through_an_update(admin: Client, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/services"
    body = {"metadata": {"name": "s"}, "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
    made = admin.create(path, body)
    changed = admin.ask("PUT", f"{path}/s", {**body, "spec": {**body["spec"], "selector": {"a": "c"}}}).json()
    assert changed["spec"]["clusterIP"] == made["spec"]["clusterIP"]
    assert changed["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]


def test_deleting_a_collection_needs_its_selector_to_match(admin: Client, pods: str) -> None:
    for name in ("a", "b"):
        admin.create(pods, pod(name, team=name))
    admin.ask("DELETE", f"{pods}?labelSelector=team%3Da").raise_for_status()
    assert [item["metadata"]["name"] for item in admin.get(pods)["items"]] == ["b"]
