"""Victims are chosen in upstream's exact order."""

from __future__ import annotations

import itertools
import random

import pytest

from devcluster.controllers.pods import DELETION_COST
from devcluster.controllers.ranking import victims
from devcluster.objects import Json, rfc3339

NOW = 1_800_000_000.0


def pod(
    name: str,
    *,
    node: str = "n1",
    phase: str = "Running",
    ready: float | None = 1000,
    cost: str = "",
    restarts: int = 0,
    age: float = 2000,
) -> Json:
    """`ready` and `age` in seconds before now; None: not Ready."""
    conditions = []
    if ready is not None:
        conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(NOW - ready)}]
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": rfc3339(NOW - age),
            "annotations": {DELETION_COST: cost} if cost else {},
        },
        "spec": {"nodeName": node} if node else {},
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"restartCount": restarts}],
        },
    }


def first(*pods: Json, related: list[Json] | None = None) -> str:
    shuffled = list(pods)
    random.Random(1).shuffle(shuffled)
    chosen = victims(shuffled, related if related is not None else shuffled, 1, NOW)
    return str(chosen[0]["metadata"]["name"])


@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        (pod("goes", node="", phase="Pending", ready=None), pod("stays", phase="Pending", ready=None)),
        (pod("goes", phase="Pending", ready=None), pod("stays", phase="Unknown", ready=None)),
        (pod("goes", phase="Unknown", ready=None), pod("stays", ready=None)),
        (pod("goes", ready=None), pod("stays")),
        (pod("goes", cost="-100"), pod("stays", cost="100")),
        (pod("goes"), pod("stays", cost="1")),
        (pod("goes", ready=10), pod("stays", ready=5000)),
        (pod("goes", restarts=3), pod("stays")),
        (pod("goes", age=1100), pod("stays", age=90000)),
    ],
    ids=[
        "unscheduled",
        "pending",
        "unknown",
        "unready",
        "cheap",
        "no cost is 0",
        "young",
        "restarted",
        "new",
    ],
)
def test_each_rule_decides_when_those_before_are_equal(goes: Json, stays: Json) -> None:
    assert first(goes, stays) == "goes"


@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        (pod("goes", phase="Pending", ready=None, cost="100"), pod("stays", cost="-100")),
        (pod("goes", ready=None, cost="100"), pod("stays", cost="-100")),
        (pod("goes", cost="-100", ready=5000), pod("stays", cost="100", ready=1)),
    ],
    ids=["a costly Pending pod before a free Ready one", "a costly unready one too", "cost before age"],
)
def test_earlier_rules_outweigh_later_ones(goes: Json, stays: Json) -> None:
    assert first(goes, stays) == "goes"


def test_the_fuller_node_gives_first_whatever_the_age() -> None:
    full = [pod("old-1", node="n1", ready=90000), pod("old-2", node="n1", ready=90000)]
    assert first(*full, pod("young", node="n2", ready=5)).startswith("old")


def test_related_pods_of_other_replica_sets_make_a_node_fuller() -> None:
    one, other = pod("one", node="n1"), pod("other", node="n2")
    crowd = [pod(f"sibling-{n}", node="n2") for n in range(2)]
    assert first(one, other, related=[one, other, *crowd]) == "other"


def test_ages_in_one_power_of_two_are_equal_and_the_uid_decides() -> None:
    assert first(pod("b", ready=1100), pod("a", ready=1500)) == "a"


def test_a_cost_that_is_no_number_counts_as_zero() -> None:
    assert first(pod("goes", cost="cheap"), pod("stays", cost="5")) == "goes"


def test_the_order_does_not_depend_on_the_order_of_asking() -> None:
    pods = [pod(f"p{n}", node=f"n{n % 2}", cost=str(n % 3), ready=n * 700 or None) for n in range(5)]
    orders = {
        tuple(entry["metadata"]["name"] for entry in victims(list(some), pods, 4, NOW))
        for some in itertools.permutations(pods)
    }
    assert len(orders) == 1
