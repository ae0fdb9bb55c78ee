"""An accident and how much of what its clients met it explains."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.smoke.traffic import Try

DEVIATIONS = 4


@dataclass(frozen=True)
class Accident:
    """Pods that were lost at once. `lost`: their names by business; `had`: how many pods the endpoints of
    each listed before; `at`: when it happened, `gone`: from when on no proxy sends anything to them
    (time.monotonic).

    Only what was on a lost pod may fail: what it had in hand, and what the proxies still sent there until the
    last of them knew. Proxies choose among the listed pods by chance, so the lost ones can have had `lost of
    had` of the tries of that time, and four standard deviations more: one sound run of 30,000 has more.
    """

    lost: Mapping[str, frozenset[str]] = field(default_factory=dict)
    had: Mapping[str, int] = field(default_factory=dict)
    at: float = 0.0
    gone: float = 0.0

    def explains(self, business: str, one: Try) -> bool:
        """Whether a failed try can have been on a lost pod."""
        lost = self.lost.get(business, frozenset())
        in_time = one.ended >= self.at and one.began <= self.gone
        return bool(lost) and in_time and (not one.pod or one.pod in lost)

    def most(self, business: str, tries: Sequence[Try]) -> int:
        """So many of the tries can have been on a lost pod."""
        part = len(self.lost.get(business, ())) / max(1, self.had.get(business, 1))
        if not part:
            return 0
        in_hand = sum(one.began < self.at <= one.ended for one in tries)
        sent = sum(self.at <= one.began <= self.gone for one in tries)
        chance = DEVIATIONS * math.sqrt(sent * part * (1 - part))
        return min(in_hand + sent, in_hand + math.ceil(sent * part + chance))


NOTHING = Accident()
"""Nothing happened: nothing may fail."""
