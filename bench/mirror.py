"""The mirror against the cheapest that could be done without one: decode the LIST body, copy its rows.

Everything is compared with `json.loads` of the same saved LIST body (5,000 pods on 500 nodes), in turns
within one run, so that a loaded machine slows both.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from bench import far_side, visitors
from bench.ground import BIG, ground, start_web
from bench.processes import MEGABYTE, cpu_seconds
from bench.table import Table, median, percentile, timed
from hyperpod_site.stack.stack import Stack

ROUNDS = 7
VIEWS = 15
BATCH = 100
BATCHES = 30
PAGE_HEADERS = (
    "Pods page of 50 rows",
    "p50 ms",
    "p95 ms",
    "times json.loads",
    "CPU ms",
    "CPU, times json.loads",
    "goal",
)
FILL_HEADERS = ("what", "ms", "times json.loads + COPY", "goal")
PLAIN = """CREATE TEMP TABLE plain (namespace text, name text, uid text, resource_version bigint,
    labels jsonb, data jsonb, created_at timestamptz) ON COMMIT DROP"""
COPY = "COPY plain (namespace, name, uid, resource_version, labels, data, created_at) FROM STDIN"


@dataclass
class Body:
    """The saved LIST pages, and a cluster row to mirror them under."""

    pages: list[bytes]
    cluster_id: int
    loads: list[float] = field(default_factory=list)

    def load(self) -> None:
        """What everything is measured against."""
        for page in self.pages:
            json.loads(page)

    def rows(self) -> Iterator[Any]:
        """Decoded and projected, as the watcher does it."""
        from apps.clusters.kinds import PODS
        from apps.live.decode import rows_of_page

        for page in self.pages:
            yield from rows_of_page(page, PODS)[0]


def saved(stack: Stack) -> Body:
    """Ask the API server as the watcher does, with the portal's rights."""
    from apps.clusters.connections import connect

    cluster_id = far_side.register(stack)
    return Body(list(connect(cluster_id).kubernetes.pages("pods", limit=500)), cluster_id)


