"""The node controller: silence makes a node NotReady, taints it, and in the end moves its pods away."""

from __future__ import annotations

import random
from collections.abc import Hashable
from typing import cast

from devcluster.cache import Caches
from devcluster.clock import Clock, Timer
from devcluster.controllers.base import Controller, Doors
from devcluster.controllers.filters import tolerated
from devcluster.controllers.pods import is_finished, is_ready, node_name
from devcluster.errors import NotFound
from devcluster.objects import (
    Json,
    Key,
    condition,
    epoch,
    is_terminating,
    key_of,
    put_condition,
    rfc3339,
    spec_of,
    status_of,
    uid_of,
    with_spec,
    with_status,
)
from devcluster.recorder import Recorder
from devcluster.resources import resource
from devcluster.store import Event, Store

NODES = resource("nodes")
PODS = resource("pods")
LEASES = resource("leases")
MONITOR_PERIOD = 5.0
QUARANTINE = 40.0  # seconds before pods of a deleted node are removed
COMPONENT = "node-controller"
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
OURS = (NOT_READY, UNREACHABLE, UNSCHEDULABLE)


class NodeController(Controller):
    name = "node"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        caches: Caches,
        rng: random.Random,
        doors: Doors,
        recorder: Recorder,
        grace: float,
    ) -> None:
        super().__init__(store, clock, caches, rng, doors, recorder)
        self._grace = grace

    def start(self) -> None:
        self.nodes = self.watch(NODES, self._on_node)
        self.pods = self.watch(PODS, self._on_pod)
        self.leases = self.watch(LEASES, self._on_lease)
        now = self.clock.now()
        self.heard = {key[1]: now for key in self.nodes.names()}
        self.evictions: dict[str, Timer] = {}
        self.missing: dict[str, float] = {}
        for key in self.nodes.names():
            self.queue.add(key)
        self.clock.after(MONITOR_PERIOD, self._monitor)

    def _on_lease(self, event: Event) -> None:
        """What counts is when it was heard here, not the time written in it."""
        if event.type != "DELETED" and event.key[1] in self.heard:
            self.heard[event.key[1]] = self.clock.now()

    def _on_node(self, event: Event) -> None:
        name = event.key[1]
        if event.type == "DELETED":
            self.heard.pop(name, None)
            self.missing[name] = self.clock.now()
            return
        self.heard.setdefault(name, self.clock.now())
        self.missing.pop(name, None)
        self.queue.add(event.key)

    def _on_pod(self, event: Event) -> None:
        if event.type == "DELETED":
            self._cancel(uid_of(event.obj))
        elif node_name(event.obj) and (event.previous is None or not node_name(event.previous)):
            node = self.nodes.get(("", node_name(event.obj)))
            if node is not None and _evicting(node):
                self._plan_eviction(event.obj, node)

    def _monitor(self) -> None:
        self.clock.after(MONITOR_PERIOD, self._monitor)
        limit = self.clock.now() - self._grace
        for name, heard in self.heard.items():
            node = self.nodes.get(("", name))
            if node is not None and heard < limit and _ready_status(node) != "Unknown":
                self.queue.add(("", name))
        for name, since in tuple(self.missing.items()):
            if self.clock.now() - since > QUARANTINE:
                self._collect_pods(name)

    # --- one node -----------------------------------------------------------------------------------

    def sync(self, key: Hashable) -> None:
        key = cast(Key, key)
        node = self.live(NODES, key)
        if node is None:
            return
        silent = self.heard.get(key[1], self.clock.now()) < self.clock.now() - self._grace
        if silent and _ready_status(node) != "Unknown":
            node = self._give_up(node)
        node = self._set_taints(node)
        if _ready_status(node) != "True":
            self._mark_pods(node)
        self._plan_evictions(node)

    def _give_up(self, node: Json) -> Json:
        """Nothing heard for the grace period: every condition is Unknown."""
        now = rfc3339(self.clock.now())
        conditions = status_of(node).get("conditions")
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
            old = condition(conditions, kind) or {}
            entry = {
                **old,
                "type": kind,
                "status": "Unknown",
                "lastTransitionTime": now,
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
            conditions = put_condition(conditions, entry)
        name = node["metadata"]["name"]
        self.recorder.normal(COMPONENT, node, "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        return self.update_status(NODES, with_status(node, {**status_of(node), "conditions": conditions}))

    def _set_taints(self, node: Json) -> Json:
        """Taints follow conditions and cordon; foreign taints stay."""
        present = spec_of(node).get("taints") or []
        wanted = _wanted_taints(node)
        kept = [entry for entry in present if entry["key"] not in OURS or _mark(entry) in wanted]
        have = {_mark(entry) for entry in kept}
        now = rfc3339(self.clock.now())
        added = [
            {"key": key, "effect": effect, "timeAdded": now}
            for key, effect in wanted
            if (key, effect) not in have
        ]
        if len(kept) == len(present) and not added:
            return node
        return self.update(NODES, with_spec(node, taints=[*kept, *added]))

    def _mark_pods(self, node: Json) -> None:
        """The API must not show pods of a dead node as Ready: endpoints follow this."""
        now = rfc3339(self.clock.now())
        for pod in self._pods_on(node["metadata"]["name"]):
            fresh = self.live(PODS, key_of(pod))
            if fresh is None or uid_of(fresh) != uid_of(pod) or not is_ready(fresh):
                continue
            old = condition(status_of(fresh)["conditions"], "Ready") or {}
            entry = {**old, "status": "False", "lastTransitionTime": now}
            conditions = put_condition(status_of(fresh)["conditions"], entry)
            self.update_status(PODS, with_status(fresh, {**status_of(fresh), "conditions": conditions}))
            self.recorder.warning(COMPONENT, fresh, "NodeNotReady", "Node is not ready")

    def _pods_on(self, node: str) -> list[Json]:
        return [pod for pod in self.pods.list() if node_name(pod) == node and not is_finished(pod)]

    # --- evictions ----------------------------------------------------------------------------------

    def _plan_evictions(self, node: Json) -> None:
        evicting = _evicting(node)
        for pod in self._pods_on(node["metadata"]["name"]) if evicting or self.evictions else ():
            if evicting:
                self._plan_eviction(pod, node)
            else:
                self._cancel(uid_of(pod))

    def _plan_eviction(self, pod: Json, node: Json) -> None:
        """Delete the pod when its toleration of the node's NoExecute taints has run out."""
        uid = uid_of(pod)
        waits = [_patience(pod, taint) for taint in _evicting(node)]
        patience = min((wait for wait in waits if wait is not None), default=None)
        if patience is None or uid in self.evictions or is_terminating(pod):
            return
        self.evictions[uid] = self.clock.at(patience, lambda: self._evict(pod))

    def _cancel(self, uid: str) -> None:
        timer = self.evictions.pop(uid, None)
        if timer is not None:
            timer.cancel()

    def _evict(self, pod: Json) -> None:
        self.evictions.pop(uid_of(pod), None)
        namespace, name = key_of(pod)
        fresh = self.live(PODS, (namespace, name))
        if fresh is None or uid_of(fresh) != uid_of(pod):
            return
        message = f"Marking for deletion Pod {namespace}/{name}"
        self.recorder.normal("taint-eviction-controller", fresh, "TaintManagerEviction", message)
        self.delete(PODS, fresh)

    def _collect_pods(self, name: str) -> None:
        """The pod garbage collector: nobody will ever finish pods of a node that was deleted."""
        if self.live(NODES, ("", name)) is not None:
            self.missing.pop(name, None)
            return
        for pod in self._pods_on(name):
            try:
                self.store.delete(PODS, *key_of(pod), uid=uid_of(pod))
            except NotFound:
                continue
        self.missing.pop(name, None)


def _ready_status(node: Json) -> str:
    entry = condition(status_of(node).get("conditions"), "Ready")
    return str(entry["status"]) if entry else "Unknown"


def _mark(taint: Json) -> tuple[str, str]:
    return taint["key"], taint["effect"]


def _wanted_taints(node: Json) -> list[tuple[str, str]]:
    wanted = []
    if spec_of(node).get("unschedulable"):
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    key = {"True": "", "Unknown": UNREACHABLE}.get(_ready_status(node), NOT_READY)
    return [*wanted, (key, "NoSchedule"), (key, "NoExecute")] if key else wanted


def _evicting(node: Json) -> list[Json]:
    return [entry for entry in spec_of(node).get("taints") or () if entry["effect"] == "NoExecute"]


def _patience(pod: Json, taint: Json) -> float | None:
    """Epoch second at which the pod must go because of this taint; None when it may stay for good."""
    begin = epoch(taint.get("timeAdded"))
    covering = [entry for entry in spec_of(pod).get("tolerations") or () if tolerated(entry, taint)]
    if not covering:
        return begin
    limits = [entry["tolerationSeconds"] for entry in covering if entry.get("tolerationSeconds") is not None]
    return begin + max(0, min(limits)) if limits else None
