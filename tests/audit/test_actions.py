"""What `@action` promises: permission, one transaction, exactly one entry, whatever happens inside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction

from apps.accounts import permissions
from apps.accounts.models import Grant, Role, User
from apps.audit import context, entries, registry
from apps.audit.actions import (
    Action,
    NestedAction,
    NotInAction,
    SystemActor,
    Target,
    action,
    link_operation,
    note,
)
from apps.audit.models import AuditEntry, Outcome
from apps.gateways.errors import Unreachable
from tests.builders import make_user

DO = permissions.register("tests.do", role=Role.OPERATOR, label="Do things")
Body = Callable[..., Any]


@dataclass
class Thing:
    """Something to act on."""

    name: str
    business: str = ""

    def audit_target(self) -> Target:
        return Target("thing", self.name, cluster="east", namespace="default", business=self.business)


@pytest.fixture
def make_action() -> Iterator[Callable[..., Action[Any]]]:
    """Makes actions that are forgotten after the test."""
    known = dict(registry._entries)

    def make(body: Body, *, atomic: bool = True) -> Action[Any]:
        wrap = action("tests.do", permission=DO.code, target="thing", label="Do a thing", atomic=atomic)
        return wrap(body)

    yield make
    registry._entries.clear()
    registry._entries.update(known)


def rename(*, thing: Thing, name: str) -> str:
    note(before={"name": thing.name}, after={"name": name})
    make_user(name)
    return name


def only_entry() -> AuditEntry:
    return AuditEntry.objects.get(code="tests.do")


both = pytest.mark.parametrize("atomic", [True, False], ids=["atomic", "intent"])


@both
def test_a_done_action_leaves_one_entry_with_what_and_why(
    alice: User, make_action: Any, atomic: bool
) -> None:
    do = make_action(rename, atomic=atomic)
    assert do(by=alice, reason="a test", thing=Thing("old"), name="new") == "new"
    entry = only_entry()
    assert (entry.actor_id, entry.actor_name, entry.outcome) == (alice.pk, "alice", Outcome.DONE)
    assert (entry.target_kind, entry.target_name, entry.cluster) == ("thing", "old", "east")
    assert (entry.before, entry.after, entry.reason) == ({"name": "old"}, {"name": "new"}, "a test")


@both
def test_a_denied_action_changes_nothing_and_leaves_one_entry(
    bob: User, make_action: Any, atomic: bool
) -> None:
    do = make_action(rename, atomic=atomic)
    with pytest.raises(PermissionDenied, match="operators and admins may"):
        do(by=bob, thing=Thing("old"), name="new")
    assert not User.objects.filter(username="new").exists()
    assert (only_entry().outcome, only_entry().actor_name) == (Outcome.DENIED, "bob")
    assert "operators and admins may" in only_entry().message


def test_a_failed_action_is_rolled_back_but_its_entry_stays(alice: User, make_action: Any) -> None:
    def fail(*, thing: Thing) -> None:
        make_user("half-done")
        raise Unreachable("The cluster does not answer.")

    with pytest.raises(Unreachable):
        make_action(fail)(by=alice, thing=Thing("old"))
    assert not User.objects.filter(username="half-done").exists()
    assert (only_entry().outcome, only_entry().message) == (Outcome.FAILED, "The cluster does not answer.")


def test_an_intent_action_keeps_its_own_transactions_when_it_fails(alice: User, make_action: Any) -> None:
    def half(*, thing: Thing) -> None:
        with transaction.atomic(durable=True):
            make_user("intent")
        raise Unreachable("The answer was lost.", maybe_done=True)

    with pytest.raises(Unreachable):
        make_action(half, atomic=False)(by=alice, thing=Thing("old"))
    assert User.objects.filter(username="intent").exists()
    assert only_entry().outcome == Outcome.FAILED


def test_a_refusal_inside_is_denied_not_failed(alice: User, make_action: Any) -> None:
    def refuse(*, thing: Thing) -> None:
        raise PermissionDenied("That pod belongs to another business.")

    with pytest.raises(PermissionDenied):
        make_action(refuse)(by=alice, thing=Thing("old"))
    assert (only_entry().outcome, only_entry().message) == (
        Outcome.DENIED,
        "That pod belongs to another business.",
    )


def test_an_unexpected_error_does_not_write_its_insides_down(alice: User, make_action: Any) -> None:
    def crash(*, thing: Thing) -> None:
        raise RuntimeError("password=hunter2")

    with pytest.raises(RuntimeError):
        make_action(crash)(by=alice, thing=Thing("old"))
    assert only_entry().message == "Unexpected error: RuntimeError"


def test_a_validation_error_is_written_in_its_words(alice: User, make_action: Any) -> None:
    def check(*, thing: Thing) -> None:
        raise ValidationError({"replicas": ["At most 20."]})

    with pytest.raises(ValidationError):
        make_action(check)(by=alice, thing=Thing("old"))
    assert only_entry().message == "At most 20."


def test_somebody_who_is_not_logged_in_leaves_no_entry(db: None, make_action: Any) -> None:
    with pytest.raises(PermissionDenied):
        make_action(rename)(by=AnonymousUser(), thing=Thing("old"), name="new")
    assert not AuditEntry.objects.exists()


def test_the_portal_itself_may_act_under_a_name(db: None, make_action: Any) -> None:
    make_action(rename)(by=SystemActor("reconciler"), thing=Thing("old"), name="new")
    assert (only_entry().actor_id, only_entry().actor_name, only_entry().via) == (
        None,
        "reconciler",
        "system",
    )


def test_actions_do_not_call_actions(alice: User, make_action: Any) -> None:
    def outer(*, thing: Thing) -> None:
        do(by=alice, thing=thing)

    do = make_action(outer)
    with pytest.raises(NestedAction):
        do(by=alice, thing=Thing("old"))
    assert only_entry().outcome == Outcome.FAILED


@pytest.mark.django_db(transaction=True)
@both
def test_an_action_does_not_run_inside_somebody_elses_transaction(make_action: Any, atomic: bool) -> None:
    alice = make_user("alice", Role.OPERATOR)
    do = make_action(rename, atomic=atomic)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        do(by=alice, thing=Thing("old"), name="new")
    assert not User.objects.filter(username="new").exists()


@pytest.mark.django_db(transaction=True)
def test_the_entry_of_a_failure_survives_the_rollback_of_a_real_transaction(make_action: Any) -> None:
    def break_a_rule(*, thing: Thing) -> None:
        make_user("half-done")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    alice = make_user("alice", Role.OPERATOR)
    with pytest.raises(Exception, match="division by zero"):
        make_action(break_a_rule)(by=alice, thing=Thing("old"))
    assert not User.objects.filter(username="half-done").exists()
    assert only_entry().outcome == Outcome.FAILED


@pytest.mark.django_db(transaction=True)
def test_when_the_entry_cannot_be_written_the_change_does_not_happen(make_action: Any) -> None:
    def forbid_entries(*, thing: Thing) -> None:
        make_user("unaudited")
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_auditentry ADD CHECK (code <> 'tests.do') NOT VALID")

    alice = make_user("alice", Role.OPERATOR)
    with pytest.raises(Exception, match="check constraint"):
        make_action(forbid_entries)(by=alice, thing=Thing("old"))
    assert not User.objects.filter(username="unaudited").exists()


def test_permission_is_asked_on_the_targets_cluster_and_business(charlie: User, make_action: Any) -> None:
    Grant.objects.create(user=charlie, role=Role.OPERATOR, cluster="east", business="search")
    do = make_action(rename)
    with pytest.raises(PermissionDenied):
        do(by=charlie, thing=Thing("old", business="ads"), name="new")
    assert do(by=charlie, thing=Thing("old", business="search"), name="new") == "new"


def test_secrets_are_hidden_and_text_is_made_fit(alice: User, make_action: Any) -> None:
    def store(*, thing: Thing) -> None:
        note(
            after={
                "hf_token": "hf_abc",
                "nested": [{"Password": "x", "port": 8000}],
                "text": "a\x00b" + "c" * 5000,
            }
        )

    make_action(store)(by=alice, reason="why\x00", thing=Thing("old"))
    after = only_entry().after
    assert after["hf_token"] == "[hidden]" and after["nested"] == [{"Password": "[hidden]", "port": 8000}]
    assert after["text"].startswith("abccc") and len(after["text"]) == 4000 and only_entry().reason == "why"


def test_an_entry_is_linked_to_its_operation(alice: User, make_action: Any) -> None:
    def start(*, thing: Thing) -> None:
        link_operation(4711)

    make_action(start)(by=alice, thing=Thing("old"))
    assert only_entry().operation_id == "4711"


def test_inside_an_operation_entries_carry_the_requesters_circumstances(
    alice: User, make_action: Any
) -> None:
    with context.acting_as(actor_id=7, actor_name="x", request_id="r-1", operation_id=5, reason="because"):
        make_action(rename)(by=alice, thing=Thing("old"), name="new")
    entry = only_entry()
    assert (entry.via, entry.request_id, entry.operation_id) == ("operation", "r-1", "5")
    assert (entry.actor_name, entry.reason) == ("alice", "because")
    assert context.current() == context.NOBODY


def test_inside_an_action_the_context_names_its_actor_and_reason(alice: User, make_action: Any) -> None:
    seen = []
    make_action(lambda *, thing: seen.append(context.current()))(by=alice, reason="why", thing=Thing("old"))
    assert (seen[0].actor_id, seen[0].actor_name, seen[0].reason) == (alice.pk, "alice", "why")


def test_notes_belong_inside_an_action() -> None:
    for outside in (lambda: note(after={"a": 1}), lambda: link_operation(1)):
        with pytest.raises(NotInAction):
            outside()


def test_a_code_names_one_action_only(make_action: Any) -> None:
    make_action(rename)
    with pytest.raises(ValueError, match="registered twice"):
        make_action(rename)


def test_listeners_hear_of_an_entry_after_its_commit(
    alice: User, make_action: Any, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[AuditEntry] = []
    before = list(entries._listeners)
    entries.on_entry(heard.append)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            make_action(rename)(by=alice, thing=Thing("old"), name="new")
            assert heard == []
    finally:
        entries._listeners[:] = before
    assert [entry.code for entry in heard] == ["tests.do"]
