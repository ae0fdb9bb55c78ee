"""Exports: what the filter shows, of any size in little memory, harmless in a spreadsheet."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient, Client

from apps.accounts.models import Grant, Role, User
from apps.audit import exports
from apps.audit.entries import Draft, Target, write
from apps.audit.models import AuditEntry, Outcome

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[[User], Client]
MANY = 100_000
FILL = """
INSERT INTO audit_auditentry (at, actor_name, code, outcome, target_kind, target_name, cluster, namespace,
  business, before, after, reason, message, request_id, via, operation_id)
SELECT now() - (n / 3) * interval '1 second', 'alice', 'tests.some', 'done', 'pod', 'pod-' || n, 'demo',
  'default', '', '{"business": "unassigned"}', '{"business": "production"}', '', '', 'r-' || n, 'page', ''
FROM generate_series(1, %s) AS n
"""


def close() -> None:
    connection.close()


def make(name: str, cluster: str = "demo", outcome: Outcome = Outcome.DONE) -> None:
    write(Draft("tests.some", Target("pod", name, cluster=cluster), {"was": 1}, {"is": name}), outcome)


async def fetch(user: User, form: str, query: str = "") -> str:
    client = AsyncClient()
    await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer: Any = await client.get(f"/audit/export.{form}{query}")
    assert answer.status_code == 200 and f'filename="audit.{form}"' in answer["Content-Disposition"]
    text = b"".join([part async for part in answer.streaming_content]).decode()
    await sync_to_async(close)()  # of the thread that asynchronous code reads in
    return text


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def test_both_forms_hold_what_the_filter_shows_newest_first(bob: User) -> None:
    for name in ("first", "second"):
        await sync_to_async(make)(name)
    await sync_to_async(make)("refused", outcome=Outcome.DENIED)
    table = rows_of(await fetch(bob, "csv", "?outcome=done"))
    lines = [json.loads(line) for line in (await fetch(bob, "jsonl", "?outcome=done")).splitlines()]
    assert (
        [row["target_name"] for row in table] == [row["target_name"] for row in lines] == ["second", "first"]
    )
    assert json.loads(table[0]["after"]) == lines[0]["after"] == {"is": "second"}
    assert list(table[0]) == list(lines[0]) == list(exports.FIELDS)


async def test_nobody_exports_what_they_do_not_see(charlie: User) -> None:
    await sync_to_async(Grant.objects.create)(user=charlie, role=Role.VIEWER, cluster="east")
    for cluster in ("east", "west", ""):
        await sync_to_async(make)(f"of {cluster}", cluster)
    assert [row["target_name"] for row in rows_of(await fetch(charlie, "csv"))] == ["of east"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "  ="])
async def test_no_cell_is_a_formula(bob: User, sign: str) -> None:
    hostile = f'{sign}HYPERLINK("http://evil.example","x")'
    await sync_to_async(make)(hostile)
    row = rows_of(await fetch(bob, "csv"))[0]
    assert row["target_name"] == f"'{hostile}"
    assert json.loads(await fetch(bob, "jsonl"))["target_name"] == hostile


async def test_text_with_lines_quotes_and_markup_comes_back_as_it_was(bob: User) -> None:
    hostile = 'a "quoted"\nline, <script>alert(1)</script>; {{ 7*7 }}'
    await sync_to_async(make)(hostile)
    assert rows_of(await fetch(bob, "csv"))[0]["target_name"] == hostile


def test_a_filter_that_makes_no_sense_is_no_export(bob: User, client_of: ClientOf) -> None:
    assert client_of(bob).get("/audit/export.csv?outcome=maybe").status_code == 422


def fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [MANY])


async def test_a_hundred_thousand_entries_take_little_memory_and_none_is_lost_or_doubled() -> None:
    await sync_to_async(fill)()
    seen, size, before = set(), 0, highest_memory()
    async for part in exports.written(AuditEntry.objects.all(), "jsonl"):
        size += len(part)
        seen |= {hash(line) for line in part.splitlines()}
    await sync_to_async(close)()
    grown = highest_memory(forget=False) - before
    print(f"{len(seen)} entries, {size / 1e6:.0f} MB; memory grew by {grown / 1e6:.0f} MB at most")
    assert len(seen) == MANY and size > 25e6
    assert grown < 30e6


def highest_memory(*, forget: bool = True) -> int:
    """The most memory in bytes that this process has had since the last call that forgot."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    words = Path("/proc/self/status").read_text().split()
    return int(words[words.index("VmHWM:") + 1]) * 1024
