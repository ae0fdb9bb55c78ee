"""A seat: one open page. A short queue and a sender of its own; who cannot keep up gets whole regions (rule
11).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from apps.live import frames
from apps.live.feeds import Feed
from apps.live.regions import Region
from apps.live.rhythm import RETRY

logger = structlog.get_logger(__name__)
Send = Callable[[str], Awaitable[None]]
QUEUE = 64


class Seat:
    """What one page looks at, and what it has still to be told."""

    def __init__(self, send: Send, *, queue: int = QUEUE) -> None:
        self.regions: dict[str, Region] = {}
        self.feeds: dict[str, tuple[Feed, int]] = {}
        self.overflows = 0
        self._send = send
        self._size = queue
        self._queue: deque[tuple[Region | None, str]] = deque()
        self._again: set[Region] = set()
        self._hungry: set[Feed] = set()
        self._something = asyncio.Event()

    def offer(self, region: Region, messages: list[str]) -> None:
        """Queue a region's frames. When the queue is full: forget them all and send whole regions instead."""
        if region in self._again:
            return
        if len(self._queue) + len(messages) > self._size:
            self.overflows += 1
            self._again = {queued for queued, _message in self._queue if queued is not None} | {region}
            self._queue = deque(item for item in self._queue if item[0] is None)
        else:
            self._queue.extend((region, message) for message in messages)
        self._something.set()

    def say(self, message: str) -> None:
        """Queue a message that belongs to no region; dropped when the queue is full."""
        if len(self._queue) < self._size:
            self._queue.append((None, message))
            self._something.set()

    def wake(self, feed: Feed) -> None:
        """The feed may have more."""
        self._hungry.add(feed)
        self._something.set()

    def forget(self, region: Region) -> None:
        """The page looks at this region no more: nothing of it is sent."""
        self._again.discard(region)
        self._queue = deque(item for item in self._queue if item[0] is not region)

    async def send_for_ever(self) -> None:
        """Send what is queued, then what feeds have; ends by cancellation or when the socket is gone."""
        while True:
            await self._something.wait()
            self._something.clear()
            while self._queue or self._again or self._hungry:
                await self._send_some()

    async def _send_some(self) -> None:
        if self._queue:
            _region, message = self._queue.popleft()
            await self._send(message)
        elif self._again:
            region = self._again.pop()
            for message in region.whole():
                await self._send(message)
        else:
            await self._feed(self._hungry.pop())

    async def _feed(self, feed: Feed) -> None:
        """One chunk for each element of the page that shows this feed; hungry again while there was
        something.
        """
        for dom_id, (followed, cursor) in list(self.feeds.items()):
            if followed is not feed:
                continue
            try:
                html, reached = await feed.after(cursor)
            except Exception:
                logger.exception("feed_failed", feed=str(feed))
                asyncio.get_running_loop().call_later(RETRY, self.wake, feed)
                return
            if reached == cursor or self.feeds.get(dom_id) != (feed, cursor):
                continue
            self.feeds[dom_id] = (feed, reached)
            self._hungry.add(feed)
            for message in frames.chunk(dom_id, cursor, reached, html):
                await self._send(message)
