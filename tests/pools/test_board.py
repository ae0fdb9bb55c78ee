"""The board: where a pod's card stands and what it says, and moves of several cards at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from apps.live import frames
from apps.live.fragments import fragment_named
from apps.live.models import SyncState
from apps.live.render import Rendered, render
from apps.live.viewers import viewer_of
from apps.operations.models import Operation
from apps.pools.board.moving import MOST
from apps.pools.load import polling
from apps.pools.models import Holding, Intent, NodePrice, ShareException
from apps.pools.shares.actions import set_shares, switch_shares
from apps.pools.shares.wishes import SharesWish, ShareWish
from tests.pools.world import World, assign

ClientOf = Callable[[User], Client]


@pytest.fixture(autouse=True)
def seen(world: World) -> None:
    world.mirror()


def move(client: Client, world: World, pods: list[str], business: str, **more: Any) -> Any:
    origins = ["unassigned"] * len(pods)
    return send(client, world, {"pod": pods, "origin": origins, "business": business, **more})


def send(client: Client, world: World, data: dict[str, Any]) -> Any:
    place = {"cluster": world.cluster.slug, "namespace": world.namespace, "name": world.pool}
    data = {"how": "now", **data}
    return client.post(reverse("pools:board_move", kwargs=place), data, HTTP_HX_REQUEST="true")


def board(world: World, user: User) -> Rendered:
    """The board's region as these viewers see what the mirror knows."""
    args = {"cluster": world.cluster.slug, "namespace": world.namespace, "pool": world.pool}
    return render(fragment_named("pools.board"), viewer_of(user, world.cluster.slug), args, "board")


def card(shown: Rendered, pod: str) -> str:
    return next(html for html in shown.rows.values() if f'data-pod="{pod}"' in html)


def column_of(shown: Rendered, business: str) -> str:
    """The id of a business' list of cards."""
    return shown.shell.split(f'data-business="{business}"')[1].split('data-list="')[1].split('"')[0]


