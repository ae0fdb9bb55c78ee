"""The audit as a file of any size, CSV or JSON Lines.

It is read in pages behind the last entry sent: constant memory, and no connection or cursor is held while a
slow reader takes its time. Entries never change, so the pages fit together.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Q, QuerySet

from apps.audit.models import AuditEntry

PAGE = 1000
FIELDS = (
    *("id", "at", "actor_name", "code", "label", "outcome", "target_kind", "target_name", "cluster"),
    *("namespace", "business", "reason", "message", "before", "after", "via", "ip", "request_id"),
    "operation_id",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Entries = Sequence[AuditEntry]


def as_csv(entries: Entries) -> str:
    """Rows of the fields in FIELDS, quoted where needed."""
    out = io.StringIO()
    writer = csv.writer(out)
    for entry in entries:
        writer.writerow([cell(value) for value in record(entry).values()])
    return out.getvalue()


def as_json_lines(entries: Entries) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(record(entry), ensure_ascii=False) + "\n" for entry in entries)


def record(entry: AuditEntry) -> dict[str, Any]:
    """The entry as plain JSON, in the order of FIELDS."""
    return {name: entry.at.isoformat() if name == "at" else getattr(entry, name) for name in FIELDS}


def cell(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    text = "" if value is None else value
    return f"'{text}" if isinstance(text, str) and text.lstrip(" ").startswith(FORMULA) else text


HEAD = ",".join(FIELDS) + "\r\n"
FORMATS: dict[str, tuple[str, str, Callable[[Entries], str]]] = {
    "csv": ("text/csv; charset=utf-8", HEAD, as_csv),
    "jsonl": ("application/jsonl; charset=utf-8", "", as_json_lines),
}


async def written(entries: QuerySet[AuditEntry], form: str) -> AsyncIterator[str]:
    """The file in pieces, newest entry first, one read of the database each."""
    _type, head, write = FORMATS[form]
    if head:
        yield head
    last: AuditEntry | None = None
    while found := await sync_to_async(_page)(entries, last):
        yield write(found)
        last = found[-1]


def _page(entries: QuerySet[AuditEntry], last: AuditEntry | None) -> list[AuditEntry]:
    if last is not None:
        # The first condition alone lets the index on time begin where the last page ended.
        entries = entries.filter(Q(at__lte=last.at), Q(at__lt=last.at) | Q(pk__lt=last.pk))
    return list(entries.order_by("-at", "-pk")[:PAGE])
