"""The board as a live region: columns around, heads and cards as rows that travel alone."""

from collections.abc import Iterable
from typing import Any

from apps.clusters import selectors as clusters
from apps.live import topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer
from apps.pools import selectors
from apps.pools.board import columns
from apps.pools.board.columns import Card, Head
from apps.pools.fragments import pool_topics
from apps.pools.lines import pod_lines
from apps.pools.permissions import ASSIGN, VIEW


def board_context(viewer: Viewer, *, cluster: str, namespace: str, pool: str) -> dict[str, Any]:
    """The pool's columns, heads and cards; no columns when the mirror has no such pool."""
    row = clusters.by_slug(cluster)
    found = selectors.pool(row.pk, namespace, pool)
    if found is None:
        return {"columns": [], "rows": []}
    lines = pod_lines(found)
    own = columns.columns(found)
    return {
        "columns": own,
        "rows": [*columns.heads(found, lines, own), *columns.cards(lines, own)],
        "may_assign": viewer.may(ASSIGN, cluster),
    }


def board_topics(*, cluster: str, namespace: str, pool: str) -> Iterable[str]:
    """What the pool's pages follow, and the load."""
    pk = clusters.by_slug(cluster).pk
    return *pool_topics(cluster=cluster, namespace=namespace, pool=pool), topics.load(pk, namespace, pool)


def same(row: Card | Head) -> Card | Head:
    """A row's version is its whole value."""
    return row


register(
    Fragment(
        "pools.board",
        "pools/board.html#board",
        board_context,
        board_topics,
        VIEW,
        rows=Rows(
            template="pools/board.html#row",
            dom_id=lambda row: row.dom_id,
            version=same,
            place=lambda row: row.place,
        ),
    )
)
