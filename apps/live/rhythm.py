"""The rhythm of refreshes: the first change at once, then at most one look per window (rule 5)."""

import asyncio
import time

import structlog

logger = structlog.get_logger(__name__)
WINDOW = 0.2
RETRY = 1.0
MOST = 10.0
SECOND_LOOK = 1.0


class Follower:
    """Something on the event loop that looks again when poked; subclasses say how in `refresh`."""

    def __init__(self) -> None:
        self._dirty = False
        self._resting = False
        self._task: asyncio.Task[None] | None = None
        self._next = 0.0
        self._failures = 0

    def poke(self) -> None:
        """Something changed: look again soon. Cheap, may be called any number of times."""
        if self._resting:
            return
        self._dirty = True
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._look())

    def poke_later(self) -> None:
        """Look once more in a second. A layer confirms no subscription: a change may fall in just before it
        counts.
        """
        asyncio.get_running_loop().call_later(SECOND_LOOK, Follower.poke, self)

    async def refresh(self) -> None:
        """Look again; what it raises is logged and tried again."""
        raise NotImplementedError

    def rest(self) -> None:
        """Stop looking, for good."""
        self._dirty, self._resting = False, True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = None

    async def _look(self) -> None:
        try:
            while self._dirty:
                await asyncio.sleep(max(0.0, self._next - time.monotonic()))
                self._dirty = False
                self._next = time.monotonic() + WINDOW
                await self._once()
        finally:
            if self._task is asyncio.current_task():
                self._task = None

    async def _once(self) -> None:
        try:
            await self.refresh()
            self._failures = 0
        except Exception:
            logger.exception("live_refresh_failed", follower=str(self))
            self._failures += 1
            self._dirty = True
            self._next = time.monotonic() + min(RETRY * 2 ** min(self._failures - 1, 10), MOST)
