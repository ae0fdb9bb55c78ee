"""The audit cannot be rewritten: not by our code, not by SQL."""

import pytest
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import User
from apps.audit.entries import Draft, write
from apps.audit.models import AppendOnly, AuditEntry, Outcome

STATEMENTS = [
    "UPDATE audit_auditentry SET actor_name = 'somebody else'",
    "DELETE FROM audit_auditentry",
    "TRUNCATE audit_auditentry",
    "TRUNCATE audit_auditentry CASCADE",
]


@pytest.fixture
def entry(db: None) -> AuditEntry:
    return write(Draft(code="tests.some"), Outcome.DONE)


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses(entry: AuditEntry, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"):
        run(statement)
    assert AuditEntry.objects.get(pk=entry.pk).actor_name == ""


@pytest.mark.parametrize("statement", STATEMENTS)
def test_without_the_triggers_the_same_statements_would_pass(entry: AuditEntry, statement: str) -> None:
    """The sabotage: it shows that the test above sees the triggers, not something else."""
    run(
        "DROP TRIGGER audit_rows_stay ON audit_auditentry; DROP TRIGGER audit_table_stays ON audit_auditentry"
    )
    run(statement)
    assert not AuditEntry.objects.filter(pk=entry.pk, actor_name="").exists()


def test_the_model_refuses_too(entry: AuditEntry) -> None:
    entry.actor_name = "somebody else"
    with pytest.raises(AppendOnly):
        entry.save()
    with pytest.raises(AppendOnly):
        entry.delete()


def test_deleting_a_person_changes_no_entry(alice: User) -> None:
    from apps.audit import context

    with context.bound(actor_id=alice.pk, actor_name="alice"):
        entry = write(Draft(code="tests.some"), Outcome.DONE)
    pk = alice.pk
    alice.delete()
    assert (AuditEntry.objects.get(pk=entry.pk).actor_id, AuditEntry.objects.get(pk=entry.pk).actor_name) == (
        pk,
        "alice",
    )
