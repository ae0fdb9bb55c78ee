"""Fragments on a page, alone at their URL, and their rows."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from apps.accounts import policy
from apps.accounts.models import User
from apps.live import fragments, frames, render
from apps.live.viewers import Viewer, viewer_of
from tests.live import parts
from tests.live.conftest import token

Log = Callable[[User], Client]


def page(user: User, client: Client, **context: Any) -> str:
    request = RequestFactory().get("/")
    request.user, request.session = user, client.session
    return render_to_string("live_test/page.html", {"cluster_id": 1, **context}, request=request)


def tokens_of(html: str) -> list[str]:
    return re.findall(r'data-live="([^"]+)"', html)


def test_the_page_and_the_url_show_the_same(bob: User, client_of: Log) -> None:
    parts.set_pods(1, "a", "b")
    client = client_of(bob)
    html = page(bob, client)
    alone = client.get(f"/live/fragment/{tokens_of(html)[0]}/").content.decode()
    assert "<td>a</td>" in alone
    assert alone in html


def test_a_finished_fragment_ends_the_polling(bob: User, client_of: Log) -> None:
    client = client_of(bob)
    html = page(bob, client, cluster_id=99)
    answers = [client.get(f"/live/fragment/{each}/").status_code for each in tokens_of(html)]
    assert answers == [200, 286]


def test_a_token_is_of_no_use_to_others(alice: User, bob: User, client_of: Log) -> None:
    client = client_of(bob)
    signed = tokens_of(page(bob, client))[0]
    assert client_of(alice).get(f"/live/fragment/{signed}/").status_code == 404
    assert client_of(bob).get(f"/live/fragment/{signed}/").status_code == 404
    assert client.get(f"/live/fragment/{signed[:-3]}xyz/").status_code == 404
    assert client.post(f"/live/fragment/{signed}/").status_code == 405
    assert client.get(f"/live/stream/{signed}/").status_code == 404


def test_a_refused_fragment_is_refused_at_its_url(bob: User, client_of: Log) -> None:
    client = client_of(bob)
    session = client.session.session_key or ""
    signed = token(bob, session, "live_test.secret", "secret", cluster_id=1)
    assert client.get(f"/live/fragment/{signed}/").status_code == 403


def test_a_page_does_not_render_what_its_reader_may_not_see(charlie: User, client_of: Log) -> None:
    with pytest.raises(PermissionDenied, match="viewers"):
        page(charlie, client_of(charlie))


def test_a_stream_is_read_on_by_its_url(bob: User, client_of: Log) -> None:
    parts.write_lines(1, 1, 700)
    client = client_of(bob)
    signed = token(
        bob, client.session.session_key or "", "live_test.lines", "lines", kind="stream", cluster_id=1
    )
    first = client.get(f"/live/stream/{signed}/")
    rest = client.get(f"/live/stream/{signed}/", {"cursor": first["X-Cursor"]})
    assert (first["X-Cursor"], rest["X-Cursor"]) == ("500", "700")
    assert first.content.count(b"<p>") + rest.content.count(b"<p>") == 700
    assert [
        client.get(f"/live/stream/{signed}/", {"cursor": bad}).status_code for bad in ("-1", "x", "9" * 30)
    ] == [422] * 3


def test_rows_are_rendered_once_per_state_and_role(alice: User, bob: User) -> None:
    parts.set_pods(1, "a", "b")
    before = render.memo.misses
    for user in (bob, bob, alice, bob, alice):
        render.render(parts.PODS, viewer_of(user), {"cluster_id": 1}, "pods")
    assert render.memo.misses - before == 4
    parts.change(1, "a", 5, "Failed")
    html = render.render(parts.PODS, viewer_of(bob), {"cluster_id": 1}, "pods").html()
    assert render.memo.misses - before == 5
    assert "Failed" in html


def test_the_memo_is_bounded() -> None:
    memo = render.Memo(size=3)
    for number in range(10):
        memo.put(number, str(number))
    assert [memo.get(number) for number in (0, 6, 7, 8, 9)] == [None, None, "7", "8", "9"]


def test_text_of_a_cluster_cannot_stand_for_rows() -> None:
    shown = render.Rendered(
        f"<p>\ue000rows-guess:\ue000</p>{render.rows_here()}", rows={"row-1": "<tr></tr>"}
    )
    assert shown.html() == "<p>\ue000rows-guess:\ue000</p><tr></tr>"


def test_a_row_whose_template_forgot_its_id_sends_the_whole() -> None:
    before = render.Rendered("shell", {"row-1": "<tr><td>1</td></tr>"})
    after = render.Rendered("shell", {"row-1": "<tr><td>2</td></tr>"})
    assert frames.difference("part", before, after) == frames.whole("part", after)


def test_table_rows_travel_alone() -> None:
    before = render.Rendered("s", {"r": '<tr id="r">1</tr>'}, '<span id="n">1</span>', "n")
    after = render.Rendered("s", {"r": '<tr id="r">2</tr>'}, '<span id="n">2</span>', "n")
    assert frames.difference("part", before, after) == [
        '<tr id="r" hx-swap-oob="true">2</tr>',
        '<span id="n" hx-swap-oob="true">2</span>',
    ]


def test_viewers_with_equal_rights_are_the_same_viewer(alice: User, bob: User, root: User) -> None:
    keys = {user.username: viewer_of(user) for user in (alice, bob, root)}
    assert len(set(keys.values())) == 3
    assert Viewer(policy.role_key(bob), "en") == keys["bob"]
    assert Viewer(policy.role_key(bob), "de") != keys["bob"]


def test_a_fragment_is_registered_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        fragments.register(
            fragments.Fragment("live_test.pods", "", parts.pods, parts.pods_topics, parts.VIEW)
        )


def cards(shell: str, **places: str) -> render.Rendered:
    rows = {name: f'<li id="{name}">{name} in {place}</li>' for name, place in places.items()}
    return render.Rendered(shell=shell, rows=rows, places=places)


def board() -> str:
    return f'<ol id="left">{render.rows_here("left")}</ol><ol id="right">{render.rows_here("right")}</ol>'


def test_rows_with_places_stand_in_their_lists() -> None:
    html = cards(board(), a="left", b="right", c="left").html()
    assert '<ol id="left"><li id="a">a in left</li><li id="c">c in left</li></ol>' in html
    assert '<ol id="right"><li id="b">b in right</li></ol>' in html


def test_a_row_that_changes_its_place_comes_or_goes_travels_alone() -> None:
    before = cards(board(), a="left", b="left", c="right")
    [frame] = frames.difference("board", before, cards(board(), a="right", c="right", d="left"))
    assert '<li id="a" hx-swap-oob="true">a in right</li>' in frame
    assert '<div id="b" hx-swap-oob="delete"></div>' in frame
    assert '<div hx-swap-oob="beforeend:#left"><li id="d">d in left</li></div>' in frame
    assert "in right" in frame and 'id="c"' not in frame
    assert frames.difference("board", before, before) == []


def test_another_list_brings_the_whole_board() -> None:
    wider = board() + f'<ol id="new">{render.rows_here("new")}</ol>'
    assert len(frames.difference("board", cards(board(), a="left"), cards(wider, a="new"))) == 1
    assert 'hx-swap-oob="innerHTML"' in frames.difference("b", cards(board(), a="left"), cards(wider))[0]
