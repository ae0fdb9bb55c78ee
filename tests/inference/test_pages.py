"""The pages: what they show from the mirror, to whom, and what they answer to bad input."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.clusters.models import Cluster
from apps.inference import columns, fragments
from apps.inference.models import ModelDeployment
from apps.live import mirror, render
from apps.live.viewers import Viewer
from tests.inference.mirrored import Mirrored

ClientOf = Callable[[User], Client]
COMMAND = "vllm serve Qwen/Qwen3-0.6B -tp 2"
LISTS = ("pod_list", "service_list", "deployment_list")


def shown(client: Client, name: str, **query: Any) -> str:
    answer = client.get(reverse(f"inference:{name}", args=["demo"]), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.django_db
def test_lists_show_what_the_mirror_has(bob: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    client = client_of(bob)
    pods = shown(client, "pod_list")
    assert "vllm-qwen-pool-a" in pods and "vllm-qwen-pool-b" in pods
    assert "app=vllm-llama" in shown(client, "service_list")
    deployments = shown(client, "deployment_list")
    assert "Model Pool" in deployments and "Standard" in deployments and "1/2" in deployments


@pytest.mark.django_db
def test_an_empty_list_says_whether_it_was_loaded(bob: User, cluster: Cluster, client_of: ClientOf) -> None:
    client = client_of(bob)
    assert "for the first time" in shown(client, "pod_list")
    for kind in ("pods", "deployments", "services", "endpointslices"):
        mirror.replace(cluster.pk, kind, [], 5)
    assert "No pods yet" in shown(client, "pod_list")
    assert "No services yet" in shown(client, "service_list")
    assert "Nothing is deployed yet" in shown(client, "deployment_list")


@pytest.mark.django_db
def test_filters_and_sorting_are_the_databases(bob: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    client = client_of(bob)
    assert "vllm-qwen-pool-b" not in shown(client, "pod_list", q="production")
    assert "vllm-llama" not in shown(client, "deployment_list", kind="model-pool")
    upward = shown(client, "pod_list", sort="name")
    downward = shown(client, "pod_list", sort="-name")
    first, second = (f'data-pod="vllm-qwen-pool-{letter}"' for letter in "ab")
    assert upward.index(first) < upward.index(second)
    assert downward.index(first) > downward.index(second)


@pytest.mark.django_db
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        {"q": "<script>alert(1)</script>"},
        {"q": "%' OR 1=1 --"},
        {"q": "{{7*7}}"},
        {"q": "a\0b"},
        {"sort": "password"},
        {"sort": "-data__labels"},
        {"page": "-1"},
        {"page": "99999999999999999999"},
        {"page": "２"},
        {"kind": "x", "app": "y", "namespace": "../.."},
    ],
)
def test_odd_queries_are_harmless(
    bob: User, mirrored: Mirrored, client_of: ClientOf, name: str, query: dict[str, str]
) -> None:
    html = shown(client_of(bob), name, **query)
    assert "<script>alert" not in html
    assert "{{7*7}}" in html or query.get("q") != "{{7*7}}"


@pytest.mark.django_db
def test_sixty_pods_make_two_pages(bob: User, cluster: Cluster, client_of: ClientOf) -> None:
    made = Mirrored(cluster.pk)
    for number in range(60):
        made.pod(f"pod-{number:02}", app="many")
    made.write()
    first = shown(client_of(bob), "pod_list")
    assert "1–50 of 60" in first and ">pod-49<" in first and ">pod-50<" not in first
    second = shown(client_of(bob), "pod_list", page="2")
    assert "51–60 of 60" in second and ">pod-50<" in second


@pytest.mark.django_db
def test_a_page_of_pods_costs_the_same_queries_however_many_there_are(
    bob: User, cluster: Cluster, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    made = Mirrored(cluster.pk)
    for number in range(50):
        made.pod(f"pod-{number:02}", app="many")
    made.write()
    client = client_of(bob)
    with django_assert_max_num_queries(25):
        shown(client, "pod_list")


@pytest.mark.django_db
def test_another_app_adds_a_column_to_the_pods(
    bob: User, mirrored: Mirrored, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_columns", [])
    columns.register(
        columns.PodColumn(
            "uid",
            title="Number",
            template="live/paging.html#created",
            load=lambda _cluster, pods: {pod.id: pod.uid for pod in pods},
        )
    )
    html = shown(client_of(bob), "pod_list")
    assert "Number" in html
    with pytest.raises(ValueError, match="twice"):
        columns.register(columns.registered()[0])


@pytest.mark.django_db
def test_a_viewer_sees_the_form_and_may_not_use_it(bob: User, cluster: Cluster, client_of: ClientOf) -> None:
    assert "operators and admins may" in shown(client_of(bob), "deploy")


@pytest.mark.django_db
def test_the_preview_says_what_was_read(bob: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    client = client_of(bob)
    address = reverse("inference:deploy_preview", args=["demo"])
    html = client.post(address, {"command": COMMAND + " --port 9123"}).content.decode()
    assert "Qwen/Qwen3-0.6B" in html and "9123" in html and "vLLM" in html
    refused = client.post(address, {"command": "vllm serve a/b | tee x"})
    assert refused.status_code == 200 and "needs a shell" in refused.content.decode()
    too_many = client.post(address, {"command": "vllm serve a/b -tp 64"})
    assert "the largest has 8" in too_many.content.decode()
    assert ModelDeployment.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_deploying_leads_to_the_operation(alice: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    answer = client_of(alice).post(
        reverse("inference:deploy", args=["demo"]),
        {"command": COMMAND, "replicas": "4", "as_pool": "on", "key": "k1"},
    )
    record = ModelDeployment.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/operations/{record.operation_id}/")
    assert (record.name, record.kind, record.gpus, record.created_by) == (
        "vllm-qwen-qwen3-0-6b-pool", "model-pool", 2, "alice",
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "field_words"),
    [
        ({"command": "vllm serve 'x"}, "never closed"),
        ({"replicas": "-1"}, "greater than or equal to 1"),
        ({"command": "vllm serve a/b -tp 64"}, "the largest has 8"),
        ({"name": "<script>alert(1)</script>"}, "lower-case letters"),
        ({"name": "vllm-llama"}, "already something called"),
    ],
)
def test_a_refused_form_comes_back_with_its_reasons(
    alice: User, mirrored: Mirrored, client_of: ClientOf, change: dict[str, str], field_words: str
) -> None:
    answer = client_of(alice).post(
        reverse("inference:deploy", args=["demo"]),
        {"command": COMMAND, "replicas": "4", "token": "hf_secretsecretsecret"} | change,
    )
    html = answer.content.decode()
    assert answer.status_code == 422
    assert field_words in html
    assert "<script>alert(1)" not in html and "hf_secret" not in html
    assert ModelDeployment.objects.count() == 0


@pytest.mark.django_db
def test_a_detail_page_shows_pods_and_record(bob: User, mirrored: Mirrored, client_of: ClientOf) -> None:
    answer = client_of(bob).get(
        reverse("inference:deployment_detail", args=["demo", "default", "vllm-qwen-pool"])
    )
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "vllm-qwen-pool-a" in html and "1 of 2 pods ready" in html
    assert "disabled>Scale</button>" in html and "Operators may scale" in html


@pytest.mark.django_db
@pytest.mark.parametrize("place", [("demo", "default", "nothing"), ("other", "default", "vllm-llama")])
def test_what_is_not_there_is_a_404(
    bob: User, mirrored: Mirrored, client_of: ClientOf, place: tuple[str, ...]
) -> None:
    assert client_of(bob).get(reverse("inference:deployment_detail", args=place)).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_scaling_refuses_odd_numbers_beside_the_field(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    address = reverse("inference:scale", args=["demo", "default", "vllm-llama"])
    for replicas in ("-1", "21", "two", ""):
        assert client_of(alice).post(address, {"replicas": replicas}).status_code == 422
    assert client_of(alice).post(address, {"replicas": "2"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_records_show_manifests_and_fill_the_form_again(
    alice: User, mirrored: Mirrored, client_of: ClientOf
) -> None:
    client = client_of(alice)
    wish = {"command": COMMAND, "replicas": "4", "as_pool": "on"}
    client.post(reverse("inference:deploy", args=["demo"]), wish)
    record = ModelDeployment.objects.get()
    assert record.name in shown(client, "record_list", q="alice")
    assert "No record matches" in shown(client, "record_list", q="nobody")
    sorted_by = {name: shown(client, "record_list", sort=name) for name in ("-removed_at", "name", "odd")}
    assert all(record.name in page for page in sorted_by.values())
    assert "aria-sort" in sorted_by["name"] and "aria-sort" not in sorted_by["odd"]
    detail = client.get(reverse("inference:record_detail", args=["demo", record.pk])).content.decode()
    assert "kind: Deployment" in detail and "Revision 1" in detail
    form = shown(client, "deploy", record=str(record.pk))
    assert COMMAND in form and 'value="4"' in form and "checked" in form
    assert client.get(reverse("inference:deploy", args=["demo"]), {"record": "999999"}).status_code == 404


@pytest.mark.django_db
def test_numbers_are_sorted_as_numbers(bob: User, cluster: Cluster, client_of: ClientOf) -> None:
    made = Mirrored(cluster.pk)
    for restarts in (2, 10, 1):
        made.pod(f"pod-{restarts}", app="x")
        made.objects["pods"][-1]["status"]["containerStatuses"][0]["restartCount"] = restarts
    made.write()
    html = shown(client_of(bob), "pod_list", sort="-restarts")
    assert re.findall(r'data-pod="pod-(\d+)"', html) == ["10", "2", "1"]


@pytest.mark.django_db
def test_a_changed_pod_changes_its_row_only(cluster: Cluster) -> None:
    made = Mirrored(cluster.pk)
    made.pod("a", app="x", ready=False)
    made.pod("b", app="x")
    made.write()
    viewer = Viewer(role_key="", language="en")
    before = render.render(fragments.PODS, viewer, {"cluster": "demo"}, "pods")
    made.objects["pods"][0]["status"]["containerStatuses"][0]["ready"] = True
    made.revision += 1
    made.objects["pods"][0]["metadata"]["resourceVersion"] = str(made.revision)
    made.write()
    after = render.render(fragments.PODS, viewer, {"cluster": "demo"}, "pods")
    assert after.same_places(before)
    assert len(after.changed_rows(before)) == 1
