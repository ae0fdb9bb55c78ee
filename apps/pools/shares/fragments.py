"""The live regions of the Shares tab."""

from typing import Any

from apps.clusters import selectors as clusters
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer
from apps.pools import selectors
from apps.pools.fragments import pool_topics
from apps.pools.permissions import SHARES, VIEW
from apps.pools.shares.status import status_of


def shares_context(viewer: Viewer, *, cluster: str, namespace: str, pool: str) -> dict[str, Any]:
    """Who has what, what is waited for and what was done; `status` is None when the pool is gone."""
    row = clusters.by_slug(cluster)
    found = selectors.pool(row.pk, namespace, pool)
    return {
        "cluster": row,
        "pool": found,
        "status": status_of(found) if found else None,
        "may_share": viewer.may(SHARES, cluster),
    }


register(Fragment("pools.shares", "pools/shares.html#status", shares_context, pool_topics, VIEW))