def copy_rows(rows: Sequence[Any]) -> float:
    """Milliseconds for one COPY of finished rows into a table without indexes."""
    from django.db import connection, transaction

    from apps.live.fill import as_json

    texts = [(as_json(row.labels), as_json(row.data)) for row in rows]
    lines = [
        (row.namespace, row.name, row.uid, row.resource_version, *text, row.created_at)
        for row, text in zip(rows, texts, strict=True)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(PLAIN)
        begun = time.perf_counter()
        with cursor.copy(COPY) as copy:
            for line in lines:
                copy.write_row(line)
        return (time.perf_counter() - begun) * 1000


def fill(body: Body) -> None:
    """Decode, project, write: what the watcher does with a list."""
    from apps.live import mirror

    mirror.replace(body.cluster_id, "pods", body.rows(), int(time.time()))


def empty(body: Body) -> None:
    """Forget what was mirrored, and let Postgres do its housekeeping now instead of during a measurement."""
    from django.db import connection

    from apps.live import mirror

    mirror.forget(body.cluster_id)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM live_clusterobject")


def changed(rows: Sequence[Any], mark: int) -> list[Any]:
    """The list a while later: one object of a hundred differs."""
    version = 10**9 + mark
    return [
        replace(row, resource_version=version, data={**row.data, "restarts": mark})
        if index % 100 == mark % 100
        else row
        for index, row in enumerate(rows)
    ]


def fills(body: Body) -> Table:
    """The mirror filled, filled again, and told of changes."""
    from apps.live import mirror

    rows = list(body.rows())
    spent: dict[str, list[float]] = {"loads": [], "copy": [], "fill": [], "one": [], "none": []}
    for mark in range(1, ROUNDS + 1):
        empty(body)
        spent["loads"] += timed(body.load, times=1)
        spent["copy"].append(copy_rows(rows))
        spent["fill"] += timed(lambda: fill(body), times=1)
        spent["none"] += timed(lambda: fill(body), times=1)
        later = changed(rows, mark)
        spent["one"] += timed(lambda: mirror.replace(body.cluster_id, "pods", later, 10**9), times=1)  # noqa: B023  called at once
    return fill_table(body, len(rows), {name: median(values) for name, values in spent.items()})


def fill_table(body: Body, count: int, spent: dict[str, float]) -> Table:
    """Medians as rows."""
    base = spent["loads"] + spent["copy"]
    size = sum(map(len, body.pages)) / MEGABYTE
    table = Table(f"Mirror filled, {count:,} pods, LIST body of {size:.1f} MB", FILL_HEADERS)

    def add(what: str, name: str, goal: str = "") -> None:
        table.add(what, spent[name], f"{spent[name] / base:.2f}", goal)

    add("json.loads of the body", "loads")
    add("one COPY of its rows", "copy")
    add("filled: decode, project, write", "fill", "2.00")
    add("filled again, nothing changed", "none")
    add("written again, 1 % changed (without decode)", "one")
    table.note = f"Medians of {ROUNDS} turns."
    return table


def changes(body: Body) -> Table:
    """Batches of a watch: decode, project, upsert, publish."""
    from apps.live import mirror, publish

    rows = list(body.rows())[:BATCH]
    events = [
        [mirror.Event(replace(row, resource_version=2 * 10**9 + mark)) for row in changed_all(rows, mark)]
        for mark in range(BATCHES)
    ]
    spent = sum(timed(lambda: [mirror.apply(body.cluster_id, "pods", batch) for batch in events], times=1))
    publish.flush()
    table = Table("Changes from a watch into the mirror", ("events in a batch", "changes/s"))
    table.add(BATCH, f"{BATCH * BATCHES / spent * 1000:,.0f}")
    return table


def changed_all(rows: Sequence[Any], mark: int) -> list[Any]:
    """Every row with something new."""
    return [replace(row, data={**row.data, "restarts": 1000 + mark}) for row in rows]


def page_views(stack: Stack, body: Body) -> Table:
    """The Pods page, inside Django and over HTTP, between rounds of json.loads."""
    from django.test import Client

    person = visitors.viewer()
    inside = Client(headers={"host": "localhost"})
    inside.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    web = start_web(stack)
    path = f"/c/{far_side.SLUG}/pods/"
    with httpx.Client(base_url=stack.url, headers={"Cookie": visitors.cookie_of(person)}, timeout=60) as http:
        first = timed(lambda: well(inside.get(path)), times=1)[0]
        ways = [
            Way("json.loads of the LIST body", body.load, os.getpid(), times=1),
            Way("in the process", lambda: well(inside.get(path)), os.getpid()),
            Way("over HTTP, uvicorn", lambda: well(http.get(path)), web),
        ]
        for way in ways[1:]:
            timed(way.work, times=3)
        for _round in range(ROUNDS):
            for way in ways:
                way.turn()
    return page_table(first, *ways)


@dataclass
class Way:
    """Something that is measured in turns with others: `times` a turn, done by the process `pid`."""

    name: str
    work: Callable[[], None]
    pid: int
    times: int = VIEWS
    spent: list[float] = field(default_factory=list)
    cpu_used: float = 0.0

    def turn(self) -> None:
        before = cpu_seconds(self.pid)
        self.spent += timed(self.work, times=self.times)
        self.cpu_used += cpu_seconds(self.pid) - before

    @property
    def cpu(self) -> float:
        """Milliseconds of CPU for one."""
        return self.cpu_used * 1000 / len(self.spent)


def page_table(first: float, loads: Way, *views: Way) -> Table:
    """Percentiles and ratios."""
    base = median(loads.spent)
    table = Table("Pods page at 5,000 mirrored pods", PAGE_HEADERS)
    table.add(loads.name, base, percentile(loads.spent, 0.95), "1.00", loads.cpu, "1.00", "")
    table.add("in the process, first view", first, "", f"{first / base:.2f}", "", "", "")
    for view in views:
        middle, late = median(view.spent), percentile(view.spent, 0.95)
        ratios = f"{middle / base:.2f}", f"{view.cpu / loads.cpu:.2f}"
        table.add(view.name, middle, late, ratios[0], view.cpu, ratios[1], "0.10; p95 60 ms")
    table.note = (
        f"{ROUNDS} turns of one json.loads and {VIEWS} views each; ratios of medians. CPU is the answering "
        "process's own, without Postgres, with which a view speaks ten times: on a loaded machine it "
        "waits for its turn each time."
    )
    return table


def well(answer: Any) -> None:
    """The page came, with its rows."""
    if answer.status_code != 200 or answer.content.count(b"<tr id=") != 50:
        raise RuntimeError(f"the Pods page answered {answer.status_code}, or without 50 rows")


def main() -> int:
    """Print the tables."""
    with ground(*BIG) as stack:
        body = saved(stack)
        stack.programs["cluster"].ask_to_stop()  # the list is saved; it would only share the cores
        print(fills(body).markdown())
        print(changes(body).markdown())
        print(page_views(stack, body).markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
