"""Connections to clusters, one per process and version of the row: a new token counts from the next call."""

import threading
from dataclasses import dataclass

from apps.clusters.models import Cluster
from apps.gateways.kubernetes import Kubernetes


@dataclass(frozen=True)
class Gateways:
    """What the portal can speak to in one cluster."""

    kubernetes: Kubernetes


_lock = threading.Lock()
_open: dict[int, tuple[int, Gateways]] = {}


def connect(cluster_id: int) -> Gateways:
    """The gateways of a cluster. Raises Cluster.DoesNotExist, and Invalid for a row that makes no sense."""
    version = Cluster.objects.values_list("version", flat=True).get(pk=cluster_id)
    with _lock:
        known = _open.get(cluster_id)
    if known and known[0] == version:
        return known[1]
    row = Cluster.objects.get(pk=cluster_id)
    gateways = Gateways(kubernetes=Kubernetes(row.connection()))
    with _lock:
        _open[cluster_id] = (row.version, gateways)
    return gateways
