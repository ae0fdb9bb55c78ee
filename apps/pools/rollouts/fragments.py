"""The live region of the Rollout tab."""

from typing import Any

from apps.clusters import selectors as clusters
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer
from apps.pools import selectors
from apps.pools.fragments import pool_topics
from apps.pools.permissions import ROLL_OUT, VIEW
from apps.pools.rollouts.status import status_of


def rollout_context(viewer: Viewer, *, cluster: str, namespace: str, pool: str) -> dict[str, Any]:
    """What is under way, what was, and the versions that the cluster keeps; `status` None: pool gone."""
    row = clusters.by_slug(cluster)
    found = selectors.pool(row.pk, namespace, pool)
    return {
        "cluster": row,
        "pool": found,
        "status": status_of(found) if found else None,
        "may_roll_out": viewer.may(ROLL_OUT, cluster),
    }


register(Fragment("pools.rollout", "pools/rollout.html#status", rollout_context, pool_topics, VIEW))
