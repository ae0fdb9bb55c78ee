"""The queue of a model server: so many sequences at once, the others wait in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """`running` and `waiting` are the numbers the engine's metrics show."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.running = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return sum(not future.done() for future in self._queue)

    @property
    def busy(self) -> bool:
        return self.running > 0 or self.waiting > 0

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold one slot; leaving, also by cancellation, gives it to the next in the queue."""
        await self._enter()
        try:
            yield
        finally:
            self.running -= 1
            self._admit()

    async def _enter(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        self._admit()
        try:
            await place
        except asyncio.CancelledError:
            self._leave(place)
            raise

    def _leave(self, place: asyncio.Future[None]) -> None:
        """Given up while waiting; a slot handed over in the same moment goes back."""
        if place.done() and not place.cancelled():
            self.running -= 1
        elif place in self._queue:
            self._queue.remove(place)
        self._admit()

    def _admit(self) -> None:
        while self._queue and self.running < self.size:
            place = self._queue.popleft()
            if not place.done():
                self.running += 1
                place.set_result(None)
