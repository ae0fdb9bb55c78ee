"""The audit's pages: who sees what, filters, paging, detail."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Grant, Role, User
from apps.audit import context, selectors
from apps.audit.entries import Draft, Target, write
from apps.audit.models import AuditEntry, Outcome
from tests.plans import planned

ClientOf = Callable[[User], Client]


def make_entry(
    actor: str = "alice",
    name: str = "chat-1",
    cluster: str = "demo",
    outcome: Outcome = Outcome.DONE,
    **circumstances: Any,
) -> AuditEntry:
    draft = Draft(
        "pools.assign_pod", Target("pod", name, cluster=cluster), {"business": "old"}, {"business": "new"}
    )
    with context.bound(actor_name=actor, **circumstances):
        return write(draft, outcome, message="Because." if outcome != Outcome.DONE else "")


def rows(page: Any) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr id="audit-(\d+)"', page.content.decode())]


def older(page: Any) -> str:
    link = re.search(r'rel="next" href="(\?[^"]+)"', page.content.decode())
    return html.unescape(link[1]) if link else ""


def names(page: Any) -> list[str]:
    known = AuditEntry.objects.in_bulk(rows(page))
    return [known[pk].target_name for pk in rows(page)]


def listed(client: Client, query: str = "") -> list[str]:
    return names(client.get(f"/audit/{query}"))


def test_newest_entries_come_first(bob: User, client_of: ClientOf) -> None:
    for name in ("first", "second", "third"):
        make_entry(name=name)
    assert listed(client_of(bob)) == ["third", "second", "first"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?actor=mallory", ["b"]),
        ("?action=pools.assign_pod&outcome=denied", ["b"]),
        ("?object=special", ["a-special"]),
        ("?cluster=other", []),
        ("?outcome=done", ["c", "a-special"]),
        ("?since=2020-01-01T00:00&until=2020-01-02T00:00", []),
        ("?since=2020-01-01T00:00", ["c", "b", "a-special"]),
    ],
)
def test_filters_are_in_the_address(bob: User, client_of: ClientOf, query: str, expected: list[str]) -> None:
    make_entry(name="a-special")
    make_entry(name="b", actor="mallory", outcome=Outcome.DENIED)
    make_entry(name="c")
    assert listed(client_of(bob), query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "?since=yesterday",
        "?outcome=maybe",
        "?after=x",
        "?after=-1",
        "?action=none.such",
        "?actor=%00",
        "?object=" + "x" * 300,
    ],
)
def test_a_filter_that_makes_no_sense_is_an_error_beside_its_field(
    bob: User, client_of: ClientOf, query: str
) -> None:
    answer = client_of(bob).get(f"/audit/{query}")
    field, page = query.strip("?").partition("=")[0], answer.content.decode()
    assert answer.status_code == 422 and "This filter cannot be read" in page and "Clear filters" in page
    controls = re.findall(rf'<(?:input|select)[^>]*name="{field}"[^>]*>', page)
    assert len(controls) == (field != "after"), "the place of the page has no field that people see"
    assert all("is-invalid" in control for control in controls)


def test_pages_follow_each_other_without_gap_or_double_while_entries_come(
    bob: User, client_of: ClientOf
) -> None:
    client, wanted = (
        client_of(bob),
        [make_entry(name=f"pod-{number}").target_name for number in range(120)][::-1],
    )
    seen, query = [], ""
    while True:
        page = client.get(f"/audit/{query}")
        seen += names(page)
        make_entry(name="late")
        query = older(page)
        if not query:
            break
    assert seen == wanted


SORTS = {
    "time": ["b1", "a", "b2"],
    "person": ["b2", "a", "b1"],
    "-person": ["b1", "a", "b2"],
    "object": ["a", "b1", "b2"],
    "-object": ["b2", "b1", "a"],
    "outcome": ["b2", "b1", "a"],
    "-outcome": ["a", "b1", "b2"],
    "nonsense": ["b2", "a", "b1"],
}


@pytest.mark.parametrize(("sort", "expected"), SORTS.items())
def test_heads_sort_and_pages_follow_each_other_in_that_order(
    bob: User, client_of: ClientOf, sort: str, expected: list[str]
) -> None:
    make_entry(name="b1", actor="mallory", outcome=Outcome.DENIED)
    make_entry(name="a", actor="mallory", outcome=Outcome.FAILED)
    make_entry(name="b2", outcome=Outcome.DENIED)
    assert listed(client_of(bob), f"?sort={sort}") == expected
    seen, after = [], None
    while len(seen) < len(expected):
        page = selectors.page(selectors.entries(bob), sort=sort, after=after, size=1)
        seen, after = [*seen, *(entry.target_name for entry in page.entries)], page.next
    assert seen == expected and after is None


def test_a_head_leads_to_its_order_and_back_and_keeps_the_filter(bob: User, client_of: ClientOf) -> None:
    make_entry()
    html = client_of(bob).get("/audit/?actor=alice&sort=person").content.decode()
    assert 'href="?actor=alice&amp;sort=-person">Person' in html and 'aria-sort="ascending"' in html
    assert 'href="?actor=alice&amp;sort=object">Object' in html
    assert '<input type="hidden" name="sort" value="person">' in html


@pytest.mark.django_db
@pytest.mark.parametrize("sort", ["", "time", *selectors.SORTS, *(f"-{name}" for name in selectors.SORTS)])
def test_an_index_brings_every_order_so_that_a_long_audit_is_as_quick(root: User, sort: str) -> None:
    last = make_entry()
    order = selectors.order_of(sort)
    whole = selectors.entries(root).order_by(*order)
    for asked in (whole, whole.filter(selectors.behind(last, order))):
        assert "Sort" not in planned(asked[:50])


def test_entries_of_one_moment_are_not_lost_between_pages(bob: User, client_of: ClientOf) -> None:
    moment = timezone.now() - timedelta(hours=1)
    made = [
        AuditEntry.objects.create(at=moment, code="tests.some", outcome="done", cluster="demo").pk
        for _n in range(7)
    ]
    first = selectors.page(selectors.entries(bob), size=3)
    second = selectors.page(selectors.entries(bob), size=3, after=first.next)
    third = selectors.page(selectors.entries(bob), size=3, after=second.next)
    assert [entry.pk for page in (first, second, third) for entry in page.entries] == made[::-1]
    assert third.next is None


def test_people_see_their_clusters_and_themselves(charlie: User, root: User, client_of: ClientOf) -> None:
    Grant.objects.create(user=charlie, role=Role.VIEWER, cluster="east")
    make_entry(name="here", cluster="east")
    other = make_entry(name="elsewhere", cluster="west")
    make_entry(name="of nobody's cluster", cluster="")
    make_entry(name="charlie's own", cluster="", actor="charlie", actor_id=charlie.pk)
    assert listed(client_of(charlie)) == ["charlie's own", "here"]
    assert client_of(charlie).get(f"/audit/{other.pk}/").status_code == 404
    assert len(listed(client_of(root))) == 4


def test_the_detail_shows_before_after_and_the_rest_of_the_request(bob: User, client_of: ClientOf) -> None:
    entry = make_entry(request_id="r-1", reason="load test", ip="10.0.0.7", outcome=Outcome.FAILED)
    sibling, foreign = (
        make_entry(name="chat-2", request_id="r-1"),
        make_entry(name="chat-3", request_id="r-2"),
    )
    page = client_of(bob).get(f"/audit/{entry.pk}/").content.decode()
    for words in ("old", "new", "load test", "10.0.0.7", "Because.", f"/audit/{sibling.pk}/"):
        assert words in page
    assert f"/audit/{foreign.pk}/" not in page


def test_an_entry_leads_to_its_operation(bob: User, client_of: ClientOf) -> None:
    entry = make_entry(operation_id="4711")
    for page in ("/audit/", f"/audit/{entry.pk}/"):
        assert 'href="/operations/4711/"' in client_of(bob).get(page).content.decode()


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "{{ 7*7 }}", "'; DROP TABLE x; --", "%s%(x)s"]
)
def test_hostile_names_stay_text(bob: User, client_of: ClientOf, hostile: str) -> None:
    entry = make_entry(name=hostile, actor=hostile, reason=hostile)
    for page in ("/audit/", f"/audit/{entry.pk}/"):
        body = client_of(bob).get(page).content.decode()
        assert "<script>alert" not in body and ">49<" not in body
    assert listed(client_of(bob), "?object=%25") == (["%s%(x)s"] if hostile.startswith("%") else [])


def test_an_empty_audit_says_what_will_be_here(bob: User, client_of: ClientOf) -> None:
    assert "Nothing has been changed yet" in client_of(bob).get("/audit/").content.decode()
    assert "No entry fits these filters" in client_of(bob).get("/audit/?actor=x").content.decode()


def test_the_cost_of_a_page_does_not_grow_with_its_entries(
    bob: User, client_of: ClientOf, django_assert_max_num_queries: Any
) -> None:
    client = client_of(bob)
    for number in range(60):
        make_entry(name=f"pod-{number}", operation_id="7")
    with django_assert_max_num_queries(12):
        client.get("/audit/")
