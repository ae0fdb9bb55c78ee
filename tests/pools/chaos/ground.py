"""Where a run takes place: a development cluster of its own, one pool, the portal's processes beside it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.accounts.models import Role, User
from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import NotFound
from apps.gateways.kubernetes import Kubernetes
from apps.inference.naming import priority_class
from apps.live.models import SyncState
from tests.builders import make_user
from tests.pools.world import Stage, World, control, pool_manifests, world_on
from tests.processes import Devcluster, process, stop_group, until

OPTIONS = ("--nodes", "4", "--gpus-per-node", "8", "--lag", "0.2", "--startup", "0.1", "--node-grace", "3")
PORTAL = "system:serviceaccount:hyperpod-portal:hyperpod-portal"
BUSINESSES = ("production", "testing", "staging")
PEOPLE = 3


def make_chaos_stage(devcluster: Devcluster, *, replicas: int) -> Stage:
    """A pool with a PriorityClass of its own, whose pods are Ready as soon as they answer."""
    outside = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
    namespace = "chaos"
    with contextlib.suppress(NotFound):
        outside.get("namespaces", namespace)
        return Stage(devcluster, outside, namespace, replicas=replicas, businesses=BUSINESSES)
    outside.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    name = priority_class(namespace, "llm")
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    outside.create({**kind, "value": 0})
    for manifest in pool_manifests(namespace, replicas):
        outside.create(quick(manifest, name))
    return Stage(devcluster, outside, namespace, replicas=replicas, businesses=BUSINESSES)


def quick(manifest: dict[str, Any], priority: str) -> dict[str, Any]:
    """The pool's Deployment with its class, and probes that look every second."""
    spec = manifest["spec"]["template"]["spec"]
    spec["priorityClassName"] = priority
    server = spec["containers"][0]
    for probe in ("startupProbe", "readinessProbe"):
        server[probe]["periodSeconds"] = 1
    return manifest


@dataclass
class Ground:
    """A world with people in it, and the processes that a run may kill."""

    devcluster: Devcluster
    world: World
    folder: Path
    people: list[User]
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    keeper: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def start(self, name: str) -> None:
        """The watcher or the worker, if it is not alive."""
        child = self.children.get(name)
        if child and child.poll() is None:
            return
        command = {"watcher": ("manage.py", "watch"), "worker": ("-m", "tests.pools.chaos.worker")}[name]
        log = self.folder / f"{name}.log"
        self.children[name] = self.keeper.enter_context(process(*command, log=log, PORTAL_LOG_LEVEL="INFO"))

    def kill(self, name: str) -> bool:
        """SIGKILL; False when it is not there."""
        child = self.children.get(name)
        if child is None or child.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)
        return True

    def listed(self) -> bool:
        """Whether the watcher has listed everything since it began."""
        child = self.children["watcher"]
        assert child.poll() is None, (self.folder / "watcher.log").read_text(errors="replace")[-3000:]
        states = SyncState.objects.filter(cluster_id=self.world.cluster.pk)
        return len(states) == 6 and all(state.loaded for state in states)

    def close(self) -> None:
        for child in self.children.values():
            stop_group(child)
        self.keeper.close()


@contextlib.contextmanager
def ground(
    devcluster: Devcluster, folder: Path, *, replicas: int = 8, watched: bool = True
) -> Iterator[Ground]:
    """The pool as at the beginning; with `watched`, a watcher that has listed everything, and a worker."""
    stage = make_chaos_stage(devcluster, replicas=replicas)
    stage.outside.scale("deployments", stage.pool, replicas, namespace=stage.namespace)
    world = world_on(stage)
    people = [make_user(f"person-{number}", Role.OPERATOR) for number in range(PEOPLE)]
    place = Ground(devcluster, world, folder, people)
    try:
        if watched:
            place.start("watcher")
            until(place.listed, seconds=60, what="the watcher to list everything")
        yield place
    finally:
        place.close()
        control(world.outside, "DELETE", None)
