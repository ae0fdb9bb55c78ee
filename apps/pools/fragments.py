"""The live regions of the pools pages."""

from collections.abc import Iterable
from typing import Any

from apps.clusters import selectors as clusters
from apps.live import topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer
from apps.pools import selectors
from apps.pools.permissions import ASSIGN, CHANGE_SERVICE, VIEW
from apps.pools.table import table_rows


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
    """One pool: status and services; `pool` is None when the mirror has none."""
    row = clusters.by_slug(cluster)
    found = selectors.pool(row.pk, namespace, pool)
    return {
        "cluster": row,
        "pool": found,
        "may_change_service": viewer.may(CHANGE_SERVICE, cluster),
        "freshness": clusters.freshness(row.pk, "deployments", "replicasets", "pods", "services"),
    }


def pods_context(viewer: Viewer, *, cluster: str, namespace: str, pool: str) -> dict[str, Any]:
    """The pool's pods, one row each."""
    row = clusters.by_slug(cluster)
    found = selectors.pool(row.pk, namespace, pool)
    may_assign = viewer.may(ASSIGN, cluster)
    return {"pool": found, "rows": table_rows(found) if found else [], "may_assign": may_assign}


def pods_topics(*, cluster: str, namespace: str, pool: str) -> Iterable[str]:
    """What the pool's pages follow, and the load."""
    own = pool_topics(cluster=cluster, namespace=namespace, pool=pool)
    return *own, topics.load(clusters.by_slug(cluster).pk, namespace, pool)


def pool_topics(*, cluster: str, namespace: str, pool: str) -> Iterable[str]:
    """What the cluster says of this pool and what we decided about it."""
    pk = clusters.by_slug(cluster).pk
    own = topics.pool(pk, namespace, pool)
    return own, topics.kind(pk, "replicasets"), topics.kind(pk, "endpointslices"), topics.sync(pk)


register(Fragment("pools.list", "pools/pool_list.html#pools", list_context, list_topics, VIEW))
register(Fragment("pools.summary", "pools/pool_page.html#summary", pool_context, pool_topics, VIEW))
PODS = Rows(
    template="pools/pool_pods.html#row", dom_id=lambda row: row.dom_id, version=lambda row: row.version
)
register(Fragment("pools.pods", "pools/pool_pods.html#pods", pods_context, pods_topics, VIEW, rows=PODS))
register(Fragment("pools.services", "pools/pool_detail.html#services", pool_context, pool_topics, VIEW))
