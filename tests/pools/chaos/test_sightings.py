"""Which failed requests an accident explains, and that no others pass as such."""

from typing import Any

from apps.gateways import labels
from tests.pools.chaos.sightings import LAG, UNNOTICED, Moment, Sightings


def seen(**pods: list[Moment]) -> Sightings:
    made = Sightings()
    made.moments.update(pods)
    return made


def test_a_request_may_not_fail_while_pods_of_its_business_serve() -> None:
    sightings = seen(a=[Moment(0, "production", True)], b=[Moment(0, "testing", True)])
    assert not sightings.explains("production", 10, 11)
    sightings.accidents["b"].append(9.0)
    assert not sightings.explains("production", 10, 11)


def test_an_accident_of_a_pod_explains_what_its_own_clients_feel_until_it_is_noticed() -> None:
    sightings = seen(a=[Moment(0, "production", True)])
    sightings.accidents["a"].append(10.0)
    assert sightings.explains("production", 11, 12)
    assert not sightings.explains("production", 10 + UNNOTICED + LAG + 1, 30)


def test_a_moment_without_any_serving_pod_explains_a_failure_and_a_hand_over_does_not() -> None:
    moved = [Moment(0, "production", True), Moment(10, "testing", True)]
    assert seen(a=moved).explains("production", 11, 12)
    assert not seen(a=moved, b=[Moment(9, "production", True)]).explains("production", 11.5, 12)


def test_a_pod_that_is_taken_while_it_is_lent_is_felt_and_one_that_retired_before_is_not() -> None:
    other = [Moment(0, "production", True)]
    taken = [Moment(0, "production", True), Moment(10, "production", False)]
    retired = [*taken[:1], Moment(5, "retiring", True), Moment(10, "retiring", False)]
    assert seen(a=taken, b=other).explains("production", 10.5, 11)
    assert not seen(a=retired, b=other).explains("production", 10.5, 11)


def test_events_become_moments_where_business_or_readiness_change() -> None:
    sightings = Sightings()
    for ready in ("True", "True", "False"):
        sightings.note(pod(ready))
    sightings.note(pod("True"), gone=True)
    assert [moment.serves for moment in sightings.moments["a"]] == [True, False]


def pod(ready: str) -> dict[str, Any]:
    """An event's object."""
    metadata = {"name": "a", "labels": {labels.BUSINESS: "production"}}
    return {"metadata": metadata, "status": {"conditions": [{"type": "Ready", "status": ready}]}}
