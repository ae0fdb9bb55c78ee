"""The hub: per web process (per event loop) one ear, the regions and feeds that pages look at, and the slow
beat.
"""

import asyncio
from collections.abc import Awaitable, Callable

from django.conf import settings

from apps.live.ear import ECHO_SECONDS, Ear
from apps.live.ending import ended
from apps.live.feeds import Feed
from apps.live.fragments import args_key, fragment_named
from apps.live.regions import Key, Region
from apps.live.seats import Seat
from apps.live.streams import stream_named
from apps.live.tokens import Ticket
from apps.live.viewers import Viewer

BEAT_SECONDS = 30.0
FeedKey = tuple[str, str]


class Hub:
    """Who looks at what. Everything here runs on one event loop; only `db()` leaves it."""

    def __init__(self, *, beat: float = BEAT_SECONDS, echo: float = ECHO_SECONDS) -> None:
        self.regions: dict[Key, Region] = {}
        self.feeds: dict[FeedKey, Feed] = {}
        self.ear = Ear(self.look_again, echo=echo)
        self.beats = 0
        self._beat = beat
        self._echo = echo
        self._on_beat: set[Callable[[], Awaitable[None]]] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen and to beat."""
        self.ear.start()
        self._task = asyncio.get_running_loop().create_task(self._beat_for_ever())

    async def stop(self) -> None:
        """End the tasks."""
        if self._task is not None:
            await ended(self._task)
        await self.ear.stop()

    async def sit(self, seat: Seat, ticket: Ticket, viewer: Viewer, cursor: int = 0) -> None:
        """Have the page follow what the ticket names, in place of what its element showed before."""
        await self.rise(seat, ticket.dom_id)
        if ticket.kind == "stream":
            await self._follow(seat, ticket, cursor)
        else:
            await self._watch(seat, ticket, viewer)

    async def rise(self, seat: Seat, dom_id: str) -> None:
        """The page follows this element no more; what nobody follows is dropped."""
        region = seat.regions.pop(dom_id, None)
        if region is not None:
            seat.forget(region)
            if await region.leave(seat):
                self._drop_region(region)
        feed, _cursor = seat.feeds.pop(dom_id, (None, 0))
        if feed is None or any(other is feed for other, _cursor in seat.feeds.values()):
            return
        if await feed.leave(seat):
            self._drop_feed(feed)

    async def leave(self, seat: Seat) -> None:
        """The page is gone."""
        for dom_id in [*seat.regions, *seat.feeds]:
            await self.rise(seat, dom_id)

    def each_beat(self, callback: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Have the callback awaited at every beat; the answer ends that."""
        self._on_beat.add(callback)
        return lambda: self._on_beat.discard(callback)

    @property
    def pages(self) -> int:
        """How many pages are connected: each of them beats along."""
        return len(self._on_beat)

    def look_again(self) -> None:
        """Refresh everything: after a beat, and when something may have been missed."""
        for follower in [*self.regions.values(), *self.feeds.values()]:
            follower.poke()

    async def _watch(self, seat: Seat, ticket: Ticket, viewer: Viewer) -> None:
        key = (ticket.name, args_key(ticket.args), ticket.dom_id, viewer)
        while True:
            region = self.regions.get(key)
            if region is None:
                fragment = fragment_named(ticket.name)
                region = self.regions[key] = Region(self.ear, fragment, viewer, ticket.args, ticket.dom_id)
            seat.regions[ticket.dom_id] = region
            if await region.join(seat):
                return
            self._drop_region(region)

    async def _follow(self, seat: Seat, ticket: Ticket, cursor: int) -> None:
        key = (ticket.name, args_key(ticket.args))
        while True:
            feed = self.feeds.get(key)
            if feed is None:
                feed = self.feeds[key] = Feed(self.ear, stream_named(ticket.name), ticket.args)
            seat.feeds[ticket.dom_id] = (feed, cursor)
            if await feed.join(seat):
                return
            self._drop_feed(feed)

    def _drop_region(self, region: Region) -> None:
        for key in [key for key, known in self.regions.items() if known is region]:
            del self.regions[key]

    def _drop_feed(self, feed: Feed) -> None:
        for key in [key for key, known in self.feeds.items() if known is feed]:
            del self.feeds[key]

    async def _beat_for_ever(self) -> None:
        """A slow beat while the layer is heard (it may drop a message), a quicker one while it is not."""
        quick = min(self._beat, self._echo)
        silent = 0.0
        while True:
            await asyncio.sleep(quick)
            silent += quick
            if silent >= self._beat or not self.ear.hearing:
                silent = 0.0
                self.beats += 1
                self.look_again()
                for callback in list(self._on_beat):
                    await callback()


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The running event loop's hub, started at its first use. `LIVE_BEAT_SECONDS` and `LIVE_ECHO_SECONDS` set
    it.
    """
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        for closed in [known for known in _hubs if known.is_closed()]:
            del _hubs[closed]
        beat = getattr(settings, "LIVE_BEAT_SECONDS", BEAT_SECONDS)
        echo = getattr(settings, "LIVE_ECHO_SECONDS", ECHO_SECONDS)
        found = _hubs[loop] = Hub(beat=beat, echo=echo)
        found.start()
    return found


def hubs() -> list[Hub]:
    """The hubs of this process, for measurements; may be asked from any thread."""
    return list(_hubs.values())


async def stop_hub() -> None:
    """End the running event loop's hub, for tests and measurements that end their loop."""
    found = _hubs.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.stop()
