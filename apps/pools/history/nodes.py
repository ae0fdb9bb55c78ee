"""The node under each interval, with instance type and GPUs, from the mirror: costs are reckoned by it."""

from collections.abc import Iterable

from django.db.models import Q

from apps.clusters.models import Cluster
from apps.live import mirror
from apps.live.rows import Change
from apps.pools.models import Holding

Facts = dict[str, str | int]
NOTHING: Facts = {"instance_type": "", "node_gpus": 0}


def facts_of(cluster_id: int, names: Iterable[str]) -> dict[str, Facts]:
    """Node name -> `instance_type` and `node_gpus`, of nodes that the mirror has."""
    found = mirror.objects(cluster_id, "nodes").filter(name__in=set(names))
    return {
        name: {"instance_type": data["instance_type"][:64], "node_gpus": data["gpu_capacity"]}
        for name, data in found.values_list("name", "data")
    }


def facts_for(cluster_id: int, node: str) -> Facts:
    """Those of one node; blank for none and for one that is not known."""
    return facts_of(cluster_id, [node]).get(node, NOTHING) if node else NOTHING


def pods_changed(cluster_id: int, changes: Iterable[Change]) -> None:
    """The watcher's hook: pods that have just been given a node."""
    placed = [
        change.new.uid
        for change in changes
        if change.new and change.new.data.get("node") and not (change.old and change.old.data.get("node"))
    ]
    if placed:
        fill(cluster_id, Q(pod_uid__in=placed))


def fill(cluster_id: int, which: Q | None = None) -> int:
    """Complete open intervals that began without a node, or before the node was known. Returns how many."""
    blank = Holding.objects.filter(pool__cluster_id=cluster_id, to_at=None).filter(
        Q(node="") | Q(instance_type="")
    )
    uids = dict(blank.filter(which or Q()).values_list("pk", "pod_uid"))
    pods = mirror.objects(cluster_id, "pods").filter(uid__in=set(uids.values()))
    nodes = {uid: data["node"] for uid, data in pods.values_list("uid", "data") if data.get("node")}
    facts = facts_of(cluster_id, nodes.values())
    filled = 0
    for pk, uid in uids.items():
        if node := nodes.get(uid):
            rest = facts.get(node, {})
            filled += Holding.objects.filter(pk=pk, to_at=None).update(node=node, **rest)
    return filled


def sweep() -> None:
    """The same for everything that the hook missed."""
    for cluster_id in Cluster.objects.filter(active=True).values_list("pk", flat=True):
        fill(cluster_id)
