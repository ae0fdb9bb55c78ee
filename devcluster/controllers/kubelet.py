"""The kubelets of all nodes: run what is bound to them, report it, and say that the node is alive."""

from __future__ import annotations

import random
from collections.abc import Hashable
from typing import cast

from devcluster.cache import Caches
from devcluster.clock import Clock
from devcluster.controllers.base import Controller, Doors
from devcluster.controllers.heartbeat import Heartbeat
from devcluster.controllers.pod_runner import PodRunner
from devcluster.controllers.pod_status import merged
from devcluster.controllers.pods import is_finished, node_name
from devcluster.errors import NotFound
from devcluster.objects import Json, Key, is_terminating, key_of, status_of, uid_of, with_status
from devcluster.options import Options
from devcluster.recorder import Recorder
from devcluster.resources import resource
from devcluster.store import Event, Store

PODS = resource("pods")
NODES = resource("nodes")
COMPONENT = "kubelet"


class Kubelet(Controller):
    name = "kubelet"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        caches: Caches,
        rng: random.Random,
        doors: Doors,
        recorder: Recorder,
        options: Options,
    ) -> None:
        super().__init__(store, clock, caches, rng, doors, recorder)
        self.options = options
        self.runners: dict[Key, PodRunner] = {}
        self.images: set[tuple[str, str]] = set()
        self.down: set[str] = set()
        self.slow: dict[str, float] = {}
        self._next_ip = 10
        self.heartbeat = Heartbeat(self)

    def start(self) -> None:
        self.pods = self.watch(PODS, self._on_pod)
        self.nodes = self.watch(NODES)
        for pod in self.pods.list():
            if not is_finished(pod) and not _runs_already(pod):
                self.queue.add(key_of(pod))
        self.heartbeat.start()

    def _on_pod(self, event: Event) -> None:
        runner = self.runners.get(event.key)
        if event.type == "DELETED":
            if runner is not None and runner.uid == uid_of(event.obj):
                self._forget(runner)
        elif node_name(event.obj):
            self.queue.add(event.key)

    def sync(self, key: Hashable) -> None:
        key = cast(Key, key)
        pod = self.pods.get(key)
        if pod is None or not node_name(pod) or node_name(pod) in self.down:
            return
        runner = self.runners.get(key)
        if runner is not None and runner.uid != uid_of(pod):
            self._forget(runner)
            runner = None
        if is_terminating(pod):
            self._terminate(pod, runner)
        elif runner is None:
            self._admit(pod)
        else:
            runner.changed()  # a readiness gate was opened, or someone else wrote our conditions

    def _admit(self, pod: Json) -> None:
        if is_finished(pod):
            return
        if _runs_already(pod):
            return
        runner = self.runners[key_of(pod)] = PodRunner(pod, self)
        runner.begin()

    def _terminate(self, pod: Json, runner: PodRunner | None) -> None:
        if is_finished(pod) and runner is None:
            self._delete(pod)
            return
        (runner or self.runner(key_of(pod)) or self._fresh(pod)).terminate(pod)

    def _fresh(self, pod: Json) -> PodRunner:
        """A pod deleted before its kubelet ever saw it: nothing to stop."""
        runner = self.runners[key_of(pod)] = PodRunner(pod, self)
        return runner

    def runner(self, key: Key) -> PodRunner | None:
        """The runner of a pod; made on demand for pods that the seed put there running."""
        found = self.runners.get(key)
        if found is not None:
            return found
        pod = self.live(PODS, key)
        if pod is None or not _runs_already(pod) or node_name(pod) in self.down:
            return None
        runner = self.runners[key] = PodRunner(pod, self)
        runner.adopt()
        return runner

    def remove(self, runner: PodRunner) -> None:
        """All containers have stopped: take the pod out of the API."""
        self._delete(runner.pod)

    def _delete(self, pod: Json) -> None:
        namespace, name = key_of(pod)
        try:
            self.store.delete(PODS, namespace, name, uid=uid_of(pod))
        except NotFound:
            pass
        self.runners.pop(key_of(pod), None)

    def _forget(self, runner: PodRunner) -> None:
        """Removed from the API by force: nothing of it may go on."""
        self.runners.pop((runner.namespace, runner.name), None)
        runner.lose_power()

    # --- reports ------------------------------------------------------------------------------------

    def current(self, runner: PodRunner) -> Json | None:
        pod = self.live(PODS, (runner.namespace, runner.name))
        return pod if pod is not None and uid_of(pod) == runner.uid else None

    def write_status(self, runner: PodRunner, status: Json) -> None:
        pod = self.current(runner)
        if pod is None:
            return
        status = merged(status_of(pod), status) if "conditions" in status else status
        self.update_status(PODS, with_status(pod, status))

    def event(self, runner: PodRunner, kind: str, reason: str, message: str, path: str = "") -> None:
        record = self.recorder.warning if kind == "Warning" else self.recorder.normal
        record(COMPONENT, runner.pod, reason, message, host=runner.node, field_path=path)

    # --- nodes --------------------------------------------------------------------------------------

    def lose_node(self, node: str) -> None:
        """Power off: heartbeats stop, processes are gone, the API does not know yet."""
        self.down.add(node)
        for runner in self._on_node(node):
            runner.lose_power()

    def return_node(self, node: str) -> None:
        self.down.discard(node)
        self.heartbeat.beat(node)
        for runner in self._on_node(node):
            pod = self.current(runner)
            if pod is None:
                self._forget(runner)
            else:
                runner.reboot(pod)
        for pod in self.pods.list():
            if node_name(pod) == node:
                self.queue.add(key_of(pod))

    def _on_node(self, node: str) -> list[PodRunner]:
        return [runner for runner in self.runners.values() if runner.node == node]

    def host_ip(self, node: str) -> str:
        found = self.nodes.get(("", node))
        addresses = status_of(found).get("addresses") or () if found else ()
        return next((entry["address"] for entry in addresses if entry["type"] == "InternalIP"), "")

    def next_ip(self) -> str:
        self._next_ip += 1
        return f"10.{244 + self._next_ip // 65536}.{self._next_ip // 256 % 256}.{self._next_ip % 256}"

    def load_seconds(self, runner: PodRunner) -> float:
        """A model's load time; the slow-start mishap adds to it."""
        return self.options.startup + self.slow.get("*", 0.0)


def _runs_already(pod: Json) -> bool:
    """Reported running with containers: put there by the seed, or by a kubelet before this one."""
    statuses = status_of(pod).get("containerStatuses") or ()
    return status_of(pod).get("phase") == "Running" and any("running" in entry["state"] for entry in statuses)
