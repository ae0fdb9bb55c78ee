"""Leases that say a node's kubelet lives; renewed less often the more nodes there are, to stay quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devcluster.objects import Json, micro_time, put_condition, rfc3339, status_of, with_spec, with_status
from devcluster.resources import resource

if TYPE_CHECKING:
    from devcluster.controllers.kubelet import Kubelet

NODES = resource("nodes")
LEASES = resource("leases")
NAMESPACE = "kube-node-lease"
PERIOD = 10.0  # seconds between renewals, upstream's
BEATS_IN_GRACE = 4  # of 40 s upstream: a node that lives is not taken for lost
MOST_PER_SECOND = 20.0
LEASE_SECONDS = 40


class Heartbeat:
    """Renews the leases of all nodes that are up."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    def start(self) -> None:
        for node in self._kubelet.store.list(NODES):
            self._schedule(node["metadata"]["name"], self._kubelet.rng.uniform(0, self._period()))

    def beat(self, node: str) -> None:
        """Renew now; a node that was given up as lost says that it is Ready again."""
        kubelet = self._kubelet
        found = kubelet.store.find(NODES, "", node)
        if found is None:
            return
        now = kubelet.clock.now()
        self._renew(found, now)
        ready = ready_condition(found, now)
        conditions = status_of(found).get("conditions")
        if any(entry["type"] == "Ready" and entry["status"] != "True" for entry in conditions or ()):
            status = {**status_of(found), "conditions": put_condition(conditions, ready)}
            kubelet.update_status(NODES, with_status(found, status))
            kubelet.recorder.normal(
                "kubelet", found, "NodeReady", f"Node {node} status is now: NodeReady", host=node
            )

    def _period(self) -> float:
        often = min(PERIOD, self._kubelet.options.node_grace / BEATS_IN_GRACE)
        return max(often, len(self._kubelet.store.list(NODES)) / MOST_PER_SECOND)

    def _schedule(self, node: str, seconds: float) -> None:
        self._kubelet.clock.after(seconds, lambda: self._turn(node))

    def _turn(self, node: str) -> None:
        if self._kubelet.store.find(NODES, "", node) is None:
            return
        if node not in self._kubelet.down:
            self.beat(node)
        self._schedule(node, self._period())

    def _renew(self, node: Json, now: float) -> None:
        store, name = self._kubelet.store, node["metadata"]["name"]
        lease = store.find(LEASES, NAMESPACE, name)
        if lease is None:
            store.create(LEASES, new_lease(node, now))
        else:
            store.update(LEASES, with_spec(lease, renewTime=micro_time(now)))


def new_lease(node: Json, now: float) -> Json:
    metadata = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": metadata["name"], "uid": metadata["uid"]}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": metadata["name"], "namespace": NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": metadata["name"],
            "leaseDurationSeconds": LEASE_SECONDS,
            "renewTime": micro_time(now),
        },
    }


def ready_condition(node: Json, now: float) -> Json:
    """The Ready condition of a living kubelet, its transition time kept when it was Ready before."""
    time = rfc3339(now)
    old = next((entry for entry in status_of(node).get("conditions") or () if entry["type"] == "Ready"), None)
    since = old["lastTransitionTime"] if old and old["status"] == "True" else time
    return {
        "type": "Ready",
        "status": "True",
        "lastHeartbeatTime": time,
        "lastTransitionTime": since,
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
    }
