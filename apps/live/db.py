"""The database from other threads than Django's own: borrow a connection, give it back each time.

With the pool, giving back costs microseconds; holding on would starve the pool, as every thread holds its
own.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from django.db import connections

P = ParamSpec("P")
T = TypeVar("T")
THREADS = (
    2  # more threads only hold the interpreter from each other: more processes serve more (rules 12, 14)
)
_executor = ThreadPoolExecutor(THREADS, thread_name_prefix="live-db")


@contextmanager
def borrowed() -> Iterator[None]:
    """Around work of a thread of ours: its connections go back to the pool at the end, broken ones are
    closed.
    """
    try:
        yield
    finally:
        connections.close_all()


async def db(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """From async code: run queries and templates in one of two threads."""

    def work() -> T:
        with borrowed():
            return function(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_executor, work)
