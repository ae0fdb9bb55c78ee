"""What many tests begin with, made once in a process and copied from then on."""

from collections.abc import Callable

from django.db import connection, transaction

from tests.tables import filled_tables

Rows = dict[str, str]
made: dict[Callable[[], None], Rows] = {}
"""What builders wrote: JSON of all rows by table."""


def make_once(build: Callable[[], None]) -> None:
    """What `build` writes into empty tables; from the second time on, copies of its rows, which are quick."""
    if build in made:
        write_again(made[build])
        return
    before = counts()
    build()
    written = [name for name, rows in counts().items() if rows != before[name]]
    assert not any(before[name] for name in written), "which of the rows are its own cannot be told"
    made[build] = {name: read(name) for name in written}


def counts() -> dict[str, int]:
    """Rows by table."""
    asked = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in filled_tables())  # noqa: S608 (our tables)
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return dict(cursor.fetchall())


def read(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT json_agg(t)::text FROM {name} t")  # noqa: S608 (our tables)
        return str(cursor.fetchone()[0])


def write_again(rows: Rows) -> None:
    """Foreign keys are checked at the end of a transaction, so that the order does not matter."""
    inserts = [f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, %s)" for name in rows]  # noqa: S608 (our tables)
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("; ".join(inserts), list(rows.values()))
