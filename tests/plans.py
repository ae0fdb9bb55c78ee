"""How Postgres would answer a query on a table of any size."""

from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

OFF = ("seqscan", "bitmapscan", "sort", "incremental_sort")


def planned(rows: QuerySet[Any]) -> str:
    """The plan where reading and sorting whole tables is to be avoided: it sorts only where no index fits."""
    with transaction.atomic(), connection.cursor() as cursor:
        for way in OFF:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        return rows.explain()
