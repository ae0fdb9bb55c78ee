"""What happened to accounts (logins, passwords, tokens, admin edits), told to whoever registered: the audit
does.

Accounts stand below the audit and cannot use its actions; listeners run inside the caller's transaction, so
that the change and its entry are kept or lost together.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.functional import Promise


@dataclass(frozen=True)
class AccountEvent:
    """One thing that happened: who did `code` to what; `before`/`after` hold no secrets."""

    code: str
    label: str | Promise
    actor_id: int | None
    actor_name: str
    kind: str
    name: str
    outcome: Literal["done", "denied", "failed"] = "done"
    message: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


_listeners: list[Callable[[AccountEvent], None]] = []


def on_event(callback: Callable[[AccountEvent], None]) -> None:
    """Have `callback(event)` called in the transaction of each account event; what it raises undoes the
    change.
    """
    if callback not in _listeners:
        _listeners.append(callback)


def tell(event: AccountEvent) -> None:
    """Tell every listener."""
    for callback in _listeners:
        callback(event)
