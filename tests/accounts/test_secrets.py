"""Secrets at rest: encrypted in the table, hidden in print, readable with any of the keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection, models
from django.test.utils import isolate_apps

from apps.accounts.secrets import EncryptedTextField, Secret, SecretUnreadable

CANARY = "canary-4f1c-token"


@pytest.fixture
def box(db: None) -> Iterator[Any]:
    """A table with one encrypted column."""
    with isolate_apps("apps.accounts"):

        class Box(models.Model):
            token = EncryptedTextField(blank=True)

            class Meta:
                app_label = "accounts"

            def __str__(self) -> str:
                return "box"

        with connection.schema_editor() as editor:
            editor.create_model(Box)
        yield Box


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM accounts_box")
        return str(cursor.fetchone()[0])


def test_the_table_does_not_hold_the_text(box: Any) -> None:
    box.objects.create(token=CANARY)
    assert CANARY not in stored() and box.objects.get().token == CANARY


def test_the_same_text_is_stored_differently_each_time(box: Any) -> None:
    first = box.objects.create(token=CANARY)
    before = stored()
    first.save()
    assert stored() != before


def test_it_does_not_show_itself(box: Any) -> None:
    fresh, read = box(token=CANARY), box.objects.create(token=CANARY)
    read.refresh_from_db()
    for thing in (
        fresh.token,
        read.token,
        [read.token],
        {"token": read.token},
        fresh.__dict__,
        read.__dict__,
    ):
        assert CANARY not in repr(thing)
    assert isinstance(fresh.token, str) and f"{fresh.token}" == CANARY


def test_empty_stays_empty(box: Any) -> None:
    box.objects.create(token="")
    assert stored() == "" and box.objects.get().token == "" and repr(Secret("")) == "Secret('')"


def test_a_new_key_reads_what_an_old_one_wrote(box: Any, settings: Any) -> None:
    box.objects.create(token=CANARY)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert box.objects.get().token == CANARY
    box.objects.get().save()
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert box.objects.get().token == CANARY


def test_without_its_key_it_says_so(box: Any, settings: Any) -> None:
    box.objects.create(token=CANARY)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(SecretUnreadable, match="encryption keys"):
        box.objects.get()


def test_it_cannot_be_searched(box: Any) -> None:
    with pytest.raises(FieldError):
        box.objects.filter(token=CANARY).exists()
    assert not box.objects.filter(token__isnull=True).exists()
