"""The living cluster around a store: seed, controllers, nodes, pods that answer, and mishaps."""

from __future__ import annotations

import random

from devcluster.clock import Clock
from devcluster.engines import Server
from devcluster.logs import LogBuffer
from devcluster.manager import Manager
from devcluster.mishaps import Mishaps
from devcluster.options import Options
from devcluster.registry import Registry
from devcluster.resources import resource
from devcluster.seed.filler import fill
from devcluster.seed.plant import plant
from devcluster.store import Store

PODS = resource("pods")


class World:
    """In wall time by `run()`; with a virtual clock by `await step(seconds)`, the same for the same seed."""

    def __init__(self, store: Store, options: Options, *, clock: Clock | None = None) -> None:
        self.store = store
        self.options = options
        self.clock = clock or Clock()
        self.registry = Registry(store, rng=self._identities())
        self.manager = Manager(store, self.clock, self.registry, options)
        self.mishaps = Mishaps(self)
        self._started = False

    def _identities(self) -> random.Random:
        """Where uids come from: the seed in virtual time; else no two lives of a cluster share one."""
        return random.Random(f"{self.options.seed}/names") if self.clock.virtual else random.Random()

    def seed(self) -> None:
        """Namespaces, nodes, accounts and roles; then the controllers begin."""
        rng, now = random.Random(f"{self.options.seed}/seed"), self.clock.now()
        plant(self.store, self.options, now, rng)
        if self.options.pods:
            fill(self.store, self.options.pods, now, rng)
        self.manager.start()
        self._started = True

    async def run(self) -> None:
        """Live in wall time until cancelled."""
        if not self._started:
            self.seed()
        await self.clock.run()

    async def step(self, seconds: float) -> None:
        """Let virtual time pass."""
        await self.clock.advance(seconds)

    def pod_app(self, namespace: str, name: str, port: int | str) -> Server | None:
        """What answers on a pod's port (number or name) now; None means connection refused."""
        runner = self.manager.kubelet.runner((namespace, name))
        if runner is None or runner.down:
            return None
        if port == "":
            return self._only_server(namespace, name)
        return runner.server(port)

    def _only_server(self, namespace: str, name: str) -> Server | None:
        """A proxy request without a port goes to the first port, as upstream's does."""
        pod = self.store.get(PODS, namespace, name)
        for container in pod["spec"]["containers"]:
            for port in container.get("ports") or ():
                return self.pod_app(namespace, name, int(port["containerPort"]))
        return None

    def service_target(self, namespace: str, service: str, port: int | str) -> tuple[str, str, int] | None:
        """(namespace, pod, port) for one new request through a Service; None without an endpoint."""
        return self.manager.proxy.target(namespace, service, port)

    def pod_log(self, namespace: str, name: str, container: str, previous: bool = False) -> LogBuffer | None:
        """The log of a container, of its run before with `previous`; None when it never ran."""
        runner = self.manager.kubelet.runner((namespace, name))
        return runner.log(container, previous) if runner else None
