"""What was and what is, compared key by key, nested keys as dotted paths."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, str | Promise] = {
    "added": _("added"),
    "removed": _("removed"),
    "changed": _("changed"),
    "same": _("unchanged"),
}
SIGNS = {"added": "+", "removed": "−", "changed": "~", "same": ""}
COLOURS = {"added": "green", "removed": "red", "changed": "yellow", "same": "secondary"}
_NOTHING = object()


@dataclass(frozen=True)
class Change:
    """One line of the comparison: `kind` is added, removed, changed or same; None where there was nothing."""

    key: str
    kind: str
    before: str | None
    after: str | None

    @property
    def word(self) -> str:
        """The kind in words."""
        return str(WORDS[self.kind])

    @property
    def sign(self) -> str:
        """The kind as a sign beside the word."""
        return SIGNS[self.kind]

    @property
    def colour(self) -> str:
        """A Tabler colour name."""
        return COLOURS[self.kind]


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Every key of the two, what differs first."""
    was, now = dict(flat(before)), dict(flat(after))
    found = [_change(key, was.get(key, _NOTHING), now.get(key, _NOTHING)) for key in sorted({*was, *now})]
    return sorted(found, key=lambda change: change.kind == "same")


def flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of all leaves; an empty mapping and a list are leaves."""
    for key, item in value.items():
        here = f"{path}.{key}" if path else str(key)
        if isinstance(item, Mapping) and item:
            yield from flat(item, here)
        else:
            yield here, item


def _change(key: str, was: Any, now: Any) -> Change:
    if was is _NOTHING:
        return Change(key, "added", None, _text(now))
    if now is _NOTHING:
        return Change(key, "removed", _text(was), None)
    return Change(key, "same" if was == now else "changed", _text(was), _text(now))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
