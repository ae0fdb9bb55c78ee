"""The live regions of the nodes page."""

from collections.abc import Iterable
from typing import Any

from apps.clusters import gpus, selectors
from apps.clusters.permissions import VIEW
from apps.live import topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer


def nodes_context(viewer: Viewer, *, cluster: str, q: str = "") -> dict[str, Any]:
    """Nodes that match `q`, totals of all of them, and how fresh the mirror is."""
    row = selectors.by_slug(cluster)
    nodes = gpus.node_gpus(row.pk)
    return {
        "cluster": row,
        "q": q,
        "nodes": [node for node in nodes if node.matches(q)],
        "totals": gpus.totals(row.pk, nodes),
        "freshness": selectors.freshness(row.pk, "nodes", "pods"),
    }


def nodes_topics(*, cluster: str, q: str = "") -> Iterable[str]:
    """Nodes, the pods on them, and the state of the mirror."""
    pk = selectors.by_slug(cluster).pk
    return topics.kind(pk, "nodes"), topics.kind(pk, "pods"), topics.sync(pk)


def node_dom_id(node: gpus.NodeGpus) -> str:
    """A node's row in the page."""
    return f"node-{node.name}"


def node_version(node: gpus.NodeGpus) -> tuple[int, int, int, int]:
    """What a node's row depends on beside the mirrored node itself: the pods on it."""
    return node.version, node.used, node.pending, node.pods


NODES = register(
    Fragment(
        name="clusters.nodes",
        template="clusters/node_list.html#nodes",
        context=nodes_context,
        topics=nodes_topics,
        permission=VIEW,
        rows=Rows(
            template="clusters/node_list.html#row",
            items="nodes",
            dom_id=node_dom_id,
            version=node_version,
            summary="clusters/node_list.html#totals",
        ),
    )
)

GPU_TOTALS = register(
    Fragment(
        name="clusters.gpu_totals",
        template="clusters/node_list.html#totals_only",
        context=nodes_context,
        topics=nodes_topics,
        permission=VIEW,
    )
)
