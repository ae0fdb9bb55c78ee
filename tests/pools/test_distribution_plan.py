"""Distribution's arithmetic and order, for whatever pools and ratios there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.gateways.labels import UNASSIGNED
from apps.pools.distribution.planner import Move, Piece, Unlendable, plan
from apps.pools.distribution.ratios import Contradiction, Ratios, apportion, of_percents, targets

BUSINESSES = ("batch", "production", "staging", "testing")
NAMES = (*BUSINESSES, UNASSIGNED)
unhurried = settings(deadline=None)
weights = st.dictionaries(
    st.sampled_from(NAMES), st.integers(0, 1000).map(lambda number: Fraction(number, 10)), min_size=1
)


@dataclass(frozen=True)
class Case:
    """A pool and what is wished."""

    pieces: Sequence[Piece]
    goal: Mapping[str, int]
    floors: Mapping[str, int]


@st.composite
def cases(draw: st.DrawFn, *, closed: bool = False) -> Case:
    places = draw(st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.booleans()), max_size=40))
    pieces = [
        Piece(f"pod-{number:02}", business, ready, lendable or not closed)
        for number, (business, ready, lendable) in enumerate(places)
    ]
    held = Counter(piece.business for piece in pieces)
    serving = Counter(piece.business for piece in pieces if piece.ready)
    shares = dict.fromkeys(NAMES, Fraction(0)) | draw(weights)
    floors = {name: min(1, serving[name]) for name in BUSINESSES if shares[name]}
    goal = targets(len(pieces), Ratios(shares, UNASSIGNED), floors=floors, held=held)
    return Case(pieces, goal, floors)


def after(pieces: Sequence[Piece], moves: Sequence[Move]) -> dict[str, str]:
    where = {piece.name: piece.business for piece in pieces}
    for move in moves:
        assert where[move.pod] == move.origin != move.business
        where[move.pod] = move.business
    return where


@unhurried
@given(total=st.integers(0, 300), wanted=weights)
def test_everybody_gets_the_quota_rounded_up_or_down_and_nothing_is_left(
    total: int, wanted: dict[str, Fraction]
) -> None:
    ratios = Ratios(wanted, UNASSIGNED)
    shares = apportion(total, ratios, {})
    assert sum(shares.values()) == total
    if ratios.whole:
        assert all(abs(shares[name] - total * wanted[name] / ratios.whole) < 1 for name in wanted)
        assert not any(shares[name] for name in wanted if not wanted[name])


@unhurried
@given(
    total=st.integers(0, 60),
    wanted=weights,
    floors=st.dictionaries(st.sampled_from(BUSINESSES), st.integers(0, 9)),
)
def test_floors_hold_or_are_called_contradictory(
    total: int, wanted: dict[str, Fraction], floors: dict[str, int]
) -> None:
    everyone = dict.fromkeys(floors, Fraction(0)) | wanted
    try:
        shares = targets(total, Ratios(everyone, UNASSIGNED), floors=floors, held={})
    except Contradiction as error:
        assert error.needed == sum(floors.values()) > total
        return
    assert sum(shares.values()) == total
    assert all(shares[name] >= floor for name, floor in floors.items())


@unhurried
@given(case=cases())
def test_a_plan_leads_to_its_goal_with_the_fewest_moves_and_each_pod_moves_once(case: Case) -> None:
    moves = plan(case.pieces, case.goal, case.floors)
    held = Counter(piece.business for piece in case.pieces)
    assert Counter(after(case.pieces, moves).values()) == Counter(case.goal)
    assert len(moves) == sum(max(0, count - held[name]) for name, count in case.goal.items())
    assert len({move.pod for move in moves}) == len(moves)


@unhurried
@given(case=cases())
def test_no_business_is_below_its_floor_after_any_single_move(case: Case) -> None:
    where = {piece.name: piece.business for piece in case.pieces}
    ready = {piece.name for piece in case.pieces if piece.ready}
    for move in plan(case.pieces, case.goal, case.floors):
        where[move.pod] = move.business
        serving = Counter(business for pod, business in where.items() if pod in ready)
        assert all(serving[name] >= floor for name, floor in case.floors.items())


@unhurried
@given(case=cases())
def test_free_pods_are_lent_first_and_nothing_is_freed_before_all_have_theirs(case: Case) -> None:
    moves = plan(case.pieces, case.goal, case.floors)
    kinds = [(move.origin != UNASSIGNED, move.business == UNASSIGNED) for move in moves]
    assert kinds == sorted(kinds)


@unhurried
@given(case=cases())
def test_a_pool_that_is_distributed_already_stays_as_it_is(case: Case) -> None:
    where = after(case.pieces, plan(case.pieces, case.goal, case.floors))
    again = [Piece(piece.name, where[piece.name], piece.ready) for piece in case.pieces]
    assert plan(again, case.goal, case.floors) == []


@unhurried
@given(case=cases(closed=True))
def test_no_pod_on_a_closed_node_is_lent_to_anybody(case: Case) -> None:
    try:
        moves = plan(case.pieces, case.goal, case.floors)
    except Unlendable:
        return
    closed = {piece.name for piece in case.pieces if not piece.lendable}
    assert not [move for move in moves if move.pod in closed and move.business != UNASSIGNED]
    assert Counter(after(case.pieces, moves).values()) == Counter(case.goal)


def test_a_pod_on_a_closed_node_goes_to_the_stock_while_another_is_lent() -> None:
    pieces = [Piece("a-1", "batch", lendable=False), Piece("b-1", "testing")]
    moves = plan(pieces, {"batch": 0, "testing": 0, "production": 1, UNASSIGNED: 1}, {})
    assert {(move.pod, move.business) for move in moves} == {("a-1", UNASSIGNED), ("b-1", "production")}


def test_pods_that_do_not_answer_are_given_back_and_ready_ones_are_lent() -> None:
    pieces = [Piece("a", "batch"), Piece("b", "batch", ready=False), Piece("c", "batch")]
    assert plan(pieces, {"batch": 2, UNASSIGNED: 1}, {})[0].pod == "b"
    assert plan(pieces, {"batch": 2, "testing": 1}, {})[0].pod == "a"


@pytest.mark.parametrize(
    ("weights", "total", "expected"),
    [
        ({"a": 3, "b": 2, "c": 1}, 8, {"a": 4, "b": 3, "c": 1}),
        ({"a": 3, "b": 1, UNASSIGNED: 1}, 8, {"a": 5, "b": 2, UNASSIGNED: 1}),
        ({"a": 1, "b": 1}, 3, {"a": 2, "b": 1}),
        ({"a": 0, UNASSIGNED: 0}, 4, {"a": 0, UNASSIGNED: 4}),
        ({"a": 1}, 0, {"a": 0}),
    ],
)
def test_largest_remainder(weights: dict[str, int], total: int, expected: dict[str, int]) -> None:
    ratios = Ratios({name: Fraction(weight) for name, weight in weights.items()}, UNASSIGNED)
    assert targets(total, ratios, floors={}, held={}) == expected


def test_of_equal_claims_whoever_has_the_pod_keeps_it() -> None:
    ratios = Ratios({"a": Fraction(1), "b": Fraction(1)}, UNASSIGNED)
    assert targets(3, ratios, floors={}, held={"b": 2, "a": 1}) == {"a": 1, "b": 2}


def test_percents_leave_the_rest_to_the_stock_and_are_not_more_than_a_hundred() -> None:
    ratios = of_percents({"a": Fraction(50), "b": Fraction(25)}, spare=UNASSIGNED)
    assert targets(8, ratios, floors={}, held={}) == {"a": 4, "b": 2, UNASSIGNED: 2}
    with pytest.raises(ValueError, match="100"):
        of_percents({"a": Fraction(50), "b": Fraction(51)}, spare=UNASSIGNED)
