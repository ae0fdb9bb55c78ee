"""The live parts of the history tab: the table, the timeline, the costs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import QueryDict

from apps.clusters import selectors as clusters
from apps.live import topics
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer
from apps.pools.history.costs import costs
from apps.pools.history.forms import HistoryFilter
from apps.pools.history.selectors import Holdings, change_of, cost_times, holdings, page, timeline
from apps.pools.models import Holding
from apps.pools.permissions import ASSIGN, VIEW


@dataclass(frozen=True)
class HistoryRow:
    """An interval in the table; `change` where it can be taken back and is the first row of its change."""

    holding: Holding
    change: str


def filtered(cluster: str, namespace: str, pool: str, query: str) -> tuple[HistoryFilter, Holdings]:
    """The filter of the query, and what fits. A query that cannot be read fits nothing."""
    form = HistoryFilter(QueryDict(query))
    found = holdings(clusters.by_slug(cluster).pk, namespace, pool)
    return form, form.narrow(found) if form.is_valid() else found.none()


def table_context(
    viewer: Viewer, *, cluster: str, namespace: str, pool: str, query: str = "", before: int = 0
) -> dict[str, Any]:
    """One page of the table."""
    _form, found = filtered(cluster, namespace, pool, query)
    rows = page(found, before=before)
    return {
        "cluster": clusters.by_slug(cluster),
        "namespace": namespace,
        "pool": pool,
        "rows": list(with_changes(rows.rows)),
        "older": rows.older,
        "query": query,
        "before": before,
        "may_assign": viewer.may(ASSIGN, cluster),
    }


def with_changes(rows: Iterable[Holding]) -> Iterable[HistoryRow]:
    """Each change is offered once, at its newest row."""
    told = set()
    for row in rows:
        change = change_of(row)
        yield HistoryRow(row, "" if change in told else change)
        told.add(change)


def timeline_context(
    viewer: Viewer, *, cluster: str, namespace: str, pool: str, query: str = ""
) -> dict[str, Any]:
    """Who had which pod when."""
    form, found = filtered(cluster, namespace, pool, query)
    since, until = times(form)
    return {"timeline": timeline(found, since=since, until=until), "query": query}


def costs_context(
    viewer: Viewer, *, cluster: str, namespace: str, pool: str, query: str = ""
) -> dict[str, Any]:
    """What each business cost in the filter's time, the last 30 days when it says none."""
    form, found = filtered(cluster, namespace, pool, query)
    since, until = cost_times(*times(form))
    return {"costs": costs(found, since=since, until=until), "since": since, "until": until}


def times(form: HistoryFilter) -> tuple[datetime | None, datetime | None]:
    """The filter's time."""
    data = form.cleaned_data
    return data.get("since"), data.get("until")


def followed(*, cluster: str, namespace: str, pool: str, **_rest: Any) -> Iterable[str]:
    """Every interval that is written announces its pool."""
    return (topics.pool(clusters.by_slug(cluster).pk, namespace, pool),)


register(Fragment("pools.history", "pools/history.html#table", table_context, followed, VIEW))
register(Fragment("pools.timeline", "pools/history.html#timeline", timeline_context, followed, VIEW))
register(Fragment("pools.costs", "pools/history.html#costs", costs_context, followed, VIEW))
