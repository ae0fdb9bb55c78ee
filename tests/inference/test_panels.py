"""Side panels of pods, Services and deployments, on a real cluster: what they show, and what they delete."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditEntry, Outcome
from apps.gateways.errors import NotFound
from apps.inference import pod_logs, removal
from apps.inference.selectors import from_cluster, pod_detail, pods, services
from apps.inference.targets import PodTarget
from apps.live.logs import followers
from tests.inference.real import Place, make_place
from tests.processes import Devcluster, until

ClientOf = Callable[[User], Client]
pytestmark = [
    pytest.mark.xdist_group("deployments"),
    pytest.mark.devcluster,
    pytest.mark.django_db(transaction=True),
]
IN_PANEL = {"HX-Request": "true", "HX-Target": "side-panel"}


@pytest.fixture
def place(transactional_db: None, devcluster: Devcluster) -> Iterator[Place]:
    """An empty namespace; logs that a test followed end with it."""
    made = make_place(devcluster)
    yield made
    followers.stop_all()
    made.clear()


def served(place: Place, alice: User, **wishes: Any) -> PodTarget:
    """A deployed model's pod."""
    place.deploy(alice, name="chat", **wishes)
    place.look()
    name = pods.pods(place.cluster.pk, namespace=place.namespace)[0].name
    return pod_detail.target(alice, place.cluster.slug, place.namespace, name)


def address(page: str, target: PodTarget, name: str = "") -> str:
    return reverse(f"inference:{page}", args=[target.cluster, target.namespace, name or target.name])


def test_a_pods_panel_shows_containers_events_and_its_log(
    place: Place, alice: User, bob: User, client_of: ClientOf
) -> None:
    pod, client = served(place, alice), client_of(bob)
    panel = client.get(address("pod_detail", pod), headers=IN_PANEL).content.decode()
    assert pod.name in panel and "<html" not in panel and "Operators may delete pods" in panel
    assert "<html" in client.get(address("pod_detail", pod)).content.decode()
    parts = client.get(address("pod_from_cluster", pod)).content.decode()
    assert "running" in parts and "PodScheduled" in parts and "vllm/vllm-openai" in parts
    events = client.get(address("pod_from_cluster", pod), {"part": "events"}).content.decode()
    assert "Scheduled" in events
    log = client.get(address("pod_detail", pod), {"tab": "log"}).content.decode()
    assert "data-log" in log and "Download" in log and 'value="server" selected' in log


def test_the_log_streams_and_can_be_kept(place: Place, alice: User, client_of: ClientOf) -> None:
    pod = served(place, alice)
    args = {"cluster": pod.cluster, "namespace": pod.namespace, "pod": pod.name, "previous": False}
    asked = args | {"container": "server"}
    until(lambda: pod_logs.read_lines(asked, 0, 500)[0], what="the log's first lines")
    html, reached = pod_logs.read_lines(asked, 0, 500)
    assert html.count('class="log-line"') > 3 and reached > 0
    assert pod_logs.read_lines(asked, reached, 500) == ("", reached)
    answer = client_of(alice).get(address("pod_log", pod))
    kept = async_to_sync(whole)(answer).decode()
    assert "attachment" in answer.headers["Content-Disposition"] and len(kept.splitlines()) > 3


async def whole(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer.streaming_content])


def test_an_operator_deletes_a_pod_and_its_deployment_makes_a_new_one(
    place: Place, alice: User, client_of: ClientOf
) -> None:
    pod = served(place, alice)
    client = client_of(alice)
    assert "makes a new pod" in client.get(address("pod_delete", pod)).content.decode()
    answer = client.post(address("pod_delete", pod), {"reason": "hangs"}, headers=IN_PANEL)
    assert answer.status_code == 200 and "is being deleted" in answer.headers["HX-Trigger"]
    until(lambda: gone_or_leaving(place, pod.name), what="the pod to go")
    entry = AuditEntry.objects.get(code="inference.delete_pod")
    assert (entry.outcome, entry.reason, entry.actor_name) == (Outcome.DONE, "hangs", "alice")


def gone_or_leaving(place: Place, name: str) -> bool:
    pod = place.get("pods", name)
    return pod is None or bool(pod["metadata"].get("deletionTimestamp"))


def test_a_lent_pod_is_deleted_only_when_forced_with_a_reason(
    place: Place, alice: User, client_of: ClientOf
) -> None:
    pod = served(place, alice, as_pool=True)
    operations = [{"op": "replace", "path": "/metadata/labels/business", "value": "production"}]
    place.outside.patch_json(
        "pods", pod.name, operations, namespace=place.namespace
    )  # the mirror lags behind
    client = client_of(alice)
    for data in ({}, {"force": "on"}, {"reason": "it hangs"}):
        answer = client.post(address("pod_delete", pod), data, headers=IN_PANEL)
        assert answer.status_code == 422 and "lent to production" in answer.content.decode()
        assert not gone_or_leaving(place, pod.name)
    assert client.post(address("pod_delete", pod), {"force": "on", "reason": "it hangs"}).status_code == 302
    until(lambda: gone_or_leaving(place, pod.name), what="the pod to go")


