"""The JSON API of pools: the earlier panel's shapes, strict types, and problems in words."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client

from apps.accounts.models import User
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from tests.pools.world import World

ClientOf = Callable[[User], Client]


@pytest.fixture
def client(world: World, client_of: ClientOf, alice: User) -> Client:
    world.mirror()
    return client_of(alice)


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, orjson.dumps(body), content_type="application/json")


def place(world: World) -> str:
    return f"?cluster={world.cluster.slug}&namespace={world.namespace}"


def assignment(world: World, business: str = "production", **more: Any) -> dict[str, Any]:
    return {"podName": world.names()[0], "businessTag": business, "modelName": "llm", **more}


def test_assign_pod_answers_as_the_earlier_panel_did(world: World, client: Client) -> None:
    answer = post(client, "/api/assign-pod" + place(world), assignment(world))
    body = answer.json()
    assert (answer.status_code, body["success"], body["businessTag"]) == (200, True, "production")
    assert body["podName"] == world.names()[0] and body["previous"] == "unassigned"


def test_the_only_cluster_need_not_be_named(world: World, client: Client) -> None:
    assert post(client, "/api/assign-pod", assignment(world)).status_code == 200


def test_pool_status_has_the_three_fields(world: World, client: Client) -> None:
    post(client, "/api/assign-pod", assignment(world))
    world.mirror()
    body = client.get("/api/pool-status/llm" + place(world)).json()
    assert body["totalPods"] == 4 and body["availableForScaleDown"] == 3
    assert body["podDistribution"] == {"production": 1, "testing": 0, "unassigned": 3}
    assert body["status"] == "production(1) | testing(0) | unassigned(3)"


def test_business_services_are_listed_as_found(world: World, client: Client) -> None:
    body = client.get("/api/business-services" + place(world)).json()
    assert [(item["name"], item["businessTag"], item["modelName"]) for item in body] == [
        ("llm-production", "production", "llm"),
        ("llm-testing", "testing", "llm"),
    ]
    assert all(item["displayName"] for item in body)


def test_deploy_service_makes_one(world: World, client: Client) -> None:
    wish = {"serviceName": "llm-api", "modelPool": "llm", "businessTag": "api", "isExternal": False}
    body = post(client, "/api/deploy-service" + place(world), wish).json()
    assert body["success"] is True and body["serviceName"] == "llm-api"


def test_a_stale_from_is_a_conflict_in_words(world: World, client: Client) -> None:
    answer = post(client, "/api/assign-pod", assignment(world, **{"from": "testing"}))
    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (409, False, "moved")
    assert "it is free" in body["error"]


@pytest.mark.parametrize(
    "change",
    [
        {"podName": 7},
        {"businessTag": None},
        {"modelName": ["llm"]},
        {"force": "yes"},
        {"from": 3},
        {"podName": ""},
    ],
)
def test_wrong_types_are_refused(world: World, client: Client, change: dict[str, Any]) -> None:
    answer = post(client, "/api/assign-pod", {**assignment(world), **change})
    assert answer.status_code == 422 and answer.json()["success"] is False
    assert world.business_of(world.names()[0]) == "unassigned"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"podName": "no-such-pod"}, 404, "unknown_pod"),
        ({"businessTag": "nobody"}, 422, "unknown_business"),
        ({"businessTag": "draining"}, 422, "unknown_business"),
        ({"modelName": "no-such-pool"}, 404, "unknown_pool"),
        ({"podName": "../secrets/x"}, 404, "unknown_pod"),
    ],
)
def test_refusals_have_a_code(
    world: World, client: Client, change: dict[str, Any], status: int, code: str
) -> None:
    answer = post(client, "/api/assign-pod", {**assignment(world), **change})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_canonical_path_moves_and_shows_history(world: World, client: Client) -> None:
    base = f"/api/c/{world.cluster.slug}/pools/{world.namespace}/llm"
    name = world.names()[0]
    moved = post(client, f"{base}/pods/{name}/business", {"business": "testing", "from": "unassigned"})
    assert moved.json()["state"] == "done"
    drained = post(
        client, f"{base}/pods/{name}/business", {"business": "production", "drain": True, "force": True}
    )
    assert drained.json()["state"] == "draining" and drained.json()["operationUrl"]
    newest = client.get(f"{base}/history").json()[0]
    assert (newest["business"], newest["previous"], newest["by"]) == ("testing", "unassigned", "alice")


def test_two_pools_of_one_name_must_be_told_apart(world: World, client: Client) -> None:
    from apps.live import mirror
    from apps.live.rows import Event
    from tests.inference.mirrored import row_of

    manifest = world.outside.get("deployments", "llm", namespace=world.namespace)
    manifest["metadata"] |= {"namespace": "elsewhere", "uid": "other"}
    mirror.apply(world.cluster.pk, "deployments", [Event(row_of("deployments", manifest))])
    answer = client.get("/api/pool-status/llm")
    assert answer.status_code == 409 and "elsewhere" in answer.json()["error"]


def test_both_ways_to_scale_a_pool_answer_as_the_earlier_panel_did(world: World, client: Client) -> None:
    numbers = {"currentReplicas": 4, "targetReplicas": 5, "unassignedPods": 4}
    for path in ("/api/scale-pool-deployment", "/api/scale-deployment"):
        wish = {"deploymentName": "llm", "targetReplicas": 5}
        answer = post(client, path + place(world), wish)
        body = answer.json()
        assert (answer.status_code, body["success"]) == (200, True), body
        assert {key: body[key] for key in numbers} == numbers
        assert post(client, path + place(world), wish).status_code == 409
        Operation.objects.filter(pk=body["operation"]).update(status=OperationStatus.CANCELLED)


def test_a_refused_scale_has_the_same_fields(world: World, client: Client) -> None:
    post(client, "/api/assign-pod" + place(world), assignment(world))
    world.mirror()
    for path in ("/api/scale-pool-deployment", "/api/scale-deployment"):
        answer = post(client, path + place(world), {"deploymentName": "llm", "targetReplicas": 0})
        body = answer.json()
        assert (answer.status_code, body["success"], body["unassignedPods"]) == (409, False, 3)
        assert body["error"] == "Cannot scale down: need 4 unassigned pods, but only 3 available"
