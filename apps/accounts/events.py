"""What happened to accounts (logins, passwords, tokens, admin edits), told to whoever registered: the
audit.

Accounts stand below the audit and cannot use its actions; listeners run inside the caller's
transaction, so that the change and its entry are kept or lost together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.functional import Promise

from apps.accounts.models import User


@dataclass(frozen=True)
class AccountEvent:
    """One thing that happened: who did `code` to what; `before`/`after` hold no secrets."""

    code: str
    actor_id: int | None
    actor_name: str
    kind: str
    name: str
    outcome: Literal["done", "denied", "failed"] = "done"
    message: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def by(
        cls, user: User | None, code: str, *, kind: str = "", name: str = "", **rest: Any
    ) -> "AccountEvent":
        """An event of a person (None: of somebody who is not logged in), by default about themselves."""
        own = user.get_username() if user else ""
        pk = user.pk if user else None
        return cls(code, pk, own, kind or "person", name or own, **rest)


labels: dict[str, str | Promise] = {}
_listeners: list[Callable[[AccountEvent], None]] = []


def declare(code: str, label: str | Promise) -> str:
    """Make a code known with its label; answers the code."""
    labels[code] = label
    return code


def on_event(callback: Callable[[AccountEvent], None]) -> None:
    """Have `callback(event)` called inside the event's transaction; what it raises undoes the change."""
    if callback not in _listeners:
        _listeners.append(callback)


def tell(event: AccountEvent) -> None:
    """Tell every listener."""
    for callback in _listeners:
        callback(event)
