"""The live regions of the pools pages."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.clusters import selectors as clusters
from apps.live import topics
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer
from apps.pools import selectors
from apps.pools.models import Holding, Intent
from apps.pools.permissions import ASSIGN, CHANGE_SERVICE, VIEW
from apps.pools.selectors import PodRow, PoolRow

HISTORY_ROWS = 50


@dataclass(frozen=True)
class PodLine:
    """A pod of the pool page with who gave it to its business, and what its last change came to."""

    pod: PodRow
    holding: Holding | None
    intent: Intent | None


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


def pod_lines(pool: PoolRow) -> list[PodLine]:
    """Every pod with its open interval and its newest intent."""
    record = selectors.record(pool.cluster_id, pool.namespace, pool.name)
    if record is None:
        return [PodLine(pod, None, None) for pod in pool.pods]
    uids = [pod.facts.uid for pod in pool.pods]
    held = Holding.objects.filter(pool=record, pod_uid__in=uids, to_at=None)
    holdings = {holding.pod_uid: holding for holding in held}
    intents = selectors.last_intents(record, uids)
    return [PodLine(pod, holdings.get(pod.facts.uid), intents.get(pod.facts.uid)) for pod in pool.pods]


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
