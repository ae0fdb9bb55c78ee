"""The development cluster as measurements use it: registered in the portal, and asked past the portal."""

import json
import time
from collections.abc import Sequence
from typing import Any

from apps.gateways.connection import from_kubeconfig
from apps.gateways.kubernetes import Kubernetes
from hyperpod_site.stack.stack import Stack

SLUG = "bench"


def pods_of(options: Sequence[str]) -> int:
    """How many pods a cluster with these options is filled with."""
    return int(options[options.index("--pods") + 1])


def register(stack: Stack) -> int:
    """Have the portal know the cluster, with its own least rights; the row's number."""
    from apps.clusters.models import Cluster

    stack.manage("register_cluster", "--slug", SLUG, "--name", SLUG, "--kubeconfig", str(stack.kubeconfig))
    return Cluster.objects.get(slug=SLUG).pk


def administrator(stack: Stack) -> Kubernetes:
    """A client that may do everything."""
    return Kubernetes(from_kubeconfig((stack.cluster_folder / "kubeconfig").read_text()), timeout=60)


def stats(client: Kubernetes) -> dict[str, Any]:
    """The cluster's own counters."""
    return dict(json.loads(client.transport.request("GET", "/devcluster/stats")))


def portal_requests(client: Kubernetes) -> int:
    """How often the portal has asked the API server so far, watches included."""
    return sum(number for user, number in stats(client)["users"].items() if "hyperpod-portal" in user)


def await_mirror(cluster_id: int, pods: int, *, seconds: float = 120) -> float:
    """Wait until every kind is mirrored; how long that took. TimeoutError after `seconds`."""
    from apps.live import kinds
    from apps.live.models import ClusterObject, SyncState

    wanted, begun = len(kinds.registered_kinds()), time.monotonic()
    while time.monotonic() - begun < seconds:
        listed = SyncState.objects.filter(cluster_id=cluster_id, synced_at__isnull=False).count()
        held = ClusterObject.objects.filter(cluster_id=cluster_id, kind="pods").count()
        if listed == wanted and held >= pods:
            return time.monotonic() - begun
        time.sleep(0.1)
    raise TimeoutError("the watcher did not fill the mirror")
