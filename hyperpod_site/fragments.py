"""Live parts that belong to no single app: the frame's count of running work, and the overview's short
lists.
"""

from collections.abc import Iterable
from typing import Any

from apps.accounts.access import from_key
from apps.audit import selectors as audit
from apps.audit.permissions import VIEW_ENTRY
from apps.clusters import gpus
from apps.clusters import selectors as clusters
from apps.clusters.permissions import VIEW as VIEW_CLUSTER
from apps.inference.permissions import VIEW as VIEW_DEPLOYMENTS
from apps.live import topics
from apps.live.fragments import Fragment, register
from apps.live.viewers import Viewer
from apps.operations import permissions as operation_permissions
from apps.operations import selectors as operations
from apps.operations.statuses import ACTIVE
from hyperpod_site.attention import needs

SHORT = 6  # rows of a list on the overview


def running_context(viewer: Viewer) -> dict[str, Any]:
    """How many operations are at work that the person may see."""
    return {"running": operations.within(from_key(viewer.role_key)).filter(status__in=ACTIVE).count()}


def operation_topics(**_args: Any) -> Iterable[str]:
    """Any operation's move."""
    return (topics.operations(),)


def attention_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """What somebody should look at, most urgent first."""
    row = clusters.by_slug(cluster)
    found = needs(row, from_key(viewer.role_key))
    rows = {"rows": found[:SHORT], "more": max(0, len(found) - SHORT)}
    return {"cluster": row, "freshness": clusters.answering(cluster), **rows}


def attention_topics(*, cluster: str) -> Iterable[str]:
    """Nodes and deployments of the cluster, the state of the mirror, and any operation's move."""
    pk = clusters.by_slug(cluster).pk
    return topics.kind(pk, "nodes"), topics.kind(pk, "deployments"), topics.sync(pk), topics.operations()


def cluster_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """One cluster in the list of clusters: its sums, how fresh they are, and how much needs attention."""
    row = clusters.by_slug(cluster)
    return {
        "cluster": row,
        "totals": gpus.totals(row.pk, gpus.node_gpus(row.pk)),
        "freshness": clusters.freshness(row.pk, "nodes", "pods"),
        "needs": len(needs(row, from_key(viewer.role_key))),
    }


def cluster_topics(*, cluster: str) -> Iterable[str]:
    """What needs attention there, and the pods."""
    return *attention_topics(cluster=cluster), topics.kind(clusters.by_slug(cluster).pk, "pods")


def cluster_state_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """Whether the frame's cluster answers."""
    return {"freshness": clusters.answering(cluster)}


def cluster_state_topics(*, cluster: str) -> Iterable[str]:
    """The state of the mirror."""
    return (topics.sync(clusters.by_slug(cluster).pk),)


def operations_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """The cluster's operations: what is at work first, then the newest."""
    found = operations.listed(viewer.role_key, operations.Filter(cluster=cluster))
    return {"cluster": cluster, "rows": operations.rows_of(found[:SHORT])}


def audit_context(viewer: Viewer, *, cluster: str, own: int) -> dict[str, Any]:
    """The cluster's newest audit entries; `own` is who looks, as signed by the page."""
    entries = audit.within(from_key(viewer.role_key), own).filter(cluster=cluster)
    return {"rows": audit.page(entries, size=SHORT).entries}


def audit_topics(**_args: Any) -> Iterable[str]:
    """Any new entry."""
    return (topics.audit(),)


RUNNING = register(
    Fragment(
        "site.running", "frame_running.html", running_context, operation_topics, operation_permissions.VIEW
    )
)
ATTENTION = register(
    Fragment(
        "site.attention", "overview.html#attention", attention_context, attention_topics, VIEW_DEPLOYMENTS
    )
)
CLUSTER = register(
    Fragment("site.cluster", "home.html#cluster", cluster_context, cluster_topics, VIEW_DEPLOYMENTS)
)
CLUSTER_STATE = register(
    Fragment(
        "site.cluster_state", "frame_cluster.html", cluster_state_context, cluster_state_topics, VIEW_CLUSTER
    )
)
OPERATIONS = register(
    Fragment(
        "site.operations",
        "overview.html#operations",
        operations_context,
        operation_topics,
        operation_permissions.VIEW,
    )
)
AUDIT = register(Fragment("site.audit", "overview.html#audit", audit_context, audit_topics, VIEW_ENTRY.code))
