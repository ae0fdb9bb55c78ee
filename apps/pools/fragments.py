"""The live regions of the pools pages."""

from collections.abc import Iterable
from typing import Any

from apps.clusters import selectors as clusters
from apps.live import topics
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer
from apps.pools import selectors
from apps.pools.lines import pod_lines
from apps.pools.permissions import ASSIGN, CHANGE_SERVICE, VIEW

HISTORY_ROWS = 50


def list_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """The cluster's pools with their split."""
    row = clusters.by_slug(cluster)
    return {
        "cluster": row,
        "pools": selectors.pools(row.pk),
        "freshness": clusters.freshness(row.pk, "deployments", "pods", "services"),
    }


def list_topics(*, cluster: str) -> Iterable[str]:
    """Deployments, pods and services of the cluster."""
    pk = clusters.by_slug(cluster).pk
    kinds = ("deployments", "replicasets", "pods", "services", "endpointslices")
    return (*(topics.kind(pk, kind) for kind in kinds), topics.sync(pk))


def pool_context(viewer: Viewer, *, cluster: str, namespace: str, pool: str) -> dict[str, Any]:
    """One pool: status, pods, services; `pool` is None when the mirror has none."""
    row = clusters.by_slug(cluster)
    found = selectors.pool(row.pk, namespace, pool)
    return {
        "cluster": row,
        "pool": found,
        "lines": pod_lines(found) if found else [],
        "may_assign": viewer.may(ASSIGN, cluster),
        "may_change_service": viewer.may(CHANGE_SERVICE, cluster),
        "freshness": clusters.freshness(row.pk, "deployments", "replicasets", "pods", "services"),
    }


def pool_topics(*, cluster: str, namespace: str, pool: str) -> Iterable[str]:
    """What the cluster says of this pool and what we decided about it."""
    pk = clusters.by_slug(cluster).pk
    own = topics.pool(pk, namespace, pool)
    return own, topics.kind(pk, "replicasets"), topics.kind(pk, "endpointslices"), topics.sync(pk)


def history_context(viewer: Viewer, *, cluster: str, namespace: str, pool: str) -> dict[str, Any]:
    """The newest intervals of a pool."""
    row = clusters.by_slug(cluster)
    found = selectors.history(row.pk, namespace, pool)
    return {"cluster": row, "history": found[:HISTORY_ROWS]}


def history_topics(*, cluster: str, namespace: str, pool: str) -> Iterable[str]:
    """Every interval that is written announces its pool."""
    return (topics.pool(clusters.by_slug(cluster).pk, namespace, pool),)


register(Fragment("pools.list", "pools/pool_list.html#pools", list_context, list_topics, VIEW))
register(Fragment("pools.summary", "pools/pool_page.html#summary", pool_context, pool_topics, VIEW))
register(Fragment("pools.pods", "pools/pool_pods.html#pods", pool_context, pool_topics, VIEW))
register(Fragment("pools.services", "pools/pool_detail.html#services", pool_context, pool_topics, VIEW))
register(Fragment("pools.history", "pools/pool_pods.html#history", history_context, history_topics, VIEW))
