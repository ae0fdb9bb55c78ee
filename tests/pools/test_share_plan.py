"""What the reconciler does next: floors at once, weights after a while, no move too many."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.gateways.labels import UNASSIGNED
from apps.pools.shares.entitlement import Rule, entitled, in_turn
from apps.pools.shares.moments import next_moment
from apps.pools.shares.planning import Excepted, next_act, waits
from tests.pools.made_up import pod
from tests.pools.sharing import LONG_AGO, NOW, free, pods, settle, shared, sick, split

NAMES = ("production", "testing", "batch")
BOTH = (Rule("production", weight=3, missed_since=LONG_AGO), Rule("testing", weight=1, missed_since=LONG_AGO))


def test_weights_share_what_fixed_counts_leave() -> None:
    rules = [Rule("production", count=2), Rule("testing", weight=2), Rule("batch", weight=1)]
    assert entitled(rules, 8, {}) == {"production": 2, "testing": 4, "batch": 2, UNASSIGNED: 0}


def test_without_weights_the_rest_stays_free() -> None:
    assert entitled([Rule("production", count=2)], 5, {}) == {"production": 2, UNASSIGNED: 3}


def test_floors_come_before_counts_where_pods_are_few() -> None:
    rules = [Rule("production", count=4, floor=2), Rule("testing", weight=1, floor=2)]
    assert entitled(rules, 4, {}) == {"production": 2, "testing": 2, UNASSIGNED: 0}
    assert entitled(rules, 3, {}) == {"production": 2, "testing": 1, UNASSIGNED: 0}


def test_who_is_below_its_floor_gets_a_free_pod_at_once() -> None:
    rule = Rule("production", weight=1, floor=2, missed_since=NOW)
    act = next_act(shared(pods(production=1, unassigned=1), rule))
    assert act is not None and (act.pod, act.business) == ("unassigned-0", "production")
    assert "below its floor: 1 of 2" in act.why


def test_a_weight_waits_for_its_dwell_and_a_count_does_not() -> None:
    fresh = Rule("testing", weight=1, missed_since=NOW - timedelta(seconds=5))
    assert next_act(shared(pods(unassigned=2), fresh, dwell=60)) is None
    assert waits(shared(pods(unassigned=2), fresh, dwell=60)) == [
        "testing: 0 of 2 pods; it gets more after 60 s."
    ]
    assert next_act(shared(pods(unassigned=2), Rule("testing", count=1, missed_since=NOW))) is not None


def test_pods_come_from_the_stock_first_and_then_from_those_above_their_share() -> None:
    made, acts = settle(pods(production=6, unassigned=1, testing=1), *BOTH)
    assert split(made) == {"production": 6, "testing": 2}
    assert [act.origin for act in acts] == [UNASSIGNED]
    made, acts = settle(pods(production=8), *BOTH)
    assert (split(made), len(acts)) == ({"production": 6, "testing": 2}, 2)


def test_a_pod_that_stays_away_is_replaced_by_a_spare_and_kept_aside() -> None:
    made = [*pods(production=1, unassigned=1), sick("bad", "production", seconds=90)]
    made, acts = settle(made, Rule("production", count=2), patience=60)
    assert [(act.pod, act.business, act.batch) for act in acts] == [
        ("unassigned-0", "production", ""),
        ("bad", UNASSIGNED, "aside"),
    ]
    assert "Takes the place of bad" in acts[0].why and "90 s" in acts[1].why
    assert split(made) == {"production": 2}


def test_a_short_absence_and_one_without_a_spare_move_nothing() -> None:
    bad = sick("bad", "production", seconds=30)
    assert settle([*pods(production=1, unassigned=1), bad], Rule("production", count=2), patience=60)[1] == []
    bad = sick("bad", "production", seconds=300)
    alone = shared([*pods(production=1), bad], Rule("production", count=2))
    assert next_act(alone) is None
    assert waits(alone) == ["production: 1 of 2 pods; no Ready pod is left for it."]


def test_it_is_known_when_patience_a_dwell_or_an_exception_ends_without_any_news() -> None:
    count, weight = Rule("production", count=2), Rule("testing", weight=1, missed_since=NOW)
    away = [*pods(production=1, unassigned=1), sick("bad", "production", seconds=50)]
    assert next_moment(shared(away, count, patience=60)) == NOW + timedelta(seconds=10)
    assert next_moment(shared(pods(production=2, unassigned=1), count, weight, dwell=90)) == NOW + timedelta(
        seconds=90
    )
    back = {f"uid-production-{number}": NOW - timedelta(seconds=number) for number in range(3)}
    above = shared(pods(production=3), count, since=back, dwell=30)
    assert next_moment(above) == NOW + timedelta(seconds=30)
    lent = Excepted("uid-testing-0", "production", "testing", NOW + timedelta(minutes=5))
    assert next_moment(shared(pods(production=2), count, exceptions=[lent])) == NOW + timedelta(minutes=5)
    assert next_moment(shared(pods(production=2), count)) is None


def test_a_spare_returns_to_the_stock_when_the_pod_whose_place_it_took_is_back() -> None:
    made = pods(production=3, unassigned=1)
    since = {f"uid-production-{number}": NOW - timedelta(seconds=60 + number) for number in range(3)}
    rule = Rule("production", count=2, floor=1)
    assert settle(made, rule, since=since, dwell=120)[1] == []
    made, acts = settle(made, rule, since=since, dwell=30)
    assert [(act.pod, act.business) for act in acts] == [("production-0", UNASSIGNED)]
    assert split(made) == {"production": 2, UNASSIGNED: 2}


def test_an_exception_lets_a_pod_be_elsewhere_but_not_below_a_floor() -> None:
    made = pods(production=5, testing=3)
    lent = [Excepted("uid-testing-0", "production", "testing")]
    assert settle(made, *BOTH, exceptions=lent)[1] == []
    strict = Rule("production", weight=3, floor=6, missed_since=LONG_AGO)
    made, acts = settle(made, strict, BOTH[1], exceptions=lent)
    assert split(made)["production"] == 6 and acts[0].pod != "testing-0"


def test_pods_on_closed_nodes_not_ready_or_being_moved_are_not_lent() -> None:
    made = [pod("closed", node="old"), pod("starting", ready=False), pod("draining", "draining")]
    found = shared(made, Rule("production", count=1), closed=frozenset({"old"}))
    assert next_act(found) is None


def test_a_business_without_a_service_waits_and_takes_nothing() -> None:
    assert settle(pods(unassigned=2), Rule("nobody", count=1))[1] == []
    assert waits(shared(pods(unassigned=2), Rule("nobody", count=1))) == ["nobody has no business service."]


RULES = st.lists(st.tuples(st.booleans(), st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=3).map(
    lambda drawn: [
        Rule(
            name,
            count=max(size, floor) if fixed else None,
            weight=None if fixed else size,
            floor=floor,
            missed_since=LONG_AGO,
        )
        for name, (fixed, size, floor) in zip(NAMES, drawn, strict=False)
    ]
)
POOLS = st.lists(st.tuples(st.sampled_from([*NAMES, UNASSIGNED]), st.integers(0, 9)), max_size=24)


@given(RULES, st.integers(0, 60))
def test_entitlements_never_exceed_the_pods_and_meet_floors_first(rules: list[Rule], total: int) -> None:
    found = entitled(rules, total, {})
    assert min(found.values()) >= 0 and sum(found.values()) == total
    if sum(rule.floor for rule in rules) <= total:
        assert all(found[rule.business] >= rule.floor for rule in rules)


@given(RULES, POOLS)
def test_the_reconciler_ends_and_leaves_no_floor_missed_while_a_free_ready_pod_exists(
    rules: list[Rule], drawn: list[tuple[str, int]]
) -> None:
    made = [
        pod(f"p{number}", business) if luck else sick(f"p{number}", business, seconds=100)
        for number, (business, luck) in enumerate(drawn)
    ]
    held = Counter(item.business for item in made if item.ready)
    after, acts = settle(made, *rules)
    serving = Counter(split(after))
    for rule in rules:
        assert serving[rule.business] >= rule.floor or not free(after)
        assert serving[rule.business] >= min(rule.floor, held[rule.business])
    assert len(acts) <= len(made) + sum(1 for act in acts if act.batch)


@given(RULES, POOLS)
def test_a_pool_that_is_as_it_should_be_is_left_alone(
    rules: list[Rule], drawn: list[tuple[str, int]]
) -> None:
    settled, _acts = settle([pod(f"p{number}", name) for number, (name, _luck) in enumerate(drawn)], *rules)
    assert settle(settled, *rules)[1] == []


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 9)), st.integers(0, 30))
def test_claims_are_met_in_turn(claims: dict[str, int], total: int) -> None:
    given_out = in_turn(claims, total)
    assert sum(given_out.values()) == min(total, sum(claims.values()))
    assert all(given_out[name] <= claim for name, claim in claims.items())
