"""Postgres goes away and comes back: words instead of a stack trace, and no restart."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client
from psycopg import sql

from apps.accounts.models import Role
from apps.audit import registry
from apps.audit.actions import Action, action
from apps.audit.models import AuditEntry
from tests.builders import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def server() -> "psycopg.Connection[tuple[Any, ...]]":
    """A connection beside the tests' database."""
    reach = {**connection.get_connection_params(), "dbname": "postgres"}
    known = {key: reach[key] for key in ("host", "port", "user", "password", "dbname") if reach.get(key)}
    return psycopg.connect(**known, autocommit=True)


def database() -> sql.Identifier:
    return sql.Identifier(connection.settings_dict["NAME"])


@contextmanager
def postgres_away() -> Iterator[None]:
    """Ends every connection to this test's database and lets nobody in."""
    name = connection.settings_dict["NAME"]
    with server() as other:
        other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database()))
        try:
            other.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database()))
            connection.close()


@pytest.fixture
def cut_off() -> Iterator[Action[str]]:
    """An intent-form action that loses its database connection in the middle."""
    known = dict(registry._entries)

    @action("tests.cut_off", permission="audit.view_entry", label="Cut off", atomic=False)
    def lose(*, for_ever: bool) -> str:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with server() as other:
            other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
            other.execute(
                sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                    database(), sql.Literal(not for_ever)
                )
            )
        return "happened"

    yield lose
    with server() as other:
        other.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(database()))
    connection.close()
    registry._entries.clear()
    registry._entries.update(known)


def test_what_happened_is_written_on_a_new_connection(cut_off: Action[str]) -> None:
    assert cut_off(by=make_user("vera", Role.VIEWER), for_ever=False) == "happened"
    assert AuditEntry.objects.get(code="tests.cut_off").outcome == "done"


def test_what_happened_is_not_called_a_failure_when_no_entry_can_be_written(
    cut_off: Action[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert cut_off(by=make_user("vera", Role.VIEWER), for_ever=True) == "happened"
    logged = caplog.text
    assert "audit_entry_lost" in logged and "tests.cut_off" in logged and "vera" in logged


@pytest.mark.parametrize(
    ("path", "headers", "words"),
    [
        ("/accounts/profile/", {}, "The portal's database does not answer."),
        ("/accounts/profile/", {"HX-Request": "true"}, ""),
        ("/api/cluster-status", {}, "The portal's database does not answer."),
        ("/api/cluster-status", {"Authorization": "Bearer hpp_x"}, "The portal's database does not answer."),
    ],
)
def test_pages_toasts_and_the_api_say_so_and_recover(
    client_of: Callable[..., Client], path: str, headers: dict[str, str], words: str
) -> None:
    client = client_of(make_user("alice"))
    client.raise_request_exception = False
    before = client.get(path, headers=headers).status_code
    with postgres_away():
        away = client.get(path, headers=headers)
    after = client.get(path, headers=headers).status_code
    assert (away.status_code, away["Retry-After"], after) == (503, "5", before)
    assert words in away.content.decode().replace("&#x27;", "'")
    assert "toast" in away.headers.get("HX-Trigger", "toast") and "psycopg" not in away.content.decode()
