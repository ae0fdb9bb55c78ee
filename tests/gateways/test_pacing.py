"""Calls of a batch come at their rate, whoever makes them."""

import threading
import time

import pytest

from apps.gateways.connection import Connection
from apps.gateways.errors import GatewayError
from apps.gateways.kubernetes import Kubernetes
from apps.gateways.kubernetes.pacing import Pace


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def paced(clock: Clock, rate: float, *, burst: int = 1) -> Pace:
    return Pace(rate, burst=burst, clock=lambda: clock.now, sleep=clock.sleep)


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    clock = Clock()
    pace = paced(clock, 10, burst=3)
    for _call in range(6):
        pace.wait()
    assert clock.slept == [0.1, 0.1, 0.1]


def test_a_pause_allows_one_burst_and_no_more() -> None:
    clock = Clock()
    pace = paced(clock, 10, burst=2)
    pace.wait()
    clock.now += 60
    for _call in range(3):
        pace.wait()
    assert clock.slept == [0.1]


def test_threads_share_one_rate() -> None:
    pace = Pace(50)
    begun = time.monotonic()
    threads = [threading.Thread(target=pace.wait) for _number in range(11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 10 / 50 - 0.01


def test_every_call_of_a_paced_client_waits_its_turn() -> None:
    clock = Clock()
    nowhere = Kubernetes(Connection(server="https://127.0.0.1:1", ca_data="", token="none"), timeout=0.2)
    client = nowhere.paced(paced(clock, 2))
    for _call in range(3):
        with pytest.raises(GatewayError):
            client.patch_merge("pods", "a", {}, namespace="default")
    assert len(clock.slept) == 2
