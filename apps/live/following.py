"""What a cluster says about one kind, as three generators: one stream, list-then-watch, and for ever.

They speak to the cluster and know no database; `sources.py` writes what they yield.
"""

import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from queue import Empty, Queue

import structlog

from apps.gateways.decode import list_meta
from apps.gateways.errors import GatewayError, Gone, TimedOut
from apps.gateways.kubernetes import Kubernetes, Watch
from apps.live.decode import event_of_line, rows_of_page
from apps.live.kinds import Kind
from apps.live.rows import Event, Row

logger = structlog.get_logger(__name__)
BATCH = 100
WAITING_EVENTS = 1000
PAGE = 500
WATCH_SECONDS = 300
RELIST_SECONDS = 900.0
BACKOFF = (0.5, 30.0)


@dataclass(frozen=True)
class Listed:
    """A whole list at one revision."""

    rows: list[Row]
    resource_version: int


@dataclass(frozen=True)
class Told:
    """What the watch told since the last step, oldest first."""

    events: list[Event]


Step = Listed | Told
Item = tuple[Event | None, str] | Exception | None
"""A decoded line and its revision; or how the stream ended: by an error, or None for the server's own end."""
Items = Queue[Item]


class Follower:
    """Follows one kind of one cluster until closed. `following` is true while a watch stream is open.

    `relist` seconds after a list the next one is taken even when all is well: it heals what a watch never
    told.
    """

    def __init__(
        self, kind: Kind, connect: Callable[[], Kubernetes], *, relist: float = RELIST_SECONDS
    ) -> None:
        self.kind = kind
        self.following = False
        self.error = ""
        self.lists = 0
        self._connect = connect
        self._relist = relist
        self._closed = threading.Event()
        self._watch: Watch | None = None

    def close(self) -> None:
        """End the generators, from any thread; an open stream is cut."""
        self._closed.set()
        watch = self._watch
        if watch is not None:
            watch.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def for_ever(self) -> Generator[Step, None, None]:
        """List and watch until closed; failures become `error` and a growing, jittered pause."""
        failures = 0
        while not self.closed:
            try:
                for step in self.list_then_watch():
                    failures, self.error = 0, ""
                    yield step
            except GatewayError as error:
                failures += 1
                self.error = str(error)
                logger.warning("source_failed", kind=self.kind.name, error=str(error), failures=failures)
                self._pause(failures)
            finally:
                self.following = False

    def list_then_watch(self) -> Iterator[Step]:
        """One list, then streams from its revision until it is forgotten, silent or old; then it ends."""
        client = self._connect()
        listed = self._list(client)
        yield listed
        version = str(listed.resource_version)
        fresh_until = time.monotonic() + self._relist * random.uniform(0.9, 1)
        broken = 0
        while not self.closed and (left := fresh_until - time.monotonic()) > 0:
            try:
                if broken:
                    self._expect_no_earlier(client, version)
                for step, reached in self.one_stream(client, version, min(WATCH_SECONDS, left)):
                    broken, version, self.error = 0, reached, ""
                    yield step
                broken = 0
            except (Gone, TimedOut) as reason:
                logger.info("source_lists_again", kind=self.kind.name, reason=type(reason).__name__)
                return
            except GatewayError as error:
                broken += 1
                if broken > 1:
                    raise
                logger.warning("watch_broke", kind=self.kind.name, error=str(error))
                self._pause(broken)

    def one_stream(self, client: Kubernetes, version: str, seconds: float) -> Iterator[tuple[Step, str]]:
        """One watch, until the server ends it: steps of up to 100 events, and the revision that they reach.

        Raises Gone when the server tells of earlier revisions: then its history was set back.
        """
        watch = client.watch(self.kind.resource, resource_version=version, timeout=max(1, int(seconds)))
        with watch:
            self._watch = watch
            if self.closed:
                return
            self.following = True
            try:
                for events, reached in drained(watch, self.kind, version):
                    if int(reached or 0) < int(version):
                        raise Gone("The cluster tells of a time before the one that we know.")
                    yield Told(events), reached
            finally:
                self.following, self._watch = False, None

    def _expect_no_earlier(self, client: Kubernetes, version: str) -> None:
        """After a break: Gone when the server is at an earlier revision than we were, so it was set back."""
        for body in client.pages(self.kind.resource, limit=1):
            if int(list_meta(body).resource_version or 0) < int(version):
                raise Gone("The cluster was set back.")
            return

    def _list(self, client: Kubernetes) -> Listed:
        rows: list[Row] = []
        version = "0"
        for body in client.pages(self.kind.resource, limit=PAGE):
            page, version = rows_of_page(body, self.kind)
            rows += page
        self.lists += 1
        return Listed(rows, int(version))

    def _pause(self, failures: int) -> None:
        least, most = BACKOFF
        self._closed.wait(random.uniform(0.5, 1) * min(most, least * 2 ** min(failures - 1, 10)))


def drained(watch: Watch, kind: Kind, version: str) -> Iterator[tuple[list[Event], str]]:
    """What has arrived on the stream, up to BATCH events at once, and the revision reached (rule 18).

    A thread reads while the caller writes; it waits when the caller is WAITING_EVENTS behind.
    """
    waiting: Items = Queue(WAITING_EVENTS)
    threading.Thread(
        target=_read, args=(watch, kind, waiting), name=f"watch-{kind.name}", daemon=True
    ).start()
    try:
        reached = version
        while True:
            items = list(_available(waiting))
            told = [item for item in items if isinstance(item, tuple)]
            reached = told[-1][1] if told else reached
            yield [event for event, _version in told if event], reached
            end = items[-1]
            if isinstance(end, Exception):
                raise end
            if end is None:
                return
    finally:
        watch.close()
        _empty(waiting)


def _read(watch: Watch, kind: Kind, waiting: Items) -> None:
    """Decode lines into the queue; how the stream ended comes last."""
    try:
        for line in watch:
            waiting.put(event_of_line(line, kind))
        waiting.put(None)
    except Exception as error:  # noqa: BLE001  whatever it is, the consumer raises it
        waiting.put(error)


def _available(waiting: Items) -> Iterator[Item]:
    """Wait for the first item, then what is there already; the end of a stream is always the last item."""
    yield waiting.get()
    for _number in range(BATCH - 1):
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def _empty(waiting: Items) -> None:
    """Let a reader that waits for room go on to its end."""
    while True:
        try:
            waiting.get_nowait()
        except Empty:
            return
