"""The tables that tests write, and how they are emptied."""

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
