"""Clients of the businesses: short requests and streams without pause, and what each that failed had met."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from apps.gateways.connection import from_kubeconfig
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from tests.engine import chat
from tests.pools.chaos.sightings import Sightings
from tests.pools.world import World
from tests.processes import Devcluster

PAUSE = 0.25
PER_STREAM = 10
LONG, SHORT = 60, 2


@dataclass(frozen=True)
class Failure:
    """A request that was not answered whole; `began` and `ended` by the monotonic clock."""

    business: str
    began: float
    ended: float
    words: str


class Traffic:
    """A client per business; each tenth of its requests is a stream."""

    def __init__(self, devcluster: Devcluster, world: World, businesses: tuple[str, ...]) -> None:
        self.world = world
        self.businesses = businesses
        self.line = Kubernetes(from_kubeconfig(devcluster.admin_kubeconfig))
        self.sent: Counter[tuple[str, bool]] = Counter()
        self.failed: list[Failure] = []
        self.accidents = 0
        self.over = threading.Event()

    def __enter__(self) -> Self:
        self.threads = [threading.Thread(target=self.call, args=(name,)) for name in self.businesses]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def call(self, business: str) -> None:
        """One client."""
        number = 0
        while not self.over.wait(PAUSE):
            number += 1
            stream, began = number % PER_STREAM == 0, time.monotonic()
            words = self.ask(business, stream=stream)
            self.sent[business, stream] += 1
            if words:
                self.failed.append(Failure(business, began, time.monotonic(), words))

    def ask(self, business: str, *, stream: bool) -> str:
        """One request; what was wrong with the answer, "" for nothing."""
        service, place = f"{self.world.pool}-{business}", {"namespace": self.world.namespace}
        tokens = LONG if stream else SHORT
        try:
            with chat(self.line, service, kind="services", tokens=tokens, stream=stream, **place) as answer:
                text = answer.read()
        except GatewayError as error:
            return str(error)
        whole = text.rstrip().endswith(b"[DONE]") if stream else answer.status == 200
        return "" if whole else f"{answer.status}, {len(text)} bytes"

    def unexplained(self, sightings: Sightings) -> Iterator[str]:
        """Failures since the last call that no accident explains, in words."""
        failed, self.failed = self.failed, []
        for failure in failed:
            if sightings.explains(failure.business, failure.began, failure.ended):
                self.accidents += 1
            else:
                yield f"a request to {failure.business} failed without an accident: {failure.words}"

    def table(self) -> str:
        """Requests and streams tried, and how many an accident failed."""
        told = [
            f"{name}: {self.sent[name, False]} requests, {self.sent[name, True]} streams"
            for name in self.businesses
        ]
        return f"{'; '.join(told)}; {self.accidents} failed by accidents, 0 otherwise"
