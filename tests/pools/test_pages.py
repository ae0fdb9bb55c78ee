"""The pages of pools, on a real pool: what an operator and a viewer see and what the forms do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.operations.models import Operation
from tests.pools.world import World, assign

ClientOf = Callable[[User], Client]


@pytest.fixture(autouse=True)
def seen(world: World) -> None:
    world.mirror()


def url(world: World, name: str, **more: str) -> str:
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    return reverse(f"pools:{name}", kwargs={**place, **more})


def move(client: Client, world: World, pod: str, business: str, **more: str) -> Any:
    data = {"pod": pod, "business": business, "how": "now", **more}
    return client.post(url(world, "move"), data, HTTP_HX_REQUEST="true")


def test_an_operator_sees_status_pods_services_and_the_forms(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    page = client.get(url(world, "pool_detail")).content.decode()
    assert "production(0) | testing(0) | unassigned(4)" in page
    assert "Create business service" in page and "llm-production" in page
    table = client.get(url(world, "pool_pods")).content.decode()
    assert all(name in table for name in world.names()) and "Move drained" in table


def test_a_viewer_sees_the_same_without_any_control(world: World, client_of: ClientOf, bob: User) -> None:
    page = client_of(bob).get(url(world, "pool_detail")).content.decode()
    assert "unassigned(4)" in page and "llm-production" in page
    assert "hx-post" not in page and "Create business service" not in page and "<select" not in page


def test_the_form_moves_a_pod_and_the_page_shows_it(world: World, client_of: ClientOf, alice: User) -> None:
    client, name = client_of(alice), world.names()[0]
    answer = move(client, world, name, "production", origin="unassigned", reason="load test")
    assert answer.status_code == 200 and "has changed hands" in answer["HX-Trigger"]
    world.mirror()
    page = client.get(url(world, "pool_pods")).content.decode()
    assert "production(1) | testing(0) | unassigned(3)" in page and "load test" in page


def test_a_forged_move_of_a_viewer_is_refused_and_audited(
    world: World, client_of: ClientOf, bob: User
) -> None:
    answer = move(client_of(bob), world, world.names()[0], "production")
    assert answer.status_code == 403 and world.business_of(world.names()[0]) == "unassigned"
    assert AuditEntry.objects.get(code="pools.assign_pod").outcome == "denied"


def test_a_viewers_form_that_cannot_be_read_is_refused_all_the_same(
    world: World, client_of: ClientOf, bob: User, alice: User
) -> None:
    for name, wrong in (("move", {"pod": ""}), ("create_service", {"name": "Not A Name"})):
        assert client_of(alice).post(url(world, name), wrong).status_code == 422
        assert client_of(bob).post(url(world, name), wrong).status_code == 403
    entries = AuditEntry.objects.values_list("code", "outcome", "actor_name").order_by("code")
    denied = [("pools.assign_pod", "denied", "bob"), ("pools.create_business_service", "denied", "bob")]
    assert list(entries) == denied


def test_a_move_that_harms_is_asked_about_and_then_done(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client, name = client_of(alice), world.names()[0]
    move(client, world, name, "production")
    question = move(client, world, name, "testing")
    assert question.status_code == 422 and b"last pod that serves production" in question.content
    assert b'name="force" value="on"' in question.content
    assert move(client, world, name, "testing", force="on").status_code == 200
    assert world.business_of(name) == "testing"


def test_a_stale_move_says_who_was_faster(world: World, client_of: ClientOf, alice: User, root: User) -> None:
    name = world.names()[0]
    assign(world, root, name, "testing")
    answer = move(client_of(alice), world, name, "production", origin="unassigned")
    assert answer.status_code == 409 and "moved by root" in answer["HX-Trigger"]


def test_a_drained_move_leads_to_its_operation(world: World, client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    data = {"pod": world.names()[0], "business": "production", "how": "drained"}
    answer = client.post(url(world, "move"), data)
    operation = Operation.objects.get()
    assert answer.status_code == 302 and answer["Location"].endswith(f"/operations/{operation.pk}/")


def test_a_service_is_made_by_the_form_and_refused_beside_its_field(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    made = client.post(url(world, "create_service"), {"name": "llm-staging", "business": "staging"})
    assert made.status_code == 302
    taken = client.post(url(world, "create_service"), {"name": "llm-more", "business": "production"})
    assert taken.status_code == 422 and b"is served by" in taken.content
    reserved = client.post(url(world, "create_service"), {"name": "llm-more", "business": "draining"})
    assert reserved.status_code == 422 and b"reserved word" in reserved.content


def test_a_service_with_pods_asks_before_it_is_deleted(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    assign(world, alice, world.names()[0], "production")
    address = url(world, "delete_service", service="llm-production")
    question = client.post(address)
    assert question.status_code == 409 and b"1 pod serves production" in question.content
    assert client.post(address, {"force": "on"}).status_code == 302
    assert Operation.objects.get().target_name == "llm"


def test_the_pods_page_has_a_selector_for_pool_pods(
    world: World, client_of: ClientOf, alice: User, bob: User
) -> None:
    address = reverse("inference:pod_list", kwargs={"cluster": world.cluster.slug})
    page = client_of(alice).get(address, {"namespace": world.namespace}).content.decode()
    assert page.count('form-select-sm" name="business"') == 4 and "production" in page
    assert 'form-select-sm" name="business"' not in client_of(bob).get(address).content.decode()


def test_what_a_cluster_says_is_never_markup(world: World, client_of: ClientOf, alice: User) -> None:
    answer = move(client_of(alice), world, "<script>alert(1)</script>", "<b>{{ 7*7 }}</b>")
    assert answer.status_code in (404, 422) and b"<script>" not in answer.content


def test_the_scale_control_previews_and_refuses_in_the_known_words(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    page = client.get(url(world, "pool_detail")).content.decode()
    assert "Pool deployments can only scale down unassigned pods" in page
    shown = client.get(url(world, "scale_preview"), {"replicas": "3"}, HTTP_HX_REQUEST="true")
    assert shown.status_code == 200
    assert sum(name in shown.content.decode() for name in world.names()) == 1
    for name in world.names()[:3]:
        assign(world, alice, name, "production")
    refused = client.post(url(world, "scale"), {"replicas": "1"}, HTTP_HX_REQUEST="true")
    assert refused.status_code == 422
    assert "Cannot scale down: need 3 unassigned pods, but only 1 available" in refused.content.decode()
