"""The ear: one listener of the channel layer per event loop, told which followers want which topic (rule 1).

It says something to itself every few seconds. When that is not heard, the layer is deaf (a broken connection
that nobody noticed, a restarted server): it subscribes anew, and everybody looks again (rule 4).
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable

import structlog
from channels.layers import get_channel_layer

from apps.live import topics
from apps.live.ending import ended
from apps.live.publish import MESSAGE_TYPE
from apps.live.rhythm import Follower

logger = structlog.get_logger(__name__)
ECHO_SECONDS = 5.0
ECHO_TRIES = 5
PAUSE = 1.0
PATIENCE = 2.0


class Ear:
    """Listens to the groups that somebody wants; `everyone` is called after a time of deafness."""

    def __init__(self, everyone: Callable[[], None], *, echo: float = ECHO_SECONDS) -> None:
        self.hearing = False
        self.heard = 0
        self._everyone = everyone
        self._echo = echo
        self._echo_group = f"echo.{secrets.token_hex(8)}"
        self._echoed = asyncio.Event()
        self._began = asyncio.Event()
        self._wanted: dict[str, set[Follower]] = {}
        self._missing: set[str] = set()
        self._lock = asyncio.Lock()
        self._layer = get_channel_layer()
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._listen()), loop.create_task(self._echo_for_ever())]

    async def stop(self) -> None:
        """Stop listening."""
        await ended(*self._tasks)

    async def want(self, follower: Follower, names: Iterable[str]) -> None:
        """Poke the follower when one of the topics is announced. Returns when they are subscribed, or Redis
        is away.
        """
        async with self._lock:
            for group in {group for name in names for group in topics.sources_of(name)}:
                followers = self._wanted.setdefault(group, set())
                followers.add(follower)
                if len(followers) == 1:
                    await self._subscribe(group)

    async def unwant(self, follower: Follower, names: Iterable[str]) -> None:
        """The follower needs these topics no more."""
        async with self._lock:
            for group in {group for name in names for group in topics.sources_of(name)}:
                followers = self._wanted.get(group, set())
                followers.discard(follower)
                if not followers and self._wanted.pop(group, None) is not None:
                    await self._unsubscribe(group)

    def groups(self) -> int:
        """How many groups are wanted."""
        return len(self._wanted)

    async def _subscribe(self, group: str) -> None:
        try:
            if self._channel:
                async with asyncio.timeout(PATIENCE):  # wait_for of 3.11 may swallow a cancellation
                    await self._layer.group_add(group, self._channel)
                return
        except Exception as error:  # noqa: BLE001  Redis away: the page gets its first state, the echo tries again
            logger.warning("subscribe_failed", group=group, error=str(error))
        self._missing.add(group)

    async def _unsubscribe(self, group: str) -> None:
        self._missing.discard(group)
        try:
            if self._channel:
                async with asyncio.timeout(PATIENCE):
                    await self._layer.group_discard(group, self._channel)
        except Exception as error:  # noqa: BLE001  Redis away: what is heard in vain does no harm
            logger.warning("unsubscribe_failed", group=group, error=str(error))

    async def _listen(self) -> None:
        while True:
            try:
                if not self._channel:
                    await self._begin()
                message = await self._layer.receive(self._channel)
                self._hear(message)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  whatever the layer has, listening goes on
                logger.warning("listening_failed", error=str(error))
                await self._forget()
                await asyncio.sleep(PAUSE)

    async def _begin(self) -> None:
        """A channel of our own, all wanted groups on it; then everybody looks, as something may have been
        missed.
        """
        channel = await self._layer.new_channel()
        async with self._lock:
            self._channel = channel
            await self._layer.group_add(self._echo_group, channel)
            for group in self._wanted:
                await self._layer.group_add(group, channel)
            self._missing.clear()
        self._began.set()
        self._everyone()

    def _hear(self, message: dict[str, str]) -> None:
        topic = message.get("topic", "")
        if topic == self._echo_group:
            self._echoed.set()
            return
        if message.get("type") == MESSAGE_TYPE:
            self.heard += 1
            for follower in list(self._wanted.get(topic, ())):
                follower.poke()

    async def _echo_for_ever(self) -> None:
        await self._began.wait()
        while True:
            await self._echo_once()
            await asyncio.sleep(self._echo)

    async def _echo_once(self) -> None:
        """Say something to ourselves; catch up when hearing comes back, start anew when nothing is heard."""
        try:
            await self._said_and_heard()
        except Exception as error:  # noqa: BLE001  no echo, for whatever reason
            if self.hearing:
                logger.warning("layer_is_deaf", error=str(error) or type(error).__name__)
            await self._start_anew()
            return
        if not self.hearing or self._missing:
            self.hearing = True
            await self._catch_up()

    async def _said_and_heard(self) -> None:
        """A few tries, as the very first may overtake the subscription on its way. TimeoutError when deaf."""
        self._echoed.clear()
        for _try in range(ECHO_TRIES):
            await self._layer.group_send(self._echo_group, {"type": MESSAGE_TYPE, "topic": self._echo_group})
            try:
                async with asyncio.timeout(self._echo / ECHO_TRIES):
                    await self._echoed.wait()
                return
            except TimeoutError:
                continue
        raise TimeoutError("nothing heard")

    async def _catch_up(self) -> None:
        async with self._lock:
            for group in list(self._missing):
                self._missing.discard(group)
                await self._subscribe(group)
        self._everyone()

    async def _start_anew(self) -> None:
        """Listen from the beginning, unless the listener is at that already."""
        if not self._channel:
            self.hearing = False
            return
        await self._forget()
        self._tasks[0].cancel()
        self._tasks[0] = asyncio.get_running_loop().create_task(self._listen())

    async def _forget(self) -> None:
        """Drop the layer's connections, channels and groups of this loop: half of them may be broken."""
        self.hearing, self._channel = False, ""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._layer.flush()
        except Exception as error:  # noqa: BLE001  closing what is broken may break
            logger.warning("layer_flush_failed", error=str(error))
