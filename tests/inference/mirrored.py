"""Objects as an API server would send them, put into the mirror through the real kinds."""

from collections import defaultdict
from typing import Any

import msgspec

from apps.gateways.kubernetes import Kubernetes
from apps.live import kinds, mirror
from apps.live.rows import Row

KINDS = ("nodes", "pods", "deployments", "replicasets", "services", "endpointslices")
BORN = "2026-11-22T04:00:00Z"


def row_of(kind: str, manifest: dict[str, Any]) -> Row:
    """A manifest as the watcher would store it."""
    found = kinds.kind_named(kind)
    item: Any = msgspec.json.decode(msgspec.json.encode(manifest), type=found.struct)
    meta = item.metadata
    return Row(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=int(meta.resourceVersion),
        labels=meta.labels or {},
        data=found.project(item),
        created_at=meta.creationTimestamp,
    )


def look(cluster_id: int, kubernetes: Kubernetes, *, namespace: str = "") -> None:
    """List everything, or the nodes and one namespace, once into the mirror, as the watcher would."""
    for kind in KINDS:
        place = "" if kind == "nodes" else namespace
        found = [row_of(kind, manifest) for manifest in kubernetes.list(kind, namespace=place)]
        newest = max((row.resource_version for row in found), default=0)
        mirror.replace(
            cluster_id, kind, found, max(newest, mirror.sync_state(cluster_id, kind).resource_version)
        )


class Mirrored:
    """A mirror in the making; `write()` makes it so."""

    def __init__(self, cluster_id: int) -> None:
        self.cluster_id = cluster_id
        self.objects: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.revision = 10

    def add(self, kind: str, name: str, namespace: str = "default", **body: Any) -> None:
        """One object."""
        self.revision += 1
        metadata = {
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": str(self.revision),
            "creationTimestamp": BORN,
            "labels": body.pop("labels", {}),
            "annotations": body.pop("annotations", {}),
        }
        if kind != "nodes":
            metadata["namespace"] = namespace
        self.objects[kind].append({"metadata": metadata, **body})

    def write(self) -> None:
        """Put all of it into the mirror."""
        for kind in KINDS:
            rows = [row_of(kind, manifest) for manifest in self.objects[kind]]
            mirror.replace(self.cluster_id, kind, rows, self.revision)

    def node(self, name: str, *, gpus: int, instance_type: str = "ml.p5.48xlarge") -> None:
        """A ready node."""
        quantity = {"nvidia.com/gpu": str(gpus)}
        self.add(
            "nodes",
            name,
            labels={"node.kubernetes.io/instance-type": instance_type},
            status={
                "capacity": quantity,
                "allocatable": quantity,
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        )

    def deployment(
        self,
        name: str,
        *,
        kind: str = "standard",
        replicas: int = 1,
        ready: int = 0,
        model: str = "Qwen/Qwen3",
    ) -> None:
        """A deployment of a model."""
        own = {"app": name, "model": name, "model-type": "vllm", "deployment-type": kind}
        container = {
            "name": "server",
            "image": "vllm/vllm-openai:latest",
            "ports": [{"name": "http", "containerPort": 8000}],
            "resources": {"requests": {"nvidia.com/gpu": "1"}},
        }
        self.add(
            "deployments",
            name,
            labels=own,
            annotations={"hyperpod-portal.io/model-id": model},
            spec={
                "replicas": replicas,
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": own}, "spec": {"containers": [container]}},
            },
            status={"replicas": replicas, "readyReplicas": ready},
        )

    def pod(
        self, name: str, *, app: str, kind: str = "standard", business: str = "unassigned", ready: bool = True
    ) -> None:
        """A pod of a deployment."""
        own = {"app": app, "model": app, "model-type": "vllm", "deployment-type": kind}
        if kind == "model-pool":
            own["business"] = business
        self.add(
            "pods",
            name,
            labels=own,
            spec={"nodeName": "node-1", "containers": [{"name": "server"}]},
            status={
                "phase": "Running",
                "podIP": "10.0.0.1",
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "containerStatuses": [{"name": "server", "ready": ready, "restartCount": 0}],
            },
        )

    def service(self, name: str, *, selector: dict[str, str] | None, pods: list[str], **spec: Any) -> None:
        """A Service and its slice."""
        ports = [{"name": "http", "port": 8000, "protocol": "TCP", "targetPort": "http"}]
        self.add("services", name, spec={"type": "ClusterIP", "selector": selector, "ports": ports, **spec})
        endpoints = [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "targetRef": {"name": pod, "uid": pod}}
            for pod in pods
        ]
        self.add(
            "endpointslices",
            f"{name}-slice",
            labels={"kubernetes.io/service-name": name},
            endpoints=endpoints,
        )
