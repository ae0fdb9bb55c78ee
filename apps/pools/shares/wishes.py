"""Wished shares, and why some cannot be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.gateways import labels
from apps.pools.models.share import DWELL, PATIENCE
from apps.pools.refusals import PoolProblem

MOST_WEIGHT = 1000
SHORTEST_PATIENCE, LONGEST_TIME = 5, 86_400


@dataclass(frozen=True)
class ShareWish:
    """One business' part: `count` pods, or `weight` of what is left; `floor` serving pods in any case."""

    business: str
    count: int | None = None
    weight: int | None = None
    floor: int = 0


@dataclass(frozen=True)
class SharesWish:
    """All shares of a pool. `dwell` and `patience` in seconds; `version`: of the policy that was seen."""

    shares: Sequence[ShareWish]
    dwell: int = DWELL
    patience: int = PATIENCE
    version: int | None = None


class ShareProblem(PoolProblem):
    """Shares that cannot be kept; `field` says beside which control the words belong."""

    problem_status = 422
    problem_code = "invalid_share"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, field=field)
        self.field = field


class Changed(PoolProblem):
    """Somebody else changed the shares meanwhile."""

    problem_code = "stale"


def check(wish: SharesWish, *, businesses: Iterable[str], size: int) -> None:
    """Raise ShareProblem for shares of a pool of `size` pods with these businesses that cannot be kept."""
    known = {labels.UNASSIGNED, *businesses}
    names = [share.business for share in wish.shares]
    for share in wish.shares:
        check_one(share, known)
        if names.count(share.business) > 1:
            raise ShareProblem(share.business, _("“%(word)s” has two shares.") % {"word": share.business})
    check_sums(wish.shares, size)
    if not 0 <= wish.dwell <= LONGEST_TIME:
        raise ShareProblem("dwell", _("The dwell time is 0 to 86400 seconds."))
    if not SHORTEST_PATIENCE <= wish.patience <= LONGEST_TIME:
        raise ShareProblem("patience", _("A pod may be away for 5 to 86400 seconds."))


def check_one(share: ShareWish, known: set[str]) -> None:
    """One share by itself."""
    word, facts = share.business, {"word": share.business, "most": MOST_WEIGHT, "floor": share.floor}
    if labels.is_reserved(word) and word != labels.UNASSIGNED:
        raise ShareProblem(word, _("“%(word)s” is a reserved word, not a business.") % facts)
    if word not in known:
        raise ShareProblem(word, _("The pool has no business service “%(word)s”.") % facts)
    if (share.count is None) == (share.weight is None):
        raise ShareProblem(word, _("%(word)s: a number of pods or a weight, one of the two.") % facts)
    if share.weight is not None and not 1 <= share.weight <= MOST_WEIGHT:
        raise ShareProblem(word, _("%(word)s: a weight is 1 to %(most)d.") % facts)
    if (share.count or 0) < 0 or share.floor < 0:
        raise ShareProblem(word, _("%(word)s: numbers of pods are 0 or more.") % facts)
    if share.count is not None and share.count < share.floor:
        raise ShareProblem(word, _("%(word)s: the floor of %(floor)d is above the share.") % facts)
    if word == labels.UNASSIGNED and share.floor:
        raise ShareProblem(word, _("Free pods serve nobody, so they have no floor."))


def check_sums(shares: Sequence[ShareWish], size: int) -> None:
    """All shares together, against the pool's size."""
    floors = sum(share.floor for share in shares)
    counts = sum(share.count or 0 for share in shares)
    needed = counts + sum(share.floor for share in shares if share.count is None)
    if floors > size:
        words = _("The floors need %(needed)d pods, the pool has %(size)d.")
        raise ShareProblem("shares", words % {"needed": floors, "size": size})
    if needed > size:
        words = _("The shares need %(needed)d pods, the pool has %(size)d.")
        raise ShareProblem("shares", words % {"needed": needed, "size": size})