def test_another_pod_of_the_same_name_is_not_deleted(place: Place, alice: User) -> None:
    pod = served(place, alice)
    stale = PodTarget(pod.cluster_id, pod.cluster, pod.namespace, pod.name, "another-uid")
    with pytest.raises(Exception, match=r".+") as refused:
        removal.delete_pod(by=alice, pod=stale)
    assert not isinstance(refused.value, NotFound) and not gone_or_leaving(place, pod.name)


def test_a_service_shows_its_addresses_and_can_be_deleted(
    place: Place, alice: User, client_of: ClientOf
) -> None:
    pod = served(place, alice)
    until(lambda: ready(place), what="an address behind the Service")
    client = client_of(alice)
    panel = client.get(address("service_detail", pod, "chat"), headers=IN_PANEL).content.decode()
    assert pod.name in panel and "Ready" in panel
    assert "1 pod is behind it" in client.get(address("service_delete", pod, "chat")).content.decode()
    assert client.post(address("service_delete", pod, "chat"), {"reason": "done"}).status_code == 302
    assert place.get("services", "chat") is None


def ready(place: Place) -> bool:
    place.look()
    return any(row.ready for row in services.services(place.cluster.pk, namespace=place.namespace))


def test_services_that_others_made_are_left_alone(place: Place, alice: User, client_of: ClientOf) -> None:
    place.outside.create(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "theirs", "namespace": place.namespace},
            "spec": {"selector": {"app": "x"}, "ports": [{"port": 80}]},
        }
    )
    place.look()
    url = reverse("inference:service_delete", args=[place.cluster.slug, place.namespace, "theirs"])
    assert client_of(alice).post(url).status_code == 409
    assert place.get("services", "theirs") is not None


def test_a_manifest_hides_secrets_and_what_the_server_keeps(
    place: Place, alice: User, bob: User, client_of: ClientOf
) -> None:
    place.deploy(alice, name="chat", token="hf_canarycanarycanary")
    url = reverse("inference:deployment_yaml", args=[place.cluster.slug, place.namespace, "chat"])
    place.look()
    text = client_of(bob).get(url).content.decode()
    assert "kind: Deployment" in text and "managedFields" not in text and "hf_canary" not in text
    bare = {"metadata": {}, "spec": {"containers": [{"env": [{"name": "API_TOKEN", "value": "canary"}]}]}}
    assert "canary" not in str(from_cluster.shown(bare))


def test_a_removal_lists_what_goes(place: Place, alice: User, client_of: ClientOf) -> None:
    pod = served(place, alice)
    url = address("deployment_remove", pod, "chat")
    text = client_of(alice).get(url, headers=IN_PANEL).content.decode()
    assert pod.name in text and "Service <strong>chat" in text and "1 pod" in text


def test_the_lists_show_the_split_of_a_pool_and_filter_in_sql(
    place: Place, alice: User, client_of: ClientOf
) -> None:
    place.deploy(alice, name="chat", as_pool=True, replicas=2)
    operations = [{"op": "replace", "path": "/metadata/labels/business", "value": "production"}]
    first, second = place.names("pods")
    place.outside.patch_json("pods", first, operations, namespace=place.namespace)
    place.look()
    client, here = client_of(alice), [place.cluster.slug]
    text = client.get(
        reverse("inference:deployment_list", args=here), {"q": place.namespace}
    ).content.decode()
    assert "production(1)" in text and "free(1)" in text and "scaled on its pool page" in text
    url = reverse("inference:pod_list", args=here)
    found = client.get(url, {"namespace": place.namespace, "business": "production"}).content.decode()
    assert f'data-pod="{first}"' in found and f'data-pod="{second}"' not in found
    assert "No pod matches" in client.get(url, {"node": "nowhere"}).content.decode()


def test_scaling_in_a_row_answers_with_a_toast(place: Place, alice: User, client_of: ClientOf) -> None:
    pod = served(place, alice)
    url, asked = address("scale", pod, "chat"), {"HX-Request": "true"}
    answer = client_of(alice).post(url, {"replicas": "21"}, headers=asked)
    assert answer.status_code == 422 and "less than or equal to 20" in answer.headers["HX-Trigger"]
    answer = client_of(alice).post(url, {"replicas": "2"}, headers=asked)
    assert answer.status_code == 204 and "being scaled to 2" in answer.headers["HX-Trigger"]
