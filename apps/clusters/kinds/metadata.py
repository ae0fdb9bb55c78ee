"""What every mirrored object says of itself, decoded: only the fields that a page or a rule reads."""

from datetime import datetime
from typing import Any

import msgspec


class Owner(msgspec.Struct, frozen=True):
    """An entry of `metadata.ownerReferences`."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class FieldsEntry(msgspec.Struct, frozen=True):
    """An entry of `metadata.managedFields`; the fields stay raw bytes, searched for one key only."""

    manager: str = ""
    operation: str = ""
    time: datetime | None = None
    subresource: str = ""
    fieldsV1: msgspec.Raw = msgspec.Raw()


class Metadata(msgspec.Struct, frozen=True):
    """`metadata` of any object."""

    name: str = ""
    uid: str = ""
    namespace: str = ""
    resourceVersion: str = "0"
    generation: int = 0
    creationTimestamp: datetime | None = None
    deletionTimestamp: datetime | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    ownerReferences: list[Owner] | None = None
    managedFields: list[FieldsEntry] | None = None

    def controller(self) -> Owner:
        """The owner that controls this object, or an empty one."""
        return next((owner for owner in self.ownerReferences or [] if owner.controller), Owner())

    def annotation(self, key: str) -> str:
        """An annotation's text, empty when absent."""
        return (self.annotations or {}).get(key, "")

    def label_writer(self, key: str) -> dict[str, Any]:
        """Who wrote a label last: `{"manager": str, "at": ISO time or ""}`, from managedFields.

        The API server moves a changed field to its writer's entry, so the newest entry that holds the key is
        the last writer. Empty texts when the server says nothing.
        """
        needle = f'"f:{key}"'.encode()
        holders = [entry for entry in self.managedFields or [] if needle in bytes(entry.fieldsV1)]
        if not holders:
            return {"manager": "", "at": ""}
        last = max(holders, key=lambda entry: entry.time.timestamp() if entry.time else 0.0)
        return {"manager": last.manager, "at": last.time.isoformat() if last.time else ""}


class Condition(msgspec.Struct, frozen=True):
    """A condition of a pod, node or Deployment."""

    type: str
    status: str = ""
    reason: str = ""
    message: str = ""
    lastTransitionTime: datetime | None = None


def iso(moment: datetime | None) -> str:
    """A time as text for a JSON projection; empty for none."""
    return moment.isoformat() if moment else ""


def find(conditions: list[Condition] | None, kind: str) -> Condition:
    """The condition of that type, or an empty one with status `Unknown`."""
    return next(
        (item for item in conditions or [] if item.type == kind), Condition(type=kind, status="Unknown")
    )
