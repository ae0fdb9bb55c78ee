"""Deployments and ReplicaSets as the mirror keeps them."""

from typing import Any

import msgspec

from apps.clusters.kinds.metadata import Condition, Metadata
from apps.clusters.kinds.pods import PodSpec, gpus
from apps.gateways import labels


class Selector(msgspec.Struct, frozen=True):
    matchLabels: dict[str, str] | None = None


class TemplateMetadata(msgspec.Struct, frozen=True):
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Template(msgspec.Struct, frozen=True):
    metadata: TemplateMetadata = TemplateMetadata()
    spec: PodSpec = PodSpec()


class Strategy(msgspec.Struct, frozen=True):
    type: str = ""


class WorkloadSpec(msgspec.Struct, frozen=True):
    replicas: int = 1
    paused: bool = False
    selector: Selector = Selector()
    template: Template = Template()
    strategy: Strategy | None = None


class WorkloadStatus(msgspec.Struct, frozen=True):
    replicas: int = 0
    readyReplicas: int = 0
    updatedReplicas: int = 0
    availableReplicas: int = 0
    observedGeneration: int = 0
    conditions: list[Condition] | None = None


class Workload(msgspec.Struct, frozen=True):
    """A Deployment or a ReplicaSet, decoded: their shapes agree in what the portal reads."""

    metadata: Metadata = Metadata()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


def counts(item: Workload) -> dict[str, Any]:
    """Numbers of replicas, and whether the controller has seen the newest wish."""
    return {
        "replicas": item.spec.replicas,
        "current": item.status.replicas,
        "ready": item.status.readyReplicas,
        "updated": item.status.updatedReplicas,
        "available": item.status.availableReplicas,
        "generation": item.metadata.generation,
        "observed": item.status.observedGeneration,
    }


def project_deployment(item: Workload) -> dict[str, Any]:
    """The slim projection of a Deployment."""
    template, containers = item.spec.template, item.spec.template.spec.containers
    ports = [port for container in containers for port in container.ports or []]
    return counts(item) | {
        "paused": item.spec.paused,
        "strategy": item.spec.strategy.type if item.spec.strategy else "",
        "selector": item.spec.selector.matchLabels or {},
        "template_labels": template.metadata.labels or {},
        "model_id": item.metadata.annotation(labels.MODEL_ID),
        "revision": item.metadata.annotation(labels.REVISION),
        "deleting": bool(item.metadata.deletionTimestamp),
        "image": containers[0].image if containers else "",
        "port": ports[0].containerPort if ports else 0,
        "gpus": gpus(template.spec),
        "conditions": [
            {"type": entry.type, "status": entry.status, "reason": entry.reason, "message": entry.message}
            for entry in item.status.conditions or []
        ],
    }


def project_replicaset(item: Workload) -> dict[str, Any]:
    """The slim projection of a ReplicaSet: counts, owner and revision."""
    owner, containers = item.metadata.controller(), item.spec.template.spec.containers
    return counts(item) | {
        "image": containers[0].image if containers else "",
        "owner_name": owner.name,
        "owner_uid": owner.uid,
        "revision": item.metadata.annotation(labels.REVISION),
    }
