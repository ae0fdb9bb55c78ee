"""Columns of pods and deployments that other apps fill: pools puts its business selector and split here.

    columns.register(PodColumn("business", title=_("Business"), template="...", ...))

A cell is a pure function of pod, value, viewer and cluster, like the row around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils.functional import Promise

from apps.inference.selectors.deployments import DeploymentRow
from apps.inference.selectors.pods import PodRow

Item = TypeVar("Item")


@dataclass(frozen=True)
class Column(Generic[Item]):
    """One more column.

    `load(cluster_id, items)` gives a value per row id for one page, in a fixed number of queries; values
    must be hashable, as they say whether a row looks different. `template` renders one cell's inside from
    {"pod" or "deployment", "value", "viewer", "cluster"}. `topics(cluster_id)` announce that values changed.
    `sort` is one of the selector's sort keys, if it has one.
    """

    name: str
    title: str | Promise
    template: str
    load: Callable[[int, Sequence[Item]], dict[int, Any]]
    sort: str = ""
    topics: Callable[[int], Sequence[str]] = lambda _cluster_id: ()


PodColumn = Column[PodRow]
DeploymentColumn = Column[DeploymentRow]
_columns: list[PodColumn] = []
_deployment_columns: list[DeploymentColumn] = []


def register(column: PodColumn) -> PodColumn:
    """Add a column to the pods behind the others. A second one of that name is a ValueError."""
    return added(_columns, column)


def register_deployment(column: DeploymentColumn) -> DeploymentColumn:
    """Add a column to the deployments behind the others. A second one of that name is a ValueError."""
    return added(_deployment_columns, column)


def added(known: list[Column[Item]], column: Column[Item]) -> Column[Item]:
    """The column, now known."""
    if any(other.name == column.name for other in known):
        raise ValueError(f"The column {column.name} is registered twice")
    known.append(column)
    return column


def registered() -> list[PodColumn]:
    """The columns added to the pods in their order."""
    return list(_columns)


def registered_deployment() -> list[DeploymentColumn]:
    """The columns added to the deployments in their order."""
    return list(_deployment_columns)
