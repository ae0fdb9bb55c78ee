"""Shares that the portal keeps while a journey goes against them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.outages.portal import PLACE, Portal


@contextmanager
def kept(portal: Portal, **counts: int) -> Iterator[None]:
    """Inside the block the portal keeps so many pods with each business, in no hurry."""
    shares = [{"business": business, "count": count} for business, count in counts.items()]
    assert portal.alice.api("PUT", f"{PLACE}/shares", {"shares": shares, "dwell": 3600}).status_code == 200
    portal.alice.api("POST", f"{PLACE}/shares/switch", {"enabled": True})
    try:
        yield
    finally:
        portal.alice.api("POST", f"{PLACE}/shares/switch", {"enabled": False})


@dataclass(frozen=True)
class Told:
    """What the portal says of its shares: pods per business, names of excepted pods."""

    counts: dict[str, int]
    excepted: list[str]


def told_of(portal: Portal) -> Told:
    """What it says now."""
    told = portal.alice.ask(f"{PLACE}/shares")
    counts = {each["business"]: each["count"] for each in told["shares"]}
    return Told(counts, [each["pod"] for each in told["exceptions"]])
