"""What the mirror holds and what happened to it, as plain values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One mirrored object. `id` and `version` are 0 until the mirror has stored it; they name one state of
    it.
    """

    namespace: str
    name: str
    uid: str = ""
    resource_version: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    id: int = 0
    version: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name): unique within one kind of one cluster."""
        return self.namespace, self.name

    def same_content(self, other: "Row") -> bool:
        """Whether nothing that the mirror shows differs."""
        return (self.uid, self.labels, self.data, self.created_at) == (
            other.uid, other.labels, other.data, other.created_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """What a source saw: this object is now so, or is gone."""

    row: Row
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What the mirror stored: `old` is None for a new object, `new` is None for one that is gone."""

    old: Row | None
    new: Row | None

    @property
    def row(self) -> Row:
        """The object as it is, or as it last was."""
        row = self.new or self.old
        assert row is not None  # one of the two is always there
        return row
