"""Log lines: cleaning, numbering under the fence, and writing them in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from apps.operations.models import OperationLine

LONGEST = 64 * 1024
CUT = " … [line cut]"
COLUMNS = ("operation_id", "seq", "at", "stream", "step", "text")


@dataclass(frozen=True)
class Line:
    """A line before it has a number."""

    text: str
    step: str = ""
    stream: str = OperationLine.Stream.LOG
    at: datetime | None = None


def clean(text: str) -> str:
    """`text` as Postgres and a page can hold it: no NUL bytes, no lone surrogates, at most 64 kB."""
    kept = text.replace("\x00", "").encode("utf-8", "replace")
    if len(kept) <= LONGEST:
        return kept.decode()
    return kept[: LONGEST - len(CUT.encode())].decode("utf-8", "ignore") + CUT


def split(text: str, *, step: str = "", stream: str = OperationLine.Stream.LOG) -> list[Line]:
    """One `Line` for each line of `text`; at least one."""
    now = timezone.now()
    return [Line(clean(part), step, stream, now) for part in text.split("\n")]


def insert(operation_id: int, lines: Sequence[Line], *, first: int) -> None:
    """Write `lines` numbered from `first`, within the transaction that took the numbers."""
    table = connection.ops.quote_name(OperationLine._meta.db_table)
    now = timezone.now()
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN") as copy,
    ):
        for seq, line in enumerate(lines, start=first):
            copy.write_row((operation_id, seq, line.at or now, str(line.stream), line.step, line.text))


def after(operation_id: int, seq: int, *, limit: int) -> list[OperationLine]:
    """Up to `limit` lines behind the number `seq`, in order."""
    return list(OperationLine.objects.filter(operation_id=operation_id, seq__gt=seq).order_by("seq")[:limit])


def every(operation_id: int, *, size: int = 2000) -> Iterator[OperationLine]:
    """All lines in order, read in pages so that a long log needs little memory."""
    seq = 0
    while page := after(operation_id, seq, limit=size):
        yield from page
        seq = page[-1].seq
