"""The scheduler: gives each waiting pod the best node that can take it, or says why none can."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

from devcluster.controllers.base import Controller
from devcluster.controllers.filters import refusals, score
from devcluster.controllers.pods import is_finished, node_name
from devcluster.errors import ApiError
from devcluster.objects import (
    Json,
    Key,
    condition,
    controller_ref,
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
from devcluster.quantities import Amounts, add, amounts, pod_requests
from devcluster.resources import resource
from devcluster.store import Event

PODS = resource("pods")
NODES = resource("nodes")
COMPONENT = "default-scheduler"
ONE = Decimal(1)
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 10.0
UNSCHEDULABLE_FLUSH = 300.0  # seconds, upstream's podMaxInUnschedulablePodsDuration


@dataclass
class Load:
    """What is placed on one node."""

    used: Amounts = field(default_factory=dict)
    owners: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Placed:
    node: str
    requests: Amounts
    owner: str


class Scheduler(Controller):
    name = "scheduler"

    def start(self) -> None:
        self.nodes = self.watch(NODES, self._on_node)
        self.pods = self.watch(PODS, self._on_pod)
        self.placed: dict[str, Placed] = {}
        self.loads: dict[str, Load] = {}
        self.allocatable: dict[str, Amounts] = {}
        self.waiting: dict[Key, int] = {}
        for node in self.nodes.list():
            self._know_node(node)
        for pod in self.pods.list():
            self._consider(pod)

    # --- events -------------------------------------------------------------------------------------

    def _on_node(self, event: Event) -> None:
        if event.type == "DELETED":
            self.allocatable.pop(event.key[1], None)
            return
        old = event.previous
        self._know_node(event.obj)
        if old is None or _fitness(old) != _fitness(event.obj):
            self._wake_waiting()

    def _know_node(self, node: Json) -> None:
        self.allocatable[node["metadata"]["name"]] = amounts(status_of(node).get("allocatable"))

    def _on_pod(self, event: Event) -> None:
        if event.type == "DELETED":
            self.waiting.pop(event.key, None)
            self._forget(uid_of(event.obj))
        else:
            self._consider(event.obj)

    def _consider(self, pod: Json) -> None:
        if is_finished(pod):
            self._forget(uid_of(pod))
        elif node_name(pod):
            self._place(pod, node_name(pod))
        elif self._is_new(pod):
            self.queue.add(key_of(pod))

    def _is_new(self, pod: Json) -> bool:
        """Ours, alive, and neither placed nor waiting for room."""
        ours = spec_of(pod).get("schedulerName", COMPONENT) == COMPONENT
        known = uid_of(pod) in self.placed or key_of(pod) in self.waiting
        return ours and not known and not is_terminating(pod)

    def _place(self, pod: Json, node: str) -> None:
        known = self.placed.get(uid_of(pod))
        if known is not None and known.node == node:
            return
        self._forget(uid_of(pod), wake=False)
        entry = Placed(node, {**pod_requests(spec_of(pod)), "pods": ONE}, _owner(pod))
        self.placed[uid_of(pod)] = entry
        load = self.loads.setdefault(node, Load())
        load.used = add(load.used, entry.requests)
        load.owners[entry.owner] += 1

    def _forget(self, uid: str, *, wake: bool = True) -> None:
        entry = self.placed.pop(uid, None)
        if entry is None:
            return
        load = self.loads[entry.node]
        load.used = add(load.used, {name: -value for name, value in entry.requests.items()})
        load.owners[entry.owner] -= 1
        if wake:
            self._wake_waiting()

    def _wake_waiting(self) -> None:
        """Something became free: those that found no place try again, after their backoff."""
        for key, failures in self.waiting.items():
            wait = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(failures - 1, 10))
            self.queue.add_after(key, wait)

    # --- one pod ------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Higher priority first, then first come first served."""
        keys = self.queue.take()
        for key in sorted(keys, key=self._rank):
            self._attempt(key)

    def _rank(self, key: Hashable) -> int:
        pod = self.pods.get(cast(Key, key))
        return -int(spec_of(pod).get("priority") or 0) if pod else 0

    def sync(self, key: Hashable) -> None:
        key = cast(Key, key)
        pod = self.pods.get(key)
        if pod is None or node_name(pod) or is_terminating(pod) or uid_of(pod) in self.placed:
            self.waiting.pop(key, None)
            return
        requests = pod_requests(spec_of(pod))
        reasons: Counter[str] = Counter()
        best = self._best(pod, requests, reasons)
        if best is None:
            self._report(pod, reasons)
        else:
            self._bind(pod, best)

    def _best(self, pod: Json, requests: Amounts, reasons: Counter[str]) -> str | None:
        chances: list[tuple[float, float, str]] = []
        owner, empty = _owner(pod), Load()
        for node in self.nodes.list():
            name = node["metadata"]["name"]
            load, capacity = self.loads.get(name, empty), self.allocatable.get(name, {})
            why = refusals(pod, requests, node, capacity, load.used)
            if why:
                reasons.update(why)
                continue
            points = score(pod, requests, node, capacity, load.used, load.owners[owner])
            chances.append((points, self.rng.random(), name))
        return max(chances)[2] if chances else None

    def _bind(self, pod: Json, node: str) -> None:
        fresh = self.live(PODS, key_of(pod))
        self.waiting.pop(key_of(pod), None)
        if fresh is None or uid_of(fresh) != uid_of(pod) or node_name(fresh) or is_terminating(fresh):
            return
        self._place(pod, node)
        try:
            self._write_binding(fresh, node)
        except ApiError:
            self._forget(uid_of(pod))
            raise
        namespace, name = key_of(pod)
        message = f"Successfully assigned {namespace}/{name} to {node}"
        self.recorder.normal(COMPONENT, pod, "Scheduled", message)

    def _write_binding(self, fresh: Json, node: str) -> None:
        bound = with_spec(fresh, nodeName=node)
        entry = self._scheduled("True")
        status = {**status_of(fresh), "conditions": put_condition(status_of(fresh).get("conditions"), entry)}
        self.store.update(PODS, with_status(bound, status), subresource="all")

    def _scheduled(self, status: str, **more: str) -> Json:
        now = rfc3339(self.clock.now())
        return {
            "type": "PodScheduled",
            "status": status,
            "lastProbeTime": None,
            "lastTransitionTime": now,
            **more,
        }

    def _report(self, pod: Json, reasons: Counter[str]) -> None:
        key = key_of(pod)
        self.waiting[key] = self.waiting.get(key, 0) + 1
        self.queue.add_after(key, UNSCHEDULABLE_FLUSH)
        message = _explain(len(self.nodes.list()), reasons)
        self.recorder.warning(COMPONENT, pod, "FailedScheduling", message)
        fresh = self.live(PODS, key)
        if fresh is None or uid_of(fresh) != uid_of(pod):
            return
        old = condition(status_of(fresh).get("conditions"), "PodScheduled")
        entry = self._scheduled("False", reason="Unschedulable", message=message)
        if old is not None and old["status"] == "False":
            entry["lastTransitionTime"] = old["lastTransitionTime"]
        status = {**status_of(fresh), "conditions": put_condition(status_of(fresh).get("conditions"), entry)}
        self.update_status(PODS, with_status(fresh, status))


def _owner(pod: Json) -> str:
    reference = controller_ref(pod)
    return str(reference["uid"]) if reference else uid_of(pod)


def _fitness(node: Json) -> tuple[object, ...]:
    """What of a node decides whether pods fit."""
    spec = spec_of(node)
    return (
        node["metadata"].get("labels"),
        spec.get("taints"),
        spec.get("unschedulable"),
        status_of(node).get("allocatable"),
    )


def _explain(nodes: int, reasons: Counter[str]) -> str:
    """Upstream's sentence: reasons counted and sorted, then why preemption would not help."""
    if not nodes:
        return "no nodes available to schedule pods"
    parts = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
    short = sum(count for reason, count in reasons.items() if reason.startswith("Insufficient"))
    short = min(nodes, short)
    useless = nodes - short
    helps = []
    if short:
        helps.append(f"{short} No preemption victims found for incoming pod")
    if useless:
        helps.append(f"{useless} Preemption is not helpful for scheduling")
    head = f"0/{nodes} nodes are available"
    return f"{head}: {parts}. preemption: {head}: {', '.join(helps)}."
