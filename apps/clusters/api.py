"""The JSON API of a cluster's hardware, canonical and as the earlier panel's users call it."""

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Path, Router, Schema

from apps.clusters import choice, gpus, selectors
from apps.clusters.models import Cluster

router = Router(tags=["clusters"])
flat_router = Router(tags=["earlier panel"])


class NodeOut(Schema):
    """One node; GPU figures are whole devices."""

    nodeName: str
    instanceType: str
    group: str
    zone: str
    capacityType: str | None
    healthStatus: str
    totalGPU: int
    allocatableGPU: int
    usedGPU: int
    availableGPU: int
    pendingGPU: int
    nodeReady: bool
    unschedulable: bool
    labels: dict[str, str]


class ClusterStatusOut(Schema):
    """All nodes with sums; `stale` and `error`: the cluster may have moved on since `fetchTime`."""

    success: bool = True
    cluster: str
    nodes: list[NodeOut]
    nodeCount: int
    totalGPUs: int
    usedGPUs: int
    availableGPUs: int
    pendingGPUs: int
    loaded: bool
    stale: bool
    error: str
    fetchTime: datetime


def status(cluster: Cluster) -> ClusterStatusOut:
    """What the mirror says of the cluster's nodes."""
    nodes = gpus.node_gpus(cluster.pk)
    totals = gpus.totals(cluster.pk, nodes)
    fresh = selectors.freshness(cluster.pk, "nodes", "pods")
    return ClusterStatusOut(
        cluster=cluster.slug,
        nodes=[node_out(node) for node in nodes],
        nodeCount=totals.nodes,
        totalGPUs=totals.total,
        usedGPUs=totals.used,
        availableGPUs=totals.free,
        pendingGPUs=totals.pending,
        loaded=fresh.loaded,
        stale=fresh.stale,
        error=fresh.error,
        fetchTime=fresh.since or datetime.now(UTC),
    )


def node_out(node: gpus.NodeGpus) -> NodeOut:
    """One node in the earlier panel's words."""
    return NodeOut(
        nodeName=node.name,
        instanceType=node.instance_type,
        group=node.group,
        zone=node.zone,
        capacityType=node.capacity_type or None,
        healthStatus=node.health,
        totalGPU=node.total,
        allocatableGPU=node.allocatable,
        usedGPU=node.used,
        availableGPU=node.free,
        pendingGPU=node.pending,
        nodeReady=node.ready,
        unschedulable=node.unschedulable,
        labels=node.labels,
    )


@router.get("/nodes", response=ClusterStatusOut, summary="Nodes and GPUs")
def nodes(request: HttpRequest, cluster: Path[str]) -> ClusterStatusOut:
    """Every node with its GPUs: total, used, available, pending."""
    return status(selectors.cluster(choice.person(request), cluster))


@flat_router.get("/cluster-status", response=ClusterStatusOut, summary="Nodes and GPUs")
def cluster_status(request: HttpRequest, cluster: str = "") -> ClusterStatusOut:
    """As `/api/c/<cluster>/nodes`; `?cluster=` is needed only where there are several."""
    return status(choice.cluster(choice.person(request), cluster))
