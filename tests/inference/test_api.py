"""The API: canonical answers, the earlier panel's words, strict types."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.inference.models import ModelDeployment
from tests.inference.mirrored import Mirrored

ClientOf = Callable[[User], Client]
COMMAND = "vllm serve Qwen/Qwen3-0.6B --tensor-parallel-size 1 --max-model-len 4096"


def post(client: Client, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    answer = client.post(f"/api{path}", body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


@pytest.mark.django_db
def test_deployments_are_listed_in_the_known_words(
    bob: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    client = client_of(bob)
    flat = client.get("/api/deployments").json()
    assert flat == client.get("/api/c/demo/deployments").json()
    by_name = {item["deploymentName"]: item for item in flat}
    pool, standard = by_name["vllm-qwen-pool"], by_name["vllm-llama"]
    assert (pool["deploymentType"], pool["hasService"], pool["serviceName"]) == ("model-pool", False, "N/A")
    assert (pool["replicas"], pool["readyReplicas"], pool["status"]) == (2, 1, "Pending")
    assert (standard["hasService"], standard["serviceName"], standard["status"]) == (
        True,
        "vllm-llama",
        "Ready",
    )
    known = {
        "modelTag", "deploymentType", "deploymentName", "serviceName", "replicas", "readyReplicas", "status",
        "createdAt", "hasService", "serviceType", "isExternal", "externalIP", "port", "labels",
    }  # fmt: skip
    assert known <= set(pool)


@pytest.mark.django_db
def test_pods_and_services_have_the_shape_of_kubernetes(
    bob: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    client = client_of(bob)
    pod = client.get("/api/pods").json()[0]
    assert pod["metadata"]["name"] == "vllm-qwen-pool-a"
    assert (pod["metadata"]["labels"]["business"], pod["spec"]["nodeName"]) == ("production", "node-1")
    service = client.get("/api/services").json()[0]
    assert service["spec"]["selector"] == {"app": "vllm-llama"}
    assert service["endpoints"] == {"ready": 1, "total": 1}


@pytest.mark.django_db(transaction=True)
def test_deploying_in_the_earlier_panels_words(alice: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    body = {"deploymentType": "vllm", "vllmCommand": COMMAND, "replicas": 4, "deployAsPool": True}
    status, answer = post(client_of(alice), "/deploy", body)
    assert status == 200
    assert answer["success"] is True
    assert (answer["deploymentType"], answer["accessType"]) == ("vllm", "pool")
    record = ModelDeployment.objects.get(pk=answer["recordId"])
    assert (answer["modelTag"], record.replicas, record.kind) == (record.name, 4, "model-pool")
    assert "kind: Deployment" in answer["generatedYaml"]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_deploys_once(alice: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    client = client_of(alice)
    body = {"command": COMMAND, "replicas": 2}
    first = post(client, "/c/demo/deployments", body, **{"Idempotency-Key": "once"})
    again = post(client, "/c/demo/deployments", body, **{"Idempotency-Key": "once"})
    other = post(client, "/c/demo/deployments", body, **{"Idempotency-Key": "twice"})
    assert first == again and first[0] == 202
    assert other[1]["name"] == "vllm-qwen-qwen3-0-6b-2"
    assert ModelDeployment.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "body",
    [
        {"vllmCommand": COMMAND, "replicas": "4"},
        {"vllmCommand": COMMAND, "replicas": 4.5},
        {"vllmCommand": COMMAND, "replicas": True},
        {"vllmCommand": COMMAND, "replicas": -1},
        {"vllmCommand": COMMAND, "replicas": 10**30},
        {"vllmCommand": COMMAND, "replicas": None},
        {"vllmCommand": 5},
        {"vllmCommand": ["vllm", "serve"]},
        {"vllmCommand": COMMAND, "deployAsPool": "yes"},
        {"vllmCommand": COMMAND, "deploymentType": "tgi"},
        {"vllmCommand": COMMAND, "gpuCount": "2"},
        {"vllmCommand": ""},
        {"vllmCommand": "vllm serve"},
        {"vllmCommand": "vllm serve 'x"},
        {"vllmCommand": "vllm serve a/b -tp 64"},
        {"vllmCommand": COMMAND, "dockerImage": "$(id)"},
        {"vllmCommand": COMMAND, "instanceType": "ml.nothing"},
        [],
        '"text"',
        "null",
    ],
)
def test_wrong_types_and_values_are_problems(
    alice: User, mirrored: Mirrored, client_of: ClientOf, body: Any
) -> None:
    answer = client_of(alice).post("/api/deploy", body, content_type="application/json")
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json"), (
        answer.content
    )
    assert ModelDeployment.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_refused_field_is_named(alice: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    status, answer = post(client_of(alice), "/c/demo/deployments", {"command": COMMAND, "gpus": 9})
    assert status == 422
    assert "the largest has 8" in str(answer["errors"])
    assert "gpus" in str(answer["errors"])


@pytest.mark.django_db
def test_several_clusters_and_none_named_is_a_409_with_the_choices(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    Cluster.objects.create(slug="second", name="Second", server="https://127.0.0.1:9", token="t")
    client = client_of(alice)
    answer = client.get("/api/pods")
    assert answer.status_code == 409
    assert "demo" in answer.json()["detail"] and "second" in answer.json()["detail"]
    assert client.get("/api/pods?cluster=demo").status_code == 200
    assert client.get("/api/pods?cluster=none").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_undeploy_answers_in_the_known_shape(alice: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    status, answer = post(client_of(alice), "/undeploy", {"modelTag": "vllm-llama", "deleteType": "all"})
    assert status == 200 and answer["success"]
    assert [(item["resource"], item["name"], item["success"]) for item in answer["results"]] == [
        ("deployment", "vllm-llama", True),
        ("service", "vllm-llama", True),
    ]
    assert post(client_of(alice), "/undeploy", {"modelTag": "nothing"})[0] == 404
    assert post(client_of(alice), "/undeploy", {"modelTag": "vllm-llama", "deleteType": "x"})[0] == 422


@pytest.mark.django_db(transaction=True)
def test_a_viewer_is_refused_everywhere(bob: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    client = client_of(bob)
    tried = {
        "/deploy": {"vllmCommand": COMMAND},
        "/undeploy": {"modelTag": "vllm-llama"},
        "/scale-deployment": {"deploymentName": "vllm-llama", "targetReplicas": 2},
        "/proxy-request": {"service": "vllm-llama"},
        "/c/demo/deployments": {"command": COMMAND},
    }
    for path, body in tried.items():
        status, answer = post(client, path, body)
        assert (status, "operators and admins may" in answer["detail"]) == (403, True), path


@pytest.mark.django_db
@pytest.mark.parametrize(
    "service",
    ["https://169.254.169.254/", "vllm-llama:9090", "../pods/x", "named-elsewhere", "no-selector", "nothing"],
)
def test_only_services_with_pods_behind_them_can_be_called(
    alice: User, cluster: Cluster, client_of: ClientOf, service: str
) -> None:
    made = Mirrored(cluster.pk)
    made.service("named-elsewhere", selector=None, pods=[], type="ExternalName", externalName="evil.example")
    made.service("no-selector", selector=None, pods=[])
    made.service("vllm-llama", selector={"app": "x"}, pods=["p"])
    made.write()
    assert post(client_of(alice), "/proxy-request", {"service": service})[0] == 404
