"""The page's one socket at /ws/page/: checks who opens it, joins what the page's tickets name, sends what
changes.

The page sends JSON of at most 64 kB: {"join": [[token, cursor], ...], "leave": [dom_id, ...]} or {"ping": 1}.
It gets frames of html (frames.py), and {"beat": {"hearing": true}} every few seconds, so that it knows how
old it is. Close codes: 4400 not understood, 4401 not logged in (any more), 4403 not for this person, 4429 too
much.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.conf import settings

from apps.live import doors, frames, tokens, topics
from apps.live.db import db
from apps.live.ending import ended
from apps.live.hub import Hub, hub
from apps.live.regions import gone
from apps.live.rhythm import Follower
from apps.live.seats import Seat
from apps.live.tokens import BadToken, Ticket
from apps.live.viewers import Viewer

logger = structlog.get_logger(__name__)
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
MAX_MESSAGE = 64 * 1024
MAX_JOINED = 64
MESSAGES_PER_10_SECONDS = 60
BEAT_SECONDS = 5.0


class Closed(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def page(scope: doors.Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of one socket."""
    if (await receive())["type"] != "websocket.connect":
        return
    if not doors.same_origin(scope):
        await send({"type": "websocket.close", "code": 4403})  # before the handshake: the answer is HTTP 403
        return
    await send({"type": "websocket.accept"})
    consumer = PageConsumer(doors.session_key(scope), receive, send)
    try:
        await consumer.serve()
    except Closed as closed:
        await consumer.hang_up(closed.code)
    except Exception as error:  # noqa: BLE001  the database away, say: the page comes back by itself
        logger.warning("socket_failed", error=str(error) or type(error).__name__)
        await consumer.hang_up(1013)
    finally:
        await asyncio.shield(consumer.leave())


