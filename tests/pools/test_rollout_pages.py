"""The Rollout tab and its API: versions, the plan of another one, the question when no GPU is free."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.operations.models import Operation
from apps.pools.models import Rollout
from apps.pools.statuses import Source
from tests.pools.rolling import cordon, resume
from tests.pools.world import Stage, World, assign, make_stage, world_on
from tests.processes import Devcluster

IMAGE = "vllm/vllm-openai:v0.11.0"


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool of one."""
    stage = make_stage(devcluster, replicas=1)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage) -> Iterator[World]:
    """One free pod, in the mirror."""
    resume(own)
    world = world_on(own)
    world.mirror()
    yield world
    cordon(world, False)


@pytest.fixture
def operator(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def address(world: World, name: str) -> str:
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    return reverse(name, kwargs=place)


def post(client: Client, url: str, body: Any) -> Any:
    return client.post(url, json.dumps(body), content_type="application/json")


def test_the_tab_shows_versions_and_a_rollout_under_way(pool: World, operator: Client) -> None:
    page = operator.get(address(pool, "pools:rollout")).content.decode()
    assert 'id="version-1"' in page and "current" in page and "Rollout under way" not in page
    Rollout.objects.create(pool=pool.record, wanted={"production": 1}, source=Source.EXTERNAL, by="kubectl")
    page = operator.get(address(pool, "pools:rollout")).content.decode()
    assert "Rollout under way" in page and "begun in the cluster by kubectl" in page
    told = operator.get(address(pool, "api:pool_rollout")).json()
    assert (told["progress"]["wanted"], told["versions"][0]["current"]) == ({"production": 1}, True)


def test_a_preview_shows_what_changes_and_starting_leads_to_the_operation(
    pool: World, operator: Client
) -> None:
    seen = operator.get(
        address(pool, "pools:rollout_preview"), {"image": IMAGE}, headers={"HX-Request": "true"}
    )
    page = seen.content.decode()
    assert seen.status_code == 200 and IMAGE in page and "nobody has it" in page
    plan = page.split('name="plan" value="')[1].split('"')[0]
    begun = operator.post(address(pool, "pools:rollout_start"), {"image": IMAGE, "plan": plan})
    assert begun.url == reverse("operations:detail", args=[Operation.objects.get().pk])


def test_a_stale_plan_and_no_change_are_refused_where_the_person_looks(
    pool: World, operator: Client, alice: User
) -> None:
    url = address(pool, "pools:rollout_start")
    stale = operator.post(url, {"image": IMAGE, "plan": "of-another-time"})
    assert stale.status_code == 409 and "has changed since this was planned" in stale.content.decode()
    same = operator.get(
        address(pool, "pools:rollout_preview"),
        {"image": "vllm/vllm-openai:latest"},
        headers={"HX-Request": "true"},
    )
    assert same.status_code == 422 and "runs already" in same.content.decode()
    assert not Operation.objects.exists()


def test_without_a_free_gpu_the_page_and_the_api_ask_which_business_gives_one_up(
    pool: World, operator: Client, alice: User
) -> None:
    assign(pool, alice, pool.names()[0], "production")
    cordon(pool, True)
    pool.mirror()
    asked = operator.get(
        address(pool, "pools:rollout_preview"), {"image": IMAGE}, headers={"HX-Request": "true"}
    )
    assert 'name="gives_up" value="production"' in asked.content.decode()
    url = address(pool, "api:pool_rollout")
    refused = post(operator, url, {"image": IMAGE, "dry_run": True}).json()
    assert refused["code"] == "needs_room"
    planned = post(operator, url, {"image": IMAGE, "dry_run": True, "gives_up": "production"}).json()
    assert (planned["gives_up"], planned["surge"], planned["operation"]) == ("production", False, None)
    assert planned["changes"] == [{"what": "Image", "before": "vllm/vllm-openai:latest", "after": IMAGE}]


def test_a_viewer_sees_versions_and_may_not_preview(pool: World, bob: User) -> None:
    client = Client()
    client.force_login(bob)
    page = client.get(address(pool, "pools:rollout")).content.decode()
    assert 'id="version-1"' in page and 'id="rollout-form"' not in page
    assert client.get(address(pool, "pools:rollout_preview"), {"image": IMAGE}).status_code == 403
    assert (
        post(client, address(pool, "api:pool_rollout"), {"image": IMAGE, "dry_run": True}).status_code == 403
    )
