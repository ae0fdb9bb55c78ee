"""Kinds that are mirrored: each app registers, in its `kinds.py`, what it needs and how little is kept."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from apps.live.rows import Change, Event, Row

Hook = Callable[[int, list[Change]], None]
EventHook = Callable[[int, Sequence[Event]], None]


class Metadata(msgspec.Struct, gc=False):
    """The part of an object's metadata that the mirror needs; a kind's struct may use a larger one of its
    own.
    """

    name: str
    namespace: str = ""
    uid: str = ""
    resourceVersion: str = "0"
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    creationTimestamp: datetime | None = None
    deletionTimestamp: datetime | None = None


def no_topics(_cluster_id: int, _row: Row) -> Iterable[str]:
    """The default of `Kind.topics`."""
    return ()


@dataclass(frozen=True)
class Kind:
    """One mirrored kind.

    `name` is its name in the mirror and in topics ("pods"); `resource` the gateway's word for it; `struct`
    what is decoded of each object, with a `metadata` at least like `Metadata`; `project` makes the slim JSON
    projection that is stored; `topics` names what else to announce when a row changes. AWS kinds leave
    `resource` empty.
    """

    name: str
    resource: str
    struct: type[msgspec.Struct]
    project: Callable[[Any], dict[str, Any]]
    topics: Callable[[int, Row], Iterable[str]] = no_topics


_kinds: dict[str, Kind] = {}
_hooks: dict[str, list[Hook]] = {}
_event_hooks: dict[str, list[EventHook]] = {}


def register_kind(kind: Kind) -> Kind:
    """Have a kind mirrored. A second kind of that name is a ValueError."""
    if _kinds.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"The kind {kind.name} is registered twice")
    return kind


def kind_named(name: str) -> Kind:
    """The registered kind; KeyError when nobody registered it."""
    return _kinds[name]


def topics_of(name: str) -> Callable[[int, Row], Iterable[str]]:
    """What else to announce when a row of the kind changes; nothing for a kind that nobody registered."""
    return _kinds[name].topics if name in _kinds else no_topics


def registered_kinds() -> list[Kind]:
    """Every kind, in the order of registration."""
    return list(_kinds.values())


def on_change(kind: str, callback: Hook) -> Hook:
    """Have `callback(cluster_id, changes)` called in the watcher after each commit that changed objects of
    the kind.

    Several events of one object within a batch arrive as one change; a re-created object has another `uid`.
    An error in it is logged and stops nobody: whoever needs certainty keeps a sweep of their own.
    """
    callbacks = _hooks.setdefault(kind, [])
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


def on_events(kind: str, callback: EventHook) -> EventHook:
    """Have `callback(cluster_id, events)` called in the watcher after each commit of a watch's batch: every
    event in its order, also those that changed nothing or were overtaken within the batch.

    Called before the `on_change` hooks of the same batch. An error in it is logged and stops nobody.
    """
    callbacks = _event_hooks.setdefault(kind, [])
    if callback not in callbacks:
        callbacks.append(callback)
    return callback


def event_hooks_of(kind: str) -> list[EventHook]:
    """Who wants to hear every event of the kind."""
    return list(_event_hooks.get(kind, ()))


def hooks_of(kind: str) -> list[Hook]:
    """Who wants to hear about changes of the kind."""
    return list(_hooks.get(kind, ()))
