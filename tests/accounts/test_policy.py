"""Roles, grants and what they let people do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts import access, permissions, policy
from apps.accounts.access import from_key
from apps.accounts.models import Grant, Role, User
from tests.builders import make_user

LEND = permissions.register("tests.lend_pods", role=Role.OPERATOR, label="Lend pods")
LOOK = permissions.register("tests.look", role=Role.VIEWER, label="Look around")


def test_each_role_may_what_lower_roles_may(alice: User, bob: User, charlie: User, root: User) -> None:
    assert [policy.may(user, LEND.code) for user in (root, alice, bob, charlie)] == [True, True, False, False]
    assert [policy.may(user, LOOK.code) for user in (root, alice, bob, charlie)] == [True, True, True, False]


def test_a_refusal_names_who_may(bob: User) -> None:
    with pytest.raises(policy.Refused, match=r"^Your role may not lend pods; operators and admins may\.$"):
        policy.require(bob, LEND.code)


def test_somebody_inactive_may_nothing(root: User) -> None:
    root.is_active = False
    root.save()
    assert policy.role_of(User.objects.get(pk=root.pk)) is None
    with pytest.raises(policy.Refused):
        policy.require(root, LOOK.code)


def test_an_unknown_permission_is_a_mistake_not_a_no(root: User) -> None:
    with pytest.raises(KeyError):
        policy.may(root, "tests.never_registered")


def test_a_permission_is_not_registered_twice_for_different_roles() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        permissions.register(LEND.code, role=Role.ADMIN, label="Lend pods")


def test_require_reads_grants_again_whatever_the_request_loaded(alice: User) -> None:
    assert policy.may(alice, LEND.code)
    Grant.objects.filter(user=alice).delete()
    with pytest.raises(policy.Refused):
        policy.require(alice, LEND.code)


def test_a_role_on_one_cluster_counts_only_there(charlie: User) -> None:
    Grant.objects.create(user=charlie, role=Role.OPERATOR, cluster="east")
    assert policy.may(charlie, LEND.code, cluster="east")
    assert not policy.may(charlie, LOOK.code, cluster="west")
    assert policy.may(charlie, LOOK.code) and not policy.may(charlie, LEND.code)
    assert "east" in policy.visible_clusters(charlie) and "west" not in policy.visible_clusters(charlie)


def test_a_role_for_one_business_looks_at_the_rest(charlie: User) -> None:
    Grant.objects.create(user=charlie, role=Role.OPERATOR, cluster="east", business="search")
    assert policy.may(charlie, LEND.code, cluster="east", business="search")
    assert not policy.may(charlie, LEND.code, cluster="east", business="ads")
    assert policy.may(charlie, LOOK.code, cluster="east", business="ads")
    assert not policy.may(charlie, LEND.code, cluster="east")


@pytest.mark.parametrize("cluster", ["", "east", "west"])
@pytest.mark.parametrize("business", ["", "search", "ads"])
def test_a_role_key_may_what_its_person_may(charlie: User, cluster: str, business: str) -> None:
    Grant.objects.create(user=charlie, role=Role.VIEWER, cluster="west")
    Grant.objects.create(user=charlie, role=Role.ADMIN, cluster="east", business="search")
    for code in (LEND.code, LOOK.code):
        asked = {"cluster": cluster, "business": business}
        key = policy.role_key(charlie, cluster)
        assert policy.key_may(key, code, **asked) == policy.may(charlie, code, **asked)


def test_people_who_may_the_same_on_a_cluster_share_its_key(alice: User, charlie: User) -> None:
    Grant.objects.create(user=charlie, role=Role.OPERATOR, cluster="east")
    assert policy.role_key(alice, "east") == policy.role_key(charlie, "east") == "east/*=operator"
    assert policy.role_key(alice) != policy.role_key(charlie)
    assert from_key("").role() is None


def test_a_person_has_one_role_per_scope(alice: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=alice, role=Role.VIEWER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Grant.objects.create(user=alice, role="king", cluster="east")


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[int], None]], None]]:
    """Registers listeners for the length of a test."""
    before = list(access._listeners)
    yield access.on_access_changed
    access._listeners[:] = before


@pytest.fixture
def heard(listen: Callable[[Callable[[int], None]], None]) -> list[int]:
    pks: list[int] = []
    listen(pks.append)
    return pks


def changes() -> dict[str, Callable[[User], object]]:
    """Ways in which somebody's access changes."""

    def of_flag(user: User) -> None:
        user.is_active = False
        user.save()

    def of_password(user: User) -> None:
        user.set_password("another long password")
        user.save(update_fields=["password"])

    return {
        "flag": of_flag,
        "password": of_password,
        "grant given": lambda user: Grant.objects.create(user=user, role=Role.ADMIN, cluster="east"),
        "grant changed": lambda user: Grant.objects.filter(user=user).update(role=Role.VIEWER),
        "grants deleted": lambda user: Grant.objects.filter(user=user).delete(),
        "one grant deleted": lambda user: user.grants.get().delete(),
        "many people at once": lambda user: User.objects.filter(pk=user.pk).update(is_superuser=True),
        "deleted": lambda user: user.delete(),
    }


@pytest.mark.parametrize("name", changes())
def test_every_change_of_access_is_announced_after_the_commit(
    name: str, alice: User, heard: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    pk = alice.pk
    with django_capture_on_commit_callbacks(execute=True):
        changes()[name](alice)
        assert heard == []
    assert set(heard) == {pk}


def test_what_changes_no_access_announces_nothing(
    alice: User, heard: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    person = User.objects.get(pk=alice.pk)
    person.first_name = "Alice"
    with django_capture_on_commit_callbacks(execute=True):
        person.save()
        User.objects.filter(pk=person.pk).update(last_name="A")
    assert heard == []


def test_a_listener_that_fails_does_not_look_like_a_failed_save(
    db: None, listen: Any, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(_pk: int) -> None:
        raise RuntimeError("no")

    listen(broken)
    with django_capture_on_commit_callbacks(execute=True):
        make_user("dora", Role.VIEWER)
    assert policy.role_of(User.objects.get(username="dora")) == Role.VIEWER
