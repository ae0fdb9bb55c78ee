"""Nodes as the mirror keeps them: what they offer, where they are, whether they are well."""

from typing import Any

import msgspec

from apps.clusters.kinds.metadata import Condition, Metadata, find
from apps.clusters.kinds.quantities import whole
from apps.gateways import labels


class NodeSpec(msgspec.Struct, frozen=True):
    unschedulable: bool = False


class NodeStatus(msgspec.Struct, frozen=True):
    capacity: dict[str, str] | None = None
    allocatable: dict[str, str] | None = None
    conditions: list[Condition] | None = None


class Node(msgspec.Struct, frozen=True):
    """A node, decoded."""

    metadata: Metadata = Metadata()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


def project_node(node: Node) -> dict[str, Any]:
    """The slim projection: GPUs, type, group, zone, health. GPU figures are whole numbers of devices."""
    own = node.metadata.labels or {}
    ready = find(node.status.conditions, "Ready")
    return {
        "gpu_capacity": whole((node.status.capacity or {}).get(labels.GPU, "0")),
        "gpu_allocatable": whole((node.status.allocatable or {}).get(labels.GPU, "0")),
        "instance_type": own.get(labels.INSTANCE_TYPE, ""),
        "group": own.get(labels.INSTANCE_GROUP, "") or own.get(labels.NODE_GROUP, ""),
        "zone": own.get(labels.ZONE, ""),
        "capacity_type": own.get(labels.CAPACITY_TYPE, ""),
        "health": own.get(labels.NODE_HEALTH, ""),
        "deep_health": own.get(labels.DEEP_HEALTH, ""),
        "ready": ready.status == "True",
        "ready_reason": "" if ready.status == "True" else ready.message or ready.reason,
        "unschedulable": node.spec.unschedulable,
    }
