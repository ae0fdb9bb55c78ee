"""What somebody wants a pool's pods to be shared like, and whether that can be meant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.pools.distribution.ratios import HUNDRED, Ratios, exact, of_percents
from apps.pools.refusals import PoolProblem, UnknownBusiness

MOST = 10_000


class BadRatios(PoolProblem):
    """Ratios or floors that cannot be meant; `details["field"]` is the business they are about."""

    problem_status = 422
    problem_code = "invalid"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message, field=field)


@dataclass(frozen=True)
class Wanted:
    """A weight or percent per business, `unassigned` for the free stock; who is not named keeps its pods.

    `floors`: fewest Ready pods per business, also while pods move; by default one where there is one now.
    """

    weights: Mapping[str, float]
    percents: bool = False
    floors: Mapping[str, int] = field(default_factory=dict)

    def ratios(self) -> Ratios:
        """The parts as exact numbers. Raises BadRatios."""
        exactly = {name: exact(weight) for name, weight in self.weights.items()}
        if not self.percents:
            return self.by_weight(exactly)
        whole = sum(exactly.values(), Fraction(0))
        named = labels.UNASSIGNED in exactly
        if whole > HUNDRED or (named and whole != HUNDRED):
            words = _("The percents come to %(whole)s; they may come to %(most)s.")
            most = _("100 in all") if named else _("100 at most, the rest stays free")
            raise BadRatios(words % {"whole": f"{float(whole):g}", "most": most})
        return of_percents(exactly, spare=labels.UNASSIGNED)

    def by_weight(self, weights: Mapping[str, Fraction]) -> Ratios:
        """Weights; somebody must have one."""
        if not any(weights.values()):
            raise BadRatios(_("Every weight is 0. Give a business or the free stock one."))
        return Ratios({labels.UNASSIGNED: Fraction(0), **weights}, labels.UNASSIGNED)

    def check(self, pool: str, businesses: Mapping[str, object]) -> None:
        """Raise BadRatios or UnknownBusiness for what no pool, or not this one, can do."""
        if not self.weights:
            raise BadRatios(_("Say who gets which part."))
        for name in (*self.weights, *self.floors):
            check_name(pool, name, businesses)
        for name, weight in self.weights.items():
            if not 0 <= weight <= MOST:
                raise BadRatios(_("A weight is a number from 0 to %(most)d.") % {"most": MOST}, name)
        for name, floor in self.floors.items():
            self.check_floor(name, floor)

    def check_floor(self, name: str, floor: int) -> None:
        """A floor is for a business that gets a part."""
        if not 0 <= floor <= MOST or name == labels.UNASSIGNED:
            raise BadRatios(_("A floor is a whole number of pods, for a business."), name)
        if floor and not self.weights.get(name):
            words = _("%(business)s has a floor of %(floor)d but no weight; give it one.")
            raise BadRatios(words % {"business": name, "floor": floor}, name)


def check_name(pool: str, name: str, businesses: Mapping[str, object]) -> None:
    """A business of this pool, or the free stock."""
    if name == labels.UNASSIGNED or name in businesses:
        return
    if labels.is_reserved(name):
        raise UnknownBusiness(_("“%(word)s” is a reserved word, not a business.") % {"word": name[:80]})
    known = ", ".join(sorted(businesses)) or _("none yet")
    words = _("%(pool)s has no business service “%(word)s”. It has: %(known)s.")
    raise UnknownBusiness(words % {"pool": pool, "word": name[:80], "known": known})
