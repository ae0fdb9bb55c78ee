"""Every URL of the site against every role; see access_table.py."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import NoReverseMatch, reverse

from apps.accounts.models import User
from apps.gateways.connection import from_kubeconfig
from hyperpod_site.checks import all_urls
from tests.access_table import EXEMPT, PEOPLE, ROWS, Row, make_world, move_to
from tests.processes import Devcluster

pytestmark = pytest.mark.django_db
ADMIN = sorted({name for name, _pattern in all_urls() if name.startswith("admin:")})
UNNAMED = {"admin:(?P<url>.*)$": "/admin/nowhere/", "admin:<path:object_id>/": "/admin/accounts/user/1/"}
GUESSES = {"object_id": "1", "app_label": "accounts", "content_type_id": "1", "id": "1", "url": "nowhere"}


@pytest.fixture
def world(alice: User, bob: User, charlie: User, root: User, devcluster: Devcluster) -> dict[str, User]:
    """Whom the table speaks of, and its cluster, which refuses the portal's login at once."""
    make_world()
    move_to(replace(from_kubeconfig(devcluster.portal_kubeconfig), token="nobody's"))
    return {"alice": alice, "bob": bob, "charlie": charlie, "root": root}


def ask(client: Client, name: str, row: Row, method: str) -> Any:
    url = reverse(name, kwargs=dict(row.arguments()))
    if row.json is not None:
        return client.generic(method, url, json.dumps(row.json), content_type="application/json")
    return getattr(client, method.lower())(url, dict(row.data))


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is rolled back; it counts as the test's own transaction for durable blocks."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.committed])
def test_the_table_says_who_gets_what_and_other_methods_are_refused(
    world: dict[str, User], client_of: Callable[[User], Client], name: str
) -> None:
    check(name, world, client_of, undone)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.committed])
def test_the_table_also_speaks_for_views_that_let_go_of_the_database(
    world: dict[str, User], client_of: Callable[[User], Client], name: str
) -> None:
    check(name, world, client_of, nullcontext)


def check(
    name: str,
    world: dict[str, User],
    client_of: Callable[[User], Client],
    alone: Callable[[], AbstractContextManager[None]],
) -> None:
    """Ask the URL as everybody, each `alone`, and once with a method that it does not take."""
    row, answers = ROWS[name], {}
    for person in PEOPLE:
        with alone():
            client = client_of(world[person]) if person in world else Client()
            answers[person] = ask(client, name, row, row.method)
    expected = dict(zip(PEOPLE, row.statuses, strict=True))
    assert {person: answer.status_code for person, answer in answers.items()} == expected
    if answers["stranger"].status_code == 302:
        assert answers["stranger"]["Location"].startswith(reverse("accounts:login"))
    if row.wrong:
        client = client_of(world["root"]) if row.wrong_by == "root" else Client()
        assert ask(client, name, row, row.wrong).status_code == 405


def test_every_url_has_a_row_or_a_reason() -> None:
    names = {name for name, _pattern in all_urls() if not name.startswith("admin:")}
    assert names - ROWS.keys() - EXEMPT.keys() == set(), "URLs without a row in tests/access_table.py"
    assert (ROWS.keys() | EXEMPT.keys()) - names == set(), "rows in tests/access_table.py without a URL"
    assert len(names) > 20 and all(EXEMPT.values())


@pytest.mark.parametrize("person", PEOPLE[:-1])
def test_the_admin_pages_are_closed_to_all_but_admins(
    world: dict[str, User], client_of: Callable[[User], Client], person: str
) -> None:
    client = client_of(world[person]) if person in world else Client()
    doors = (reverse("accounts:login"), reverse("admin:login"))
    for name in ADMIN:
        answer = client.get(admin_url(name))
        place = answer.headers.get("Location", "")
        closed = answer.status_code == 403 or place.startswith(doors) or place == reverse("admin:index")
        assert closed, f"{person} gets {answer.status_code} from {name}"
    assert client.get(reverse("admin:login")).status_code == (302 if person == "stranger" else 403)
    assert len(ADMIN) > 20


def admin_url(name: str) -> str:
    if name in UNNAMED:
        return UNNAMED[name]
    for keys in ((), ("object_id",), ("id",), ("app_label",), ("content_type_id", "object_id"), ("url",)):
        try:
            return reverse(name, kwargs={key: GUESSES[key] for key in keys})
        except NoReverseMatch:
            continue
    raise AssertionError(f"no guess fits the arguments of {name}")


def test_an_admin_reaches_the_admin_pages(root: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(root)
    for name in ("admin:index", "admin:accounts_user_changelist", "admin:audit_auditentry_changelist"):
        assert client.get(reverse(name)).status_code == 200
