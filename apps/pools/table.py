"""The table of a pool's pods: one row each, drawn anew only when it would look different."""

from dataclasses import dataclass
from typing import Any

from apps.pools.board.states import State, state_of
from apps.pools.lines import PodLine, pod_lines
from apps.pools.load.plots import Plot, plot_of
from apps.pools.selectors import PoolRow


@dataclass(frozen=True)
class TableRow:
    """A pod of `pool` with its state, its load, and where it may go."""

    pool: str
    line: PodLine
    state: State
    plot: Plot | None
    options: tuple[str, ...]

    @property
    def dom_id(self) -> str:
        """The id of its element."""
        return f"pod-{self.line.pod.facts.uid}"

    @property
    def version(self) -> tuple[Any, ...]:
        """Everything that it shows."""
        pod, holding, intent = self.line.pod, self.line.holding, self.line.intent
        held = (holding.pk, holding.from_at, holding.by, holding.reason) if holding else None
        change = (intent.pk, intent.state, intent.switched_at, intent.message) if intent else None
        return pod.version, pod.live, held, change, self.state, self.plot, self.options


def table_rows(pool: PoolRow) -> list[TableRow]:
    """Every pod of the pool by name."""
    options = tuple(pool.options)
    return [
        TableRow(pool.name, line, state_of(line), plot_of(line.load), options) for line in pod_lines(pool)
    ]
