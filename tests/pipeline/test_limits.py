"""The limiter: no window above the allowance, whatever the delays; refusals are waited out and learned from."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ggt_studio.pipeline.limits import Limiter
from ggt_studio.providers.base import Allowance


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def drive(limiter: Limiter, count: int, *, way_s: float, latency_s: float, seed: int = 0) -> list[float]:
    """When `count` requests arrived at a server that each reaches after up to `way_s`, and that answers after `latency_s`."""
    chance = random.Random(seed)
    arrivals: list[float] = []
    loop = asyncio.get_running_loop()

    async def one() -> None:
        request = await limiter.enter(images=1)
        await asyncio.sleep(chance.uniform(0, way_s))
        arrivals.append(loop.time())
        await asyncio.sleep(latency_s)
        limiter.answered(request)

    await asyncio.gather(*(one() for _ in range(count)))
    return sorted(arrivals)


def most_in_a_window(arrivals: list[float], window_s: float) -> int:
    return max(sum(1 for other in arrivals if start <= other < start + window_s) for start in arrivals)


@pytest.mark.parametrize("latency_s", [0.0, 0.02])
async def test_no_window_sees_more_than_the_allowance_whatever_the_way_takes(latency_s: float) -> None:
    limiter = Limiter(Allowance(requests=20, window_s=0.2), 16)
    arrivals = await drive(limiter, 90, way_s=0.03, latency_s=latency_s)
    assert most_in_a_window(arrivals, 0.2) <= 20


async def test_in_flight_never_passes_the_concurrency() -> None:
    limiter = Limiter(Allowance(), 3)
    most = 0

    async def one() -> None:
        nonlocal most
        request = await limiter.enter()
        most = max(most, limiter.in_flight)
        await asyncio.sleep(0.001)
        limiter.answered(request)

    await asyncio.gather(*(one() for _ in range(20)))
    assert most == 3
    assert limiter.in_flight == 0


async def test_first_come_first_served() -> None:
    limiter = Limiter(Allowance(), 1)
    order: list[int] = []

    async def one(number: int) -> None:
        request = await limiter.enter()
        order.append(number)
        await asyncio.sleep(0)
        limiter.answered(request)

    await asyncio.gather(*(one(number) for number in range(8)))
    assert order == list(range(8))


async def test_a_refusal_makes_all_wait_as_long_as_the_server_says() -> None:
    limiter = Limiter(Allowance(), 4)
    loop = asyncio.get_running_loop()
    refused = await limiter.enter()
    began = loop.time()
    limiter.refused(refused, 0.08)
    assert 0 < limiter.waiting_s <= 0.08
    limiter.answered(await limiter.enter())
    assert loop.time() - began >= 0.079


async def test_what_the_server_allowed_becomes_the_limit_and_is_raised_again_slowly() -> None:
    clock = Clock()
    limiter = Limiter(Allowance(requests=100, window_s=60), 64, clock)
    for _ in range(10):
        limiter.answered(await limiter.enter())
    limiter.refused(await limiter.enter(), 5)
    clock.now += 61
    admitted = await admitted_at_once(limiter)
    assert 10 <= admitted <= 12
    clock.now += 60 * 40
    assert await admitted_at_once(limiter) == 64


async def admitted_at_once(limiter: Limiter) -> int:
    """How many requests may leave at this moment; they are taken back."""
    requests = []
    while True:
        try:
            async with asyncio.timeout(0.001):
                requests.append(await limiter.enter())
        except TimeoutError:
            break
    for request in requests:
        limiter.unsent(request)
    return len(requests)


async def test_many_refused_together_halve_the_pace_once() -> None:
    clock = Clock()
    limiter = Limiter(Allowance(), 32, clock)
    requests = [await limiter.enter() for _ in range(32)]
    for request in requests[:16]:
        limiter.answered(request)
    for request in requests[16:]:
        clock.now += 0.01
        limiter.refused(request, 1)
    clock.now += 2
    # 16 of the 32 were allowed, and 16 may be in flight.
    assert await admitted_at_once(limiter) == 0
    clock.now += 60
    assert 16 <= await admitted_at_once(limiter) <= 18


async def test_tokens_count_as_reported_and_an_oversized_request_goes_alone() -> None:
    clock = Clock()
    limiter = Limiter(Allowance(tokens=1000), 8, clock)
    first = await limiter.enter(tokens=600)
    assert await admitted_at_once(limiter) > 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            await limiter.enter(tokens=600)
    limiter.answered(first, tokens=100)
    limiter.answered(await limiter.enter(tokens=600))
    clock.now += 61
    limiter.answered(await limiter.enter(tokens=5000))


async def test_what_an_earlier_run_sent_counts() -> None:
    clock = Clock()
    limiter = Limiter(Allowance(requests=5, window_s=60), 8, clock)
    limiter.remember([70, 30, 20, 1])
    assert await admitted_at_once(limiter) == 2
    clock.now += 31
    assert await admitted_at_once(limiter) == 3


async def test_giving_up_while_waiting_leaves_no_trace() -> None:
    limiter = Limiter(Allowance(), 1)
    held = await limiter.enter()
    waiting = [asyncio.create_task(limiter.enter()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    limiter.answered(held)
    limiter.answered(await waiting[2])
    assert limiter.in_flight == 0
    limiter.answered(await limiter.enter())


async def test_a_request_ends_once() -> None:
    limiter = Limiter(Allowance(), 2)
    request = await limiter.enter()
    limiter.answered(request)
    limiter.refused(request, 100)
    limiter.unsent(request)
    assert limiter.in_flight == 0
    assert limiter.waiting_s == 0


@settings(max_examples=60)
@given(
    limit=st.integers(1, 6),
    steps=st.lists(st.tuples(st.floats(0, 30), st.floats(0, 5), st.booleans()), min_size=1, max_size=40),
)
def test_any_course_of_answers_keeps_the_promise(limit: int, steps: list[tuple[float, float, bool]]) -> None:
    """An independent count over simulated time: sent at any time, seen by the server at any time until its answer."""
    clock = Clock()
    limiter = Limiter(Allowance(requests=limit, window_s=60), 100, clock)
    seen: list[float] = []

    async def course() -> None:
        for pause, way, _late in steps:
            clock.now += pause
            if limiter._wait_s(0, 0) > 0:
                continue
            request = await limiter.enter()
            way = min(way, 1.0)
            clock.now += way
            seen.append(clock.now)
            limiter.answered(request)

    asyncio.run(course())
    for start in seen:
        assert sum(1 for at in seen if start <= at < start + 60) <= limit
