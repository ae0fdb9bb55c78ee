"""Fills a cluster with thousands of pods that run nothing, as if Deployments had made them long ago.

They have the fields, and so the size, of real model servers (5 kB), but ask for no GPU.
"""

from __future__ import annotations

import random

from devcluster.controllers.deployment_status import make_condition
from devcluster.controllers.revisions import new_replica_set
from devcluster.defaults import apply_defaults
from devcluster.managed import Writer, after_update
from devcluster.objects import (
    Json,
    generated_name,
    labels_of,
    owner_reference,
    rfc3339,
    spec_of,
    status_of,
    with_annotations,
    with_metadata,
    with_spec,
)
from devcluster.resources import resource
from devcluster.schema import schema_of
from devcluster.store import Store

PER_DEPLOYMENT = 50
NAMESPACE = "default"
NAME = "server"
IMAGE = "registry.example/vllm-openai:1"
IMAGE_ID = "registry.example/vllm-openai@sha256:" + "0" * 64
MANAGER = "kube-controller-manager"
PODS = resource("pods")
NODES = resource("nodes")
DEPLOYMENTS = resource("deployments")
REPLICASETS = resource("replicasets")


def fill(store: Store, count: int, now: float, rng: random.Random) -> None:
    """`count` Running pods in Deployments of 50, spread over all nodes, everything settled."""
    nodes = store.list(NODES)
    for number, start in enumerate(range(0, count, PER_DEPLOYMENT)):
        size = min(PER_DEPLOYMENT, count - start)
        owner = _workload(store, f"filler-{number:03d}", size, now)
        common = _shared(owner, now)
        for index in range(start, start + size):
            _pod(store, owner, common, nodes[index % len(nodes)], index, rng)


def _workload(store: Store, name: str, size: int, now: float) -> Json:
    """The Deployment and its ReplicaSet; the ReplicaSet is returned."""
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": _server()},
        },
    }
    manifest = apply_defaults(DEPLOYMENTS, manifest)
    counts = {"observedGeneration": 1, "replicas": size, "readyReplicas": size, "availableReplicas": size}
    conditions = [
        make_condition(
            "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now
        )
    ]
    status = {**counts, "updatedReplicas": size, "conditions": conditions}
    revision = {"deployment.kubernetes.io/revision": "1"}
    made = store.create(DEPLOYMENTS, {**with_annotations(manifest, revision), "status": status})
    replica_set = with_spec(new_replica_set(made, 1), replicas=size)
    return store.create(REPLICASETS, {**replica_set, "status": {**counts, "fullyLabeledReplicas": size}})


def _server() -> Json:
    """The pod spec of a model server, as people write it."""
    probe = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 2, "timeoutSeconds": 5}
    container = {
        "name": NAME,
        "image": IMAGE,
        "command": ["vllm", "serve", "Qwen/Qwen3-0.6B", "--tensor-parallel-size", "1"],
        "ports": [{"name": "http", "containerPort": 8000}],
        "env": [{"name": "HF_HOME", "value": "/cache"}, {"name": "VLLM_LOGGING_LEVEL", "value": "INFO"}],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
        "startupProbe": {**probe, "failureThreshold": 900},
        "readinessProbe": probe,
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "volumeMounts": [
            {"name": "models", "mountPath": "/models"},
            {"name": "cache", "mountPath": "/cache"},
        ],
    }
    return {
        "terminationGracePeriodSeconds": 120,
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [container],
        "volumes": [
            {"name": "models", "emptyDir": {"sizeLimit": "16Gi"}},
            {"name": "cache", "emptyDir": {}},
        ],
    }


def _shared(owner: Json, now: float) -> Json:
    """What all pods of one owner have in common: shared, because 5,000 copies would cost memory."""
    time = rfc3339(now)
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    spec = apply_defaults(PODS, {"metadata": {}, "spec": spec_of(owner)["template"]["spec"]})["spec"]
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": time} for kind in kinds
    ]
    metadata = {
        "namespace": NAMESPACE,
        "generateName": f"{owner['metadata']['name']}-",
        "labels": labels_of(owner),
        "ownerReferences": [owner_reference(owner)],
    }
    made = {"metadata": metadata, "spec": spec}
    fields = after_update(schema_of(PODS), None, made, Writer(MANAGER, "v1", time))
    return {
        "metadata": {**metadata, "managedFields": fields},
        "spec": spec,
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "startTime": time,
            "containerStatuses": [_container_status(time)],
            "qosClass": "Burstable",
        },
    }


def _container_status(time: str) -> Json:
    """The one container, running since `time`."""
    return {
        "name": NAME,
        "state": {"running": {"startedAt": time}},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": IMAGE,
        "imageID": IMAGE_ID,
        "started": True,
    }


def _pod(store: Store, owner: Json, common: Json, node: Json, index: int, rng: random.Random) -> None:
    address = f"10.{200 + index // 65536}.{index // 256 % 256}.{index % 256}"
    name = generated_name(common["metadata"]["generateName"], rng)
    own = {"containerID": f"containerd://{rng.randbytes(32).hex()}"}
    container = {**common["status"]["containerStatuses"][0], **own}
    status = {
        **common["status"],
        "hostIP": _address(node),
        "podIP": address,
        "podIPs": [{"ip": address}],
        "containerStatuses": [container],
    }
    spec = {**common["spec"], "nodeName": node["metadata"]["name"]}
    store.create(PODS, {**with_metadata(common, name=name), "spec": spec, "status": status})


def _address(node: Json) -> str:
    return next(str(one["address"]) for one in status_of(node)["addresses"] if one["type"] == "InternalIP")
