"""Fifty open pages as people have them: two real browsers and 48 sockets, on a list of 5,000 pods, while pods
change ten times a second for a minute.

A change begins before its request to the API server leaves, and arrives when a browser's document, or a
client's copy of it, holds it. Fails when a page ends different from the database. `BENCH_SECONDS` sets how
long.
"""

import os
import sys
import time

from bench import far_side
from bench.ground import BIG, ground, pid_of, start_web
from bench.live_push import Chain, into_cluster, shown_pods
from bench.processes import family_cpu_seconds
from bench.table import Table, percentile
from bench.visitors import OpenBrowsers, OpenPages, cookie_of, viewer, visit

BROWSERS, CLIENTS = 2, 48
RATE = 10
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
GOAL = "250"
NOTE = (
    "From before a change's request to the API server until the page holds it. Everything shares the "
    "machine's cores. Changes within 200 ms travel as one frame."
)


def measure(chain: Chain, programs: dict[str, int]) -> tuple[Table, Table, bool]:
    """Ages of changes, cores by process, and whether every page ended equal to the database."""
    open_pages = {
        f"{BROWSERS} browsers, to the DOM": OpenBrowsers(chain.stack, chain.visitor, BROWSERS),
        f"{CLIENTS} clients": OpenPages(chain.stack, chain.visitor, CLIENTS),
    }
    pids = programs | {name.split(",")[0]: pages.pid for name, pages in open_pages.items()}
    before, begun = {name: family_cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    done = chain.change(RATE, SECONDS)
    passed = time.monotonic() - begun
    cores = Table("Cores that they took", ("process", "cores"))
    for name, pid in pids.items():
        cores.add(name, f"{(family_cpu_seconds(pid) - before[name]) / passed:.2f}")
    title = f"Fifty open pages, 5,000 pods, {done:.1f} changes/s for {SECONDS:.0f} s"
    ages, well = arrivals(chain, open_pages, Table(title, HEADERS, note=NOTE))
    return ages, cores, well


HEADERS = (
    "pages",
    "changes seen",
    "change to page p50 / p95 / p99 ms",
    "goal p95",
    "equal to the database",
    "after s",
)


def arrivals(chain: Chain, open_pages: dict[str, OpenPages], table: Table) -> tuple[Table, bool]:
    """A line for each kind of page, which ends here."""
    well = True
    for name, pages in open_pages.items():
        equal, after = chain.compare(pages)
        ages = pages.end()["ages"]
        speeds = " / ".join(f"{percentile(ages, share):.0f}" for share in (0.5, 0.95, 0.99))
        table.add(name, f"{len(ages):,}", speeds, GOAL, equal, after)
        well = well and equal == f"{pages.pages} of {pages.pages}" and bool(ages)
    return table, well


def main() -> int:
    """Print the tables; 1 when a page differed from the database."""
    with ground(*BIG) as stack:
        cluster_id, client = far_side.register(stack), far_side.administrator(stack)
        start_web(stack)
        stack.add("watcher", stack.portal_commands()["watcher"])
        far_side.await_mirror(cluster_id, far_side.pods_of(BIG))
        page = visit(stack, cookie_of(viewer()), f"/c/{far_side.SLUG}/pods/", part="inference.pods")
        pods = shown_pods(cluster_id)
        chain = Chain("API server to page", stack, page, pods, into_cluster(client), cluster_id)
        chain.change(RATE, 1)  # connections are made, templates compiled
        programs = {name: pid_of(stack, name) for name in ("cluster", "watcher", "web")}
        ages, cores, well = measure(chain, programs)
    print(ages.markdown())
    print(cores.markdown())
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
