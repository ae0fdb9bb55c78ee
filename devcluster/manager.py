"""All controllers of one cluster: made with their own caches, started together, driven by one clock."""

from __future__ import annotations

import random
from typing import Any, TypeVar

from devcluster.cache import Caches
from devcluster.clock import Clock
from devcluster.controllers.balancers import LoadBalancerController
from devcluster.controllers.base import Controller, Doors
from devcluster.controllers.budgets import BudgetController
from devcluster.controllers.deployment import DeploymentController
from devcluster.controllers.endpoints import EndpointsController
from devcluster.controllers.garbage import GarbageCollector
from devcluster.controllers.jobs import JobController
from devcluster.controllers.kubelet import Kubelet
from devcluster.controllers.namespaces import NamespaceController
from devcluster.controllers.nodes import NodeController
from devcluster.controllers.policies import PolicyController
from devcluster.controllers.proxy import ServiceProxy
from devcluster.controllers.quotas import QuotaController
from devcluster.controllers.replicaset import ReplicaSetController
from devcluster.controllers.scheduler import Scheduler
from devcluster.options import Options
from devcluster.recorder import Recorder
from devcluster.registry import Registry
from devcluster.store import Store

PLAIN: tuple[type[Controller], ...] = (
    DeploymentController,
    JobController,
    EndpointsController,
    GarbageCollector,
    QuotaController,
    BudgetController,
    NamespaceController,
    PolicyController,
)
Made = TypeVar("Made", bound=Controller)
SWIFT = 0.25  # the scheduler and the kubelets hear sooner than the others


class Manager:
    """Reaches its parts by attribute: `kubelet`, `proxy`, `scheduler`, and `controllers` for all."""

    def __init__(self, store: Store, clock: Clock, registry: Registry, options: Options) -> None:
        self._store = store
        self._clock = clock
        self._options = options
        self._doors = Doors(registry.create, registry.delete)
        self.recorder = Recorder(store, clock, random.Random(f"{options.seed}/events"))
        self.kubelet: Kubelet = self._make(Kubelet, SWIFT, options=options)
        self.scheduler = self._make(Scheduler, SWIFT)
        self.proxy = self._make(ServiceProxy, 1.0)
        nodes = self._make(NodeController, 1.0, grace=options.node_grace)
        balancers = self._make(LoadBalancerController, 1.0, seconds=options.load_balancer)
        self.replicasets = self._make(ReplicaSetController, 1.0)
        plain = [self._make(kind, 1.0) for kind in PLAIN]
        self.controllers: list[Controller] = [
            self.kubelet,
            self.scheduler,
            self.proxy,
            nodes,
            balancers,
            self.replicasets,
            *plain,
        ]

    def _make(self, kind: type[Made], share: float, **more: Any) -> Made:
        caches = Caches(
            self._store,
            self._clock,
            seed=self._options.seed,
            lag=self._options.lag * share,
            owner=kind.name,
        )
        rng = random.Random(f"{self._options.seed}/{kind.name}")
        return kind(self._store, self._clock, caches, rng, self._doors, self.recorder, **more)

    def start(self) -> None:
        """Each controller lists what there is and begins to watch."""
        for controller in self.controllers:
            controller.start()
