"""Postgres goes away and comes back: words instead of a stack trace, and no restart."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.test import Client

from tests.builders import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def postgres_away() -> Iterator[None]:
    """Ends every connection to this test's database and lets nobody in."""
    name = connection.settings_dict["NAME"]
    reach = {**connection.get_connection_params(), "dbname": "postgres"}
    known = {key: reach[key] for key in ("host", "port", "user", "password", "dbname") if reach.get(key)}
    with psycopg.connect(**known, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
            connection.close()


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
