"""A model server's inside: admits requests to its slots, makes tokens at its speed, counts and logs."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from devcluster.clock import Clock
from devcluster.engines.command import Program
from devcluster.engines.metrics import Counters, Reading
from devcluster.engines.slots import Slots
from devcluster.engines.text import answer
from devcluster.logs import LogBuffer

PREFILL_SPEED = 8000.0  # prompt tokens per second
REPORT_EVERY = 10.0  # seconds, as vLLM's loggers
MEMORY = 32768.0  # tokens one slot's share of the KV cache would hold


@dataclass
class Finished:
    """Why and with how many tokens a generation ended."""

    reason: str = ""
    tokens: int = 0


class Model:
    """Shared by all protocols that one engine speaks."""

    def __init__(self, program: Program, clock: Clock, log: LogBuffer, slots: Slots) -> None:
        self.program = program
        self.clock = clock
        self.log = log
        self.slots = slots
        self.counters = Counters()
        self.held = 0
        self._recent: deque[tuple[float, int, int]] = deque(maxlen=4096)
        self._reporting = False

    async def generate(
        self, prompt: str, prompt_tokens: int, limit: int | None, end: Finished
    ) -> AsyncIterator[str]:
        """Tokens in real time, once a slot is free; `end` says afterwards how it ended."""
        arrived = self.clock.now()
        self._report_soon()
        async with self.slots.take():
            tokens, reason = answer(prompt, limit)
            self.held += prompt_tokens
            try:
                await self.clock.sleep(self.program.first_token + prompt_tokens / PREFILL_SPEED)
                self._count_prompt(prompt_tokens, arrived)
                async for token in self._paced(tokens):
                    end.tokens += 1
                    yield token
                end.reason = reason
            finally:
                self.held -= prompt_tokens + end.tokens
                self.counters.finish(end.reason or "abort", self.clock.now() - arrived)

    def _count_prompt(self, prompt_tokens: int, arrived: float) -> None:
        self.counters.prompt_tokens += prompt_tokens
        self.counters.first_token.observe(self.clock.now() - arrived)
        self._recent.append((self.clock.now(), prompt_tokens, 0))

    async def _paced(self, tokens: list[str]) -> AsyncIterator[str]:
        """Each token at its own time from the start: a slow moment does not slow the stream for good."""
        started, speed = self.clock.now(), self.program.speed
        for index, token in enumerate(tokens):
            wait = started + index / speed - self.clock.now()
            if wait > 0:
                await self.clock.sleep(wait)
            self.counters.generated_tokens += 1
            self.held += 1
            self._recent.append((self.clock.now(), 0, 1))
            yield token

    def reading(self) -> Reading:
        return Reading(
            model=self.program.names[0],
            running=self.slots.running,
            waiting=self.slots.waiting,
            cache=min(1.0, self.held / MEMORY),
            throughput=self.throughput()[1],
            slots=self.slots.size,
        )

    def throughput(self, seconds: float = REPORT_EVERY) -> tuple[float, float]:
        """(prompt, generation) tokens per second over the last `seconds`."""
        since = self.clock.now() - seconds
        rows = [row for row in self._recent if row[0] >= since]
        return sum(row[1] for row in rows) / seconds, sum(row[2] for row in rows) / seconds

    def _report_soon(self) -> None:
        if not self._reporting:
            self._reporting = True
            self.clock.after(REPORT_EVERY, self._report)

    def _report(self) -> None:
        """vLLM's line each ten seconds while there is something to say."""
        prompt, generation = self.throughput()
        now = self.reading()
        if self.log.closed:
            return
        self.log.write(
            f"INFO [loggers.py:123] Engine 000: Avg prompt throughput: {prompt:.1f} tokens/s, "
            f"Avg generation throughput: {generation:.1f} tokens/s, Running: {now.running} reqs, "
            f"Waiting: {now.waiting} reqs, GPU KV cache usage: {now.cache:.1%}, Prefix cache hit rate: 0.0%"
        )
        self._reporting = False
        if self.slots.busy:
            self._report_soon()
