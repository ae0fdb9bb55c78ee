"""Columns of the pods table that other apps fill: pools puts its business selector here.

    columns.register(PodColumn("business", title=_("Business"), template="...", ...))

A cell is a pure function of pod, value, viewer and cluster, like the row around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from apps.inference.selectors.pods import PodRow

Loader = Callable[[int, Sequence[PodRow]], dict[int, Any]]


@dataclass(frozen=True)
class PodColumn:
    """One more column.

    `load(cluster_id, pods)` gives a value per pod id for one page of pods, in a fixed number of queries;
    values must be hashable, as they say whether a row looks different. `template` renders one cell's inside
    from {"pod", "value", "viewer", "cluster"}. `topics(cluster_id)` announce that values changed. `sort` is
    one of the selector's sort keys, if it has one.
    """

    name: str
    title: str | Promise
    template: str
    load: Loader
    sort: str = ""
    topics: Callable[[int], Sequence[str]] = lambda _cluster_id: ()


_columns: list[PodColumn] = []


def register(column: PodColumn) -> PodColumn:
    """Add a column behind the others. A second one of that name is a ValueError."""
    if any(known.name == column.name for known in _columns):
        raise ValueError(f"The pod column {column.name} is registered twice")
    _columns.append(column)
    return column


def registered() -> list[PodColumn]:
    """The added columns in their order."""
    return list(_columns)
