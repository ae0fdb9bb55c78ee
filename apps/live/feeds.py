"""A feed: one stream for all pages that follow it. Pages ask for what comes after their cursor, when they
have room.

Pages at the same cursor share one read, and the last few chunks are kept (rule 21). Nothing is pushed: the
topic only wakes those who wait, so a slow page falls behind without losing or doubling a line.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from apps.live.db import db
from apps.live.ear import Ear
from apps.live.fragments import Args
from apps.live.rhythm import Follower
from apps.live.streams import LIMIT, Stream

KEPT_CHARACTERS = 4_000_000
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
        self._refreshes = 0
        self._reads: OrderedDict[int, Read] = OrderedDict()

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
        """There may be more: who finds nothing in a read that began before now looks again."""
        self._refreshes += 1
        for reader in list(self.readers):
            reader.wake(self)

    async def after(self, cursor: int) -> Chunk:
        """(html, cursor after it) of what follows the cursor; one read for all who ask for the same."""
        asked = self._refreshes
        while True:
            read = self._reads.get(cursor) or self._begin(cursor)
            self._reads.move_to_end(cursor)
            try:
                found = await asyncio.shield(read.task)
            finally:
                self._drop_worthless(cursor, read)
            if found[1] != cursor or read.begun >= asked:
                return found

    def _begin(self, cursor: int) -> "Read":
        """Up to the next full LIMIT: pages at different places meet there and share reads from then on."""
        self.reads += 1
        self._make_room()
        limit = LIMIT - cursor % LIMIT
        reading = db(self.stream.read_after, self.args, cursor, limit)
        read = Read(asyncio.get_running_loop().create_task(reading), self._refreshes)
        self._reads[cursor] = read
        return read

    def _drop_worthless(self, cursor: int, read: "Read") -> None:
        """A read that failed or found nothing: the next one may find more."""
        if self._reads.get(cursor) is read and read.task.done() and not read.size(cursor):
            del self._reads[cursor]

    def _make_room(self) -> None:
        """Forget the chunks that were not asked for the longest; what is still being read stays."""
        done = [(cursor, read.size(cursor)) for cursor, read in self._reads.items() if read.task.done()]
        kept = sum(size for _cursor, size in done)
        for cursor, size in done:
            if kept <= KEPT_CHARACTERS:
                return
            kept -= size
            del self._reads[cursor]


@dataclass(frozen=True)
class Read:
    """A chunk that is being read or was read; `begun` counts the refreshes before it."""

    task: "asyncio.Task[Chunk]"
    begun: int

    def size(self, cursor: int) -> int:
        """How much a finished read holds; 0 when it failed or found nothing behind the cursor."""
        if self.task.cancelled() or self.task.exception() is not None or self.task.result()[1] == cursor:
            return 0
        return len(self.task.result()[0])
