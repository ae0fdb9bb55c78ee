"""The tables that tests write: emptied after each, and filled again with what was made before."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

LARGE = 4_000_000  # bytes, of which most would be dead rows that every later look has to pass


def empty_tables() -> None:
    """Wait for whoever still writes, then delete all rows, past foreign keys and append-only triggers."""
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"LOCK TABLE {', '.join(filled_tables())} IN EXCLUSIVE MODE")
        for name in large_tables(cursor):
            cursor.execute(f"TRUNCATE {name} CASCADE")
        cursor.execute("; ".join(f"DELETE FROM {name}" for name in filled_tables()))  # noqa: S608 (our tables)


def large_tables(cursor: Any) -> list[str]:
    size = "SELECT name FROM unnest(%s::text[]) AS name WHERE pg_relation_size(name::regclass) > %s"
    cursor.execute(size, [filled_tables(), LARGE])
    return [name for (name,) in cursor.fetchall()]


@cache
def filled_tables() -> list[str]:
    """The tables that tests write, quoted; migrations fill those of content types and permissions."""
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    kept = {ContentType._meta.db_table, Permission._meta.db_table}
    return [connection.ops.quote_name(name) for name in sorted(names - kept)]


Rows = dict[str, str]
made: dict[Callable[[], None], Rows] = {}
"""What builders wrote: JSON of all rows by table."""


def make_once(build: Callable[[], None]) -> None:
    """What `build` writes into empty tables; from the second time on by copies of its rows, which takes a
    quarter of the time.
    """
    if build in made:
        write_again(made[build])
        return
    before = {name for name, rows in counts().items() if rows}
    build()
    written = {name for name, rows in counts().items() if rows} - before
    made[build] = {name: read(name) for name in written}


def counts() -> dict[str, int]:
    """Rows by table."""
    asked = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in filled_tables())  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return dict(cursor.fetchall())


def read(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT json_agg(t)::text FROM {name} t")  # noqa: S608
        return str(cursor.fetchone()[0])


def write_again(rows: Rows) -> None:
    """Foreign keys are checked at the end of a transaction, so that the order does not matter."""
    inserts = [f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, %s)" for name in rows]  # noqa: S608
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("; ".join(inserts), list(rows.values()))