class PageConsumer(Follower):
    """One page. As a follower it looks again at who its person is, whenever their access changes and at each
    beat.
    """

    def __init__(self, session_key: str, receive: Receive, send: Send) -> None:
        super().__init__()
        self.seat = Seat(self._say)
        self.tickets: dict[str, tuple[Ticket, Viewer]] = {}
        self._session_key = session_key
        self._receive, self._send = receive, send
        self._hub: Hub = hub()
        self._user_pk = 0
        self._topics: list[str] = []
        self._stop_beat: Callable[[], None] | None = None
        self._heard: deque[float] = deque(maxlen=MESSAGES_PER_10_SECONDS)
        self._fault: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []

    def __str__(self) -> str:
        return f"page of user {self._user_pk}"

    async def serve(self) -> None:
        """Until the page goes, or must. Raises Closed with the code."""
        user = await db(doors.person, self._session_key)
        if user is None:
            raise Closed(4401)
        self._user_pk = user.pk
        self._topics = [topics.access(user.pk)]
        await self._hub.ear.want(self, self._topics)
        self._stop_beat = self._hub.each_beat(self._beat)
        loop = asyncio.get_running_loop()
        jobs = (self.seat.send_for_ever(), self._beat_for_ever(), self._listen())
        self._tasks = [loop.create_task(job) for job in jobs]
        done, _running = await asyncio.wait({*self._tasks, self._fault}, return_when=asyncio.FIRST_COMPLETED)
        for first in done:
            _raise_fault(first)

    async def leave(self) -> None:
        """Give back everything: tasks, regions, topics."""
        self._fault.cancel()
        if self._stop_beat is not None:
            self._stop_beat()
        self.rest()
        await ended(*self._tasks)
        await self._hub.leave(self.seat)
        await self._hub.ear.unwant(self, self._topics)

    async def hang_up(self, code: int) -> None:
        """Close the socket; a page that is gone already does not mind."""
        try:
            await self._send({"type": "websocket.close", "code": code})
        except Exception as error:  # noqa: BLE001  servers differ in what they raise for a closed socket
            logger.debug("socket_gone", error=str(error))

    async def refresh(self) -> None:
        """Look again at the person: gone means the end, other rights mean other regions."""
        user, passes = await db(self._ask)
        if user is None:
            return self._end(4401)
        for allowed in passes:
            known = self.tickets.get(allowed.ticket.dom_id)
            if known is not None and known[0] is allowed.ticket and known[1] != allowed.viewer:
                await self._move(allowed)
        return None

    def _ask(self) -> tuple[Any | None, list[doors.Pass]]:
        user = doors.person(self._session_key)
        if user is None or user.pk != self._user_pk:
            return None, []
        return user, doors.passes(user, [ticket for ticket, _viewer in self.tickets.values()])

    async def _move(self, allowed: doors.Pass) -> None:
        """The person sees this part differently now, or not at all."""
        ticket, viewer = allowed.ticket, allowed.viewer
        if viewer is not None:
            cursor = self.seat.feeds.get(ticket.dom_id, (None, 0))[1]
            self.tickets[ticket.dom_id] = (ticket, viewer)
            await self._hub.sit(self.seat, ticket, viewer, cursor)
            return
        del self.tickets[ticket.dom_id]
        await self._hub.rise(self.seat, ticket.dom_id)
        empty = await db(gone, Viewer("", ticket.language), "live/refused.html")
        for message in frames.whole(ticket.dom_id, empty):
            self.seat.say(message)
        if not self.tickets:
            self._end(4403)

    def poke(self) -> None:
        """Look now, and once more: a log-out is announced just before its session is deleted."""
        super().poke()
        self.poke_later()

    async def _beat(self) -> None:
        super().poke()

    async def _listen(self) -> None:
        """What the page says, until it goes."""
        while True:
            event = await self._receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] == "websocket.receive":
                await self._hear(event.get("text") or "")

    async def _hear(self, text: str) -> None:
        now = time.monotonic()
        if len(self._heard) == self._heard.maxlen and now - self._heard[0] < 10:
            raise Closed(4429)
        self._heard.append(now)
        said = _understood(text)
        for dom_id in said.get("leave", ()):
            if self.tickets.pop(dom_id, None) is not None:
                await self._hub.rise(self.seat, dom_id)
        joins = said.get("join", ())
        if joins:
            await self._join(joins)

    async def _join(self, joins: list[Any]) -> None:
        wanted = [self._ticket(join) for join in joins]
        user, passes = await db(self._admit, [ticket for ticket, _cursor in wanted])
        if user is None:
            raise Closed(4401)
        for (ticket, cursor), allowed in zip(wanted, passes, strict=True):
            if allowed.viewer is None:
                raise Closed(4403)
            self.tickets[ticket.dom_id] = (ticket, allowed.viewer)
            if len(self.tickets) > MAX_JOINED:
                raise Closed(4429)
            await self._hub.sit(self.seat, ticket, allowed.viewer, cursor)

    def _admit(self, tickets: list[Ticket]) -> tuple[Any | None, list[doors.Pass]]:
        user = doors.person(self._session_key)
        return user, doors.passes(user, tickets) if user is not None else []

    def _ticket(self, join: Any) -> tuple[Ticket, int]:
        match join:
            case [str(token), int(cursor)] if cursor >= 0 and not isinstance(cursor, bool):
                pass
            case [str(token), None]:
                cursor = 0
            case _:
                raise Closed(4400)
        try:
            return tokens.read(token, user_pk=self._user_pk, session_key=self._session_key), cursor
        except BadToken as error:
            raise Closed(4403) from error

    async def _beat_for_ever(self) -> None:
        every = getattr(settings, "LIVE_CLIENT_BEAT_SECONDS", BEAT_SECONDS)
        while True:
            self.seat.say(json.dumps({"beat": {"hearing": self._hub.ear.hearing}}))
            await asyncio.sleep(every)

    async def _say(self, message: str) -> None:
        await self._send({"type": "websocket.send", "text": message})

    def _end(self, code: int) -> None:
        if not self._fault.done():
            self._fault.set_exception(Closed(code))


def _understood(text: str) -> dict[str, Any]:
    """The page's message; Closed(4400) when it is none of ours."""
    if len(text) > MAX_MESSAGE:
        raise Closed(4400)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Closed(4400) from error
    if not isinstance(said, dict) or not said.keys() <= {"join", "leave", "ping"}:
        raise Closed(4400)
    if not isinstance(said.get("join", []), list) or not _texts(said.get("leave", [])):
        raise Closed(4400)
    return said


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _raise_fault(task: "asyncio.Future[None]") -> None:
    """Raise what ended a task, unless it simply ended, as it does when the page goes."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        raise error
