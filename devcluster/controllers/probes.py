"""Startup, readiness and liveness probes, checked only when their answer may have changed.

A real kubelet asks every period. Asking 5,000 healthy containers that way would keep the process busy for
nothing, so a prober sleeps while the answer stands, and wakes at the next tick of its period when told that
something changed: the same moments as upstream's, without the idle ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from devcluster.clock import Clock, Timer
from devcluster.engines import Process
from devcluster.objects import Json


class Prober:
    """One probe of one run of a container. `on_result(ok, words)` when a threshold is reached."""

    def __init__(
        self, spec: Json, process: Process, clock: Clock, ok: bool, on_result: Callable[[bool, str], None]
    ) -> None:
        self.ok = ok
        self._spec = spec
        self._process = process
        self._clock = clock
        self._on_result = on_result
        self._begin = clock.now() + float(spec.get("initialDelaySeconds", 0))
        self._period = max(0.1, float(spec.get("periodSeconds", 10)))
        self._asked = False
        self._streak = 0
        self._timer: Timer | None = None
        self._stopped = False

    def poke(self) -> None:
        """The answer may have changed: ask at the next tick of the period."""
        if self._timer is None and not self._stopped:
            self._timer = self._clock.at(self._next_tick(), self._check)

    def stop(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _next_tick(self) -> float:
        """The first look is due as the prober begins, whatever time has passed by the time it is told."""
        if not self._asked:
            return self._begin
        passed = self._clock.now() - self._begin
        return self._begin + max(0, math.ceil(passed / self._period - 1e-6)) * self._period

    def _check(self) -> None:
        self._timer, self._asked = None, True
        if self._stopped:
            return
        answer = self._ask()
        if answer == self.ok:
            self._streak = 0
            return
        self._streak += 1
        name, default = ("successThreshold", 1) if answer else ("failureThreshold", 3)
        if self._streak >= self._spec.get(name, default):
            self.ok = answer
            self._streak = 0
            self._on_result(answer, self._words())
            return
        self._timer = self._clock.at(self._clock.now() + self._period, self._check)

    def _ask(self) -> bool:
        if "httpGet" in self._spec:
            return self._process.probe(self._spec["httpGet"].get("path", "/"))
        return self._process.listening if "tcpSocket" in self._spec else not self._process.ended

    def _words(self) -> str:
        where = self._spec.get("httpGet") or self._spec.get("tcpSocket") or {}
        if not self._process.listening:
            return f"dial tcp :{where.get('port', '')}: connect: connection refused"
        return "HTTP probe failed with statuscode: 503"
