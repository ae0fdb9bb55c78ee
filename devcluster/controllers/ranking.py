"""Which pods a ReplicaSet deletes first: upstream's ActivePodsWithRanks, line by line."""

from __future__ import annotations

import math
from collections import Counter
from functools import cmp_to_key

from devcluster.controllers.pods import (
    deletion_cost,
    is_active,
    is_ready,
    node_name,
    phase,
    ready_since,
    restarts,
)
from devcluster.objects import Json, epoch, uid_of

PHASE_ORDER = {"Pending": 0, "Unknown": 1, "Running": 2}
NANOSECONDS = 1_000_000_000


def victims(
    pods: list[Json], related: list[Json], count: int, now: float, *, honours_cost: bool = True
) -> list[Json]:
    """The `count` pods to delete; `related` are the pods of all ReplicaSets with the same controller.

    `honours_cost` False is a cluster before 1.22, which knows no pod-deletion-cost.
    """
    if count >= len(pods):
        return list(pods)
    per_node = Counter(node_name(pod) for pod in related if is_active(pod))
    ranks = {uid_of(pod): per_node[node_name(pod)] for pod in pods}

    def compare(left: Json, right: Json) -> int:
        if goes_first(left, right, ranks, now, honours_cost):
            return -1
        return 1 if goes_first(right, left, ranks, now, honours_cost) else 0

    return sorted(pods, key=cmp_to_key(compare))[:count]


def goes_first(left: Json, right: Json, ranks: dict[str, int], now: float, honours_cost: bool = True) -> bool:
    """Whether `left` is deleted before `right` (ActivePodsWithRanks.Less)."""
    pairs = (
        (bool(node_name(left)), bool(node_name(right))),  # not scheduled first
        (PHASE_ORDER.get(phase(left), 0), PHASE_ORDER.get(phase(right), 0)),
        (is_ready(left), is_ready(right)),  # not Ready first
        (deletion_cost(left) * honours_cost, deletion_cost(right) * honours_cost),  # cheaper first
        (-ranks[uid_of(left)], -ranks[uid_of(right)]),  # the fuller node first
    )
    for mine, other in pairs:
        if mine != other:
            return mine < other
    return _younger_first(left, right, now)


def _younger_first(left: Json, right: Json, now: float) -> bool:
    if is_ready(left) and is_ready(right):
        mine, other = ready_since(left), ready_since(right)
        if mine != other:
            return _by_age(left, right, mine, other, now)
    if restarts(left) != restarts(right):
        return restarts(left) > restarts(right)
    mine, other = _created(left), _created(right)
    if mine != other:
        return _by_age(left, right, mine, other, now)
    return False


def _by_age(left: Json, right: Json, mine: float, other: float, now: float) -> bool:
    """LogarithmicScaleDown: ages compared in powers of two, equal ones by UID; unknown times first."""
    if not mine or not other:
        return not mine and bool(other)
    difference = _bucket(now - mine) - _bucket(now - other)
    return uid_of(left) < uid_of(right) if difference == 0 else difference < 0


def _bucket(age: float) -> int:
    return int(math.log2(age * NANOSECONDS)) if age > 0 else -1


def _created(pod: Json) -> float:
    return epoch(pod["metadata"].get("creationTimestamp"))
