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
    return _known(cluster_id, version) or gateways(Cluster.objects.get(pk=cluster_id))


def gateways(row: Cluster) -> Gateways:
    """The gateways of a cluster whose row was read just now. Raises Invalid for one that makes no sense."""
    known = _known(row.pk, row.version)
    if known is not None:
        return known
    made = Gateways(kubernetes=Kubernetes(row.connection()))
    with _lock:
        _open[row.pk] = (row.version, made)
    return made


def _known(cluster_id: int, version: int) -> Gateways | None:
    with _lock:
        found = _open.get(cluster_id)
    return found[1] if found and found[0] == version else None
