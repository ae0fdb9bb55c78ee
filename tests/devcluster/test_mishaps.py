"""Mishaps hit what they were told to hit, end when they should, and repeat by their seed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from devcluster.auth import ANONYMOUS, User
from devcluster.errors import ApiError, BadRequest
from devcluster.objects import labels_of, with_annotations
from devcluster.resources import resource
from tests.devcluster.asking import Call
from tests.devcluster.living import Living, is_ready


@dataclass
class Asked:
    """What the API tells the mishaps of a request."""

    verb: str = "get"
    resource: str = "pods"
    path: str = "/api/v1/namespaces/default/pods"
    method: str = "GET"
    subresource: str = ""
    namespace: str = "default"
    name: str = ""
    user: User = ANONYMOUS


async def ask(living: Living, **of: Any) -> ApiError | None:
    return await living.world.mishaps.before_request(Asked(**of))


async def pool(living: Living, replicas: int = 3) -> list[str]:
    living.deploy(replicas=replicas)
    await living.settled()
    return sorted(living.names())


@pytest.mark.parametrize("status", [409, 410, 422, 429, 500, 503])
async def test_an_answer_is_given_as_often_as_asked(status: int) -> None:
    living = Living()
    living.world.mishaps.add({"kind": "answer", "status": status, "count": 2})
    answers = [await ask(living) for _ in range(3)]
    assert [answer.code if answer else None for answer in answers] == [status, status, None]
    assert living.world.mishaps.list() == []


async def test_429_says_how_long_to_wait() -> None:
    living = Living()
    living.world.mishaps.add({"kind": "answer", "status": 429, "retry_after": 3, "count": 1})
    answer = await ask(living)
    assert answer is not None and answer.details["retryAfterSeconds"] == 3


async def test_only_requests_that_fit_are_hit() -> None:
    living = Living()
    living.world.mishaps.add(
        {"kind": "answer", "status": 500, "verb": "patch", "path": "/pods/llm-.*", "count": 1}
    )
    assert await ask(living) is None
    assert await ask(living, verb="patch", path="/api/v1/namespaces/default/pods/other") is None
    assert await ask(living, verb="patch", path="/api/v1/namespaces/default/pods/llm-1") is not None


async def test_a_mishap_ends_with_its_time() -> None:
    living = Living()
    living.world.mishaps.add({"kind": "answer", "status": 500, "ttl": 10})
    assert await ask(living) is not None
    await living.step(11)
    assert await ask(living) is None and living.world.mishaps.list() == []


async def test_a_hang_holds_the_request_for_its_seconds() -> None:
    living = Living()
    living.world.mishaps.add({"kind": "hang", "seconds": 5, "count": 1})
    asking = asyncio.ensure_future(ask(living))
    await living.step(4)
    assert not asking.done()
    await living.step(2)
    assert asking.done() and asking.result() is None


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "earthquake"},
        {"kind": "answer", "status": 200},
        {"kind": "answer", "status": 500, "path": "("},
        {"kind": "answer", "status": 500, "count": 0},
        {"kind": "crash", "name": "nobody"},
        {"kind": "lose_node", "name": "nowhere"},
    ],
)
def test_a_body_that_makes_no_sense_is_refused_with_words(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"\w+"):
        Living().world.mishaps.add(body)


async def test_a_listed_mishap_can_be_removed() -> None:
    living = Living()
    first = await pool(living)
    made = living.world.mishaps.add({"kind": "unready", "name": first[0], "ttl": 100})
    assert [entry["id"] for entry in living.world.mishaps.list()] == [made["id"]]
    assert not is_ready(living.get("pods", first[0]))
    living.world.mishaps.remove(made["id"])
    assert is_ready(living.get("pods", first[0])) and living.world.mishaps.list() == []


async def test_flips_make_pods_unready_again_and_again() -> None:
    living = Living()
    await pool(living)
    living.world.mishaps.add({"kind": "flip", "labels": {"app": "llm"}, "every": 3, "for": 1, "ttl": 30})
    seen = []
    for _ in range(60):
        await living.step(0.5)
        seen.append(len(living.ready()))
    assert {2, 3} == set(seen) and seen.count(2) > 10
    await living.step(5)
    assert len(living.ready()) == 3


async def test_a_slow_start_lasts_longer_for_new_pods_only() -> None:
    living = Living()
    before = await pool(living)
    living.world.mishaps.add({"kind": "slow_start", "seconds": 60, "ttl": 30})
    living.scale("llm", 4)
    await living.step(50)
    assert sorted(pod["metadata"]["name"] for pod in living.ready()) == before
    await living.settled()


async def test_watches_are_cut_and_old_revisions_forgotten() -> None:
    living = Living()
    watch = living.store.watch(resource("pods"), user="someone")
    made = living.world.mishaps.add({"kind": "cut_watches", "resource": "pods"})
    assert made["cut"] == 1 and watch.closed
    living.world.mishaps.add({"kind": "compact"})
    with pytest.raises(ApiError) as refused:
        living.store.watch(resource("pods"), since=1001)
    assert refused.value.code == 410


async def test_the_same_seed_hits_the_same_pods() -> None:
    hit = []
    for _ in range(2):
        living = Living(seed=5)
        await pool(living, replicas=5)
        living.world.mishaps.add({"kind": "evict", "labels": {"app": "llm"}, "pods": 2})
        hit.append({pod["metadata"]["name"] for pod in living.pods() if pod["status"]["phase"] == "Failed"})
    assert len(hit[0]) == 2 and hit[0] == hit[1]


async def test_the_answer_of_a_write_that_was_carried_out_can_be_lost() -> None:
    living = Living()
    living.world.mishaps.add({"kind": "answer", "status": 500, "verb": "patch", "after": True, "count": 1})
    patch = Asked(verb="patch")
    assert await living.world.mishaps.before_request(patch) is None
    assert living.world.mishaps.withholds(patch) and not living.world.mishaps.withholds(Asked())
    assert (await living.world.mishaps.instead(patch)).code == 500
    assert not living.world.mishaps.withholds(patch)


async def test_a_stalled_pod_takes_requests_and_is_not_ready_until_it_goes_on() -> None:
    living = Living()
    name = (await pool(living, replicas=1))[0]
    made = living.world.mishaps.add({"kind": "stall", "name": name})
    call = Call(living.world.pod_app("default", name, 8000), "GET", "/v1/models")
    await living.until(lambda: not living.ready())
    assert not call.finished
    living.world.mishaps.remove(made["id"])
    await living.until(living.ready)
    assert call.finished and call.status == 200


DEAR = {"controller.kubernetes.io/pod-deletion-cost": "100"}


@pytest.mark.parametrize("ignored", [False, True])
async def test_only_the_cost_makes_the_free_pod_the_first_to_go(ignored: bool) -> None:
    living = Living(nodes=1)
    names = await pool(living, replicas=6)
    free = max(names, key=lambda name: living.get("pods", name)["metadata"]["uid"])
    for name in set(names) - {free}:
        living.change("pods", name, lambda obj: with_annotations(obj, DEAR))
    if ignored:
        living.world.mishaps.add({"kind": "ignore_cost"})
    await living.step(5)
    living.scale("llm", 5)
    await living.until(lambda: len(living.pods()) == 5)
    assert (free in living.names()) is ignored


async def test_a_second_deletion_with_less_grace_counts() -> None:
    living = Living()
    living.deploy(replicas=1, pod={"terminationGracePeriodSeconds": 100})
    await living.settled()
    name = sorted(living.names())[0]
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9000, "stream": True}
    Call(living.world.pod_app("default", name, 8000), "POST", "/v1/chat/completions", body)
    await living.step(1)
    living.delete("pods", name)
    await living.step(10)
    assert name in living.names()
    living.delete("pods", name, grace=2)
    await living.until(lambda: name not in living.names(), within=10)


async def test_only_the_requests_of_one_user_are_hit() -> None:
    living = Living()
    living.world.mishaps.add({"kind": "answer", "status": 500, "user": "portal"})
    assert await ask(living) is None
    assert await ask(living, user=User("portal")) is not None


async def test_one_users_watch_misses_events_and_another_hears_all() -> None:
    living = Living()
    names = await pool(living, replicas=1)
    watches = {user: living.store.watch(resource("pods"), user=user) for user in ("portal", "admin")}
    mishap = {"kind": "drop_events", "resource": "pods", "type": "MODIFIED", "user": "portal", "count": 1}
    living.world.mishaps.add(mishap)
    for business in ("production", "testing"):
        living.label(names[0], business=business)
    heard = {
        user: [labels_of(event.obj)["business"] for event in watch.drain()] for user, watch in watches.items()
    }
    assert heard == {"portal": ["testing"], "admin": ["production", "testing"]}
    assert living.world.mishaps.list() == []


async def test_only_one_users_watches_are_cut() -> None:
    living = Living()
    watches = {user: living.store.watch(resource("pods"), user=user) for user in ("portal", "admin")}
    cut = living.world.mishaps.add({"kind": "cut_watches", "user": "portal"})["cut"]
    assert cut == 1 and watches["portal"].closed and not watches["admin"].closed


async def test_a_quota_can_be_ignored_while_it_says_that_it_is_not() -> None:
    living = Living()
    await pool(living, replicas=1)
    body = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "fence"}}
    living.create("resourcequotas", {**body, "spec": {"hard": {"pods": "1"}}})
    await living.until(lambda: living.get("resourcequotas", "fence").get("status"))
    living.scale("llm", 2)
    await living.step(10)
    assert len(living.names()) == 1
    living.world.mishaps.add({"kind": "ignore_quota"})
    await living.until(lambda: len(living.names()) == 2, within=600)
    living.world.mishaps.clear()
    assert living.world.registry.obeys_quota
