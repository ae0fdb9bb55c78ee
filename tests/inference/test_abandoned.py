"""Answers that nobody takes: dropped at any moment, they give back what they held and stop nobody."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any, cast

import pytest

from apps.gateways.kubernetes.proxy import ProxyResponse
from apps.inference import proxy
from apps.inference.closers import Closers
from tests.processes import until

PERSON = -1
MOMENTS = 100
"""Allocations after which the collector comes by: more than one `submit` makes."""


class Upstream:
    """An answer of the gateway's, in its place; `closed` says how often."""

    status = 200
    headers = {"content-type": "text/event-stream"}

    def __init__(self) -> None:
        self.closed = 0

    def iter_bytes(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        self.closed += 1


def dropped() -> Upstream:
    """An answer that only the collector can free: it is part of a cycle, as with a cancelled request."""
    upstream = Upstream()
    body: Any = proxy.Body(cast(ProxyResponse, upstream), proxy.seats.take(PERSON))
    body.itself = body
    return upstream


async def collect_while_submitting() -> list[Upstream]:
    """Drop answers so that the collector frees each of them at another moment of a thread pool's `submit`."""
    usual, left = gc.get_threshold(), []
    try:
        for moment in range(1, MOMENTS):
            gc.disable()
            left.append(dropped())
            gc.set_threshold(moment)
            gc.enable()
            proxy._threads.submit(int)
            gc.disable()
            gc.collect(0)
    finally:
        gc.set_threshold(*usual)
        gc.enable()
    return left


@pytest.mark.timeout(60)  # a lock that waits for itself waits for ever
def test_the_collector_may_free_an_answer_at_any_moment() -> None:
    proxy._closers.start()
    left = asyncio.run(collect_while_submitting())
    until(lambda: proxy.seats.taken() == 0, seconds=20, what="every seat to be free")
    assert [upstream.closed for upstream in left] == [1] * (MOMENTS - 1)


def test_a_closer_outlives_what_goes_wrong() -> None:
    done: list[int] = []
    closers = Closers(1)
    closers.start()
    closers.soon(lambda: done.append(1 // 0))
    closers.soon(lambda: done.append(1))
    until(lambda: done == [1], seconds=5, what="the second to be closed")
