"""A feed: one stream for all pages that follow it. Pages ask for what comes after their cursor, when they
have room.

Pages at the same cursor share one read, and a handful of chunks is kept (rule 21). Nothing is pushed: the
topic only wakes those who wait, so a slow page falls behind without losing or doubling a line.
"""

import asyncio
from collections import OrderedDict
from typing import Protocol

from apps.live.db import db
from apps.live.ear import Ear
from apps.live.fragments import Args
from apps.live.rhythm import Follower
from apps.live.streams import LIMIT, Stream

KEPT_CHUNKS = 8
Chunk = tuple[str, int]


class Reading(Protocol):
    """A page that follows a feed."""

    def wake(self, feed: "Feed") -> None: ...


class Feed(Follower):
    """One stream with its arguments; only the hub makes and drops feeds."""

    def __init__(self, ear: Ear, stream: Stream, args: Args) -> None:
        super().__init__()
        self.stream, self.args = stream, args
        self.readers: set[Reading] = set()
        self.closed = False
        self.lock = asyncio.Lock()
        self.reads = 0
        self._ear = ear
        self._topics: frozenset[str] | None = None
        self._chunks: OrderedDict[int, asyncio.Task[Chunk]] = OrderedDict()

    def __str__(self) -> str:
        return f"{self.stream.name} {dict(self.args)}"

    async def join(self, reader: Reading) -> bool:
        """Wake the reader now and whenever there may be more. False when the feed was dropped."""
        async with self.lock:
            if self.closed:
                return False
            if self._topics is None:
                self._topics = frozenset(await db(lambda: list(self.stream.topics(**self.args))))
                await self._ear.want(self, self._topics)
                self.poke_later()
            self.readers.add(reader)
            reader.wake(self)
            return True

    async def leave(self, reader: Reading) -> bool:
        """One reader less; True when it was the last one and the feed is dropped."""
        self.readers.discard(reader)
        async with self.lock:
            if self.readers or self.closed:
                return False
            self.closed = True
            self.rest()
            await self._ear.unwant(self, self._topics or ())
            return True

    async def refresh(self) -> None:
        """There may be more: reads that began before now count no more for those who ask from now on."""
        self._forget_unfinished()
        for reader in list(self.readers):
            reader.wake(self)

    async def after(self, cursor: int) -> Chunk:
        """(html, cursor after it) of what follows the cursor; one read for all who ask for the same."""
        task = self._chunks.get(cursor)
        if task is None:
            self.reads += 1
            task = asyncio.get_running_loop().create_task(self._read(cursor))
            self._chunks[cursor] = task
            if len(self._chunks) > KEPT_CHUNKS:
                self._chunks.popitem(last=False)
        try:
            return await asyncio.shield(task)
        finally:
            if task.done() and self._chunks.get(cursor) is task and _worthless(task, cursor):
                del self._chunks[cursor]

    async def _read(self, cursor: int) -> Chunk:
        return await db(self.stream.read_after, self.args, cursor, LIMIT)

    def _forget_unfinished(self) -> None:
        for cursor, task in list(self._chunks.items()):
            if not task.done():
                del self._chunks[cursor]


def _worthless(task: "asyncio.Task[Chunk]", cursor: int) -> bool:
    """Whether the read failed or found nothing: the next one may find more."""
    return task.cancelled() or task.exception() is not None or task.result()[1] == cursor
