"""Probes: what they say, that they leak nothing, and that no check of host or https stands in their way."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client, override_settings

from hyperpod_site import health
from tests.edge.test_postgres_away import postgres_away


@pytest.fixture(autouse=True)
def forget_migrations() -> Iterator[None]:
    health._migrated.clear()
    yield
    health._migrated.clear()


@pytest.mark.django_db
def test_a_ready_portal_names_its_parts() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "parts": {"postgres": "ok", "redis": "ok", "migrations": "ok"},
    }


@pytest.mark.django_db(transaction=True)
def test_without_postgres_it_lives_but_is_not_ready_and_leaks_nothing() -> None:
    with postgres_away():
        alive, ready = Client().get("/healthz"), Client().get("/readyz")
    assert (alive.status_code, ready.status_code) == (200, 503)
    assert ready.json()["parts"] == {"postgres": "does not answer", "redis": "ok", "migrations": "ok"}
    assert Client().get("/readyz").status_code == 200, "it comes back by itself"


@pytest.mark.django_db
def test_a_missing_migration_makes_it_unready_until_it_is_applied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'live' AND name LIKE '0002%'")
        gone = cursor.rowcount
    answer = Client().get("/readyz")
    assert (gone, answer.status_code) == (1, 503)
    assert answer.json()["parts"]["migrations"] == "1 not applied"


@pytest.mark.django_db
@override_settings(SECURE_SSL_REDIRECT=True, ALLOWED_HOSTS=["portal.example"])
def test_probes_ask_by_address_and_without_tls_while_pages_may_not() -> None:
    client = Client(headers={"host": "10.1.2.3:8000"})
    assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    assert client.get("/accounts/login/").status_code == 400


@pytest.mark.django_db
def test_probes_open_no_session_and_take_no_other_method() -> None:
    client = Client()
    assert not client.get("/readyz").cookies
    assert client.post("/healthz").status_code == 405
