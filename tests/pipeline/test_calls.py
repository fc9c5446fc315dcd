"""Paid calls over real HTTP: sent again only where nothing was charged, each request with its row, within limits and budget."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.hosted_run import PRICE_USD, HostedRun
from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Failed, Generated
from ggt_studio.core.words import CostBasis, Outcome, State
from ggt_studio.pipeline.patience import Patience
from ggt_studio.pipeline.progress import Progress
from ggt_studio.pipeline.retrying import retry_failed
from ggt_studio.providers.base import Allowance, ProviderError
from ggt_studio.store import patches

QUICK = Patience(first_s=0.01, longest_s=0.05)
COUNT = 6


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        server.script.echo = True
        yield server


@pytest.fixture
def hosted(
    vendors: VendorServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., HostedRun]]:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path / "home"))
    made: list[HostedRun] = []

    def make(count: int = COUNT, name: str = "p", environment: dict[str, str] | None = None, **info: Any) -> HostedRun:
        made.append(HostedRun(tmp_path / name, environment or vendors.environment(), count, **info))
        return made[-1]

    yield make
    for run in made:
        run.close()


async def outcomes(run: HostedRun) -> Counter[str]:
    return Counter(str(entry.outcome) for entry in await run.paid())


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(Fault.RATE, Outcome.QUOTA), (Fault.SERVER, Outcome.NETWORK), (Fault.UNAVAILABLE, Outcome.NETWORK)],
)
async def test_what_a_server_did_not_take_is_sent_again_with_a_row_for_each_request(
    hosted: Callable[..., HostedRun], vendors: VendorServer, fault: Fault, outcome: Outcome
) -> None:
    vendors.script.faults.extend([fault, None, fault, None, fault])
    vendors.script.retry_after_s = 0.05
    run = hosted()
    report = await run.run(patience=QUICK)
    assert (report.waiting, report.failed, report.attempts) == (COUNT, 0, COUNT)
    entries = await run.paid()
    assert len(entries) == len(vendors.requests) == COUNT + 3
    assert await outcomes(run) == {"ok": COUNT, str(outcome): 3}
    assert sum(vendors.script.bills.values()) == COUNT
    refused = [entry for entry in entries if entry.outcome == outcome]
    assert {(e.cost_usd, e.cost_basis) for e in refused} == {(0.0, CostBasis.NOTHING)}
    assert report.outcomes == {**dict.fromkeys(Outcome, 0), Outcome.OK: 2 * COUNT, outcome: 3}
    attempts = [f.attempt for n in range(1, COUNT + 1) for f in await run.facts(n) if isinstance(f, Generated)]
    assert attempts == [1] * COUNT, "no quality attempt is used up"


async def test_six_times_and_then_the_last_error_stands(
    hosted: Callable[..., HostedRun], vendors: VendorServer
) -> None:
    vendors.script.always = Fault.UNAVAILABLE
    run = hosted(1)
    report = await run.run(patience=QUICK)
    assert (report.failed, report.cost_usd) == (1, 0.0)
    assert len(vendors.requests) == 7
    failed = (await run.facts(1))[-1]
    assert isinstance(failed, Failed)
    assert failed.outcome is Outcome.NETWORK
    vendors.script.always = None
    assert (await run.run()).patches == 0, "a failure waits for a person"
    assert await run.store.call(lambda p: retry_failed(p, "asked", outcomes=[Outcome.QUOTA])) == 0
    assert await run.store.call(lambda p: retry_failed(p, "asked", outcomes=[Outcome.NETWORK])) == 1
    assert (await run.run()).waiting == 1


async def test_without_a_connection_it_is_tried_again(hosted: Callable[..., HostedRun], vendors: VendorServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        run = hosted(1, environment={**vendors.environment(), "GOOGLE_GEMINI_BASE_URL": nowhere})
        report = await run.run(patience=replace(QUICK, tries=2))
    assert report.failed == 1
    assert await outcomes(run) == {"network": 3}
    assert report.cost_usd == 0.0


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.HALF, Outcome.NETWORK),
        (Fault.GATEWAY, Outcome.NETWORK),
        (Fault.BROKEN_JSON, Outcome.MALFORMED),
        (Fault.WRONG_TYPE, Outcome.MALFORMED),
        (Fault.UNDECODABLE, Outcome.MALFORMED),
        (Fault.NO_IMAGE, Outcome.NO_IMAGE),
        (Fault.BLOCKED_PROMPT, Outcome.SAFETY_BLOCK),
    ],
)
async def test_what_may_have_been_charged_is_never_sent_again_by_itself(
    hosted: Callable[..., HostedRun], vendors: VendorServer, fault: Fault, outcome: Outcome
) -> None:
    vendors.script.always = fault
    run = hosted(2)
    report = await run.run(patience=QUICK)
    assert (report.failed, report.outcomes[outcome]) == (2, 2)
    assert len(vendors.requests) == 2
    vendors.script.always = None
    assert (await run.run(patience=QUICK)).patches == 0
    assert len(vendors.requests) == 2


async def test_an_error_and_the_end_of_its_call_go_on_record_together(
    hosted: Callable[..., HostedRun], vendors: VendorServer
) -> None:
    """Whatever is committed at any moment: no call that may be charged has ended without its patch having failed."""
    vendors.script.always = Fault.HALF
    run = hosted(20, concurrency=4)
    seen: list[tuple[int, int]] = []

    async def watch() -> None:
        while True:
            seen.append(await run.store.call(_ended_and_failed))
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await run.run(patience=QUICK)
    watching.cancel()
    assert len({ended for ended, _ in seen}) > 2
    assert all(ended == failed for ended, failed in seen)


def _ended_and_failed(project: Any) -> tuple[int, int]:
    return project.db.execute(
        "SELECT (SELECT count(*) FROM ledger WHERE outcome = 'network'), (SELECT count(*) FROM fact WHERE kind = 'failed')"
    ).fetchone()


async def test_the_servers_delay_is_waited_out_and_told(
    hosted: Callable[..., HostedRun], vendors: VendorServer
) -> None:
    vendors.script.faults.append(Fault.RATE)
    vendors.script.retry_after_s = 2.0
    seen: list[Progress] = []
    run = hosted(1)
    began = time.monotonic()
    report = await run.run(patience=QUICK, on_progress=seen.append)
    assert report.waiting == 1
    assert time.monotonic() - began >= 2.0
    assert any(0 < progress.waiting_s <= 2.0 for progress in seen)
    assert seen[-1].outcomes[Outcome.QUOTA] == 1


async def test_a_stop_ends_the_waiting_at_once_and_costs_nothing(
    hosted: Callable[..., HostedRun], vendors: VendorServer
) -> None:
    vendors.script.always = Fault.UNAVAILABLE
    run = hosted(2)
    engine = run.engine(patience=Patience(first_s=60.0))
    task = asyncio.create_task(engine.run())
    while len(ended := await run.paid()) < 2 or any(entry.outcome is None for entry in ended):
        await asyncio.sleep(0.01)
    began = time.monotonic()
    engine.stop()
    report = await asyncio.wait_for(task, 5)
    assert time.monotonic() - began < 1
    assert (report.ended, report.cost_usd) == ("stopped", 0.0)
    states = {(await run.store.call(lambda p, n=n: patches.patch(p, n))).state for n in (1, 2)}
    assert states == {State.OPEN}


async def test_while_paused_nothing_is_sent_again(hosted: Callable[..., HostedRun], vendors: VendorServer) -> None:
    vendors.script.always = Fault.UNAVAILABLE
    run = hosted(1)
    engine = run.engine(patience=Patience(first_s=0.1))
    task = asyncio.create_task(engine.run())
    while not vendors.requests:
        await asyncio.sleep(0.01)
    engine.pause()
    await asyncio.sleep(0.6)
    assert len(vendors.requests) <= 2
    vendors.script.always = None
    engine.resume()
    assert (await task).waiting == 1


@pytest.mark.parametrize("calls", [0, 1, 7, 20])
async def test_the_bill_never_passes_the_budget_with_many_in_flight(
    hosted: Callable[..., HostedRun], vendors: VendorServer, calls: int
) -> None:
    vendors.script.latency_s = 0.05
    run = hosted(100, concurrency=64)
    assert run.generator.info.most_usd is not None
    cap = calls * PRICE_USD + run.generator.info.most_usd - 0.0001
    if not calls:
        cap = 0.05
    report = await run.run(budget_usd=cap)
    billed = sum(vendors.script.bills.values())
    assert billed * PRICE_USD <= cap
    assert billed == calls, "as many as the cap allows for certain"
    assert (report.ended, report.failed) == ("halted", 0)
    assert f"budget of ${cap:.2f}" in report.message
    assert report.cost_usd == pytest.approx(billed * PRICE_USD)
    assert report.waiting == billed
    counted = await run.store.call(lambda p: len(patches.ids(p, patches.Filter(state=State.OPEN))))
    assert counted == 100 - billed, "the others stay open"
    assert (await run.run()).ended == "done"


async def test_what_may_have_been_charged_counts_at_the_most_it_can_cost(
    hosted: Callable[..., HostedRun], vendors: VendorServer
) -> None:
    vendors.script.always = Fault.HALF
    run = hosted(30, concurrency=8)
    cap = 0.5
    report = await run.run(budget_usd=cap)
    assert report.ended == "halted"
    assert 0 < sum(vendors.script.bills.values()) * PRICE_USD <= cap


async def test_a_budget_needs_a_price(hosted: Callable[..., HostedRun], vendors: VendorServer) -> None:
    run = hosted(1, price_known=False, price_usd=0.0)
    with pytest.raises(StudioError, match=r"models\.toml.*nano-banana-2.*per_image"):
        await run.run(budget_usd=1.0)
    assert vendors.requests == []
    assert (await run.run()).waiting == 1


async def test_what_was_reported_is_on_record(hosted: Callable[..., HostedRun]) -> None:
    run = hosted(1)
    await run.run()
    (entry,) = await run.paid()
    assert (entry.input_tokens, entry.output_tokens, entry.image_tokens, entry.images) == (1140, 100, 1120, 1)
    assert (entry.cost_basis, entry.quota) == (CostBasis.TOKENS, "google/gemini-3.1-flash-image")
    assert entry.cost_usd == pytest.approx(PRICE_USD)


async def test_no_window_of_the_server_sees_more_than_its_quota_also_after_a_restart(
    hosted: Callable[..., HostedRun], vendors: VendorServer
) -> None:
    vendors.script.quota, vendors.script.window_s = 8, 1.0
    allowance = Allowance(requests=8, window_s=1.0)
    first = hosted(30, concurrency=6, allowance=allowance)
    engine = first.engine()
    task = asyncio.create_task(engine.run())
    while len(vendors.requests) < 12:
        await asyncio.sleep(0.01)
    engine.stop()
    await task
    first.close()
    again = hosted(30, concurrency=6, allowance=allowance)
    report = await again.run()
    assert vendors.script.rejected == 0
    assert report.outcomes[Outcome.QUOTA] == 0
    assert len(vendors.requests) >= 24


async def test_lanes_of_one_service_and_model_share_their_limits(hosted: Callable[..., HostedRun]) -> None:
    """A judge and a prompt writer of one model are in flight together no oftener than the model allows."""
    run = hosted(8)
    at_once = most = 0

    async def slow(request: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1
        return await answers[type(request).__name__](request)

    answers = {"JudgeRequest": run.judge.judge, "PromptRequest": run.prompts.write}
    run.judge.judge, run.prompts.write = slow, slow  # type: ignore[method-assign]
    run.judge.info = replace(run.judge.info, quota="mine/reader", concurrency=2)
    run.prompts.info = replace(run.prompts.info, quota="mine/reader", concurrency=2, model="reader")
    run.registry.judges["scripted"], run.registry.prompt_writers["scripted"] = run.judge, run.prompts
    assert (await run.run()).waiting == 8
    assert most == 2


def test_patience_ends() -> None:
    patience = Patience()
    delays = [patience.delay_s(0.0, tried, 0.0) for tried in range(7)]
    assert delays[-1] is None
    assert all(2**tried / 2 <= delay <= 2**tried for tried, delay in enumerate(delays[:-1]) if delay is not None)
    assert patience.delay_s(30.0, 0, 0.0) == 30.0, "the server's word counts"
    assert patience.delay_s(30.0, 0, 580.0) is None, "ten minutes in all"
    assert patience.delay_s(None, 0, 0.0) is None
    assert ProviderError(Outcome.NETWORK, "").again_after_s is None
