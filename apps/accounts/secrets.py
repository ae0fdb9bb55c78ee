"""Secrets at rest: a text column that only the holder of `settings.ENCRYPTION_KEYS` can read."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    TextField = models.TextField[str, "Secret"]
else:
    TextField = models.TextField  # takes types only in the stubs


class SecretUnreadable(Exception):
    """A stored secret that none of the present keys opens."""

    problem_status = 500
    problem_code = "secret_unreadable"


class Secret(str):
    """Text that does not show itself where values are printed: in a repr, a traceback or a debug page."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')" if self else "Secret('')"


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """The text under the newest key."""
    return _box(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(stored: str) -> Secret:
    """What `encrypt` was given, under any of the keys. SecretUnreadable when no key fits."""
    try:
        return Secret(_box(tuple(settings.ENCRYPTION_KEYS)).decrypt(stored.encode()).decode())
    except InvalidToken as error:
        words = _("A stored secret cannot be read with the present encryption keys.")
        raise SecretUnreadable(words) from error


class SecretAttribute(DeferredAttribute):
    """Keeps every value that is put on the instance as a Secret."""

    def __set__(self, instance: models.Model, value: str | None) -> None:
        instance.__dict__[self.field.attname] = None if value is None else Secret(value)


class EncryptedTextField(TextField):
    """A TextField encrypted in the database (Fernet, first key writes, all keys read).

    Empty text stays empty.

    It cannot be searched: the same text is stored differently each time.
    """

    descriptor_class = SecretAttribute

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        return encrypt(str(value)) if value else value

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Secret | None:
        """Decrypt on the way out."""
        if not value:
            return None if value is None else Secret("")
        return decrypt(value)

    def get_lookup(self, lookup_name: str) -> Any:
        """Only `isnull` makes sense."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def value_to_string(self, obj: models.Model) -> str:
        """Dumps carry the encrypted form."""
        value = self.value_from_object(obj)
        return encrypt(value) if value else ""
