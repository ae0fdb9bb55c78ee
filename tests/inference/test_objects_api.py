"""The API of single objects, by token, on a real cluster: a pod's log and end, a deployment's manifest."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.audit.models import AuditEntry, Outcome
from tests.inference.real import Place, make_place
from tests.inference.test_panels import gone_or_leaving, served, whole
from tests.processes import Devcluster, until

pytestmark = [
    pytest.mark.xdist_group("deployments"),
    pytest.mark.devcluster,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def place(transactional_db: None, devcluster: Devcluster) -> Iterator[Place]:
    """An empty namespace."""
    made = make_place(devcluster)
    yield made
    made.clear()


def program(user: User) -> Client:
    """Something that calls by a token of that person."""
    tomorrow = timezone.now() + timedelta(days=1)
    token = ApiToken.issue(user=user, name="test", expires_at=tomorrow)[1]
    return Client(headers={"Authorization": f"Bearer {token}"})


def text_of(answer: Any) -> str:
    return async_to_sync(whole)(answer).decode()


def test_a_pods_log_is_text_and_can_be_cut(place: Place, alice: User, bob: User) -> None:
    pod, client = served(place, alice), program(bob)
    url = f"/api/c/{pod.cluster}/pods/{pod.namespace}/{pod.name}/log"
    until(lambda: len(text_of(client.get(url)).splitlines()) > 3, what="the log's first lines")
    assert client.get(url).headers["Content-Type"].startswith("text/plain")
    assert len(text_of(client.get(url, {"tail": 2, "container": "server"})).splitlines()) == 2
    for odd in ({"tail": "0"}, {"since": "soon"}, {"container": "nobody"}, {"container": "x" * 64}):
        answer = client.get(url, odd)
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json"), odd


def test_a_pod_is_deleted_with_a_reason(place: Place, alice: User) -> None:
    pod = served(place, alice)
    url = f"/api/c/{pod.cluster}/pods/{pod.namespace}/{pod.name}?reason=hangs"
    assert "is being deleted" in program(alice).delete(url).json()["message"]
    until(lambda: gone_or_leaving(place, pod.name), what="the pod to go")
    entry = AuditEntry.objects.get(code="inference.delete_pod")
    assert (entry.outcome, entry.reason, entry.via) == (Outcome.DONE, "hangs", "api")


def test_a_lent_pod_stays_unless_forced_with_a_reason(place: Place, alice: User) -> None:
    pod = served(place, alice, as_pool=True)
    lent = [{"op": "replace", "path": "/metadata/labels/business", "value": "production"}]
    place.outside.patch_json("pods", pod.name, lent, namespace=place.namespace)
    client, url = program(alice), f"/api/c/{pod.cluster}/pods/{pod.namespace}/{pod.name}"
    for asked in ("", "?force=true", "?reason=hangs"):
        answer = client.delete(url + asked)
        assert (answer.status_code, "lent to production" in answer.json()["detail"]) == (409, True)
    assert not gone_or_leaving(place, pod.name)
    assert client.delete(f"{url}?force=true&reason=hangs").status_code == 200


def test_a_manifest_is_yaml_without_secrets(place: Place, alice: User, bob: User) -> None:
    pod = served(place, alice, token="hf_very-secret-token")
    url = f"/api/c/{pod.cluster}/deployments/{pod.namespace}/chat/manifest"
    answer = program(bob).get(url)
    shown = msgspec.yaml.decode(answer.content)
    assert (shown["kind"], shown["metadata"]["name"]) == ("Deployment", "chat")
    assert "managedFields" not in shown["metadata"] and b"hf_very" not in answer.content
