"""A measurement's table, as text for the terminal and Markdown for docs/performance.md."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    """Rows under headers, and a sentence on how they were measured."""

    title: str
    headers: Sequence[str]
    rows: list[Sequence[object]] = field(default_factory=list)
    note: str = ""

    def add(self, *cells: object) -> None:
        self.rows.append(cells)

    def markdown(self) -> str:
        lines = [f"### {self.title}", "", row(self.headers), row(["---"] * len(self.headers))]
        lines += [row(cells) for cells in self.rows]
        return "\n".join([*lines, "", self.note, ""] if self.note else [*lines, ""])


def row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(shown(cell) for cell in cells) + " |"


def shown(cell: object) -> str:
    return f"{cell:,.1f}" if isinstance(cell, float) else str(cell)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie; 0.0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def timed(work: Callable[[], object], *, times: int) -> list[float]:
    """Milliseconds of each of `times` runs."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)
    return spent


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0
