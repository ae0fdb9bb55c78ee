"""What the watcher costs on a cluster of 5,000 pods on 500 nodes: time to fill, memory, and CPU at rest."""

import sys
import time

from bench import far_side
from bench.ground import BIG, ground, pid_of
from bench.processes import MEGABYTE, cpu_seconds, megabytes
from bench.table import Table
from hyperpod_site.stack.stack import Stack

REST_SECONDS = 20.0
HEADERS = ("what", "measured", "goal")


def at_rest(pid: int) -> float:
    """Shares of one core that the process uses while nothing happens."""
    before = cpu_seconds(pid)
    time.sleep(REST_SECONDS)
    return (cpu_seconds(pid) - before) / REST_SECONDS


def measure(stack: Stack, table: Table) -> None:
    """Start the watcher as its own process and look at it."""
    cluster_id = far_side.register(stack)
    stack.add("watcher", stack.portal_commands()["watcher"])
    filled = far_side.await_mirror(cluster_id, far_side.pods_of(BIG))
    pid = pid_of(stack, "watcher")
    table.add("process start to mirror filled, all kinds, s", filled, "")
    cores = at_rest(pid)
    table.add("watcher, memory, MB", megabytes(pid), "300")
    table.add("watcher, most memory ever, MB", megabytes(pid, peak=True), "300")
    table.add(f"watcher at rest over {REST_SECONDS:.0f} s, cores", f"{cores:.3f}", "")
    far = far_side.stats(far_side.administrator(stack))
    table.add("development cluster, memory, MB", far["rss_bytes"] / MEGABYTE, "1,000")
    table.add("development cluster, open watches", far["watches"], "")


def main() -> int:
    """Print the table."""
    table = Table("Watcher, 5,000 pods on 500 nodes", HEADERS)
    with ground(*BIG) as stack:
        measure(stack, table)
    print(table.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
