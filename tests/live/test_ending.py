"""Tasks that are told to end do end."""

import asyncio

from apps.live.ending import ended


async def test_a_task_that_loses_a_cancellation_is_told_again() -> None:
    told = 0

    async def deaf_once() -> None:
        nonlocal told
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told += 1
                if told > 1:
                    raise

    task = asyncio.create_task(deaf_once())
    await asyncio.sleep(0)
    await ended(task)
    assert (told, task.cancelled()) == (2, True)


async def test_what_a_task_raises_on_its_way_out_stops_nobody_elses_end() -> None:
    async def breaks() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise OSError("connection lost")

    tasks = [asyncio.create_task(breaks()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await ended(*tasks)
    assert isinstance(tasks[0].exception(), OSError) and tasks[1].cancelled()


async def test_ending_what_has_ended_already_is_nothing() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    await ended(task)
