"""A whole list into the mirror: COPY to a temporary table, then merge in SQL (rule 17).

5,000 objects take a quarter of the time of single upserts, and a list that says nothing new writes nothing.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from django.db import connection

from apps.live.rows import Change, Row

# A table that is still empty makes the planner loop: it would read what it has just inserted again for every
# further row, and the first fill of n objects would cost n * n.
NO_LOOPS = "SET LOCAL enable_nestloop = off"
LOOPS = "SET LOCAL enable_nestloop = on"
TEMPORARY = """
CREATE TEMP TABLE live_incoming (
    namespace text, name text, uid text, resource_version bigint,
    labels jsonb, data jsonb, created_at timestamptz
) ON COMMIT DROP
"""
COPY = "COPY live_incoming FROM STDIN"
DISTINCT = """
DELETE FROM live_incoming twice USING live_incoming kept
WHERE twice.ctid < kept.ctid AND twice.namespace = kept.namespace AND twice.name = kept.name
"""
CHANGED = """
SELECT o.* FROM live_clusterobject o JOIN live_incoming i ON
    o.cluster_id = %(cluster)s AND o.kind = %(kind)s AND o.namespace = i.namespace AND o.name = i.name
WHERE (o.resource_version, o.uid) <> (i.resource_version, i.uid) AND
    (o.uid, o.labels, o.data, o.created_at) IS DISTINCT FROM (i.uid, i.labels, i.data, i.created_at)
"""
UPDATE = """
UPDATE live_clusterobject o SET uid = i.uid, resource_version = i.resource_version, labels = i.labels,
    data = i.data, created_at = i.created_at, version = o.version + 1
FROM live_incoming i
WHERE o.cluster_id = %(cluster)s AND o.kind = %(kind)s AND o.namespace = i.namespace AND o.name = i.name AND
    (o.resource_version, o.uid) <> (i.resource_version, i.uid) AND
    (o.uid, o.labels, o.data, o.created_at) IS DISTINCT FROM (i.uid, i.labels, i.data, i.created_at)
RETURNING o.*
"""
# a first version is the time in ms: an object that is made again never repeats a version of its past
INSERT = """
INSERT INTO live_clusterobject AS o
    (cluster_id, kind, namespace, name, uid, resource_version, labels, data, created_at, version)
SELECT %(cluster)s, %(kind)s, i.*, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM live_incoming i WHERE NOT EXISTS (
    SELECT FROM live_clusterobject o
    WHERE o.cluster_id = %(cluster)s AND o.kind = %(kind)s AND o.namespace = i.namespace AND o.name = i.name)
RETURNING o.*
"""
DELETE = """
DELETE FROM live_clusterobject o WHERE o.cluster_id = %(cluster)s AND o.kind = %(kind)s AND NOT EXISTS
    (SELECT FROM live_incoming i WHERE i.namespace = o.namespace AND i.name = o.name)
RETURNING o.*
"""
FIELDS = frozenset(Row.__dataclass_fields__)


def merge(cluster_id: int, kind: str, rows: Iterable[Row]) -> list[Change]:
    """Inside the caller's transaction: make the mirror hold exactly these rows. Returns what changed."""
    place: dict[str, int | str] = {"cluster": cluster_id, "kind": kind}
    with connection.cursor() as cursor:
        _copy(cursor, rows)
        cursor.execute(NO_LOOPS)
        cursor.execute(CHANGED, place)
        old = {row.key: row for row in _rows(cursor)}
        changes: list[Change] = []
        if old:
            cursor.execute(UPDATE, place)
            changes += [Change(old=old[row.key], new=row) for row in _rows(cursor)]
        cursor.execute(DELETE, place)
        changes += [Change(old=row, new=None) for row in _rows(cursor)]
        cursor.execute(INSERT, place)
        changes += [Change(old=None, new=row) for row in _rows(cursor)]
        cursor.execute("DROP TABLE live_incoming")
        cursor.execute(LOOPS)
    return changes


def _copy(cursor: Any, rows: Iterable[Row]) -> None:
    """Fill the temporary table; if the source gave an object twice, the later one counts."""
    cursor.execute(TEMPORARY)
    with cursor.copy(COPY) as copy:
        for row in rows:
            texts = row.namespace, row.name, row.uid
            jsons = as_json(row.labels), as_json(row.data)
            copy.write_row((*texts, row.resource_version, *jsons, row.created_at))
    cursor.execute("ANALYZE live_incoming")
    cursor.execute("SELECT count(*) <> count(DISTINCT (namespace, name)) FROM live_incoming")
    if cursor.fetchone()[0]:
        cursor.execute(DISTINCT)


def as_json(value: Any) -> str:
    """JSON text that Postgres takes: jsonb refuses the NUL character, which no label or status means."""
    return orjson.dumps(value).decode().replace("\\u0000", "")


def _rows(cursor: Any) -> list[Row]:
    """What the statement returned."""
    names = [column.name for column in cursor.description]
    wanted = [(place, name) for place, name in enumerate(names) if name in FIELDS]
    return [Row(**{name: _value(name, line[place]) for place, name in wanted}) for line in cursor.fetchall()]


def _value(name: str, value: Any) -> Any:
    """Django's connections return jsonb as text in raw queries."""
    return orjson.loads(value) if name in ("labels", "data") and isinstance(value, str | bytes) else value
