"""Pods as the mirror keeps them: state in kubectl's words, readiness, GPUs, owner, and who lent them."""

from datetime import datetime
from typing import Any

import msgspec

from apps.clusters.kinds.metadata import Condition, Metadata, find, iso
from apps.clusters.kinds.quantities import whole
from apps.gateways import labels

TERMINAL = ("Succeeded", "Failed")


class Resources(msgspec.Struct, frozen=True):
    requests: dict[str, str] | None = None
    limits: dict[str, str] | None = None


class Port(msgspec.Struct, frozen=True):
    containerPort: int = 0
    name: str = ""


class Container(msgspec.Struct, frozen=True):
    name: str = ""
    image: str = ""
    ports: list[Port] | None = None
    resources: Resources = Resources()


class PodSpec(msgspec.Struct, frozen=True):
    nodeName: str = ""
    containers: list[Container] = []
    initContainers: list[Container] | None = None


class StateDetail(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""
    exitCode: int = 0


class State(msgspec.Struct, frozen=True):
    waiting: StateDetail | None = None
    running: dict[str, Any] | None = None
    terminated: StateDetail | None = None


class ContainerStatus(msgspec.Struct, frozen=True):
    name: str = ""
    ready: bool = False
    restartCount: int = 0
    state: State = State()


class PodStatus(msgspec.Struct, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    podIP: str = ""
    nominatedNodeName: str = ""
    startTime: datetime | None = None
    conditions: list[Condition] | None = None
    containerStatuses: list[ContainerStatus] | None = None


class Pod(msgspec.Struct, frozen=True):
    """A pod, decoded."""

    metadata: Metadata = Metadata()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


def gpus(spec: PodSpec) -> int:
    """Devices that the pod holds: the sum of its containers, or its hungriest init container if more."""

    def asked(container: Container) -> int:
        wanted = container.resources.requests or container.resources.limits or {}
        return whole(wanted.get(labels.GPU, "0"))

    return max(sum(map(asked, spec.containers)), max(map(asked, spec.initContainers or []), default=0))


def trouble(status: PodStatus) -> StateDetail:
    """The first reason why a container is not running, as the kubelet says it; empty when there is none."""
    for container in status.containerStatuses or []:
        detail = container.state.waiting or container.state.terminated
        if detail and detail.reason and not container.ready:
            return detail
    return StateDetail()


def state_words(pod: Pod) -> str:
    """One word for the pod's state, in the order in which kubectl decides it."""
    if pod.metadata.deletionTimestamp:
        return "Terminating"
    return pod.status.reason or trouble(pod.status).reason or pod.status.phase or "Unknown"


def project_pod(pod: Pod) -> dict[str, Any]:
    """The slim projection; times are ISO texts, GPUs whole devices, `port` the first one (0: none)."""
    meta, status = pod.metadata, pod.status
    ready, scheduled = find(status.conditions, "Ready"), find(status.conditions, "PodScheduled")
    owner, problem = meta.controller(), trouble(status)
    containers = status.containerStatuses or []
    ports = [port for container in pod.spec.containers for port in container.ports or []]
    return {
        "phase": status.phase,
        "state": state_words(pod),
        "message": status.message or problem.message or (scheduled.message if not pod.spec.nodeName else ""),
        "ready": ready.status == "True",
        "ready_changed": iso(ready.lastTransitionTime),
        "ready_since": iso(ready.lastTransitionTime) if ready.status == "True" else "",
        "ready_containers": sum(item.ready for item in containers),
        "containers": len(pod.spec.containers),
        "restarts": sum(item.restartCount for item in containers),
        "node": pod.spec.nodeName,
        "nominated": "" if pod.spec.nodeName else status.nominatedNodeName,
        "gpus": gpus(pod.spec),
        "owner_kind": owner.kind,
        "owner_name": owner.name,
        "owner_uid": owner.uid,
        "deleting": iso(meta.deletionTimestamp),
        "started": iso(status.startTime),
        "ip": status.podIP,
        "port": ports[0].containerPort if ports else 0,
        "business": (meta.labels or {}).get(labels.BUSINESS, ""),
        "business_writer": meta.label_writer(labels.BUSINESS),
        "annotated": meta.annotations is not None,
        "intent": (meta.annotations or {}).get(labels.INTENT),
        "deletion_cost": meta.annotation(labels.DELETION_COST),
    }
