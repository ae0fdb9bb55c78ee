"""The Shares tab, the question on the page of a move, and the API: what they say and what they change."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.pools.models import Share, ShareException, SharePolicy
from apps.pools.reconciler.reconciling import reconcile
from tests.pools.world import Stage, World, make_stage, world_on
from tests.processes import Devcluster

ClientOf = Callable[[User], Client]


@pytest.fixture(scope="module")
def own(devcluster: Devcluster) -> Iterator[Stage]:
    """A pool of two."""
    stage = make_stage(devcluster, replicas=2)
    yield stage
    stage.drop()


@pytest.fixture
def pool(transactional_db: None, own: Stage) -> World:
    """Two free pods, in the mirror."""
    world = world_on(own)
    world.mirror()
    return world


def address(world: World, name: str, **more: str) -> str:
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    return reverse(name, kwargs={**place, **more})


def send(client: Client, method: str, url: str, body: Any) -> Any:
    return getattr(client, method)(url, json.dumps(body), content_type="application/json")


@pytest.fixture
def operator(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_shares_are_set_and_switched_on_the_tab_and_its_acts_are_told(pool: World, operator: Client) -> None:
    data = {"dwell": "0", "patience": "60", "kind-production": "count", "size-production": "1"}
    saved = operator.post(address(pool, "pools:shares_save"), data)
    assert (saved.status_code, Share.objects.get().count) == (302, 1)
    operator.post(address(pool, "pools:shares_switch"), {"to": "on"})
    assert SharePolicy.objects.get().active
    reconcile(pool.portal, pool.record)
    pool.mirror()
    page = operator.get(address(pool, "pools:shares")).content.decode()
    assert "kept by the portal" in page and "production has 0 of 1 pods." in page
    assert page.count('bg-green-lt">met') == 1


def test_a_share_above_the_pool_is_refused_on_the_tab_in_words(pool: World, operator: Client) -> None:
    data = {"dwell": "0", "patience": "60", "kind-production": "count", "size-production": "3"}
    answer = operator.post(address(pool, "pools:shares_save"), data)
    assert answer.status_code == 422
    assert "The shares need 3 pods, the pool has 2." in answer.content.decode()
    assert not Share.objects.exists()


def test_the_api_sets_reads_and_switches_shares(pool: World, operator: Client) -> None:
    url = address(pool, "api:pool_shares")
    wish = {"shares": [{"business": "production", "weight": 1, "floor": 1}], "dwell": 0, "version": 0}
    made = send(operator, "put", url, wish).json()
    assert (made["version"], made["enabled"], made["shares"][0]["state"]) == (1, False, "below_floor")
    assert send(operator, "put", url, wish).json()["code"] == "stale"
    switched = send(operator, "post", address(pool, "api:pool_shares_switch"), {"enabled": True}).json()
    assert switched["enabled"] is True
    reconcile(pool.portal, pool.record)
    pool.mirror()
    told = operator.get(url).json()
    assert [act["business"] for act in told["acts"]] == ["production", "production"]
    assert told["shares"][0]["pods"] == 2


def test_a_viewer_sees_the_tab_without_controls(pool: World, bob: User) -> None:
    client = Client()
    client.force_login(bob)
    page = client.get(address(pool, "pools:shares")).content.decode()
    assert "share-production" in page and "Save shares" not in page and "Switch on" not in page


def test_a_move_that_strays_is_asked_about_on_the_page_and_in_the_api(pool: World, operator: Client) -> None:
    test_shares_are_set_and_switched_on_the_tab_and_its_acts_are_told(pool, operator)
    lent = next(pod.name for pod in pool.pods() if pod.business == "production")
    move = {"pod": lent, "origin": "production", "business": "testing", "how": "now", "force": "on"}
    asked = operator.post(address(pool, "pools:move"), move, headers={"HX-Request": "true"})
    assert asked.status_code == 422 and 'name="share" value="exception"' in asked.content.decode()
    url = address(pool, "api:pool_assign", pod=lent)
    refused = send(operator, "post", url, {"business": "testing", "force": True}).json()
    assert (refused["code"], refused["success"]) == ("needs_share", False)
    answered = {**move, "share": "exception", "minutes": "5"}
    assert operator.post(address(pool, "pools:move"), answered).status_code == 302
    assert ShareException.objects.get().business == "testing"
    pool.mirror()
    assert (
        "from production to testing by alice" in operator.get(address(pool, "pools:shares")).content.decode()
    )
