"""A script's lines on their way: file, worker, database, web, twenty pages that reconnect three times."""

import sys
import time
from pathlib import Path
from typing import Any

from bench.ground import ground, pid_of, start_web
from bench.processes import cpu_seconds
from bench.table import Table, percentile
from bench.visitors import OpenPages, cookie_of, viewer, visit
from hyperpod_site.stack.stack import Stack

RATES = (1000, 5000)
SECONDS = 10.0
PAGES = 20
RECONNECTS = 3
HEADERS = (
    "lines/s asked",
    "script took s",
    "written",
    "line to database p50 / p95 ms",
    "pages, reconnects each",
    "delivered to each",
    "lost",
    "doubled",
    "line to page p50 / p95 ms",
    "worker cores",
    "web cores",
)


def begin(rate: int, gate: Path) -> int:
    """Start the operation as an action does; its number."""
    from apps.audit.actions import Action, SystemActor
    from apps.audit.entries import Target
    from apps.operations import permissions, services
    from bench.runners import print_lines

    def begun(*, place: Target) -> Any:
        return services.start(print_lines, target=place, rate=rate, seconds=SECONDS, gate=str(gate))

    start = Action(
        begun, code="bench.begin", permission=permissions.CANCEL, target="place", label="Begin", atomic=True
    )
    place = Target(kind="script", name=f"lines-{rate}", cluster="bench", namespace="default")
    operation: Any = start(by=SystemActor("benchmark"), reason="measured", place=place)
    return int(operation.pk)


def start_worker(stack: Stack) -> None:
    """One worker for long work, which knows the benchmarks' runners too."""
    usual = stack.portal_commands()["long"]
    place = usual.index("-A")
    stack.add("long", [*usual[: place + 1], "bench.worker", *usual[place + 2 :]])


def await_status(pk: int, *wanted: str, seconds: float = 120) -> None:
    """Wait until the operation is in one of these states. TimeoutError after `seconds`."""
    from apps.operations.models import Operation

    end = time.monotonic() + seconds
    while (status := Operation.objects.values_list("status", flat=True).get(pk=pk)) not in wanted:
        if time.monotonic() > end or status in ("failed", "lost", "cancelled"):
            raise TimeoutError(f"the operation is {status}")
        time.sleep(0.05)


def worker_cpu(stack: Stack) -> float:
    """CPU seconds of the worker and its children."""
    parent = pid_of(stack, "long")
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return sum(cpu_seconds(pid) for pid in (parent, *map(int, children)))


def follow(stack: Stack, pk: int, gate: Path, cookie: str) -> tuple[dict[str, Any], float, float]:
    """Open the pages, let the script talk, break every connection three times; what was seen, and cores."""
    pages = OpenPages(
        stack, visit(stack, cookie, f"/operations/{pk}/", part="operations.lines", kind="stream"), PAGES
    )
    await_status(pk, "running")
    web = pid_of(stack, "web")
    worker_before, web_before, begun = worker_cpu(stack), cpu_seconds(web), time.monotonic()
    gate.touch()
    for _time in range(RECONNECTS):
        time.sleep(SECONDS / (RECONNECTS + 1))
        pages.say("reconnect")
    await_status(pk, "succeeded")
    passed = time.monotonic() - begun
    cores = (worker_cpu(stack) - worker_before) / passed, (cpu_seconds(web) - web_before) / passed
    await_pages(pages, pk)
    return pages.end(), *cores


def await_pages(pages: OpenPages, pk: int, seconds: float = 20) -> None:
    """Give the slowest page time to read the last line; what is missing then is lost."""
    from apps.operations.models import Operation

    last, end = Operation.objects.values_list("last_seq", flat=True).get(pk=pk), time.monotonic() + seconds
    while pages.reached() < last and time.monotonic() < end:
        time.sleep(0.1)


def kept(pk: int) -> tuple[list[int], list[float], float]:
    """The script's lines in the database: numbers, ms until written, seconds that the script took."""
    from apps.operations.models import OperationLine

    numbers, waits, stamps = [], [], []
    for text, at in OperationLine.objects.filter(operation=pk, stream="out").values_list("text", "at"):
        stamp, number = text.split(" ", 1)[0].removeprefix("t").split("-")
        numbers.append(int(number))
        stamps.append(int(stamp))
        waits.append(at.timestamp() * 1000 - int(stamp) / 1e6)
    return numbers, waits, (max(stamps) - min(stamps)) / 1e9


def measure(stack: Stack, rate: int, cookie: str, table: Table) -> bool:
    """One line of the table. Whether every line came once, everywhere."""
    gate = stack.folder / f"gate-{rate}"
    pk = begin(rate, gate)
    seen, worker, web = follow(stack, pk, gate, cookie)
    numbers, waits, took = kept(pk)
    expected = int(rate * SECONDS)
    delivered = [page["delivered"] for page in seen["pages"]]
    distinct = [page["distinct"] for page in seen["pages"]]
    doubled = len(numbers) - len(set(numbers)) + sum(delivered) - sum(distinct)
    lost = expected - len(set(numbers)) + sum(expected - count for count in distinct)
    table.add(
        f"{rate:,}", took, f"{len(numbers):,}", speeds(waits), f"{PAGES}, {seen['visits'] / PAGES - 1:.0f}",
        f"{min(delivered):,}–{max(delivered):,}", lost, doubled, speeds(seen["ages"]),
        f"{worker:.2f}", f"{web:.2f}",
    )  # fmt: skip
    return lost == doubled == 0 and all(page["ordered"] for page in seen["pages"])


def speeds(values: list[float]) -> str:
    """Median and 95th percentile."""
    return " / ".join(f"{percentile(values, share):.0f}" for share in (0.5, 0.95))


def main() -> int:
    """Print the table; 1 when a line was lost or doubled."""
    table = Table(f"Log lines of a script, {SECONDS:.0f} s, to {PAGES} pages", HEADERS)
    with ground() as stack:
        start_web(stack)
        start_worker(stack)
        cookie = cookie_of(viewer())
        well = [measure(stack, rate, cookie, table) for rate in RATES]
    print(table.markdown())
    return 0 if all(well) else 1


if __name__ == "__main__":
    sys.exit(main())
