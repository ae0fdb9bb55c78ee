"""A container's log: bounded lines with times, and readers that follow it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

KEPT = 2000


class LogBuffer:
    """`lines` are (epoch seconds, text without newline); `first` is the number of the oldest kept line."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.lines: list[tuple[float, bytes]] = []
        self.first = 0
        self.closed = False
        self._now = now
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def end(self) -> int:
        """The number the next line will have."""
        return self.first + len(self.lines)

    def write(self, text: str) -> None:
        """One or more lines."""
        self.lines.extend((self._now(), line.encode()) for line in text.splitlines())
        if len(self.lines) > KEPT + KEPT // 4:
            surplus = len(self.lines) - KEPT
            del self.lines[:surplus]
            self.first += surplus
        self._wake()

    def close(self) -> None:
        """The container ended: nothing more will come."""
        self.closed = True
        self._wake()

    async def wait(self, after: int, timeout: float | None = None) -> None:
        """Return when a line numbered `after` or later exists, the log is closed, or time is out."""
        if self.end > after or self.closed:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await asyncio.wait_for(waiter, timeout)
        except TimeoutError:
            return
        finally:
            self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
