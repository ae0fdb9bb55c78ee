"""API tokens: made once, shown once, kept as a digest, revoked at once."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from psycopg import sql

from apps.accounts import actions
from apps.accounts.models import ApiToken, User
from apps.audit.models import AuditEntry

ClientOf = Callable[[User], Client]


@pytest.fixture
def token_of() -> Callable[[User], str]:
    return lambda user: actions.make_token(by=user, name="test", days=1)[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def everything_in_the_database() -> str:
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = [
            sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(name)) for name in tables
        ]
        cursor.execute(sql.SQL(" UNION ALL ").join(rows))
        return "\n".join(row[0] for row in cursor.fetchall())


def test_a_token_is_shown_once_and_stored_nowhere(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    page = client.post("/accounts/tokens/", {"name": "nightly", "days": "30"})
    text = re.findall(r'id="new-token">([^<]+)<', page.content.decode())[0]
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    assert text not in client.get("/accounts/profile/").content.decode()
    assert text not in everything_in_the_database() and "nightly" in everything_in_the_database()
    assert AuditEntry.objects.get(code="accounts.make_token").target_name == "nightly"


@pytest.mark.parametrize(
    "data", [{}, {"name": "x"}, {"name": "x", "days": "9999"}, {"name": "x" * 81, "days": "7"}]
)
def test_a_form_that_does_not_fit_makes_no_token(
    alice: User, client_of: ClientOf, data: dict[str, str]
) -> None:
    assert client_of(alice).post("/accounts/tokens/", data).status_code == 422
    assert not ApiToken.objects.exists()


def test_nobody_makes_more_than_twenty(alice: User, client_of: ClientOf) -> None:
    for _number in range(actions.MOST_TOKENS):
        actions.make_token(by=alice, name="one more", days=7)
    page = client_of(alice).post("/accounts/tokens/", {"name": "too many", "days": "7"})
    assert page.status_code == 422 and "revoke one first" in page.content.decode()


def test_a_token_acts_as_its_person(alice: User, client: Client, token_of: Callable[[User], str]) -> None:
    answer = client.get("/api/cluster-status", headers=bearer(token_of(alice)))
    assert answer.status_code != 401
    assert ApiToken.objects.get().last_used_at is not None


@pytest.mark.parametrize("text", ["", "hpp_wrong", "x" * 5000, "hpp_\x00", "ünïcode"])
def test_a_wrong_token_is_401_in_json(db: None, client: Client, text: str) -> None:
    answer = client.get("/api/cluster-status", headers=bearer(text))
    assert answer.status_code == 401 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["success"] is False and answer["WWW-Authenticate"] == "Bearer"


def test_a_wrong_token_is_401_even_with_a_session(alice: User, client_of: ClientOf) -> None:
    assert client_of(alice).get("/api/cluster-status", headers=bearer("hpp_wrong")).status_code == 401


def test_a_token_stops_when_revoked_expired_or_its_person_inactive(
    alice: User, client: Client, token_of: Callable[[User], str]
) -> None:
    def status(text: str) -> int:
        return client.get("/api/cluster-status", headers=bearer(text)).status_code

    revoked, expired, last = token_of(alice), token_of(alice), token_of(alice)
    actions.revoke_token(by=alice, token=ApiToken.objects.get(digest=ApiToken.digest_of(revoked)))
    ApiToken.objects.filter(digest=ApiToken.digest_of(expired)).update(
        expires_at=timezone.now() - timedelta(1)
    )
    assert (status(revoked), status(expired)) == (401, 401) and status(last) != 401
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert status(last) == 401


def test_revoking_is_told_once_and_only_for_ones_own(alice: User, bob: User, client_of: ClientOf) -> None:
    token, _text = actions.make_token(by=alice, name="test", days=1)
    url = f"/accounts/tokens/{token.pk}/revoke/"
    assert client_of(bob).post(url).status_code == 404
    assert [client_of(alice).post(url).status_code for _time in range(2)] == [302, 302]
    assert AuditEntry.objects.filter(code="accounts.revoke_token").count() == 1


def test_the_last_use_is_written_at_most_once_a_minute(
    alice: User, client: Client, token_of: Callable[[User], str]
) -> None:
    headers = bearer(token_of(alice))
    client.get("/api/cluster-status", headers=headers)
    first = ApiToken.objects.get().last_used_at
    client.get("/api/cluster-status", headers=headers)
    assert ApiToken.objects.get().last_used_at == first


@pytest.mark.urls("tests.edge.urls")
def test_a_write_by_session_needs_the_csrf_token_and_strangers_get_401(alice: User) -> None:
    stranger, careless, careful = (Client(enforce_csrf_checks=True) for _browser in range(3))
    for client in (careless, careful):
        client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    careful.cookies["csrftoken"] = secret = "a" * 32
    answers = [client.post("/api/probe/write") for client in (stranger, careless)]
    answers.append(careful.post("/api/probe/write", headers={"X-CSRFToken": secret}))
    assert [answer.status_code for answer in answers] == [401, 403, 200]
    assert "X-CSRFToken" in answers[1].json()["detail"] and answers[2].json() == {"who": "alice"}


@pytest.mark.urls("tests.edge.urls")
def test_a_write_by_token_needs_no_csrf_token(alice: User, token_of: Callable[[User], str]) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/api/probe/write", headers=bearer(token_of(alice))).json() == {"who": "alice"}
