"""Following containers' logs: one stream to the API server per container and web process, for all viewers.

A follower keeps the last lines in bounded memory. Viewers read after their place (log_lines.py), so nothing
is lost or shown twice: after a break it asks again from the last full second and passes over what it has
seen, and a viewer who is further back than memory gets the lines between from the cluster. Who reads is not
known: a follower that nobody asked for a while ends.
"""

import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, Final, Protocol

import structlog
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.gateways.errors import GatewayError, Invalid, NotFound
from apps.live.log_lines import LogLine, Places, second_of
from apps.live.publish import publish_now

logger = structlog.get_logger(__name__)
TAIL: Final = 2000
KEPT_LINES: Final = 4000
KEPT_BYTES: Final = 4 * 1024 * 1024
FILL: Final = 500
KEPT_FILLS: Final = 8
MOST: Final = 64
IDLE_SECONDS: Final = 75.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0

_fillers = ThreadPoolExecutor(4, thread_name_prefix="log-fill")


class Raw(Protocol):
    """Lines as the API server sends them, with their times; `close` ends it from any thread."""

    def __iter__(self) -> Iterator[bytes]: ...

    def close(self) -> None: ...


Open = Callable[..., Raw]
"""`open(follow=bool, tail=int | None, since=datetime | None)`; raises GatewayError."""


