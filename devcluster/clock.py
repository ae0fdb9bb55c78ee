"""Time of the development cluster: one heap of things that are due, driven by the wall or by a test."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)
Callback = Callable[[], None]
TURNS = 20  # of the loop, that a woken task may need to reach its next wait
SLICE = 0.01  # seconds of work before other tasks of the loop get their turn


@dataclass(order=True, slots=True)
class Timer:
    """A promised call; `cancel()` makes it do nothing."""

    due: float
    order: int
    callback: Callback | None = field(compare=False)

    def cancel(self) -> None:
        self.callback = None


class Clock:
    """Epoch seconds and timers. Virtual time stands still between `advance` calls."""

    def __init__(self, *, start: float | None = None) -> None:
        self.virtual = start is not None
        self._now = start if start is not None else time.time()
        self._heap: list[Timer] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        self._sleepers = 0

    def now(self) -> float:
        """Epoch seconds."""
        return self._now if self.virtual else time.time()

    def at(self, due: float, callback: Callback) -> Timer:
        """Call once at epoch second `due`, or as soon as possible when that has passed."""
        timer = Timer(due, next(self._order), callback)
        heapq.heappush(self._heap, timer)
        if self._heap[0] is timer:
            self._wake.set()
        return timer

    def after(self, seconds: float, callback: Callback) -> Timer:
        return self.at(self.now() + seconds, callback)

    async def sleep(self, seconds: float) -> None:
        """Wait in this clock's time (virtual time moves only by `advance`)."""
        if not self.virtual:
            await asyncio.sleep(seconds)
            return
        done = asyncio.get_running_loop().create_future()
        timer = self.after(seconds, lambda: None if done.done() else done.set_result(None))
        self._sleepers += 1
        try:
            await done
        finally:
            self._sleepers -= 1
            timer.cancel()

    def next_due(self) -> float | None:
        while self._heap and self._heap[0].callback is None:
            heapq.heappop(self._heap)
        return self._heap[0].due if self._heap else None

    def _run_first(self) -> None:
        timer = heapq.heappop(self._heap)
        if timer.callback is not None:
            timer.callback()

    async def advance(self, seconds: float) -> None:
        """Virtual time: run everything due within `seconds`, in order, letting sleepers go on between."""
        end = self._now + seconds
        await self._settle()
        while (due := self.next_due()) is not None and due <= end:
            self._now = max(self._now, due)
            self._run_first()
            if self._sleepers:
                await self._settle()
        self._now = end
        await self._settle()

    async def _settle(self) -> None:
        """Give tasks that a timer woke the turns they need to reach their next wait."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def run(self) -> None:
        """Wall time: call what is due, then sleep until the next thing or a new earlier one."""
        while True:
            self._run_slice()
            due = self.next_due()
            if due is not None and due <= self.now():
                await asyncio.sleep(0)
                continue
            await self._wait(due)

    def _run_slice(self) -> None:
        """In wall time one failing callback must not stop the whole cluster; in tests it may."""
        stop = time.monotonic() + SLICE
        while (due := self.next_due()) is not None and due <= self.now() and time.monotonic() < stop:
            try:
                self._run_first()
            except Exception:
                logger.exception("a timer failed")

    async def _wait(self, due: float | None) -> None:
        self._wake.clear()
        timeout = None if due is None else max(0.0, due - self.now())
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            pass
