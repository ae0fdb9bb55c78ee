"""What the clients of each business met: step by step, and in all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.smoke.accident import NOTHING, Accident
from tests.smoke.report import claim
from tests.smoke.traffic import Clients, Pressure, Streams, Try

TOLD = 3


@dataclass(frozen=True)
class Met:
    """The tries of one business."""

    requests: Sequence[Try]
    streams: Sequence[Try]

    @property
    def counts(self) -> dict[str, int]:
        """How many there were of what."""
        failed, cut = len(failures(self.requests)), len(failures(self.streams))
        return {"requests": len(self.requests), "failed": failed, "streams": len(self.streams), "cut": cut}

    @property
    def words(self) -> str:
        """ "120 requests, 0 failed, 11 streams, 0 cut"."""
        return ", ".join(f"{count} {what}" for what, count in self.counts.items())


def failures(tries: Iterable[Try]) -> list[Try]:
    """Those that failed."""
    return [one for one in tries if one.failure]


class Book:
    """The tries of all businesses. Each belongs to the step in which it ended."""

    def __init__(self, short: Mapping[str, Pressure], long: Mapping[str, Streams]) -> None:
        self.short, self.long = short, long
        self.seen: dict[int, int] = {}

    def page(self) -> dict[str, Met]:
        """What ended since the last page, by business."""
        return {tag: Met(self._new(self.short[tag]), self._new(self.long[tag])) for tag in self.short}

    def total(self) -> dict[str, Met]:
        """Everything so far."""
        return {tag: Met(self.short[tag].tries, self.long[tag].tries) for tag in self.short}

    def done_since(self, moment: float) -> bool:
        """Whether everything that began before the moment is over."""
        return all(one.done_since(moment) for one in [*self.short.values(), *self.long.values()])

    def _new(self, clients: Clients) -> list[Try]:
        begin = self.seen.get(id(clients), 0)
        self.seen[id(clients)] = len(clients.tries)
        return clients.tries[begin : self.seen[id(clients)]]


def judge(page: Mapping[str, Met], accident: Accident = NOTHING) -> list[str]:
    """A line per business. Raises Untrue where more failed than the accident explains."""
    return [f"{tag}: {met.words}{allowed(tag, met, accident)}" for tag, met in page.items()]


def allowed(tag: str, met: Met, accident: Accident) -> str:
    """How much might have failed, in words."""
    most = []
    for what, tries in (("requests failed", met.requests), ("streams were cut", met.streams)):
        strange = [one.failure for one in failures(tries) if not accident.explains(tag, one)]
        claim(not strange, f"{tag}: {len(strange)} {what} without a reason: {'; '.join(strange[:TOLD])}")
        most.append(accident.most(tag, tries))
        failed = len(failures(tries))
        claim(failed <= most[-1], f"{tag}: {failed} {what}; the lost pods can have had {most[-1]}")
    return f" (at most {most[0]} and {most[1]} were on lost pods)" if any(most) else ""


def table(page: Mapping[str, Met]) -> list[str]:
    """The counts of each business below each other."""
    rows = [(tag, *map(str, met.counts.values())) for tag, met in page.items()]
    heads = ("", *Met((), ()).counts)
    return [f"{row[0]:<12}" + "".join(f"{text:>10}" for text in row[1:]) for row in (heads, *rows)]
