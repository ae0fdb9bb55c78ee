"""GPUs of a cluster, counted by the database from the mirror: total, used, free and pending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from apps.clusters.kinds.pods import TERMINAL
from apps.live import mirror


@dataclass(frozen=True)
class NodeGpus:
    """One node and its devices. `pending` counts unscheduled pods that are promised to this very node."""

    name: str
    version: int
    total: int
    used: int
    pending: int
    pods: int
    ready: bool
    unschedulable: bool
    ready_reason: str
    instance_type: str
    group: str
    zone: str
    capacity_type: str
    health: str
    allocatable: int
    labels: dict[str, str]

    @property
    def free(self) -> int:
        """Devices that a new pod could take here; none where nothing may be scheduled."""
        usable = self.ready and not self.unschedulable
        return max(self.allocatable - self.used, 0) if usable else 0


@dataclass(frozen=True)
class Totals:
    """Sums over the cluster, in devices; `pending` counts every pod that waits for a node."""

    nodes: int
    ready_nodes: int
    total: int
    used: int
    free: int
    pending: int
    largest_gap: int


def node_gpus(cluster_id: int) -> list[NodeGpus]:
    """Every node of the mirror by name, with the devices that pods hold there."""
    used = per_node(cluster_id, "node")
    promised = per_node(cluster_id, "nominated")
    rows = mirror.objects(cluster_id, "nodes").order_by("name").values("name", "version", "labels", "data")
    return [node(row, used.get(row["name"], (0, 0)), promised.get(row["name"], (0, 0))) for row in rows]


def node(row: Mapping[str, Any], used: tuple[int, int], promised: tuple[int, int]) -> NodeGpus:
    """A mirrored node as our value; `used` and `promised` are (devices, pods)."""
    data = row["data"]
    return NodeGpus(
        name=row["name"],
        version=row["version"],
        total=data["gpu_capacity"],
        allocatable=data["gpu_allocatable"],
        used=used[0],
        pods=used[1],
        pending=promised[0],
        ready=data["ready"],
        unschedulable=data["unschedulable"],
        ready_reason=data["ready_reason"],
        instance_type=data["instance_type"],
        group=data["group"],
        zone=data["zone"],
        capacity_type=data["capacity_type"],
        health=data["health"],
        labels=row["labels"],
    )


def holding(cluster_id: int) -> QuerySet[Any]:
    """Pods that hold or want devices: all but those that have ended."""
    pods = mirror.objects(cluster_id, "pods").exclude(data__phase__in=TERMINAL)
    return pods.annotate(gpus=Cast(KeyTextTransform("gpus", "data"), IntegerField()))


def per_node(cluster_id: int, key: str) -> dict[str, tuple[int, int]]:
    """(devices, pods) by node name; `key` is `node` (bound there) or `nominated` (promised there)."""
    rows = (
        holding(cluster_id)
        .annotate(place=KeyTextTransform(key, "data"))
        .exclude(place="")
        .values_list("place")
        .annotate(devices=Coalesce(Sum("gpus"), 0), count=Count("pk"))
        .order_by()
    )
    return {place: (devices, count) for place, devices, count in rows}


def pending(cluster_id: int) -> int:
    """Devices that pods without a node ask for."""
    unscheduled = holding(cluster_id).filter(Q(data__node=""), Q(data__deleting=""))
    return int(unscheduled.aggregate(devices=Coalesce(Sum("gpus"), 0))["devices"])


def totals(cluster_id: int, nodes: list[NodeGpus]) -> Totals:
    """The stat cards' numbers."""
    return Totals(
        nodes=len(nodes),
        ready_nodes=sum(item.ready for item in nodes),
        total=sum(item.total for item in nodes),
        used=sum(item.used for item in nodes),
        free=sum(item.free for item in nodes),
        pending=pending(cluster_id),
        largest_gap=max((item.free for item in nodes), default=0),
    )
