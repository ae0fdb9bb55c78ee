"""Saying that something changed: after the commit, from one event loop per process, never in the caller's
way.

A topic that cannot be sent is kept and tried again while the process lives, and counted; nothing is raised,
since the change is committed by then. Readers also look again by themselves every 30 s (hub.py), so a lost
topic costs time only.
"""

import asyncio
import atexit
import os
import threading
from functools import partial

import structlog
from channels.layers import get_channel_layer
from django.db import transaction

logger = structlog.get_logger(__name__)
RETRY_SECONDS = 1.0
MAX_PENDING = 10_000
AT_ONCE = 32
PATIENCE = 5.0
MESSAGE_TYPE = "topic"


def publish(*topics: str) -> None:
    """Announce topics once the running transaction is committed, or now when there is none. Never raises."""
    if not topics:
        return
    try:
        transaction.on_commit(partial(publish_now, *topics), robust=True)
    except Exception:  # noqa: BLE001  no database, or an event loop's thread: nothing to wait for
        publish_now(*topics)


def publish_now(*topics: str) -> None:
    """Announce topics at once, whatever the database does: for what is true outside of it (a log-out)."""
    try:
        _publisher().add(topics)
    except Exception:
        logger.exception("publish_failed", topics=len(topics))


def flush(timeout: float = 2.0) -> bool:
    """Wait until everything announced so far has been sent; False when that took longer than `timeout`
    seconds.
    """
    return _publisher().flush(timeout)


def failures() -> int:
    """How many sends have failed in this process."""
    return _publisher().failed


class Publisher:
    """A thread with an event loop that sends topics; the same topic waiting twice is sent once."""

    def __init__(self) -> None:
        self.failed = 0
        self.sent = 0
        self._pending: dict[str, None] = {}
        self._guard = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._loop = asyncio.new_event_loop()
        self._wake = asyncio.Event()
        threading.Thread(target=self._run, name="live-publisher", daemon=True).start()

    def add(self, topics: tuple[str, ...]) -> None:
        """Queue topics for sending, from any thread."""
        with self._guard:
            room = MAX_PENDING - len(self._pending)
            self._pending.update(dict.fromkeys(topics[:room]))
            self._idle.clear()
        self._loop.call_soon_threadsafe(self._wake.set)

    def flush(self, timeout: float) -> bool:
        """Wait until nothing is queued."""
        return self._idle.wait(timeout)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._send_for_ever())

    async def _send_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while topics := self._take():
                lost = await self._send(topics)
                if lost:
                    self._put_back(lost)
                    await asyncio.sleep(RETRY_SECONDS)

    def _take(self) -> list[str]:
        with self._guard:
            topics = list(self._pending)
            self._pending.clear()
            if not topics:
                self._idle.set()
            return topics

    def _put_back(self, topics: list[str]) -> None:
        with self._guard:
            self._pending = dict.fromkeys([*topics, *self._pending])

    async def _send(self, topics: list[str]) -> list[str]:
        """Send each topic to its group; returns those that failed."""
        lost: list[str] = []
        for start in range(0, len(topics), AT_ONCE):
            batch = topics[start : start + AT_ONCE]
            results = await asyncio.gather(*map(_group_send, batch), return_exceptions=True)
            lost += [
                topic
                for topic, result in zip(batch, results, strict=True)
                if isinstance(result, BaseException)
            ]
        self.sent += len(topics) - len(lost)
        if lost:
            self.failed += len(lost)
            logger.warning("publish_failed", topics=len(lost), first=lost[0], failures=self.failed)
        return lost


async def _group_send(topic: str) -> None:
    layer = get_channel_layer()
    if layer is None:
        raise RuntimeError("CHANNEL_LAYERS has no default layer")
    async with asyncio.timeout(PATIENCE):
        await layer.group_send(topic, {"type": MESSAGE_TYPE, "topic": topic})


_publishers: dict[int, Publisher] = {}
_making = threading.Lock()


def _publisher() -> Publisher:
    """This process's publisher: threads do not survive a fork, so a forked worker makes its own."""
    pid = os.getpid()
    if pid not in _publishers:
        with _making:
            if pid not in _publishers:
                _publishers[pid] = Publisher()
    return _publishers[pid]


@atexit.register
def _flush_at_exit() -> None:
    """Commands end right after their last commit: give their topics a moment to leave."""
    if os.getpid() in _publishers:
        flush(1.0)
