"""Puts the first objects into an empty store: namespaces, nodes, accounts and the portal's role."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import yaml

from devcluster.errors import AlreadyExists
from devcluster.objects import Json
from devcluster.options import Options
from devcluster.resources import Resource, resource, resource_for
from devcluster.seed.nodes import nodes
from devcluster.store import Store

PLAN = Path(__file__).with_name("cluster.yaml")


def plant(store: Store, options: Options, now: float, rng: random.Random) -> None:
    """Create what is lacking; what exists stays."""
    plan: dict[str, Any] = yaml.safe_load(PLAN.read_text())
    for name in plan["namespaces"]:
        _put(store, resource("namespaces"), namespace(name))
    for entry in plan["classes"]:
        body = {
            "metadata": {"name": entry["name"]},
            "value": entry["value"],
            "preemptionPolicy": "PreemptLowerPriority",
        }
        _put(store, resource("priorityclasses"), body)
    made = nodes(
        plan, count=options.nodes, gpus=options.gpus_per_node, taint=options.gpu_taint, now=now, rng=rng
    )
    for node in made:
        _put(store, resource("nodes"), node)
    _put(store, resource("services"), API_SERVICE)
    if options.rbac.exists():
        plant_manifests(store, options.rbac)


def namespace(name: str) -> Json:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


API_SERVICE: Json = {
    "metadata": {
        "name": "kubernetes",
        "namespace": "default",
        "labels": {"component": "apiserver", "provider": "kubernetes"},
    },
    "spec": {
        "clusterIP": "10.96.0.1",
        "clusterIPs": ["10.96.0.1"],
        "type": "ClusterIP",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    },
    "status": {"loadBalancer": {}},
}


def plant_manifests(store: Store, path: Path) -> None:
    """Every manifest of a YAML file, as an administrator would have applied it."""
    for manifest in yaml.safe_load_all(path.read_text()):
        if not manifest:
            continue
        kind = resource_for(manifest["apiVersion"], manifest["kind"])
        metadata = manifest["metadata"]
        if kind.namespaced:
            metadata = {"namespace": "default", **metadata}
        _put(store, kind, {**manifest, "metadata": metadata})


def _put(store: Store, kind: Resource, obj: Json) -> None:
    try:
        store.create(kind, obj)
    except AlreadyExists:
        return
