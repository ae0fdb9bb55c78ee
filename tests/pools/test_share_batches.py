"""Distributions and undos on a pool with shares: asked about as a move is, answered when pods have moved."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.gateways import labels
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from apps.pools.distribution.actions import How, distribute_pods, preview
from apps.pools.distribution.planner import Move
from apps.pools.distribution.wanted import Wanted
from apps.pools.history.actions import undo_changes
from apps.pools.models import Share, ShareException
from apps.pools.shares.asking import Answer, BadMinutes, NeedsShare
from apps.pools.shares.batches import away
from apps.pools.shares.entitlement import Rule
from apps.pools.shares.wishes import ShareWish
from tests.inference.real import finish, lines
from tests.pools.sharing import pods, shared, split
from tests.pools.test_share_keeping import keep, share, until_split
from tests.pools.world import World

ClientOf = Callable[[User], Client]
THREE_ONE = Wanted({"production": 3, "testing": 1})
PARTS = {"weight-production": "3", "weight-testing": "1"}


def test_only_moves_that_the_shares_would_not_make_are_asked_about() -> None:
    kept = (Rule("production", count=2), Rule("testing", count=1))
    found = shared(pods(production=1, testing=2, unassigned=2), *kept)
    fits = [Move("testing-0", "testing", "production")]
    strays = [Move("unassigned-0", labels.UNASSIGNED, "production"), Move("testing-1", "testing", "batch")]
    assert list(away(found, [*fits, *strays])) == strays
    assert list(away(found, [Move("unassigned-0", labels.UNASSIGNED, "batch")])) == []


@pytest.fixture
def kept(world: World, alice: User) -> World:
    """A pool of four whose shares, two pods for production and the rest for testing, are kept."""
    world.mirror()
    share(world, alice, ShareWish("production", count=2, floor=1), ShareWish("testing", weight=1), dwell=0)
    until_split(world, production=2, testing=2)
    world.mirror()
    return world


def begin(world: World, by: User, how: str, minutes: int = 30) -> Operation:
    answer = How(drain=False, share=Answer(how, minutes))  # type: ignore[arg-type]  # a test may say anything
    begun = distribute_pods(by=by, pool=world.target, wanted=THREE_ONE, how=answer)
    assert begun.operation is not None
    return begun.operation


def done(operation: Operation) -> str:
    """The change's name in the history."""
    ended = finish(operation)
    assert ended.status == OperationStatus.SUCCEEDED, (ended.message, lines(ended))
    return f"operation-{operation.pk}"


def rules() -> dict[str, tuple[int | None, int | None]]:
    """Count and weight of each business."""
    found = Share.objects.values_list("business", "count", "weight")
    return {business: (count, weight) for business, count, weight in found}


def test_the_shares_become_what_was_shared_out_and_undo_asks_again(kept: World, alice: User) -> None:
    with pytest.raises(NeedsShare, match="would take 1 pod back"):
        begin(kept, alice, "")
    assert not Operation.objects.exists()
    change = done(begin(kept, alice, "change"))
    assert rules() == {"production": (3, None), "testing": (None, 1)}
    assert keep(kept).done == [] and split(kept.pods()) == {"production": 3, "testing": 1}
    with pytest.raises(NeedsShare):
        undo_changes(by=alice, pool=kept.target, change=change, drain=False)
    done(undo_changes(by=alice, pool=kept.target, change=change, drain=False, share=Answer("change")))
    assert rules() == {"production": (2, None), "testing": (None, 2)}
    assert keep(kept).done == [] and split(kept.pods()) == {"production": 2, "testing": 2}


def test_an_exception_keeps_what_was_shared_out_for_a_while(kept: World, alice: User) -> None:
    with pytest.raises(BadMinutes):
        begin(kept, alice, "exception", 0)
    done(begin(kept, alice, "exception"))
    made = ShareException.objects.get()
    assert (made.origin, made.business, made.by) == ("testing", "production", "alice")
    assert keep(kept).done == [] and rules()["production"] == (2, None)
    ShareException.objects.all().delete()
    until_split(kept, production=2, testing=2)


def test_shares_stay_as_they_were_where_the_distribution_fails(kept: World, alice: User) -> None:
    operation = begin(kept, alice, "change")
    kept.outside.delete("services", "llm-production", namespace=kept.namespace)
    assert finish(operation).status == OperationStatus.FAILED
    assert rules() == {"production": (2, None), "testing": (None, 1)}
    assert not ShareException.objects.exists()


def address(world: World, name: str) -> str:
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    return reverse(name, kwargs=place)


def ask(client: Client, world: World, **more: Any) -> Any:
    body = orjson.dumps({"ratios": dict(THREE_ONE.weights), "drain": False, **more})
    return client.post(address(world, "api:pool_distribute"), body, content_type="application/json")


def test_page_and_api_ask_what_becomes_of_the_shares(kept: World, client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    page = client.get(address(kept, "pools:distribute"), PARTS).content.decode()
    assert "would take 1 pod back" in page and re.search(r'name="share" value="exception" checked', page)
    silent = client.post(address(kept, "pools:distribute_start"), PARTS, headers={"HX-Request": "true"})
    assert silent.status_code == 422 and "would take 1 pod back" in silent.content.decode()
    assert "would take 1 pod back" in ask(client, kept, dryRun=True).json()["shareQuestion"]
    refused = ask(client, kept)
    assert (refused.status_code, refused.json()["code"]) == (409, "needs_share")
    begun = ask(client, kept, share="exception", minutes=5).json()
    change = done(Operation.objects.get(pk=begun["operation"]))
    kept.mirror()
    shown = client.get(address(kept, "pools:history_undo"), {"change": change}).content.decode()
    assert 'name="share"' not in shown, "back to the shares needs no answer"
    assert preview(kept.target, THREE_ONE).strays == ()