class Follower:
    """One container's log. `state` says in words why nothing comes, "" while it is followed."""

    def __init__(self, topic: str, open_log: Open, *, follow: bool = True) -> None:
        self.topic, self.open_log, self.follow = topic, open_log, follow
        self.touched = time.monotonic()
        self.state: str | Promise = _("Asking the cluster for the log …")
        self.stale = False
        self.opened = 0
        self._lines: list[LogLine] = []
        self._last = 0
        self._bytes = 0
        self._whole_from: int | None = None
        self._fills: OrderedDict[int, list[LogLine]] = OrderedDict()
        self._filling: set[int] = set()
        self._announced = False
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._raw: Raw | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        threading.Thread(target=self._run, name=f"log {self.topic}"[:60], daemon=True).start()

    def stop(self) -> None:
        """End; the API server sees the connection close."""
        self._stopped.set()
        raw = self._raw
        if raw is not None:
            raw.close()

    def read(self, place: int, limit: int) -> list[LogLine]:
        """Up to `limit` lines after the place (0: the last TAIL); none when there is nothing (yet)."""
        self.touched = time.monotonic()
        with self._guard:
            self._announced = False
            if self._whole_from is None:
                return []
            if place and place < self._whole_from - 1:
                return self._before_memory(place)[:limit]
            begin = bisect_right(self._lines, place, key=_place) if place else max(len(self._lines) - TAIL, 0)
            return self._lines[begin : begin + limit]

    def _before_memory(self, place: int) -> list[LogLine]:
        """Lines between the place and memory; the first to ask has them fetched."""
        if place in self._fills:
            return self._fills[place]
        if place not in self._filling:
            self._filling.add(place)
            _fillers.submit(self._fill, place, self._whole_from or 0)
        return []

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            before = self._last
            try:
                self._once()
            except GatewayError as error:
                self.stale = True
                self._say(error.message)
            except Exception:
                logger.exception("log_follow_failed", topic=self.topic)
            else:
                self._say(_("The container has ended; nothing more comes from this run."))
                if not self.follow:
                    return
            pause = FIRST_PAUSE if self._last > before else min(pause * 2, LONGEST_PAUSE)
            self._stopped.wait(pause)

    def _once(self) -> None:
        """Follow until the stream ends, passing over what was seen before."""
        last = self._last
        wanted: dict[str, Any] = {"since": second_of(last)} if last else {"tail": TAIL}
        self._raw = raw = self.open_log(follow=self.follow, **wanted)
        self.opened += 1
        places = Places()
        with closing(raw):
            if self._stopped.is_set():
                return
            self._say("")
            for text in raw:
                line = places.line(text)
                if line.place > last:
                    self._keep(line)

    def _keep(self, line: LogLine) -> None:
        with self._guard:
            self._lines.append(line)
            self._last = line.place
            self._bytes += len(line.text)
            if self._whole_from is None:
                self._whole_from = line.place
            if len(self._lines) > KEPT_LINES or self._bytes > KEPT_BYTES:
                self._shorten()
            announce, self._announced = not self._announced, True
        if announce:
            publish_now(self.topic)

    def _shorten(self) -> None:
        """Forget the older half; whoever still needs it gets it from the cluster."""
        del self._lines[: max(len(self._lines) // 2, 1)]
        self._bytes = sum(len(line.text) for line in self._lines)
        self._whole_from = self._lines[0].place if self._lines else None

    def _fill(self, place: int, until: int) -> None:
        try:
            found = self._between(place, until)
        except (NotFound, Invalid):
            found = []
        except Exception as error:  # noqa: BLE001  asked for again at the next beat, the viewer keeps the place
            logger.info("log_fill_failed", topic=self.topic, error=str(error))
            with self._guard:
                self._filling.discard(place)
            return
        with self._guard:
            self._filling.discard(place)
            self._fills[place] = found
            while len(self._fills) > KEPT_FILLS:
                self._fills.popitem(last=False)
            if not found:
                self._nothing_before(place, until)
        publish_now(self.topic)

    def _nothing_before(self, place: int, until: int) -> None:
        """What memory holds follows directly on the place, unless it forgot more meanwhile."""
        del self._fills[place]
        if self._whole_from == until:
            self._whole_from = place

    def _between(self, place: int, until: int) -> list[LogLine]:
        """Up to FILL lines behind the place and before `until`, from the cluster."""
        found: list[LogLine] = []
        places = Places()
        with closing(self.open_log(follow=False, since=second_of(place))) as raw:
            for text in raw:
                line = places.line(text)
                if line.place >= until or len(found) == FILL:
                    break
                if line.place > place:
                    found.append(line)
        return found

    def _say(self, words: str | Promise) -> None:
        if words != self.state:
            self.state = words
            publish_now(self.topic)


class Followers:
    """The followers of this process; a thread, which lives while any does, ends those that nobody reads."""

    def __init__(self, *, idle: float = IDLE_SECONDS) -> None:
        self.idle = idle
        self._known: dict[Any, Follower] = {}
        self._guard = threading.Lock()

    def get(
        self, key: Any, topic: str, connect: Callable[[], Open], *, follow: bool = True
    ) -> Follower | None:
        """The log's follower, begun at its first use; None when too many are followed already.

        `connect` gives how to open it, asked at the beginning and after a failure, as credentials change.
        """
        with self._guard:
            found = self._known.get(key)
            if found is None:
                if len(self._known) >= MOST:
                    return None
                found = self._begin(key, Follower(topic, connect(), follow=follow))
        if found.stale:
            found.stale, found.open_log = False, connect()
        return found

    def stop_all(self) -> None:
        """End all of them."""
        with self._guard:
            ended, self._known = list(self._known.values()), {}
        for follower in ended:
            follower.stop()

    def _begin(self, key: Any, follower: Follower) -> Follower:
        if not self._known:
            threading.Thread(target=self._sweep, name="log-sweep", daemon=True).start()
        self._known[key] = follower
        follower.start()
        return follower

    def _sweep(self) -> None:
        while True:
            time.sleep(self.idle / 5)
            oldest = time.monotonic() - self.idle
            with self._guard:
                idle = [key for key, follower in self._known.items() if follower.touched < oldest]
                ended = [self._known.pop(key) for key in idle]
                last = not self._known
            for follower in ended:
                follower.stop()
            if last:
                return


def _place(line: LogLine) -> int:
    return line.place


followers = Followers()
