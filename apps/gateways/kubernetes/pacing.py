"""Calls of a batch, spread over time, so that many moves at once do not take an API server from its users."""

import threading
import time
from collections.abc import Callable
from typing import Any

import urllib3

from apps.gateways.kubernetes.transport import Transport


class Pace:
    """At most `rate` calls a second in the long run, `burst` of them at once. Safe between threads.

    `clock` and `sleep` are those of the machine, in seconds.
    """

    def __init__(
        self,
        rate: float,
        *,
        burst: int = 1,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / rate
        self._ahead = (burst - 1) * self._gap
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = float("-inf")

    def wait(self) -> None:
        """Return when it is this call's turn; callers are served in the order in which they came."""
        with self._lock:
            now = self._clock()
            turn = max(self._next, now - self._ahead)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)


class PacedTransport(Transport):
    """The same connections, each call waiting for its turn. Repeats of a call have their own back-off."""

    def __init__(self, inner: Transport, pace: Pace) -> None:
        super().__init__(inner.connection, timeout=inner.timeout)
        self._inner = inner
        self._pace = pace

    def request(self, method: str, path: str, **options: Any) -> bytes:
        """As Transport's; the wait does not count against the call's deadline."""
        self._pace.wait()
        return self._inner.request(method, path, **options)

    def stream(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """As Transport's."""
        self._pace.wait()
        return self._inner.stream(method, path, **options)

    def close(self) -> None:
        """As Transport's."""
        self._inner.close()
