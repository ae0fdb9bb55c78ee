"""How many pods each gets of a total: largest remainder, with floors. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

HUNDRED = Fraction(100)
Counts = Mapping[str, int]


class Contradiction(ValueError):
    """The floors need more pods than there are: `needed` of `total`."""

    def __init__(self, needed: int, total: int) -> None:
        super().__init__(f"floors need {needed} of {total}")
        self.needed = needed
        self.total = total


@dataclass(frozen=True)
class Ratios:
    """Who gets which part. `spare` takes what nobody claims, and everything where nobody has any weight."""

    weights: Mapping[str, Fraction]
    spare: str

    @property
    def whole(self) -> Fraction:
        """All weights together."""
        return sum(self.weights.values(), Fraction(0))


def exact(number: float) -> Fraction:
    """A number as people wrote it: 33.3 is 333/10 and not its binary neighbour."""
    return Fraction(Decimal(str(number)))


def of_percents(percents: Mapping[str, Fraction], *, spare: str) -> Ratios:
    """Percents as weights; what is missing to 100 goes to `spare`. ValueError for more than 100."""
    missing = HUNDRED - sum(percents.values(), Fraction(0))
    if missing < 0:
        raise ValueError("more than 100 %")
    return Ratios({**percents, spare: percents.get(spare, Fraction(0)) + missing}, spare)


def targets(total: int, ratios: Ratios, *, floors: Counts, held: Counts) -> dict[str, int]:
    """Pods per name, `total` in all. Who would get less than its floor gets the floor; the rest share again.

    `held` is what each has now: between equal claims whoever has the pod keeps it. Raises Contradiction.
    """
    needed = sum(floors.values())
    if needed > total:
        raise Contradiction(needed, total)
    fixed: dict[str, int] = {}
    while True:
        open_ones = {name: weight for name, weight in ratios.weights.items() if name not in fixed}
        shares = apportion(total - sum(fixed.values()), Ratios(open_ones, ratios.spare), held)
        low = {name: floors[name] for name, share in shares.items() if share < floors.get(name, 0)}
        if not low:
            return {**shares, **fixed}
        fixed.update(low)


def apportion(total: int, ratios: Ratios, held: Counts) -> dict[str, int]:
    """Largest remainder (Hamilton): each gets the whole part of its quota, the largest fractions one more."""
    if not ratios.whole:
        return {**dict.fromkeys(ratios.weights, 0), ratios.spare: total}
    quotas = {name: total * weight / ratios.whole for name, weight in ratios.weights.items()}
    shares = {name: int(quota) for name, quota in quotas.items()}
    missing = total - sum(shares.values())

    def claim(name: str) -> tuple[Fraction, int, str]:
        return shares[name] - quotas[name], shares[name] - held.get(name, 0), name

    for name in sorted(quotas, key=claim)[:missing]:
        shares[name] += 1
    return shares
