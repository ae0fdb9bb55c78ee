"""Sets of fields, as server-side apply counts them: what a document names, and how two documents differ.

A path is a tuple of elements written as in FieldsV1: `f:name`, `k:{"name":"x"}` or `v:"x"`.
Follows structured-merge-diff v4 (typed/tofieldset.go, typed/compare.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from devcluster.schema import ANY, KEY_DEFAULTS, Node

Json = dict[str, Any]
Path = tuple[str, ...]
Paths = set[Path]
Children = dict[str, tuple[Node, Any]]

MISSING = object()
# Go structs that are always present: a new one is not a field of its own.
ALWAYS_PRESENT = frozenset({"f:metadata", "f:spec", "f:status", "f:template", "f:strategy", "f:containers"})


def element(node: Node, item: Any) -> str:
    """The path element of one item of a set or map list."""
    if node.list_type == "set" or not isinstance(item, dict):
        return "v:" + orjson.dumps(item).decode()
    values = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in sorted(node.keys)}
    named = {key: value for key, value in values.items() if value is not None}
    return "k:" + orjson.dumps(named).decode()


def children(node: Node, value: Any) -> Children | None:
    """Element -> (node, value) of a granular container; None for a leaf (scalar, atomic, unknown list)."""
    if node.atomic:
        return None
    if isinstance(value, dict) and node.type in ("object", "map", "any"):
        return {f"f:{name}": (node.child(name), item) for name, item in value.items()}
    if isinstance(value, list) and node.type == "list" and node.list_type in ("map", "set"):
        return {element(node, item): (node.items or ANY, item) for item in value}
    return None


def fields_of(node: Node, value: Any, path: Path = ()) -> Paths:
    """Every field a document names."""
    inside = children(node, value)
    if not inside:
        return {path}
    found: Paths = set()
    free = node.type != "object"
    for name, (child, item) in inside.items():
        here = (*path, name)
        found |= fields_of(child, item, here)
        if free:
            found.add(here)
    return found


@dataclass
class Difference:
    """Fields by what happened to them between two documents."""

    added: Paths = field(default_factory=set)
    modified: Paths = field(default_factory=set)
    removed: Paths = field(default_factory=set)

    @property
    def written(self) -> Paths:
        return self.added | self.modified


def compare(node: Node, old: Any, new: Any) -> Difference:
    """What a write from `old` to `new` did."""
    difference = Difference()
    _compare(node, old, new, (), difference)
    return difference


def _compare(node: Node, old: Any, new: Any, path: Path, into: Difference) -> None:
    if old is new or (old is not MISSING and new is not MISSING and old == new):
        return
    before = None if old is MISSING else children(node, old)
    after = None if new is MISSING else children(node, new)
    if _is_leaf(old, before) or _is_leaf(new, after) or not (before or after):
        _sort_in(old, new, path, into)
        return
    if old is MISSING and path and path[-1] not in ALWAYS_PRESENT:
        into.added.add(path)
    if new is MISSING and path:
        into.removed.add(path)
    before, after = before or {}, after or {}
    for name in {**before, **after}:
        child = (after.get(name) or before[name])[0]
        left = before[name][1] if name in before else MISSING
        right = after[name][1] if name in after else MISSING
        _compare(child, left, right, (*path, name), into)


def _is_leaf(value: Any, inside: Children | None) -> bool:
    return value is not MISSING and inside is None


def _sort_in(old: Any, new: Any, path: Path, into: Difference) -> None:
    if old is MISSING:
        into.added.add(path)
    elif new is MISSING:
        into.removed.add(path)
    else:
        into.modified.add(path)


def merge(node: Node, live: Any, patch: Any) -> Any:
    """`patch` laid over `live`: maps and keyed lists item by item, everything else replaced."""
    before, after = children(node, live), children(node, patch)
    if before is None or after is None or not after:
        return patch
    names = [*before, *(name for name in after if name not in before)]
    merged = {name: _merged(name, before, after) for name in names}
    if isinstance(patch, list):
        return list(merged.values())
    return {name[2:]: value for name, value in merged.items()}


def _merged(name: str, before: Children, after: Children) -> Any:
    if name not in after:
        return before[name][1]
    if name not in before:
        return after[name][1]
    return merge(after[name][0], before[name][1], after[name][1])


def remove(node: Node, value: Any, paths: Paths) -> Any:
    """`value` without the given fields; what becomes empty by it goes as well."""
    inside = children(node, value)
    if inside is None or not paths:
        return value
    kept: dict[str, Any] = {}
    for name, (child, item) in inside.items():
        below = {path[1:] for path in paths if path[0] == name}
        if () in below:
            continue
        changed = remove(child, item, below)
        if below and changed in ({}, []) and item not in ({}, []) and child.type != "object":
            continue
        kept[name] = changed
    return list(kept.values()) if isinstance(value, list) else {name[2:]: item for name, item in kept.items()}


def encode(paths: Iterable[Path]) -> Json:
    """A set as FieldsV1: nested objects, `.` where a field with children is itself a member."""
    root: Json = {}
    for path in sorted(paths):
        place = root
        for name in path:
            place = place.setdefault(name, {})
        place["."] = {}
    return _without_lone_dots(root)


def _without_lone_dots(place: Json) -> Json:
    if set(place) == {"."}:
        return {}
    return {name: _without_lone_dots(inside) if name != "." else {} for name, inside in place.items()}


def decode(fields: Json, path: Path = ()) -> Paths:
    """The set behind a FieldsV1 object."""
    if not fields:
        return {path} if path else set()
    found: Paths = set()
    for name, inside in fields.items():
        if name == ".":
            found.add(path)
        elif isinstance(inside, dict):
            found |= decode(inside, (*path, name))
    return found
