"""Rates: nobody gets more than they should, nobody is stopped because Redis is away."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from apps.accounts import actions, rates
from apps.accounts.models import User

ClientOf = Callable[[User], Client]


@pytest.fixture
def who() -> str:
    return uuid4().hex


@pytest.fixture
def redis_away(settings: Any) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    rates._Rest.until = 0.0


def passes(who: str, rate: str, now: float) -> bool:
    try:
        rates.spend("test", who, rate, now=now)
    except rates.TooOften:
        return False
    return True


def test_the_rate_is_what_passes(who: str) -> None:
    start = 60.0 * 1000
    assert sum(passes(who, "10/m", start + step) for step in range(50)) == 10


def test_refused_calls_are_not_counted(who: str) -> None:
    start = 60.0 * 1000
    assert sum(passes(who, "5/m", start) for _call in range(100)) == 5
    assert not passes(who, "5/m", start + 60) and passes(who, "5/m", start + 60 + 13)


def test_the_turn_of_a_minute_does_not_double_it(who: str) -> None:
    turn = 60.0 * 1000
    passed = [passes(who, "60/m", turn - 1 + step / 60) for step in range(120)]
    assert sum(passed) <= 62


def test_the_time_to_wait_is_true(who: str) -> None:
    start = 60.0 * 1000 + 15
    assert [passes(who, "3/m", start) for _call in range(3)] == [True] * 3
    with pytest.raises(rates.TooOften) as refused:
        rates.spend("test", who, "3/m", now=start)
    later = start + refused.value.retry_after
    assert later >= start + 45 and not passes(who, "3/m", later - 1)


def test_people_and_purposes_are_counted_apart(who: str) -> None:
    assert passes(who, "1/m", 0) and passes(f"{who}-other", "1/m", 0) and not passes(who, "1/m", 0)
    rates.spend("another purpose", who, "1/m", now=0)


def test_fifty_calls_at_once_do_not_slip_through(who: str) -> None:
    with ThreadPoolExecutor(10) as pool:
        passed = sum(pool.map(lambda _call: passes(who, "20/m", 60.0), range(50)))
    assert passed <= 20


@pytest.mark.parametrize("text", ["", "600", "0/m", "-1/m", "ten/m", "5/day"])
def test_a_rate_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Not a rate"):
        rates.Rate.parse(text)


@pytest.mark.urls("tests.edge.urls")
def test_the_api_answers_429_per_person_however_they_come(
    settings: Any, alice: User, bob: User, client_of: ClientOf
) -> None:
    settings.PORTAL_API_RATE = "5/h"
    browser, text = client_of(alice), actions.make_token(by=alice, name="test", days=1)[1]
    bearer = {"Authorization": f"Bearer {text}"}
    answers = [browser.get("/api/probe/read") for _call in range(4)]
    answers += [Client().get("/api/probe/read", headers=bearer) for _call in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 0 and answers[-1].json()["code"] == "too_many_requests"
    assert client_of(bob).get("/api/probe/read").status_code == 200


@pytest.mark.urls("tests.edge.urls")
def test_redis_away_stops_nobody(
    redis_away: None, settings: Any, client: Client, alice: User, client_of: ClientOf
) -> None:
    settings.PORTAL_API_RATE = "1/h"
    browser, start = client_of(alice), time.monotonic()
    assert [browser.get("/api/probe/read").status_code for _call in range(20)] == [200] * 20
    assert client.post("/accounts/login/", {"username": "alice", "password": "wrong"}).status_code == 422
    assert time.monotonic() - start < 15


def test_redis_back_counts_again(settings: Any, who: str) -> None:
    away, there = "redis://127.0.0.1:1/0", settings.REDIS_URL
    settings.REDIS_URL = away
    assert passes(who, "1/m", 0) and passes(who, "1/m", 0)
    settings.REDIS_URL, rates._Rest.until = there, 0.0
    assert passes(who, "1/m", 0) and not passes(who, "1/m", 0)
