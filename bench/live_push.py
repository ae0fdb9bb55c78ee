"""How long from a change to every open page: the Pods page at 5,000 pods, over real sockets.

Two chains: from the API server (a pod's status changes there, the watcher mirrors it), and from the
database alone. The change carries the moment before it was sent; it stands in the row as the pod's state, and
each page compares it with its own clock. Every line ends by comparing every page with the database: equal, or
it fails.
`BENCH_SECONDS` sets how long each line runs.
"""

import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import httpx

from apps.gateways.kubernetes import Kubernetes
from bench import far_side
from bench.ground import BIG, SECONDS, ground, pid_of, start_web
from bench.processes import cpu_seconds
from bench.table import Table, percentile
from bench.visitors import OpenPages, Visitor, cookie_of, viewer, visit
from hyperpod_site.stack.stack import Stack

MATRIX = ((50, 10), (200, 50))
GOALS = {(50, 10): "250", (200, 50): "400"}
SHOWN = 50
PATIENCE = 20.0
WRITERS = 4
STORM_SECONDS = 4.0
QUIET_SECONDS = 4 * SECONDS
HEADERS = (
    "chain",
    "open pages",
    "changes/s asked",
    "changes/s done",
    "seen",
    "change to page p50 / p95 / p99 ms",
    "goal p95",
    "web cores",
    "equal to the database",
    "after s",
)
NOTE = (
    "Cluster, watcher, web, writer and pages share the machine's cores. Changes within 200 ms travel as one "
    "frame; a page whose row changed twice within it sees the later change only. Shown pods whose mirrored "
    "state differed from the API server's at the end of the first chain: {unlike}."
)
Write = Callable[[Any, int], int]


@dataclass
class Chain:
    """A way to change a pod so that its row shows the stamp: `write(row, stamp)`, called from threads, gives
    the revision that the mirror will have reached then.
    """

    name: str
    stack: Stack
    visitor: Visitor
    pods: Sequence[Any]
    write: Write
    cluster_id: int
    reached: int = 0

    def change(self, rate: int, seconds: float) -> float:
        """`rate` changes a second of pods that the page shows; how many a second were done."""
        begun = time.monotonic()
        with ThreadPoolExecutor(WRITERS) as pool:
            done = list(pool.map(lambda number: self._one(begun + number / rate), range(int(rate * seconds))))
        return len(done) / (time.monotonic() - begun)

    def _one(self, when: float) -> None:
        time.sleep(max(0.0, when - time.monotonic()))
        self.reached = max(self.reached, self.write(random.choice(self.pods), time.time_ns()))

    def measure(self, pages: int, rate: int, table: Table) -> bool:
        """One line. Whether every page ended equal to the database."""
        open_pages = OpenPages(self.stack, self.visitor, pages)
        web = pid_of(self.stack, "web")
        before, begun = cpu_seconds(web), time.monotonic()
        done = self.change(rate, SECONDS)
        cores = (cpu_seconds(web) - before) / (time.monotonic() - begun)
        words = self.compare(open_pages)
        ages = open_pages.end()["ages"]
        speeds = " / ".join(f"{percentile(ages, share):.0f}" for share in (0.5, 0.95, 0.99))
        goal = GOALS[pages, rate]
        table.add(self.name, pages, rate, done, f"{len(ages):,}", speeds, goal, f"{cores:.2f}", *words)
        return words[0] == f"{pages} of {pages}"

    def storm(self, pages: int, rate: int, table: Table) -> bool:
        """All pages go and come back within two seconds, under changes. Whether all ended equal."""
        open_pages = OpenPages(self.stack, self.visitor, pages)
        open_pages.say("reconnect")
        done = self.change(rate, STORM_SECONDS)
        words = self.compare(open_pages)
        open_pages.end()
        table.add(f"{self.name}, all reconnect", pages, rate, done, "", "", "", "", *words)
        return words[0] == f"{pages} of {pages}"

    def compare(self, open_pages: OpenPages) -> tuple[str, float]:
        """How many pages show what the database holds, and after how many seconds all did (or none more)."""
        self._await_mirror()
        expected, begun = shown_by_database(self.stack, self.visitor), time.monotonic()
        pages = open_pages.pages
        while (equal := open_pages.showing(expected)) < pages and time.monotonic() - begun < PATIENCE:
            time.sleep(0.1)
        return f"{equal} of {pages}", time.monotonic() - begun

    def _await_mirror(self, seconds: float = 30) -> None:
        """Until the last change has reached the database. TimeoutError when it does not."""
        from apps.live import mirror

        end = time.monotonic() + seconds
        while mirror.sync_state(self.cluster_id, "pods").resource_version < self.reached:
            if time.monotonic() > end:
                raise TimeoutError("the last change has not reached the mirror")
            time.sleep(0.05)


