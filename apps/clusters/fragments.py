"""The live regions of the nodes page."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.clusters import gpus, selectors
from apps.clusters.node_pages import node_page
from apps.clusters.permissions import VIEW
from apps.live import paging, topics
from apps.live.fragments import Fragment, Rows, register
from apps.live.viewers import Viewer

NODE_HEADERS = (
    ("name", _("Node")),
    ("ready", _("State")),
    ("type", _("Instance type")),
    ("group~", _("Group")),
    ("zone~", _("Zone")),
    ("gpus#", _("GPUs")),
    ("used#", _("Used")),
    ("free#", _("Free")),
    ("pending#", _("Pending")),
    ("~", _("Share used")),
    ("pods#", _("Pods")),
)


def nodes_context(viewer: Viewer, *, cluster: str, q: str, sort: str, page: int) -> dict[str, Any]:
    """A page of the nodes that match `q`, totals of all of them, and how fresh the mirror is."""
    row = selectors.by_slug(cluster)
    found, totals = node_page(row.pk, q=q, sort=sort, page=page)
    return {
        "cluster": row,
        "page": found,
        "nodes": found.rows,
        "headers": paging.headers(NODE_HEADERS, found.asked),
        "totals": totals,
        "freshness": selectors.freshness(row.pk, "nodes", "pods"),
    }


def totals_context(viewer: Viewer, *, cluster: str) -> dict[str, Any]:
    """Totals of all nodes, and how fresh the mirror is."""
    row = selectors.by_slug(cluster)
    return {
        "cluster": row,
        "totals": gpus.totals(row.pk, gpus.node_gpus(row.pk)),
        "freshness": selectors.freshness(row.pk, "nodes", "pods"),
    }


def nodes_topics(*, cluster: str, **_asked: Any) -> Iterable[str]:
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
            summary="clusters/node_list.html#summary",
        ),
    )
)

GPU_TOTALS = register(
    Fragment(
        name="clusters.gpu_totals",
        template="clusters/node_list.html#totals_only",
        context=totals_context,
        topics=nodes_topics,
        permission=VIEW,
    )
)
