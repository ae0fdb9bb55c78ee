"""Planning a distribution: the arithmetic and the choice of moves, without the cluster's answers."""

import random
import sys
from collections import Counter
from fractions import Fraction

from apps.gateways.labels import UNASSIGNED
from apps.pools.distribution.planner import Piece, plan
from apps.pools.distribution.ratios import Ratios, targets
from bench.table import Table, percentile, timed

SIZES = (20, 200, 1000)
NAMES = ("batch", "production", "staging", "testing", UNASSIGNED)
ROUNDS = 50
GOAL = {200: 100.0}


def pool(size: int, chance: random.Random) -> list[Piece]:
    """Pods of four businesses and the stock; one of ten is not Ready, one of twenty on a closed node."""
    return [
        Piece(f"pod-{number:04}", chance.choice(NAMES), chance.random() > 0.1, chance.random() > 0.05)
        for number in range(size)
    ]


def planned(pieces: list[Piece]) -> int:
    """Share them out 4:3:2:1 with a part for the stock. Returns the number of moves."""
    held = Counter(piece.business for piece in pieces)
    serving = Counter(piece.business for piece in pieces if piece.ready)
    ratios = Ratios({name: Fraction(5 - rank) for rank, name in enumerate(NAMES)}, UNASSIGNED)
    floors = {name: min(1, serving[name]) for name in NAMES if name != UNASSIGNED}
    return len(plan(pieces, targets(len(pieces), ratios, floors=floors, held=held), floors))


def main() -> int:
    table = Table("Plan of a distribution", ("pods", "moves", "p50 ms", "p95 ms", "goal ms"))
    for size in SIZES:
        pieces = pool(size, random.Random(size))
        spent = timed(lambda: planned(pieces), times=ROUNDS)  # noqa: B023  called within the turn
        table.add(size, planned(pieces), percentile(spent, 0.5), percentile(spent, 0.95), GOAL.get(size, "–"))
    table.note = "Five names in unequal parts, some pods not Ready, some on nodes that take no new work."
    print(table.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
