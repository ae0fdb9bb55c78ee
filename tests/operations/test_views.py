"""The pages: who sees what, filters, the log as a file, cancel and retry."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

from apps.accounts.models import Grant, Role, User
from apps.audit.models import AuditEntry
from apps.live.viewers import viewer_of
from apps.operations import lines, runner, selectors
from apps.operations.models import Operation
from apps.operations.statuses import OperationStatus
from tests.operations import samples
from tests.operations.helpers import place, start
from tests.plans import planned

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[[User], Client]


def page(name: str, operation: Operation) -> str:
    return reverse(f"operations:{name}", args=[operation.pk])


def test_the_list_shows_state_person_target_and_filters(alice: User, root: User, client_of: ClientOf) -> None:
    mine = start(alice, samples.greet, on=place("mine"), name="Ada")
    runner.execute(start(root, samples.greet, on=place("theirs"), name="Ada").pk)
    everything = client_of(alice).get(reverse("operations:list")).content.decode()
    active = client_of(alice).get(reverse("operations:list"), {"state": "active"}).content.decode()
    persons = client_of(alice).get(reverse("operations:list"), {"person": "root"}).content.decode()
    assert "mine" in everything and "theirs" in everything and page("detail", mine) in everything
    assert "theirs" not in active and "theirs" in persons and page("detail", mine) not in persons


def shown(client: Client, **query: str) -> list[str]:
    html = client.get(reverse("operations:list"), query).content.decode()
    return re.findall(r'<tr id="operation-(\d+)-row"', html)


def numbers(*rows: Operation) -> list[str]:
    return [str(row.pk) for row in rows]


def test_what_is_at_work_comes_first_then_the_newest(alice: User, client_of: ClientOf) -> None:
    at_work, earlier, later = (start(alice, samples.greet, name="Ada") for _number in range(3))
    for row in (earlier, later):
        runner.execute(row.pk)
    assert shown(client_of(alice)) == numbers(at_work, later, earlier)


def test_work_time_and_target_filter_too(alice: User, client_of: ClientOf) -> None:
    old, said = start(alice, samples.greet, on=place("odd"), name="A"), start(alice, samples.say, texts=["x"])
    Operation.objects.filter(pk=old.pk).update(created_at=datetime(2020, 1, 2, tzinfo=UTC))
    client = client_of(alice)
    assert shown(client, work=said.runner) == numbers(said)
    assert shown(client, since="2020-01-01T00:00", until="2020-01-03T00:00") == numbers(old)
    assert shown(client, since="2021-01-01T00:00") == numbers(said)
    assert shown(client, target="od") == numbers(old)


def test_heads_sort_both_ways(alice: User, client_of: ClientOf) -> None:
    named = {
        "b": start(alice, samples.greet, on=place("b"), name="Ada"),
        "c": start(alice, samples.say, on=place("c"), texts=["x"]),
        "a": start(alice, samples.greet, on=place("a"), name="Ada"),
    }
    runner.execute(named["c"].pk)
    client = client_of(alice)
    for sort, expected in (("number", "bca"), ("title", "bac"), ("target", "abc"), ("took", "cba")):
        wanted = numbers(*(named[name] for name in expected))
        assert shown(client, sort=sort) == wanted and shown(client, sort=f"-{sort}") == wanted[::-1]
    assert shown(client, sort="nonsense") == shown(client) == numbers(named["a"], named["b"], named["c"])


def test_a_head_keeps_the_filter_and_says_how_it_is_sorted(alice: User, client_of: ClientOf) -> None:
    start(alice, samples.greet, name="Ada")
    asked = {"person": "alice", "sort": "target", "state": "active"}
    html = client_of(alice).get(reverse("operations:list"), asked).content.decode()
    assert 'href="?state=active&amp;person=alice&amp;sort=-target">Target' in html
    assert 'aria-sort="ascending"' in html and '<input type="hidden" name="sort" value="target">' in html


@pytest.mark.parametrize("sort", ["", *selectors.SORTS, *(f"-{name}" for name in selectors.SORTS)])
def test_an_index_brings_every_order_so_that_a_long_history_is_as_quick(root: User, sort: str) -> None:
    found = selectors.listed(viewer_of(root).role_key, selectors.Filter(), sort=sort)
    assert "Sort" not in planned(found[:50])


def test_each_state_says_how_many_there_are_within_the_rest_of_the_filter(
    alice: User, root: User, client_of: ClientOf
) -> None:
    start(alice, samples.greet, name="Ada")
    runner.execute(start(alice, samples.greet, name="Ada").pk)
    runner.execute(start(root, samples.greet, name="Ada").pk)
    html = client_of(alice).get(reverse("operations:list"), {"person": "alice"}).content.decode()
    chips = dict(re.findall(r'person=alice&amp;state=(\w*)">.*?-lt ms-2">(\d+)<', html))
    assert chips == {"": "2", "active": "1", "queued": "1", "succeeded": "1"}


def test_the_page_leads_to_other_work_on_the_same_target(alice: User, client_of: ClientOf) -> None:
    first = start(alice, samples.greet, on=place("mine"), name="Ada")
    foreign = start(alice, samples.greet, on=place("other"), name="Ada")
    runner.execute(first.pk)
    second = start(alice, samples.greet, on=place("mine"), name="Ada")
    html = client_of(alice).get(page("detail", second)).content.decode()
    assert f'href="{page("detail", first)}"' in html and f'href="{page("detail", foreign)}"' not in html


def test_a_cancel_says_why_in_the_audit(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    assert 'name="reason"' in client_of(alice).get(page("detail", operation)).content.decode()
    client_of(alice).post(page("cancel", operation), {"reason": "wrong model"})
    assert AuditEntry.objects.get(code="operations.cancel").reason == "wrong model"


def test_who_may_not_cancel_sees_the_control_and_who_may(alice: User, bob: User, client_of: ClientOf) -> None:
    html = client_of(bob).get(page("detail", start(alice, samples.greet, name="Ada"))).content.decode()
    assert "Operators may cancel their own operations, admins all." in html and 'name="reason"' not in html


def test_a_wrong_filter_is_a_clear_error(alice: User, client_of: ClientOf) -> None:
    for wrong in ({"state": "x"}, {"page": "41"}, {"page": "x"}, {"work": "no.such"}, {"since": "x"}):
        assert client_of(alice).get(reverse("operations:list"), wrong).status_code == 422


def test_the_page_tells_who_what_why_steps_lines_and_audit(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="<b>Ada</b>")
    runner.execute(operation.pk)
    html = client_of(alice).get(page("detail", operation)).content.decode()
    for text in (
        "Greet",
        "for the test",
        "Measure",
        "Hello &lt;b&gt;Ada&lt;/b&gt;",
        "Succeeded",
        "tests.begin",
    ):
        assert text in html
    assert "<b>Ada" not in html


def test_an_operation_of_an_unseen_cluster_is_not_there(
    alice: User, charlie: User, client_of: ClientOf
) -> None:
    operation = start(alice, samples.greet, name="Ada")
    Grant.objects.create(user=charlie, role=Role.ADMIN, cluster="other")
    for name in ("detail", "log"):
        assert client_of(charlie).get(page(name, operation)).status_code == 404
    assert client_of(charlie).post(page("cancel", operation)).status_code == 404
    assert (
        page("detail", operation) not in client_of(charlie).get(reverse("operations:list")).content.decode()
    )


def test_cancelling_from_the_page(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    answer = client_of(alice).post(page("cancel", operation), headers={"HX-Request": "true"})
    operation.refresh_from_db()
    assert answer.status_code == 204 and "Cancelled." in answer.headers["HX-Trigger"]
    assert operation.status == OperationStatus.CANCELLED
    assert client_of(alice).post(page("cancel", operation)).status_code == 409


def test_viewers_and_other_operators_may_not_cancel(alice: User, bob: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    dora = User.objects.create_user("dora")
    Grant.objects.create(user=dora, role=Role.OPERATOR)
    for person in (bob, dora):
        assert client_of(person).post(page("cancel", operation)).status_code == 403
    operation.refresh_from_db()
    assert operation.status == OperationStatus.QUEUED
    assert AuditEntry.objects.filter(code="operations.cancel", outcome="denied").count() == 2


def test_an_admin_may_cancel_for_others(alice: User, root: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    assert client_of(root).post(page("cancel", operation)).status_code == 302
    operation.refresh_from_db()
    assert operation.message == "Cancelled by root."


def test_a_retry_leads_to_the_new_operation(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.fail, how="words")
    runner.execute(operation.pk)
    answer = client_of(alice).post(page("retry", operation))
    assert answer.status_code == 302 and answer.headers["Location"] == page("detail", operation.retries.get())


def test_cancel_and_retry_take_post_only(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    for name in ("cancel", "retry"):
        assert client_of(alice).get(page(name, operation)).status_code == 405


def test_the_log_page_begins_near_the_end_of_a_long_log(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.say, texts=[f"line {n}" for n in range(1200)])
    runner.execute(operation.pk)
    html = client_of(alice).get(page("detail", operation)).content.decode()
    whole = client_of(alice).get(page("detail", operation), {"after": "0"}).content.decode()
    assert "line 1199<" in html and "line 699<" not in html and "line 0<" in whole


async def test_the_whole_log_is_downloaded_as_a_stream(alice: User) -> None:
    operation = await Operation.objects.acreate(
        runner="x",
        title="x",
        queue="quick",
        target_kind="x",
        target_name="x",
        actor_name="alice",
        last_seq=5000,
    )
    await write(operation, 5000)
    client = AsyncClient()
    await client.aforce_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    answer = await client.get(page("log", operation))
    text = b"".join([part async for part in answer.streaming_content]).decode()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="operation-{operation.pk}.log"'
    assert text.count("\n") == 5000 and text.splitlines()[-1].endswith("Z line 4999")


async def write(operation: Operation, number: int) -> None:
    from asgiref.sync import sync_to_async

    said = [lines.Line(f"line {n}") for n in range(number)]
    await sync_to_async(lines.insert)(operation.pk, said, first=1)
