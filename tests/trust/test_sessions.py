"""A login ends: left alone, after its longest time, everywhere with a new password."""

import time
from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.models import User
from apps.accounts.sessions import BEGAN, SEEN, STEP
from apps.live import doors
from tests.builders import make_user

ClientOf = Callable[[User], Client]
PASSWORD = "a long passphrase"


def age(client: Client, **seconds: int) -> str:
    """Set the session's clocks back; gives its key."""
    session = client.session
    for name, ago in seconds.items():
        session[{"began": BEGAN, "seen": SEEN}[name]] = int(time.time()) - ago
    session.save()
    return str(session.session_key)


def open_for(client: Client) -> bool:
    return client.get("/accounts/profile/").status_code == 200


@pytest.mark.parametrize(
    ("clocks", "opens"),
    [
        ({"seen": settings.SESSION_IDLE_AGE - 60}, True),
        ({"seen": settings.SESSION_IDLE_AGE + 1}, False),
        ({"began": settings.SESSION_COOKIE_AGE - 60, "seen": 5}, True),
        ({"began": settings.SESSION_COOKIE_AGE + 1, "seen": 5}, False),
    ],
)
def test_a_login_ends_when_left_alone_or_after_its_longest_time_for_pages_and_sockets(
    bob: User, client_of: ClientOf, clocks: dict[str, int], opens: bool
) -> None:
    client = client_of(bob)
    key = age(client, **clocks)
    assert (doors.person(key) == bob) is opens
    assert open_for(client) is opens
    assert (doors.person(key) == bob) is opens


def test_using_the_portal_keeps_a_login_alive_but_not_beyond_its_longest_time(
    bob: User, client_of: ClientOf
) -> None:
    client = client_of(bob)
    began = int(time.time()) - 3600
    age(client, began=3600, seen=STEP + 60)
    assert open_for(client)
    assert time.time() - client.session[SEEN] < 30 and client.session[BEGAN] <= began + 5


def test_a_login_without_clocks_gets_them(bob: User, client_of: ClientOf) -> None:
    client = client_of(bob)
    session = client.session
    del session[BEGAN], session[SEEN]
    session.save()
    assert open_for(client) and client.session[BEGAN] == client.session[SEEN]


def test_a_new_password_ends_every_other_session_and_its_sockets(bob: User, client_of: ClientOf) -> None:
    bob.set_password(PASSWORD)
    bob.save()
    here, there = client_of(bob), client_of(bob)
    new = {"old_password": PASSWORD, "new_password1": "another phrase 1", "new_password2": "another phrase 1"}
    assert here.post("/accounts/password/", new).status_code == 302
    assert open_for(here) and not open_for(there)
    assert doors.person(str(here.session.session_key)) == bob
    old = str(there.cookies[settings.SESSION_COOKIE_NAME].value)
    assert doors.person(old) is None


def test_a_login_gets_a_fresh_key_and_closed_cookies(client: Client, bob: User) -> None:
    bob.set_password(PASSWORD)
    bob.save()
    client.get("/accounts/login/")
    answer = client.post("/accounts/login/", {"username": "bob", "password": PASSWORD})
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert 0 < int(cookie["max-age"]) <= settings.SESSION_COOKIE_AGE
    assert client.cookies["csrftoken"]["samesite"] == "Lax"


def test_the_throttle_says_how_long_to_wait(client: Client, db: None) -> None:
    make_user("erna")  # nobody else's: how often a lock was told outlives the test
    for _number in range(settings.AXES_FAILURE_LIMIT + 1):
        answer = client.post("/accounts/login/", {"username": "erna", "password": "wrong"})
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert "Try again in" in answer.content.decode()
