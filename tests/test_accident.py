"""How much of what clients meet an accident of the smoke run explains."""

import pytest

from tests.smoke.accident import NOTHING, Accident
from tests.smoke.met import Met, judge
from tests.smoke.report import Untrue
from tests.smoke.traffic import Try

LOST = Accident({"production": frozenset(["a"])}, {"production": 3, "testing": 2}, at=10.0, gone=12.0)


def tries(count: int, *, began: float = 10.5, pod: str = "b", failure: str = "") -> list[Try]:
    """So many that took a tenth of a second."""
    return [Try(began, began + 0.1, pod, failure)] * count


def refused(count: int, *, began: float = 10.5, pod: str = "") -> list[Try]:
    return tries(count, began=began, pod=pod, failure="no answer")


def test_what_was_on_the_lost_pod_may_fail_and_no_more() -> None:
    assert LOST.most("production", tries(90)) == 30 + 18
    assert LOST.most("production", [*tries(90), *tries(1, began=9.95)]) == 30 + 18 + 1
    assert LOST.most("production", tries(2)) == 2
    assert LOST.most("testing", tries(90)) == NOTHING.most("production", tries(90)) == 0


@pytest.mark.parametrize(
    "failed",
    [
        refused(1, began=9.0),
        refused(1, began=12.5),
        refused(1, pod="b"),
    ],
    ids=["before", "after", "another pod"],
)
def test_a_failure_at_another_time_or_on_another_pod_is_untrue(failed: list[Try]) -> None:
    with pytest.raises(Untrue, match="1 requests failed without a reason"):
        judge({"production": Met([*tries(90), *failed], [])}, LOST)


def test_another_business_may_fail_nothing_and_nobody_without_an_accident() -> None:
    with pytest.raises(Untrue, match="testing"):
        judge({"testing": Met(refused(1), [])}, LOST)
    with pytest.raises(Untrue, match="1 streams were cut"):
        judge({"production": Met([], refused(1))})


def test_more_than_the_lost_pods_can_have_had_is_untrue() -> None:
    lines = judge({"production": Met([*tries(60), *refused(30)], refused(1, pod="a"))}, LOST)
    assert lines == [
        "production: 90 requests, 30 failed, 1 streams, 1 cut (at most 48 and 1 were on lost pods)"
    ]
    with pytest.raises(Untrue, match="can have had 48"):
        judge({"production": Met([*tries(40), *refused(50)], [])}, LOST)
