"""The admin site: roles change what people may at once, and nothing happens there without an entry."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts import actions, events, policy
from apps.accounts.models import ApiToken, Grant, Role, User
from apps.audit.models import AuditEntry
from tests.builders import make_user

ClientOf = Callable[[User], Client]
PERSON_FORM = {
    "username": "bob",
    "is_active": "on",
    "grants-TOTAL_FORMS": "1",
    "grants-INITIAL_FORMS": "0",
    "grants-0-role": "operator",
    "grants-0-cluster": "east",
    "grants-0-business": "*",
}


@pytest.fixture
def boss(db: None, client_of: ClientOf) -> Client:
    """The browser of somebody whose only right is the admin role: no superuser, no staff flag."""
    return client_of(make_user("boss", Role.ADMIN))


def test_the_admin_role_opens_the_door_and_an_operator_is_told_who_may(
    boss: Client, alice: User, client_of: ClientOf
) -> None:
    assert boss.get("/admin/accounts/user/").status_code == 200
    refused = client_of(alice).get("/admin/accounts/user/", follow=True)
    assert refused.status_code == 403 and "admins may" in refused.content.decode()


def test_an_admin_of_one_cluster_stays_outside(charlie: User, client_of: ClientOf) -> None:
    Grant.objects.create(user=charlie, role=Role.ADMIN, cluster="east")
    assert client_of(charlie).get("/admin/", follow=True).status_code == 403


def test_a_role_given_there_counts_at_once_and_is_in_the_audit(boss: Client, bob: User) -> None:
    answer = boss.post(f"/admin/accounts/user/{bob.pk}/change/", PERSON_FORM)
    assert answer.status_code == 302, answer.content[-3000:]
    assert policy.role_of(User.objects.get(pk=bob.pk), "east") == Role.OPERATOR
    entry = AuditEntry.objects.get(code="admin.change")
    assert (entry.actor_name, entry.target_kind, entry.target_name) == ("boss", "user", "bob")


def test_a_password_set_there_is_nowhere_in_the_audit(boss: Client, bob: User) -> None:
    new = "quite another passphrase"
    answer = boss.post(
        f"/admin/accounts/user/{bob.pk}/password/",
        {"password1": new, "password2": new, "usable_password": "true"},
    )
    assert answer.status_code == 302 and User.objects.get(pk=bob.pk).check_password(new)
    assert (
        new not in str(list(AuditEntry.objects.values()))
        and AuditEntry.objects.filter(code="admin.change").exists()
    )


def test_deleting_people_leaves_an_entry_each_and_their_history(boss: Client, alice: User, bob: User) -> None:
    data = {"action": "delete_selected", "_selected_action": [alice.pk, bob.pk], "post": "yes"}
    assert boss.post("/admin/accounts/user/", data).status_code == 302
    deleted = AuditEntry.objects.filter(code="admin.delete").values_list("target_name", flat=True)
    assert set(deleted) == {"alice", "bob"} and not User.objects.filter(username="alice").exists()


def test_a_token_there_shows_no_secret_and_can_only_be_deleted(boss: Client, alice: User) -> None:
    token, text = actions.make_token(by=alice, name="nightly", days=7)
    page = boss.get(f"/admin/accounts/apitoken/{token.pk}/change/")
    assert page.status_code == 200 and ApiToken.digest_of(text) not in page.content.decode()
    assert boss.get("/admin/accounts/apitoken/add/").status_code == 403
    assert boss.post(f"/admin/accounts/apitoken/{token.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize("path", ["add/", "1/change/", "1/delete/"])
def test_audit_entries_are_only_looked_at(boss: Client, path: str) -> None:
    AuditEntry.objects.create(pk=1, code="tests.some", outcome="done")
    assert boss.post(f"/admin/audit/auditentry/{path}", {"post": "yes", "code": "forged"}).status_code == 403
    assert list(AuditEntry.objects.filter(pk=1).values_list("code", flat=True)) == ["tests.some"]


def test_its_own_login_logout_and_password_pages_are_ours(boss: Client, client: Client) -> None:
    assert client.get("/admin/login/")["Location"].startswith("/accounts/login/")
    assert boss.get("/admin/password_change/")["Location"] == "/accounts/password/"
    assert boss.post("/admin/logout/").status_code == 302
    assert AuditEntry.objects.filter(code="accounts.logout", actor_name="boss").exists()


def test_a_save_whose_entry_cannot_be_written_does_not_happen(boss: Client, bob: User) -> None:
    def refuse(_event: events.AccountEvent) -> None:
        raise RuntimeError("no entry")

    events._listeners.append(refuse)
    try:
        with pytest.raises(RuntimeError, match="no entry"):
            boss.post(f"/admin/accounts/user/{bob.pk}/change/", {**PERSON_FORM, "username": "robert"})
    finally:
        events._listeners.remove(refuse)
    assert not User.objects.filter(username="robert").exists()
