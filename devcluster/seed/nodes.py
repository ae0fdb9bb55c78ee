"""HyperPod nodes as they look in an EKS cluster: names, labels, capacity and conditions."""

from __future__ import annotations

import random
from typing import Any

from devcluster.objects import Json, rfc3339

PREFIX = "sagemaker.amazonaws.com"
TAINT = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}


def nodes(
    plan: dict[str, Any], *, count: int, gpus: int, taint: bool, now: float, rng: random.Random
) -> list[Json]:
    """`count` GPU nodes and, behind them, one without GPUs."""
    made = []
    for index in range(count + 1):
        zone = plan["zones"][index % len(plan["zones"])]
        cpu_only = gpus == 0 or index == count
        kind = plan["cpu_type"] if cpu_only else gpu_type(plan, gpus)
        made.append(_node(kind, 0 if cpu_only else gpus, index, zone, plan["region"], taint, now, rng))
    return made


def gpu_type(plan: dict[str, Any], gpus: int) -> Json:
    """The smallest instance type with at least that many GPUs."""
    fitting = [number for number in sorted(plan["gpu_types"]) if number >= gpus]
    found: Json = plan["gpu_types"][fitting[0] if fitting else max(plan["gpu_types"])]
    return found


def _node(
    kind: Json, gpus: int, index: int, zone: str, region: str, taint: bool, now: float, rng: random.Random
) -> Json:
    instance = f"i-{rng.getrandbits(68):017x}"
    name = f"hyperpod-{instance}"
    capacity = _capacity(kind, gpus)
    address = f"10.1.{index // 250}.{index % 250 + 4}"
    return {
        "metadata": {
            "name": name,
            "labels": _labels(kind, gpus, name, zone, region),
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
        },
        "spec": {
            "providerID": f"aws:///{zone}/sagemaker/cluster/devcluster-{instance}",
            **({"taints": [TAINT]} if taint and gpus else {}),
        },
        "status": {
            "capacity": capacity,
            "allocatable": _allocatable(capacity, kind),
            "conditions": _conditions(now),
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": name},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": _info(instance),
        },
    }


def _labels(kind: Json, gpus: int, name: str, zone: str, region: str) -> dict[str, str]:
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/instance-type": kind["type"],
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": kind["type"],
        "topology.kubernetes.io/region": region,
        "topology.kubernetes.io/zone": zone,
        f"{PREFIX}/cluster-name": "devcluster",
        f"{PREFIX}/compute-type": "hyperpod",
        f"{PREFIX}/instance-group-name": "gpu-group" if gpus else "cpu-group",
        f"{PREFIX}/node-health-status": "Schedulable",
        f"{PREFIX}/deep-health-check-status": "Passed",
    }
    if gpus:
        labels |= {"nvidia.com/gpu.product": kind["product"], "nvidia.com/gpu.count": str(gpus)}
    return labels


def _capacity(kind: Json, gpus: int) -> Json:
    capacity = {
        "cpu": str(kind["cpu"]),
        "memory": f"{kind['memory']}Gi",
        "ephemeral-storage": "500Gi",
        "pods": "110",
    }
    return {**capacity, "nvidia.com/gpu": str(gpus)} if gpus else capacity


def _allocatable(capacity: Json, kind: Json) -> Json:
    """Less what the system keeps for itself."""
    return {**capacity, "cpu": f"{kind['cpu'] * 1000 - 110}m", "memory": f"{kind['memory'] * 95 // 100}Gi"}


def _conditions(now: float) -> list[Json]:
    time = rfc3339(now)
    rows = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    return [
        {
            "type": kind,
            "status": status,
            "lastHeartbeatTime": time,
            "lastTransitionTime": time,
            "reason": reason,
            "message": message,
        }
        for kind, status, reason, message in rows
    ]


def _info(instance: str) -> Json:
    return {
        "machineID": instance,
        "systemUUID": instance,
        "bootID": instance,
        "kernelVersion": "6.1.150-devcluster",
        "osImage": "Amazon Linux 2023 (devcluster)",
        "containerRuntimeVersion": "containerd://1.7.27",
        "kubeletVersion": "v1.33.1-devcluster",
        "kubeProxyVersion": "v1.33.1-devcluster",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }
