"""What a reading thread hands to the event loop: whole, in order, never more than a caller takes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from apps.gateways.errors import TimedOut
from apps.gateways.kubernetes.proxy import ProxyResponse
from apps.inference.pump import MOST_WAITING, Pump

DEADLINE = 20.0


class Answer:
    """An answer of numbered chunks, in the place of the gateway's; `read` says how many were fetched."""

    def __init__(self, chunks: int, size: int = 10, error: Exception | None = None) -> None:
        self.chunks, self.size, self.error, self.read = chunks, size, error, 0

    def iter_bytes(self) -> Iterator[bytes]:
        for number in range(self.chunks):
            self.read += 1
            yield str(number).rjust(self.size).encode()
        if self.error is not None:
            raise self.error

    def whole(self) -> bytes:
        return b"".join(str(number).rjust(self.size).encode() for number in range(self.chunks))


def pump_of(answer: Answer) -> Pump:
    return Pump(cast(ProxyResponse, answer))


async def pumped(answer: Answer, threads: ThreadPoolExecutor) -> list[bytes]:
    """What comes out, while a thread reads."""
    pump = pump_of(answer)
    reading = asyncio.get_running_loop().run_in_executor(threads, pump.run)
    came = [chunk async for chunk in pump]
    await asyncio.wait_for(reading, DEADLINE)
    return came


async def until(look: Any) -> None:
    async with asyncio.timeout(DEADLINE):
        while not look():
            await asyncio.sleep(0.01)


async def test_everything_comes_once_and_in_order() -> None:
    answer = Answer(5000)
    with ThreadPoolExecutor(1) as threads:
        assert b"".join(await pumped(answer, threads)) == answer.whole()


async def test_what_came_while_the_loop_was_busy_goes_on_together() -> None:
    answer = Answer(100)
    pump = pump_of(answer)
    pump.run()
    assert [chunk async for chunk in pump] == [answer.whole()]


async def test_an_error_comes_behind_what_came_before_it() -> None:
    pump = pump_of(Answer(3, error=TimedOut("Too slow.")))
    pump.run()
    chunks = aiter(pump)
    assert len(await anext(chunks)) == 30
    try:
        await anext(chunks)
    except TimedOut as error:
        assert error.message == "Too slow."
    else:
        raise AssertionError("the error was swallowed")


async def test_a_caller_who_takes_nothing_makes_the_reader_wait() -> None:
    answer = Answer(1000, size=MOST_WAITING // 4)
    pump = pump_of(answer)
    with ThreadPoolExecutor(1) as threads:
        reading = asyncio.get_running_loop().run_in_executor(threads, pump.run)
        await until(lambda: answer.read == 5)
        await asyncio.sleep(0.2)
        assert answer.read == 5
        assert len(await anext(aiter(pump))) == MOST_WAITING
        await until(lambda: answer.read > 5)
        pump.stop()
        await asyncio.wait_for(reading, DEADLINE)
    assert answer.read < 1000


async def test_a_stopped_pump_ends_for_both_sides() -> None:
    pump = pump_of(Answer(3))
    pump.stop()
    with ThreadPoolExecutor(1) as threads:
        await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(threads, pump.run), DEADLINE)
    assert [chunk async for chunk in pump] == []
