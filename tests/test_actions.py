"""Every action that any app registers: refused to a viewer, and exactly one audit entry whatever happens."""

import pytest
from django.core.exceptions import PermissionDenied

from apps.accounts import permissions
from apps.accounts.models import Role, User
from apps.audit import registry
from apps.audit.actions import Target
from apps.audit.models import AuditEntry, Outcome

ACTIONS = registry.actions()
every_action = pytest.mark.parametrize("entry", ACTIONS, ids=[entry.code for entry in ACTIONS])
TARGET = Target("thing", "chat", cluster="demo", namespace="default")


def attempt(entry: registry.Entry, by: User) -> None:
    """Call the action on something that merely has a name: whoever may is stopped by the action's own
    work.
    """
    assert entry.action is not None
    targets = {entry.action.target: TARGET} if entry.action.target else {}
    entry.action(by=by, reason="forged", **targets)


def test_there_are_actions() -> None:
    assert len(ACTIONS) >= 10


@every_action
def test_a_viewer_is_denied_and_leaves_exactly_one_entry(entry: registry.Entry, bob: User) -> None:
    with pytest.raises(PermissionDenied, match="may not"):
        attempt(entry, bob)
    written = AuditEntry.objects.get()
    assert (written.code, written.outcome, written.actor_name) == (entry.code, Outcome.DENIED, "bob")
    assert written.reason == "forged" and "may not" in written.message


@every_action
def test_somebody_without_a_role_is_denied_too(entry: registry.Entry, charlie: User) -> None:
    with pytest.raises(PermissionDenied):
        attempt(entry, charlie)
    assert AuditEntry.objects.get().outcome == Outcome.DENIED


@every_action
def test_a_failed_attempt_of_an_admin_leaves_exactly_one_entry(entry: registry.Entry, root: User) -> None:
    with pytest.raises(Exception) as failed:
        attempt(entry, root)
    assert not isinstance(failed.value, PermissionDenied)
    assert AuditEntry.objects.get().outcome == Outcome.FAILED


@every_action
def test_its_target_its_permission_and_its_label_exist(entry: registry.Entry) -> None:
    assert permissions.get(entry.permission).role.rank >= Role.OPERATOR.rank
    assert str(entry.label) and entry.code.count(".") == 1
    assert entry.action is not None and entry.action.target, "an action is done to something"
