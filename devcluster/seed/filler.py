"""Fills a cluster with thousands of pods that run nothing, as if Deployments had made them long ago."""

from __future__ import annotations

import random

from devcluster.controllers.deployment_status import make_condition
from devcluster.controllers.revisions import new_replica_set
from devcluster.defaults import apply_defaults
from devcluster.objects import (
    Json,
    generated_name,
    labels_of,
    owner_reference,
    rfc3339,
    spec_of,
    with_annotations,
    with_metadata,
    with_spec,
)
from devcluster.resources import resource
from devcluster.store import Store

PER_DEPLOYMENT = 50
NAMESPACE = "default"
IMAGE = "registry.example/filler:1"
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
    container = {
        "name": "filler",
        "image": IMAGE,
        "command": ["sleep", "infinity"],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
    }
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
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


def _shared(owner: Json, now: float) -> Json:
    """What all pods of one owner have in common: shared, because 5,000 copies would cost memory."""
    time = rfc3339(now)
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    spec = apply_defaults(PODS, {"metadata": {}, "spec": spec_of(owner)["template"]["spec"]})["spec"]
    state = {
        "name": "filler",
        "state": {"running": {"startedAt": time}},
        "lastState": {},
        "ready": True,
        "restartCount": 0,
        "image": IMAGE,
        "imageID": "",
        "started": True,
    }
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": time} for kind in kinds
    ]
    return {
        "metadata": {
            "namespace": NAMESPACE,
            "generateName": f"{owner['metadata']['name']}-",
            "labels": labels_of(owner),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": spec,
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "startTime": time,
            "containerStatuses": [state],
            "qosClass": "Burstable",
        },
    }


def _pod(store: Store, owner: Json, common: Json, node: Json, index: int, rng: random.Random) -> None:
    address = f"10.{200 + index // 65536}.{index // 256 % 256}.{index % 256}"
    name = generated_name(common["metadata"]["generateName"], rng)
    pod = with_metadata(common, name=name)
    status = {**common["status"], "podIP": address, "podIPs": [{"ip": address}]}
    store.create(
        PODS, {**pod, "spec": {**common["spec"], "nodeName": node["metadata"]["name"]}, "status": status}
    )
