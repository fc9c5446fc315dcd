"""Work that can be stopped: at any time, and with what has to be done done."""

from __future__ import annotations

import asyncio

import pytest

from ggt_studio.pipeline.stoppable import Stoppable, whatever_comes


async def test_work_that_ends_by_itself_is_whole() -> None:
    assert await Stoppable().run(asyncio.sleep(0))


async def test_stopped_at_once_and_before_it_began() -> None:
    under_way, never_begun = Stoppable(), Stoppable()
    asyncio.get_running_loop().call_later(0.01, under_way.stop)
    assert not await under_way.run(asyncio.sleep(60))
    never_begun.stop()
    assert not await never_begun.run(asyncio.sleep(60))


async def test_being_cancelled_is_not_being_stopped() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    waiting = asyncio.create_task(Stoppable().run(work()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


async def test_of_nested_groups_the_first_cause_is_raised() -> None:
    async def fails() -> None:
        raise ValueError("the cause")

    async def work() -> None:
        async with asyncio.TaskGroup() as outer:

            async def inside() -> None:
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(fails())

            outer.create_task(inside())

    with pytest.raises(ValueError, match="the cause"):
        await Stoppable().run(work())


async def test_what_has_to_be_done_is_done_through_any_number_of_cancellations() -> None:
    done = []

    async def keep() -> None:
        await asyncio.sleep(0.05)
        done.append("first")
        await asyncio.sleep(0.05)
        done.append("second")

    waiting = asyncio.create_task(whatever_comes(keep()))
    for _ in range(3):
        await asyncio.sleep(0.01)
        waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done == ["first", "second"]
