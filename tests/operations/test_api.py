"""The JSON API: where an operation stands, its lines by cursor, cancel and retry."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.operations import runner
from apps.operations.models import Operation
from tests.operations import samples
from tests.operations.helpers import start

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[[User], Client]


def said(alice: User, number: int) -> Operation:
    operation = start(alice, samples.say, texts=[f"line {n}" for n in range(number)])
    runner.execute(operation.pk)
    return operation


def test_it_tells_where_an_operation_stands(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    runner.execute(operation.pk)
    found = client_of(alice).get(f"/api/operations/{operation.pk}").json()
    assert (found["status"], found["active"], found["result"]) == ("succeeded", False, {"length": 3})
    assert [(step["title"], step["state"]) for step in found["steps"]] == [("Measure", "done")]


def test_lines_come_by_cursor_each_once(alice: User, client_of: ClientOf) -> None:
    operation, cursor, texts, finished = said(alice, 25), 0, [], False
    while not finished:
        query = {"after": cursor, "limit": 10}
        found = client_of(alice).get(f"/api/operations/{operation.pk}/lines", query).json()
        texts += [line["text"] for line in found["lines"]]
        cursor, finished = found["next"], found["finished"]
    assert texts == [f"line {n}" for n in range(25)]


@pytest.mark.parametrize(
    "query", [{"after": -1}, {"after": "x"}, {"limit": 0}, {"limit": 10**6}, {"after": 10**30}]
)
def test_wrong_cursors_are_refused(alice: User, client_of: ClientOf, query: dict[str, object]) -> None:
    operation = said(alice, 1)
    assert client_of(alice).get(f"/api/operations/{operation.pk}/lines", query).status_code == 422


def test_cancel_answers_with_the_operation_and_then_with_409(alice: User, client_of: ClientOf) -> None:
    operation = start(alice, samples.greet, name="Ada")
    url = f"/api/operations/{operation.pk}/cancel"
    first = client_of(alice).post(url, {"reason": "not needed"}, content_type="application/json")
    second = client_of(alice).post(url, {}, content_type="application/json")
    assert (first.status_code, first.json()["status"], second.status_code) == (200, "cancelled", 409)


def test_strangers_and_unseen_operations(alice: User, charlie: User, client_of: ClientOf) -> None:
    operation = said(alice, 1)
    assert Client().get(f"/api/operations/{operation.pk}").status_code == 401
    for url in (
        f"/api/operations/{operation.pk}",
        f"/api/operations/{operation.pk}/lines",
        "/api/operations/999999999999",
    ):
        assert client_of(charlie).get(url).status_code == 404
