"""A few objects into the mirror: one read, one multi-row upsert, one delete (rule 18)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from django.db import connection
from django.db.models import Q

from apps.live.fill import as_json
from apps.live.models import ClusterObject
from apps.live.rows import Change, Event, Row
from apps.live.stored import rows as stored_rows

UPSERT = """
INSERT INTO live_clusterobject AS o
    (cluster_id, kind, namespace, name, uid, resource_version, labels, data, created_at, version)
SELECT %s, %s, i.*, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::bigint[], %s::jsonb[], %s::jsonb[], %s::timestamptz[]) AS i
ON CONFLICT (cluster_id, kind, namespace, name) DO UPDATE SET uid = excluded.uid, labels = excluded.labels,
    resource_version = excluded.resource_version, data = excluded.data, created_at = excluded.created_at,
    version = o.version + 1
RETURNING o.namespace, o.name, o.id, o.version
"""


def store(cluster_id: int, kind: str, events: Sequence[Event]) -> list[Change]:
    """Inside the caller's transaction: the latest event of each object wins; equal or older ones write
    nothing.
    """
    latest = {event.row.key: event for event in events}
    known = {row.key: row for row in _known(cluster_id, kind, latest)}
    gone = [
        known[key] for key, event in latest.items() if event.deleted and _counts(event.row, known.get(key))
    ]
    new = [
        event.row
        for key, event in latest.items()
        if not event.deleted and _differs(event.row, known.get(key))
    ]
    if gone:
        ClusterObject.objects.filter(pk__in=[row.id for row in gone]).delete()
    stored = _upsert(cluster_id, kind, new) if new else []
    return [Change(old=row, new=None) for row in gone] + [
        Change(old=known.get(row.key), new=row) for row in stored
    ]


def _known(cluster_id: int, kind: str, keys: Iterable[tuple[str, str]]) -> list[Row]:
    by_namespace: dict[str, list[str]] = {}
    for namespace, name in keys:
        by_namespace.setdefault(namespace, []).append(name)
    places = Q()
    for namespace, names in by_namespace.items():
        places |= Q(namespace=namespace, name__in=names)
    return stored_rows(ClusterObject.objects.filter(places, cluster_id=cluster_id, kind=kind))


def _counts(row: Row, known: Row | None) -> bool:
    """Whether the event is about what is stored, and not from before it."""
    return known is not None and row.resource_version >= known.resource_version


def _differs(row: Row, known: Row | None) -> bool:
    """Whether the event has something to write."""
    return known is None or (_counts(row, known) and not row.same_content(known))


def _upsert(cluster_id: int, kind: str, rows: list[Row]) -> list[Row]:
    columns: list[list[Any]] = [
        [row.namespace for row in rows],
        [row.name for row in rows],
        [row.uid for row in rows],
        [row.resource_version for row in rows],
        [as_json(row.labels) for row in rows],
        [as_json(row.data) for row in rows],
        [row.created_at for row in rows],
    ]
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [cluster_id, kind, *columns])
        stored = {(line[0], line[1]): (line[2], line[3]) for line in cursor.fetchall()}
    return [replace(row, id=stored[row.key][0], version=stored[row.key][1]) for row in rows]
