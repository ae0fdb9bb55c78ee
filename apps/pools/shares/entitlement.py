"""How many pods each business is entitled to, of so many as there are. Pure.

Floors come first, then fixed counts, then weights of what is left (largest remainder). Where there are too
few pods for floors or counts, each gets its next one in turn, whoever has the smallest part of its own first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from apps.gateways.labels import UNASSIGNED
from apps.pools.distribution.ratios import Ratios, targets


@dataclass(frozen=True)
class Rule:
    """A business' share: a `count` or a `weight` of what is left, and the `floor` that it never falls below.

    `missed_since`: when it was first seen with less than its share.
    """

    business: str
    count: int | None = None
    weight: int | None = None
    floor: int = 0
    missed_since: datetime | None = None


def entitled(rules: Sequence[Rule], total: int, held: Mapping[str, int]) -> dict[str, int]:
    """Pods per business of the rules and for the stock, `total` in all; `held` is what each has now."""
    floors = in_turn({rule.business: rule.floor for rule in rules}, total)
    left = total - sum(floors.values())
    more = {rule.business: rule.count - rule.floor for rule in rules if rule.count is not None}
    counts = in_turn(more, left)
    fixed = {name: floors[name] + count for name, count in counts.items()}
    weights = {rule.business: Fraction(rule.weight) for rule in rules if rule.weight is not None}
    low = {name: floors[name] for name in weights}
    rest = targets(total - sum(fixed.values()), Ratios(weights, UNASSIGNED), floors=low, held=held)
    return {UNASSIGNED: 0, **rest, **fixed}


def in_turn(claims: Mapping[str, int], total: int) -> dict[str, int]:
    """Claims met one pod at a time, the smallest met part first, until `total` is out."""
    given = dict.fromkeys(claims, 0)
    for _pod in range(min(total, sum(claims.values()))):
        waiting = [name for name, claim in claims.items() if given[name] < claim]
        given[min(waiting, key=lambda name: (Fraction(given[name], claims[name]), name))] += 1
    return given
