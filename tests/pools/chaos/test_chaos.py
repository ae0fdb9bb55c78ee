"""The invariants of docs/pools.md hold after random runs, and each sabotage is seen."""

from pathlib import Path
from typing import Any

import pytest

from tests.pools.chaos.accidents import HURTFUL
from tests.pools.chaos.deeds import DEEDS
from tests.pools.chaos.ground import PEOPLE, PORTAL, Ground, ground
from tests.pools.chaos.run import Chaos
from tests.processes import Devcluster

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("chaos")]


PLANNED = {name: weight for name, (_deed, weight) in DEEDS.items() if name not in HURTFUL}
"""What clients may not feel."""


@pytest.mark.parametrize(
    ("seed", "rounds", "each", "weights"),
    [(4, 2, 50, {}), (2, 1, 70, PLANNED)],
    ids=["everything", "no accidents"],
)
def test_the_invariants_hold_whatever_happens(
    seed: int, rounds: int, each: int, weights: dict[str, int], chaos_cluster: Devcluster, tmp_path: Path
) -> None:
    with ground(chaos_cluster, tmp_path, replicas=6) as place:
        chaos = Chaos(place, seed, weights=weights, per_actor=each)
        found = chaos.run(rounds * PEOPLE * each)
    print(f"\n{chaos.table()}")
    assert found == [], "\n".join(found)


FENCE = {"scale by the portal": 8, "pod not Ready": 6, "move a pod": 6}
EVENTS = {"kubectl label": 4, "move a pod": 2}
COST = {"move a pod": 1}
SETTLE = {"die around a patch": 3, "move a pod": 1}


def sabotaged(place: Ground, steps: int, **how: Any) -> str:
    """The faults of a run that must go wrong."""
    chaos = Chaos(place, **{"seed": 7, "catch_up": 3.0, "rest": 15.0, **how})
    found = chaos.run(steps)
    print(f"\n{chaos.steps} steps in {chaos.rounds} rounds: {found[:2]}")
    return "\n".join(found)


def test_a_fence_that_does_not_hold_is_seen(chaos_cluster: Devcluster, tmp_path: Path) -> None:
    """Admission ignores the quota, so replacements come while the pods leave."""
    with ground(chaos_cluster, tmp_path) as place:
        found = sabotaged(place, 60, weights=FENCE, lasting=[{"kind": "ignore_quota"}], per_actor=4)
    assert "born behind the fence" in found


def test_a_controller_that_ignores_costs_is_seen(chaos_cluster: Devcluster, tmp_path: Path) -> None:
    with ground(chaos_cluster, tmp_path) as place:
        found = sabotaged(place, 45, weights=COST, lasting=[{"kind": "ignore_cost"}], per_actor=3)
    assert "lost to a controller" in found


def test_a_dropped_watch_event_is_seen(chaos_cluster: Devcluster, tmp_path: Path) -> None:
    mishap = {"kind": "drop_events", "resource": "pods", "type": "MODIFIED", "user": PORTAL}
    with ground(chaos_cluster, tmp_path) as place:
        found = sabotaged(place, 30, weights=EVENTS, lasting=[mishap], per_actor=4)
    assert "history" in found


def test_it_is_seen_when_nobody_settles(chaos_cluster: Devcluster, tmp_path: Path) -> None:
    with ground(chaos_cluster, tmp_path, watched=False) as place:
        found = sabotaged(place, 30, weights=SETTLE, settles=False, per_actor=3, rest=3.0)
    assert "open intent" in found
