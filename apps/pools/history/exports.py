"""A pool's history as CSV of any size, read in pages behind the last row sent, as the audit's export is."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from apps.audit.exports import cell
from apps.pools.history.selectors import Holdings, behind, change_of
from apps.pools.models import Holding

PAGE = 1000
FIELDS = (
    *("from", "to", "pod", "pod_uid", "business", "previous", "source", "by", "reason", "change"),
    *("node", "instance_type", "gpus", "node_gpus"),
)
HEAD = ",".join(FIELDS) + "\r\n"


def as_file(found: Holdings, pool: str) -> StreamingHttpResponse:
    """The answer that brings the file, named after the pool."""
    response = StreamingHttpResponse(written(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{pool}-history.csv"'
    return response


async def written(found: Holdings) -> AsyncIterator[str]:
    """The file in pieces, newest interval first, one read of the database each."""
    yield HEAD
    last: Holding | None = None
    while rows := await sync_to_async(following)(found, last):
        yield as_csv(rows)
        last = rows[-1]


def following(found: Holdings, last: Holding | None) -> list[Holding]:
    """The next PAGE intervals."""
    return list((behind(found, last) if last else found).order_by("-from_at", "-id")[:PAGE])


def as_csv(rows: Sequence[Holding]) -> str:
    """Rows of the fields in FIELDS; text that a spreadsheet would run is made harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([cell(value) for value in record(row)])
    return out.getvalue()


def record(row: Holding) -> tuple[str | int, ...]:
    """An interval in the order of FIELDS; times in ISO 8601, UTC."""
    ended = row.to_at.isoformat() if row.to_at else ""
    who = (row.source, row.by, row.reason, change_of(row))
    pod = (row.pod_name, row.pod_uid, row.business, row.previous)
    return row.from_at.isoformat(), ended, *pod, *who, row.node, row.instance_type, row.gpus, row.node_gpus
