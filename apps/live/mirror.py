"""Writing the mirror: a whole list (`replace`) or what a watch told (`apply`); one transaction, then one
publish.

What does not change a projection writes nothing. Both lock the kind's SyncState row, so writers of one kind
queue up, and both refuse a source whose epoch is over (`Fenced`), so that a watcher that lost its leadership
cannot turn the mirror back.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.live import fill, kinds, topics, upsert
from apps.live.kinds import Hook, Kind, Metadata, on_change, register_kind
from apps.live.models import ClusterObject, SyncState
from apps.live.publish import publish
from apps.live.rows import Change, Event, Row
from apps.live.stored import rows

__all__ = [
    "Change",
    "Event",
    "Fenced",
    "Hook",
    "Kind",
    "Metadata",
    "Older",
    "Row",
    "apply",
    "forget",
    "objects",
    "on_change",
    "register_kind",
    "replace",
    "rows",
    "sync_state",
]
logger = structlog.get_logger(__name__)
MAX_OBJECT_TOPICS = 50


class Fenced(Exception):
    """Another source has taken over this kind of this cluster: this one must stop."""


class Older(Exception):
    """The list is older than what the mirror already holds."""


def replace(
    cluster_id: int,
    kind: str,
    found: Iterable[Row],
    resource_version: int | str,
    *,
    epoch: int | None = None,
    may_go_back: bool = True,
) -> list[Change]:
    """Make the mirror equal to a whole list: COPY, merge what differs, delete what is missing.

    With `may_go_back=False` a list older than the last known resourceVersion raises Older. Returns the
    changes.
    """
    version = int(resource_version)
    with transaction.atomic():
        state = _lock(cluster_id, kind, epoch)
        if version < state.resource_version and not may_go_back:
            raise Older(f"{kind}: list at {version}, mirror at {state.resource_version}")
        changes = fill.merge(cluster_id, kind, found)
        was_loaded = state.loaded and not state.error
        _mark_current(state, version, synced=True)
        _announce(cluster_id, kind, changes, state_changed=not was_loaded)
    _call_hooks(cluster_id, kind, changes)
    return changes


def apply(cluster_id: int, kind: str, events: Sequence[Event], *, epoch: int | None = None) -> list[Change]:
    """Store what a watch told, the latest event of each object; older than stored is passed over. Returns the
    changes.
    """
    if not events:
        return []
    with transaction.atomic():
        state = _lock(cluster_id, kind, epoch)
        changes = upsert.store(cluster_id, kind, events)
        newest = max(event.row.resource_version for event in events)
        _mark_current(state, max(newest, state.resource_version), synced=False)
        _announce(cluster_id, kind, changes, state_changed=False)
    _call_event_hooks(cluster_id, kind, events)
    _call_hooks(cluster_id, kind, changes)
    return changes


def objects(cluster_id: int, kind: str) -> "QuerySet[ClusterObject, ClusterObject]":
    """The mirrored objects of one kind of one cluster, by namespace and name."""
    return ClusterObject.objects.filter(cluster_id=cluster_id, kind=kind).order_by("namespace", "name")


def sync_state(cluster_id: int, kind: str) -> SyncState:
    """How well that kind is followed; an unsaved, never loaded state when no source has begun."""
    found = SyncState.objects.filter(cluster_id=cluster_id, kind=kind).first()
    return found or SyncState(cluster_id=cluster_id, kind=kind)


def forget(cluster_id: int) -> None:
    """Drop everything that is mirrored of a cluster: for clusters that were removed."""
    with transaction.atomic():
        names = list(SyncState.objects.filter(cluster_id=cluster_id).values_list("kind", flat=True))
        ClusterObject.objects.filter(cluster_id=cluster_id).delete()
        SyncState.objects.filter(cluster_id=cluster_id).delete()
        publish(topics.sync(cluster_id), *(topics.kind(cluster_id, name) for name in names))


def _lock(cluster_id: int, kind: str, epoch: int | None) -> SyncState:
    """The kind's state, locked until the transaction ends. Fenced when a later source has begun."""
    place: dict[str, Any] = {"cluster_id": cluster_id, "kind": kind}
    state = SyncState.objects.select_for_update().filter(**place).first()
    if state is None:
        SyncState.objects.bulk_create([SyncState(**place)], ignore_conflicts=True)
        state = SyncState.objects.select_for_update().get(**place)
    if epoch is not None and epoch != state.epoch:
        raise Fenced(f"{kind} of cluster {cluster_id} is at epoch {state.epoch}, this source at {epoch}")
    return state


def _mark_current(state: SyncState, version: int, *, synced: bool) -> None:
    """The mirror is what the cluster says now: note the time, forget the error."""
    state.resource_version, state.seen_at = version, timezone.now()
    state.error, state.failing_since = "", None
    if synced:
        state.synced_at = state.seen_at
        state.lists += 1  # the row is locked
    state.save(update_fields=["resource_version", "seen_at", "synced_at", "error", "failing_since", "lists"])


def _announce(cluster_id: int, kind: str, changes: list[Change], *, state_changed: bool) -> None:
    """One publish for the whole commit; very many objects are announced as `many` instead of one by one."""
    names: list[str] = [topics.sync(cluster_id)] if state_changed else []
    if changes or state_changed:
        names.append(topics.kind(cluster_id, kind))
    if len(changes) > MAX_OBJECT_TOPICS:
        names.append(topics.many(cluster_id, kind))
    else:
        names += [topics.object(cluster_id, kind, *change.row.key) for change in changes]
    more = kinds.topics_of(kind)
    for change in changes:
        for row in filter(None, (change.old, change.new)):
            names += more(cluster_id, row)
    publish(*dict.fromkeys(names))


def _call_event_hooks(cluster_id: int, kind: str, events: Sequence[Event]) -> None:
    for hook in kinds.event_hooks_of(kind):
        try:
            hook(cluster_id, events)
        except Exception:
            logger.exception("mirror_hook_failed", kind=kind, hook=getattr(hook, "__name__", str(hook)))


def _call_hooks(cluster_id: int, kind: str, changes: list[Change]) -> None:
    for hook in kinds.hooks_of(kind) if changes else ():
        try:
            hook(cluster_id, changes)
        except Exception:
            logger.exception("mirror_hook_failed", kind=kind, hook=getattr(hook, "__name__", str(hook)))
