"""One line per step: what was done, in how many milliseconds, and what was counted."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


class Untrue(Exception):
    """Something that the scenario promises is not so."""


@dataclass
class Step:
    """What a running step wants to have on its line and below."""

    counted: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def count(self, text: str) -> None:
        """Something for the line itself."""
        self.counted.append(text)

    def tell(self, text: str) -> None:
        """A line of its own below."""
        self.told.append(text)


@dataclass
class Report:
    """Prints the steps of one scenario as they end."""

    scenario: str
    number: int = 0

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Print the step's line when the block ends, whether true or not."""
        self.number += 1
        began, step = time.monotonic(), Step()
        verdict = "UNTRUE"
        try:
            yield step
            verdict = "ok"
        finally:
            spent = (time.monotonic() - began) * 1000
            counted = f"  [{'; '.join(step.counted)}]" if step.counted else ""
            print(
                f"{verdict:<6} {self.scenario} {self.number:>2}. {title:<66} {spent:>7.0f} ms{counted}",
                *(f"\n{'':<10}{line}" for line in step.told),
                sep="",
                flush=True,
            )


def claim(true: object, words: str) -> None:
    """Raise Untrue with `words` unless `true`."""
    if not true:
        raise Untrue(words)


def until(look: Callable[[], T], words: str, *, seconds: float = 30, every: float = 0.05) -> T:
    """The first true answer of `look`. Raises Untrue after the deadline."""
    end = time.monotonic() + seconds
    while not (answer := look()):
        if time.monotonic() > end:
            raise Untrue(f"not within {seconds:.0f} s: {words}")
        time.sleep(every)
    return answer
