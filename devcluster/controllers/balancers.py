"""Services of type LoadBalancer get an address outside after a while, as a cloud gives them."""

from __future__ import annotations

import random
from collections.abc import Hashable
from typing import cast

from devcluster.cache import Caches
from devcluster.clock import Clock
from devcluster.controllers.base import Controller, Doors
from devcluster.objects import (
    Json,
    Key,
    hashed,
    is_terminating,
    key_of,
    spec_of,
    status_of,
    uid_of,
    with_status,
)
from devcluster.recorder import Recorder
from devcluster.resources import resource
from devcluster.store import Store

SERVICES = resource("services")
COMPONENT = "service-controller"
REGION = "us-west-2"


class LoadBalancerController(Controller):
    name = "balancer"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        caches: Caches,
        rng: random.Random,
        doors: Doors,
        recorder: Recorder,
        seconds: float,
    ) -> None:
        super().__init__(store, clock, caches, rng, doors, recorder)
        self._seconds = seconds

    def start(self) -> None:
        self.ordered: dict[str, float] = {}
        self.services = self.watch(SERVICES, self.enqueue)
        for key in self.services.names():
            self.queue.add(key)

    def sync(self, key: Hashable) -> None:
        service = self.live(SERVICES, cast(Key, key))
        if service is None or is_terminating(service):
            return
        given = (status_of(service).get("loadBalancer") or {}).get("ingress")
        if spec_of(service).get("type") != "LoadBalancer":
            self.ordered.pop(uid_of(service), None)
            if given:
                self._write(service, {})
        elif not given:
            self._provide(service)

    def _provide(self, service: Json) -> None:
        uid, now = uid_of(service), self.clock.now()
        if uid not in self.ordered:
            self.ordered[uid] = now + self._seconds
            self.recorder.normal(COMPONENT, service, "EnsuringLoadBalancer", "Ensuring load balancer")
        if now < self.ordered[uid]:
            self.queue.add_after(key_of(service), self.ordered[uid] - now)
            return
        del self.ordered[uid]
        self._write(service, {"ingress": [{"hostname": hostname(service)}]})
        self.recorder.normal(COMPONENT, service, "EnsuredLoadBalancer", "Ensured load balancer")

    def _write(self, service: Json, balancer: Json) -> None:
        self.update_status(SERVICES, with_status(service, {**status_of(service), "loadBalancer": balancer}))


def hostname(service: Json) -> str:
    """The name an NLB would get: namespace, name and a mark, then the region."""
    namespace, name = key_of(service)
    mark = hashed(uid_of(service))
    return f"k8s-{namespace[:8]}-{name[:8]}-{mark}.elb.{REGION}.amazonaws.com"
