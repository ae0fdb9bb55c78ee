"""Who wrote which field: the managedFields of every writer, and server-side apply with its conflicts.

Follows structured-merge-diff v4 (merge/update.go) and apiserver's managedfields package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devcluster import fieldsets
from devcluster.errors import ApiError, Cause
from devcluster.fieldsets import Path, Paths
from devcluster.schema import Node

Json = dict[str, Any]

UNOWNED: tuple[Path, ...] = (
    ("f:apiVersion",),
    ("f:kind",),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "clusterName",
            "generation",
            "managedFields",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
    ),
)
BARE = frozenset({(), ("f:metadata",), ("f:spec",), ("f:status",)})


@dataclass(frozen=True)
class Writer:
    """Who writes: a manager by name, through which door, at what time (RFC 3339)."""

    manager: str
    api_version: str
    time: str
    subresource: str = ""
    operation: str = "Update"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        return self.manager, self.operation, self.api_version, self.subresource

    def words(self) -> str:
        """As a conflict names it."""
        text = f'"{self.manager}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


Owners = dict[tuple[str, str, str, str], tuple[Writer, Paths]]


def read(obj: Json | None) -> Owners:
    """The owners an object names; unreadable entries are left out."""
    owners: Owners = {}
    for entry in (obj or {}).get("metadata", {}).get("managedFields") or []:
        if not entry.get("manager"):
            continue
        writer = Writer(
            entry["manager"],
            entry.get("apiVersion", ""),
            entry.get("time", ""),
            entry.get("subresource", ""),
            entry.get("operation", "Update"),
        )
        owners[writer.identity] = (writer, fieldsets.decode(entry.get("fieldsV1") or {}))
    return owners


def write(owners: Owners) -> list[Json]:
    """The managedFields list, in upstream's order: applies first, then by time and name."""
    kept = [(writer, paths) for writer, paths in owners.values() if paths]
    kept.sort(key=lambda pair: (pair[0].operation, pair[0].time, pair[0].manager, pair[0].subresource))
    return [_entry(writer, paths) for writer, paths in kept]


def _entry(writer: Writer, paths: Paths) -> Json:
    entry = {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "time": writer.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fieldsets.encode(paths),
    }
    return {**entry, "subresource": writer.subresource} if writer.subresource else entry


def owned(paths: Paths) -> Paths:
    """Without what nobody can own: identity, server-filled metadata, the bare sections."""
    return {
        path for path in paths if path not in BARE and path[:1] not in UNOWNED and path[:2] not in UNOWNED
    }


def after_update(
    node: Node, old: Json | None, new: Json, writer: Writer, base: Owners | None = None
) -> list[Json]:
    """managedFields after a plain write: the writer owns what it changed, nobody owns what is gone."""
    owners = read(old) if base is None else base
    difference = fieldsets.compare(node, _without_managed(old or {}), _without_managed(new))
    written, removed = owned(difference.written), owned(difference.removed)
    if old is None:
        written = {path for path in written if path[0] != "f:status"}
    if not written and not removed:
        return write(owners)
    for identity, (other, paths) in owners.items():
        lost = removed if identity == writer.identity else removed | written
        owners[identity] = (other, paths - lost)
    mine = owners.get(writer.identity, (writer, set()))[1]
    owners[writer.identity] = (writer, mine | written)
    return write(owners)


def _without_managed(obj: Json) -> Json:
    metadata = {name: value for name, value in obj.get("metadata", {}).items() if name != "managedFields"}
    return {**obj, "metadata": metadata} if "metadata" in obj else obj


def apply(node: Node, live: Json | None, patch: Json, writer: Writer, *, force: bool) -> Json:
    """Server-side apply: the merged object with its managedFields; 409 naming each conflict."""
    owners = read(live)
    last = owners.get(writer.identity, (writer, set()))[1]
    mine = owned(fieldsets.fields_of(node, patch))
    current = _without_managed(live or {})
    merged = fieldsets.merge(node, current, patch) if live else patch
    merged = fieldsets.remove(node, merged, _given_up(last - mine, owners, writer, mine))
    difference = fieldsets.compare(node, current, merged)
    written, removed = owned(difference.written), owned(difference.removed)
    _refuse_conflicts(owners, writer, written, force)
    for identity, (other, paths) in owners.items():
        if identity != writer.identity:
            owners[identity] = (other, paths - removed - written)
    unchanged = mine == last and not written and not removed and writer.identity in owners
    kept = owners[writer.identity][0] if unchanged else writer
    owners[writer.identity] = (kept, mine)
    metadata = {**merged.get("metadata", {}), "managedFields": write(owners)}
    return {**merged, "metadata": metadata}


def _given_up(lost: Paths, owners: Owners, writer: Writer, mine: Paths) -> Paths:
    """Fields the applier named before and leaves out now, unless another owns them or something inside."""
    others: Paths = set(mine)
    for identity, (_, paths) in owners.items():
        if identity != writer.identity:
            others |= paths
    held = {path[:length] for path in others for length in range(1, len(path) + 1)}
    return {path for path in lost if path not in held}


def _refuse_conflicts(owners: Owners, writer: Writer, written: Paths, force: bool) -> None:
    conflicts: list[tuple[str, Path]] = []
    for identity, (other, paths) in owners.items():
        if identity != writer.identity:
            conflicts += [(other.words(), path) for path in sorted(paths & written)]
    if conflicts and not force:
        raise ApplyConflict(conflicts)


class ApplyConflict(ApiError):
    """409 with one FieldManagerConflict cause per field."""

    def __init__(self, conflicts: list[tuple[str, Path]]) -> None:
        causes = [
            Cause("FieldManagerConflict", f"conflict with {who}", dotted(path)).to_json()
            for who, path in conflicts
        ]
        message = f"Apply failed with {len(conflicts)} conflict{'s' if len(conflicts) > 1 else ''}: "
        super().__init__(409, "Conflict", message + _listed(conflicts), {"causes": causes})


def _listed(conflicts: list[tuple[str, Path]]) -> str:
    if len(conflicts) == 1:
        return f"conflict with {conflicts[0][0]}: {dotted(conflicts[0][1])}"
    lines: list[str] = []
    for who in dict.fromkeys(who for who, _ in conflicts):
        lines.append(f"conflicts with {who}:")
        lines += [f"- {dotted(path)}" for name, path in conflicts if name == who]
    return "\n".join(lines)


def dotted(path: Path) -> str:
    """`.spec.containers[name="server"].image`, as upstream prints a path."""
    text = ""
    for part in path:
        kind, _, rest = part.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + rest[1:-1].replace('":', "=").replace('"', "", 1).replace(',"', ",") + "]"
        else:
            text += f"[={rest}]"
    return text
