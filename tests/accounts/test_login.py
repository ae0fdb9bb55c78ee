"""Logging in, being locked out, logging out, changing a password."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditEntry
from tests.builders import PASSWORD

LOGIN, HOME, PROFILE = "/accounts/login/", "/", "/accounts/profile/"
ClientOf = Callable[[User], Client]


def log_in(client: Client, name: str, password: str = PASSWORD, address: str = "10.0.0.1") -> object:
    return client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def test_the_right_password_opens_the_page_that_was_asked_for(client: Client, alice: User) -> None:
    asked = client.get(PROFILE)
    assert asked.status_code == 302 and asked["Location"] == f"{LOGIN}?next={PROFILE}"
    answer = client.post(asked["Location"], {"username": "alice", "password": PASSWORD, "next": PROFILE})
    assert (answer.status_code, answer["Location"]) == (302, PROFILE)
    entry = AuditEntry.objects.get(code="accounts.login")
    assert (entry.actor_name, entry.outcome, entry.via) == ("alice", "done", "page")


def test_a_wrong_password_is_told_and_shown_as_an_error(client: Client, alice: User) -> None:
    answer = log_in(client, "alice", "wrong")
    assert answer.status_code == 422 and "correct username and password" in answer.content.decode()
    assert AuditEntry.objects.get(code="accounts.login").outcome == "denied"


def test_guesses_at_names_leave_no_entry_and_sound_the_same(client: Client, alice: User) -> None:
    pages = [log_in(client, name, "wrong").content.decode() for name in ("nobody", "alice")]
    unknown, known = [re.findall(r'class="alert[^>]*>(.*?)</div>', page, re.DOTALL) for page in pages]
    assert unknown == known and "correct username and password" in "".join(known)
    assert list(AuditEntry.objects.values_list("target_name", flat=True)) == ["alice"]


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_login_leads_to_no_foreign_place(client: Client, alice: User, evil: str) -> None:
    answer = client.post(LOGIN, {"username": "alice", "password": PASSWORD, "next": evil})
    assert (answer.status_code, answer["Location"]) == (302, reverse("home"))


def test_five_wrong_passwords_lock_the_name_for_that_address(client: Client, alice: User) -> None:
    tried = [log_in(client, "alice", "wrong").status_code for _attempt in range(5)]
    assert tried == [422, 422, 422, 422, 429]
    locked = log_in(client, "alice")
    assert locked.status_code == 429 and "Try again in 15 minutes" in locked.content.decode()
    assert int(locked["Retry-After"]) == 900 and client.get(PROFILE).status_code == 302
    assert log_in(client, "alice", address="10.0.0.2").status_code == 302


def test_one_address_cannot_try_many_names(client: Client, alice: User) -> None:
    tried = [log_in(client, f"name{attempt}", "x", address="10.9.9.9").status_code for attempt in range(31)]
    assert tried[:30] == [422] * 30 and tried[30] == 429
    assert log_in(client, "alice", address="10.9.9.8").status_code == 302


def test_the_lock_of_a_name_is_told_once(client: Client, bob: User) -> None:
    for _attempt in range(12):
        log_in(client, "bob", "wrong")
    told = AuditEntry.objects.filter(code="accounts.login", target_name="bob").values_list(
        "message", flat=True
    )
    assert sorted(told) == ["Too many wrong passwords: locked for a while."] + ["Wrong password."] * 4


@pytest.mark.parametrize("name", ["", "\x00", "a" * 300, "<b>", "' OR 1=1 --", "ünï"])
def test_odd_names_are_only_wrong(client: Client, db: None, name: str) -> None:
    assert log_in(client, name, "x", address="10.0.0.77").status_code == 422


def test_a_person_who_is_not_active_does_not_get_in(client: Client, alice: User) -> None:
    alice.is_active = False
    alice.save()
    assert log_in(client, "alice").status_code == 422


def test_a_session_ends_when_its_person_is_made_inactive(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert client.get(PROFILE).status_code == 200
    alice.is_active = False
    alice.save()
    assert client.get(PROFILE).status_code == 302


def test_logout_needs_a_post_and_ends_the_session(alice: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get(PROFILE).status_code == 302
    assert AuditEntry.objects.get(code="accounts.logout").actor_name == "alice"


def test_a_new_password_keeps_this_session_and_ends_the_others(alice: User, client_of: ClientOf) -> None:
    here, elsewhere = client_of(alice), client_of(alice)
    new = {"new_password1": "battery horse correct", "new_password2": "battery horse correct"}
    assert here.post("/accounts/password/", {"old_password": PASSWORD, **new}).status_code == 302
    assert (here.get(PROFILE).status_code, elsewhere.get(PROFILE).status_code) == (200, 302)
    assert AuditEntry.objects.get(code="accounts.change_password").actor_name == "alice"


@pytest.mark.parametrize("new", ["short", "password1234", "1234567890"])
def test_a_weak_or_unproven_password_is_refused(alice: User, client_of: ClientOf, new: str) -> None:
    client = client_of(alice)
    data = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post("/accounts/password/", data).status_code == 422
    unproven = {
        "old_password": "?",
        "new_password1": "battery horse correct",
        "new_password2": "battery horse correct",
    }
    assert client.post("/accounts/password/", unproven).status_code == 422
    assert not AuditEntry.objects.exists()


def test_a_form_without_its_csrf_token_is_refused_in_words(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(LOGIN, {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 403 and "Load the page again" in answer.content.decode()