def shown_by_database(stack: Stack, visitor: Visitor) -> dict[str, int]:
    """What the page would show if it were opened now: each row's stamp."""
    from bench.live_clients import read_rows

    answer = httpx.get(visitor.fragment_url(stack), headers={"Cookie": visitor.cookie}, timeout=60)
    answer.raise_for_status()
    return read_rows(answer.text)[1]


def shown_pods(cluster_id: int) -> list[Any]:
    """The mirrored pods of the list's first page."""
    from apps.live import mirror

    return mirror.rows(mirror.objects(cluster_id, "pods")[:SHOWN])


def into_mirror(cluster_id: int) -> Write:
    """A change as the watcher writes it, one commit each."""
    from apps.live import mirror
    from apps.live.db import borrowed

    def write(row: Any, stamp: int) -> int:
        version = stamp // 1000
        later = replace(row, resource_version=version, data={**row.data, "state": f"t{stamp}"})
        with borrowed():
            mirror.apply(cluster_id, "pods", [mirror.Event(later)])
        return version

    return write


def into_cluster(client: Kubernetes) -> Write:
    """A change as a kubelet makes it: the pod's status, at the API server."""

    def write(row: Any, stamp: int) -> int:
        status = {"status": {"reason": f"t{stamp}"}}
        done = client.patch_merge("pods", row.name, status, namespace=row.namespace, subresource="status")
        return int(done["metadata"]["resourceVersion"])

    return write


def unlike_cluster(client: Kubernetes, cluster_id: int) -> int:
    """How many mirrored pods show another state than the API server."""
    there = {pod["metadata"]["name"]: pod["status"].get("reason", "") for pod in client.list("pods")}
    here = {row.name: row.data["state"] for row in shown_pods(cluster_id)}
    return sum(there[name] != state for name, state in here.items() if there[name])


def ask_counts(chain: Chain, client: Kubernetes) -> Table:
    """How often the portal asks the API server, with and without open pages, at rest and under changes."""
    title = f"Requests of the portal to the API server in {QUIET_SECONDS:.0f} s"
    table = Table(title, ("open pages", "pods change", "requests"))
    for rate in (0, 10):
        for pages in (0, 200):
            open_pages = OpenPages(chain.stack, chain.visitor, pages)
            before = far_side.portal_requests(client)
            chain.change(rate, QUIET_SECONDS) if rate else time.sleep(QUIET_SECONDS)
            table.add(pages, f"{rate}/s", far_side.portal_requests(client) - before)
            open_pages.end()
    return table


def main() -> int:
    """Print the tables; 1 when a page differed from the database, or the database from the cluster."""
    table = Table("Change to page, 5,000 pods mirrored, 50 rows shown", HEADERS)
    with ground(*BIG) as stack:
        cluster_id, client = far_side.register(stack), far_side.administrator(stack)
        start_web(stack)
        watcher = stack.add("watcher", stack.portal_commands()["watcher"])
        far_side.await_mirror(cluster_id, far_side.pods_of(BIG))
        page = visit(stack, cookie_of(viewer()), f"/c/{far_side.SLUG}/pods/", part="inference.pods")
        pods = shown_pods(cluster_id)
        whole = Chain("API server to page", stack, page, pods, into_cluster(client), cluster_id)
        whole.change(10, 1)  # connections are made, templates compiled
        well = [whole.measure(pages, rate, table) for pages, rate in MATRIX]
        well.append(whole.storm(200, 10, table))
        unlike = unlike_cluster(client, cluster_id)
        requests = ask_counts(whole, client)
        watcher.ask_to_stop()
        watcher.wait_stopped()
        short = Chain("database to page", stack, page, pods, into_mirror(cluster_id), cluster_id)
        well += [short.measure(pages, rate, table) for pages, rate in MATRIX]
    table.note = NOTE.format(unlike=unlike)
    print(table.markdown())
    print(requests.markdown())
    return 0 if all(well) and not unlike else 1


if __name__ == "__main__":
    sys.exit(main())
