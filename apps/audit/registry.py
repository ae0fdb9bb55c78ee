"""The actions that exist: code -> label and permission, filled by `@action` at import."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise

if TYPE_CHECKING:
    from apps.audit.actions import Action


@dataclass(frozen=True)
class Entry:
    """A kind of audit entry. `action` is None where something else writes it (logins, admin edits)."""

    code: str
    label: str | Promise
    permission: str = ""
    action: "Action[Any] | None" = None


_entries: dict[str, Entry] = {}


def add(entry: Entry) -> None:
    """Make a code known, once."""
    if entry.code in _entries and _entries[entry.code].action is not entry.action:
        raise ValueError(f"The action {entry.code} is registered twice")
    _entries[entry.code] = entry


def label(code: str) -> str:
    """What the code means, in words; the code itself when its app is gone."""
    entry = _entries.get(code)
    return str(entry.label) if entry else code


def actions() -> list[Entry]:
    """Every registered action, by code."""
    return [_entries[code] for code in sorted(_entries) if _entries[code].action is not None]


def codes() -> list[tuple[str, str]]:
    """(code, label) of every kind of entry, for a filter."""
    return sorted(((code, str(entry.label)) for code, entry in _entries.items()), key=lambda pair: pair[1])
