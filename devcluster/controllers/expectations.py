"""What a controller waits to see in its cache before it acts again (upstream's expectations by uid)."""

from __future__ import annotations

from dataclasses import dataclass, field

from devcluster.clock import Clock
from devcluster.objects import Key

TIMEOUT = 300.0  # seconds, upstream's ExpectationsTimeout


@dataclass
class Awaited:
    """Creations still to be seen, and uids whose deletion is still to be seen."""

    since: float
    creations: int = 0
    deletions: set[str] = field(default_factory=set)

    @property
    def fulfilled(self) -> bool:
        return self.creations <= 0 and not self.deletions


class Expectations:
    """Per key of the owner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._awaited: dict[Key, Awaited] = {}

    def satisfied(self, key: Key) -> bool:
        """True when all was seen, nothing is awaited, or the wait took too long."""
        found = self._awaited.get(key)
        return found is None or found.fulfilled or self._clock.now() - found.since > TIMEOUT

    def expect(self, key: Key, *, creations: int = 0, deletions: set[str] | None = None) -> None:
        self._awaited[key] = Awaited(self._clock.now(), creations, set(deletions or ()))

    def created(self, key: Key, count: int = 1) -> None:
        """`count` creations were seen, or will never be."""
        found = self._awaited.get(key)
        if found is not None:
            found.creations -= count

    def deleted(self, key: Key, uid: str) -> None:
        found = self._awaited.get(key)
        if found is not None:
            found.deletions.discard(uid)

    def forget(self, key: Key) -> None:
        self._awaited.pop(key, None)
