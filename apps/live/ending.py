"""How tasks of an event loop are ended for sure."""

import asyncio
from typing import Any

AGAIN = 2.0
"""Seconds after which a task that goes on is cancelled once more."""


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks until all of them have ended, whatever they raise.

    Once is not enough: a cancellation that meets a timeout can get lost on its way (Python 3.11's wait_for,
    redis' readers), and then whoever waits for the task waits for ever.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _done, left = await asyncio.wait(left, timeout=AGAIN)
