"""Giving up a call that waits for its answer: the server sees it, and nothing else is touched."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apps.gateways.errors import GatewayError, Unreachable
from apps.gateways.kubernetes import Kubernetes
from apps.gateways.kubernetes.giveup import GiveUp
from tests.gateways.odd_server import OddServer, Request, odd_server


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[OddServer]:
    with odd_server(lambda request: request.answer(), tmp_path) as server:
        yield server


@pytest.fixture
def client(odd: OddServer) -> Kubernetes:
    return Kubernetes(odd.connection(), timeout=15)


def ask(client: Kubernetes, call: GiveUp | None = None) -> int:
    return client.proxy("pods", "p", 8000, "v1/x", namespace="default", give_up=call).status


def silent(request: Request) -> None:
    request.hung_up()


def test_the_server_sees_a_given_up_call_end(odd: OddServer, client: Kubernetes) -> None:
    asked, gone, call = threading.Event(), threading.Event(), GiveUp()

    def never(request: Request) -> None:
        asked.set()
        if request.hung_up():
            gone.set()

    odd.answer = never
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, client, call)
        assert asked.wait(15)
        call.give_up()
        assert gone.wait(10)
        with pytest.raises(GatewayError):
            waiting.result(10)


def test_a_call_given_up_before_it_was_sent_ends_at_once(odd: OddServer, client: Kubernetes) -> None:
    odd.answer = silent
    call = GiveUp()
    call.give_up()
    with pytest.raises(Unreachable):
        ask(client, call)


def test_giving_up_after_the_answer_began_touches_nothing(odd: OddServer, client: Kubernetes) -> None:
    call = GiveUp()
    assert ask(client, call) == 200
    call.give_up()
    assert ask(client) == 200
