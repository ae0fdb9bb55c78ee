"""Distribution and undo by page and API: who may, what is answered, and the plan that a page carries."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Role, User
from apps.audit.models import AuditEntry
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from tests.builders import make_user
from tests.inference.real import finish
from tests.pools.world import World, assign

ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
PARTS = {"weight-production": "1", "weight-testing": "1", "weight-unassigned": "0"}


@pytest.fixture(autouse=True)
def seen(world: World) -> None:
    world.mirror()


def url(world: World, name: str) -> str:
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    return reverse(f"pools:{name}", kwargs=place)


def ask(client: Client, path: str, body: Any) -> Any:
    return client.post(path, orjson.dumps(body), content_type="application/json")


def flat(world: World, **more: Any) -> dict[str, Any]:
    return {"deploymentName": world.pool, "ratios": {"production": 3, "testing": 1}, **more}


def flat_path(world: World) -> str:
    return f"/api/distribute-pods?cluster={world.cluster.slug}&namespace={world.namespace}"


def test_a_dry_run_tells_the_moves_and_makes_none(world: World, client_of: ClientOf, alice: User) -> None:
    body = ask(client_of(alice), flat_path(world), flat(world, dryRun=True)).json()
    assert body["success"] and body["dryRun"] and body["operation"] is None and len(body["moves"]) == 4
    assert set(body["moves"][0]) == {"podName", "from", "to"}
    assert body["before"]["unassigned"] == 4 and body["after"] == {
        "production": 3,
        "testing": 1,
        "unassigned": 0,
    }
    assert not Operation.objects.exists()


def test_a_plan_that_was_told_is_carried_out_and_the_next_is_stale(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    plan = ask(client, flat_path(world), flat(world, dryRun=True)).json()["plan"]
    begun = ask(client, flat_path(world), flat(world, plan=plan)).json()
    assert finish(Operation.objects.get(pk=begun["operation"])).status == OperationStatus.SUCCEEDED
    again = ask(client, flat_path(world), flat(world, plan=plan))
    assert (again.status_code, again.json()["code"], again.json()["success"]) == (409, "stale_plan", False)


def test_the_history_names_the_change_that_undo_takes(world: World, client_of: ClientOf, alice: User) -> None:
    client, base = client_of(alice), f"/api/c/{world.cluster.slug}/pools/{world.namespace}/{world.pool}"
    assign(world, alice, world.names()[0], "production")
    change = client.get(f"{base}/history").json()[0]["change"]
    told = ask(client, f"{base}/undo", {"change": change, "dryRun": True}).json()
    assert told["moves"] == [{"podName": world.names()[0], "from": "production", "to": "unassigned"}]
    assert told["questions"] == ["production would have no serving pod any more."]
    assert ask(client, f"{base}/undo", {"change": change}).json()["code"] == "needs_force"
    begun = ask(client, f"{base}/undo", {"change": change, "force": True, "drain": False}).json()
    assert finish(Operation.objects.get(pk=begun["operation"])).status == OperationStatus.SUCCEEDED
    assert world.business_of(world.names()[0]) == "unassigned"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratios": {"production": -1}},
        {"ratios": {"production": "3"}},
        {"ratios": {"production": True}},
        {"ratios": {"production": 101}, "percents": True},
        {"ratios": {}},
        {"ratios": {"draining": 1}},
        {"ratios": {"staging": 1}},
        {"ratios": [1, 2]},
        {"floors": {"production": 9}},
        {"floors": {"production": 1.5}},
        {"timeout": 0},
        {"timeout": 10**9},
        {"plan": "p" * 101},
    ],
)
def test_the_api_refuses_what_cannot_be_meant(
    world: World, client_of: ClientOf, alice: User, wrong: dict[str, Any]
) -> None:
    answer = ask(client_of(alice), flat_path(world), flat(world) | wrong)
    assert answer.status_code == 422 and answer.json()["success"] is False
    assert not Operation.objects.exists()


def test_a_viewer_and_who_may_lend_to_one_business_only_may_not(
    world: World, client_of: ClientOf, bob: User
) -> None:
    narrow = make_user("dora")
    narrow.grants.create(role=Role.OPERATOR, cluster=world.cluster.slug, business="testing")
    for person in (bob, narrow):
        client = client_of(person)
        assert client.get(url(world, "distribute")).status_code == 403
        assert client.post(url(world, "distribute_start"), PARTS).status_code == 403
        assert client.get(url(world, "history_undo"), {"change": "x"}).status_code == 403
        assert ask(client, flat_path(world), flat(world, dryRun=True)).status_code == 403
        assert ask(client, flat_path(world), flat(world)).status_code == 403
    denied = AuditEntry.objects.filter(code="pools.distribute_pods", outcome="denied")
    assert denied.count() == 4 and not Operation.objects.exists()


def test_the_page_shows_the_plan_of_its_address_and_begins_it(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    page = client.get(url(world, "distribute"), PARTS).content.decode()
    assert "4 pods move, in this order" in page
    plan = re.search(r'name="plan" value="([^"]+)"', page)
    assert plan is not None
    begun = client.post(url(world, "distribute_start"), {**PARTS, "plan": plan[1], "reason": "load test"})
    operation = Operation.objects.get()
    assert begun["Location"].endswith(f"/operations/{operation.pk}/") and operation.reason == "load test"


def test_a_stale_page_gets_the_new_plan_with_the_reason(
    world: World, client_of: ClientOf, alice: User, root: User
) -> None:
    client = client_of(alice)
    page = client.get(url(world, "distribute"), PARTS).content.decode()
    plan = re.findall(r'name="plan" value="([^"]+)"', page)[0]
    assign(world, root, world.names()[0], "production")
    answer = client.post(url(world, "distribute_start"), {**PARTS, "plan": plan}, headers=HTMX)
    text = answer.content.decode()
    assert answer.status_code == 422 and "has changed since this plan was made" in text and "(root)" in text
    assert "3 pods move, in this order" in text and not Operation.objects.exists()


def test_while_somebody_types_a_plan_that_cannot_be_is_only_said(
    world: World, client_of: ClientOf, alice: User
) -> None:
    wrong = {**PARTS, "floor-production": "9"}
    answer = client_of(alice).get(url(world, "distribute"), wrong, headers=HTMX)
    assert answer.status_code == 200 and b"The floors need 9 pods" in answer.content
    assert b"<html" not in answer.content