def test_every_business_has_a_column_and_every_pod_a_card(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    world.mirror()
    shown = board(world, alice)
    assert shown.shell.count("board-column") == 3 and len(shown.rows) == 3 + 4
    assert f'data-place="{column_of(shown, "production")}"' in card(shown, name)
    assert "1 of 1 Ready" in shown.html() and "3 of 3 Ready" in shown.html()


def test_a_viewer_gets_cards_that_cannot_be_moved(world: World, bob: User) -> None:
    html = board(world, bob).html()
    assert "draggable" not in html and "data-board-menu" not in html and world.names()[0] in html


def test_several_pods_move_as_one_batch(world: World, client_of: ClientOf, alice: User) -> None:
    names = world.names()[:3]
    answer = move(client_of(alice), world, names, "production", reason="peak")
    assert answer.status_code == 200
    assert [each["state"] for each in answer.json()["moves"]] == ["done"] * 3
    assert [world.business_of(name) for name in names] == ["production"] * 3
    assert set(Intent.objects.values_list("batch", "reason")) == {(answer.json()["batch"], "peak")}
    assert AuditEntry.objects.filter(code="pools.assign_pod", outcome="done").count() == 3


def test_a_move_pushes_its_card_and_two_heads_and_nothing_else(world: World, alice: User) -> None:
    before = board(world, alice)
    name = world.names()[0]
    assign(world, alice, name, "production")
    world.mirror()
    [frame] = frames.difference("board", before, board(world, alice))
    assert frame.count('hx-swap-oob="true"') == 3 and f'data-pod="{name}"' in frame
    assert not any(other in frame for other in world.names() if other != name)


def test_each_loser_of_a_batch_gets_its_own_reason(
    world: World, client_of: ClientOf, alice: User, root: User
) -> None:
    gone, taken, free = "llm-gone-12345", *world.names()[:2]
    assign(world, root, taken, "testing")
    answer = move(client_of(alice), world, [gone, taken, free], "production")
    moves = {each["pod"]: each for each in answer.json()["moves"]}
    assert answer.status_code == 200 and moves[free]["state"] == "done"
    assert (moves[gone]["code"], moves[taken]["code"]) == ("unknown_pod", "moved")
    assert "moved by root" in moves[taken]["words"] and world.business_of(taken) == "testing"


def test_a_move_that_harms_is_asked_about_and_nothing_moved(
    world: World, client_of: ClientOf, alice: User
) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    question = move(client_of(alice), world, [name], "testing", origin=["production"])
    [answer] = question.json()["moves"]
    assert question.status_code == 200 and answer["ask"] and "last pod that serves" in answer["words"]
    done = move(client_of(alice), world, [name], "testing", origin=["production"], force="on")
    assert done.status_code == 200 and world.business_of(name) == "testing"


def test_a_drained_move_shows_its_progress_on_the_card(
    world: World, client_of: ClientOf, alice: User
) -> None:
    name = world.names()[0]
    answer = move(client_of(alice), world, [name], "production", how="drained")
    [told] = answer.json()["moves"]
    operation = Operation.objects.get()
    assert (told["state"], told["operation"]) == ("draining", operation.pk)
    assert operation.params["batch"] == answer.json()["batch"]


def test_a_draining_pod_stays_in_its_column_and_says_where_it_goes(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    world.relabel(name, "draining")
    world.mirror()
    Intent.objects.update(origin="production", business="draining", goal="testing", operation_id="7")
    shown = card(board(world, alice), name)
    assert "draining" in shown and "→ testing" in shown and "/operations/7/" in shown
    assert column_of(board(world, alice), "production") in shown and 'draggable="true"' not in shown


def test_a_card_says_what_the_pod_waits_for(world: World, alice: User) -> None:
    name = world.names()[0]
    assign(world, alice, name, "production")
    world.mirror()
    Intent.objects.update(switched_at=None)
    assert "waiting for endpoints" in card(board(world, alice), name)
    Intent.objects.update(switched_at=Intent.objects.get().made_at)
    assert "serving" in card(board(world, alice), name)
    assert "free" in card(board(world, alice), world.names()[1])


def test_a_column_says_what_its_pods_cost_an_hour(world: World, alice: User) -> None:
    assign(world, alice, world.names()[0], "production")
    world.mirror()
    assert "an hour" not in board(world, alice).html()
    Holding.objects.update(instance_type="ml.p5.48xlarge", node_gpus=8, gpus=1)
    NodePrice.objects.create(instance_type="ml.p5.48xlarge", price=80)
    html = board(world, alice).html()
    assert "10.00 USD an hour" in html and "30.00 USD an hour" in html and "and more" not in html


def test_a_business_without_a_service_has_a_column_that_says_so(world: World, alice: User) -> None:
    world.relabel(world.names()[0], "forgotten.team")
    world.mirror()
    shown = board(world, alice)
    assert "No service leads here." in shown.html() and column_of(shown, "forgotten.team")


def test_a_viewer_moves_nothing_and_the_audit_knows(world: World, client_of: ClientOf, bob: User) -> None:
    client, name = client_of(bob), world.names()[0]
    assert move(client, world, [name], "production").status_code == 403
    assert move(client, world, [], "production").status_code == 403
    assert world.business_of(name) == "unassigned"
    assert set(AuditEntry.objects.values_list("code", "outcome")) == {("pools.assign_pod", "denied")}


def test_nothing_moves_by_a_board_that_is_out_of_date(
    world: World, client_of: ClientOf, alice: User, bob: User
) -> None:
    SyncState.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    refused = move(client_of(alice), world, world.names()[:1], "production")
    assert refused.status_code == 503 and "Nothing was moved" in refused.json()["error"]
    assert move(client_of(bob), world, world.names()[:1], "production").status_code == 403
    assert not Intent.objects.exists()


WRONG: tuple[dict[str, Any], ...] = (
    {"pod": []},
    {"pod": ["a"] * (MOST + 1), "origin": [""] * (MOST + 1)},
    {"pod": ["a" * 254]},
    {"pod": ["a", "b"]},
    {"business": ""},
    {"how": "slowly"},
    {"timeout": "0"},
    {"timeout": "3601"},
    {"reason": "x" * 501},
)


def test_what_cannot_be_read_moves_nothing(world: World, client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    good = {"pod": [world.names()[0]], "origin": ["unassigned"], "business": "production"}
    for wrong in WRONG:
        answer = send(client, world, {**good, **wrong})
        assert answer.status_code == 422 and answer.json()["error"], wrong
    assert not Intent.objects.exists()


def test_reserved_and_unknown_businesses_are_refused_in_words(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client, name = client_of(alice), world.names()[0]
    for business in ("draining", "retiring", "nobody", "<b>{{ 7*7 }}</b>", "a b"):
        answer = move(client, world, [name], business)
        [told] = answer.json()["moves"]
        assert answer.status_code == 200 and told["code"] == "unknown_business" and not told["ask"]
    assert not Intent.objects.exists()


def test_a_move_that_strays_from_the_shares_asks_what_becomes_of_them(
    world: World, client_of: ClientOf, alice: User
) -> None:
    client, (lent, free, *_rest) = client_of(alice), world.names()
    assign(world, alice, lent, "production")
    set_shares(by=alice, pool=world.target, wish=SharesWish([ShareWish("production", 1, None, 0)]))
    switch_shares(by=alice, pool=world.target, enabled=True)
    [asked] = move(client, world, [free], "production").json()["moves"]
    assert (asked["code"], asked["ask"]) == ("needs_share", True)
    answered = move(client, world, [free], "production", share="exception", minutes="5")
    assert answered.json()["moves"][0]["state"] == "done" and world.business_of(free) == "production"
    assert ShareException.objects.get().pod_name == free
    assert "share: 1 pod" in board(world, alice).html()


def api(client: Client, world: World, part: str, body: dict[str, Any] | None = None) -> Any:
    address = f"/api/c/{world.cluster.slug}/pools/{world.namespace}/{world.pool}/{part}"
    return client.get(address) if body is None else client.post(address, body, "application/json")


def test_programs_move_several_pods_and_are_told_of_each(
    world: World, client_of: ClientOf, alice: User, bob: User
) -> None:
    first = world.names()[0]
    wish = {"pods": [{"name": first, "from": "unassigned"}, {"name": "nobody"}], "business": "production"}
    answer = api(client_of(alice), world, "moves", wish)
    assert answer.status_code == 200 and answer.json()["success"]
    assert [each["state"] for each in answer.json()["moves"]] == ["done", "refused"]
    again = api(client_of(alice), world, "moves", wish)
    assert again.status_code == 409 and not again.json()["success"]
    assert [each["code"] for each in again.json()["moves"]] == ["moved", "unknown_pod"]
    assert api(client_of(bob), world, "moves", wish).status_code == 403


def test_programs_read_the_load_of_pods_and_businesses(world: World, client_of: ClientOf, bob: User) -> None:
    polling.poll(world.cluster.pk, world.portal)
    told = api(client_of(bob), world, "load").json()
    assert [each["name"] for each in told["pods"]] == world.names()
    assert told["businesses"] == [{**told["pods"][0], "name": "unassigned"}]
