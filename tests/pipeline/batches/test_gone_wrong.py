"""Orders in batches that go wrong: lost, refused, expired, cancelled; nothing is paid twice or lost."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from fakes.batch_bench import COUNT, MODEL, Bench
from fakes.vendor_script import Fault
from ggt_studio.core.errors import StudioError
from ggt_studio.core.facts import Failed
from ggt_studio.core.words import CostBasis, Outcome, State
from ggt_studio.pipeline import batch_results
from ggt_studio.pipeline.retrying import retry_failed
from ggt_studio.providers.base import ProviderError
from ggt_studio.store import patches, runs
from ggt_studio.store.batch_jobs import BatchStage


async def test_parts_that_fail_are_told_apart_and_the_rest_is_kept(bench: Bench) -> None:
    bench.script.faults = deque([Fault.BLOCKED_IMAGE, Fault.UNAVAILABLE, None, Fault.UNDECODABLE])
    await bench.submit()
    collected = await bench.collect()
    assert (collected.made, collected.failed, collected.taken_back) == (1, 2, 1)
    states = [patch.state for patch in await bench.read(lambda p: patches.by_ids(p, [1, 2, 3, 4]))]
    assert states == [State.FAILED, State.OPEN, State.OPEN, State.FAILED]
    (blocked,), (broken,) = await bench.facts(1, Failed), await bench.facts(4, Failed)
    assert (blocked.outcome, broken.outcome) == (Outcome.SAFETY_BLOCK, Outcome.MALFORMED)
    entries = {entry.patch_id: entry for entry in await bench.read(runs.ledger)}
    assert (entries[4].cost_usd or 0.0) > 0, "made, and no image"
    assert (entries[2].cost_usd, entries[2].cost_basis) == (0.0, CostBasis.NOTHING)
    assert await bench.runnable() == [2, 3]
    assert await bench.healthy()
    await bench.read(lambda p: retry_failed(p, "again"))
    assert (await bench.submit()).items == 3, "the one that was not got to, and the two that failed"


@pytest.mark.parametrize(("vendor", "made"), [("google", 0), ("openai", 1)])
async def test_what_expired_is_taken_back_at_no_cost(bench: Bench, vendor: str, made: int) -> None:
    bench.script.batch_done = 1
    await bench.submit(vendor)
    collected = await bench.collect()
    assert (collected.made, collected.taken_back, collected.failed) == (made, COUNT - made, 0)
    (job,) = collected.jobs
    assert job.stage is (BatchStage.COLLECTED if made else BatchStage.TAKEN_BACK)
    assert "expired" in job.message
    assert await bench.runnable() == [1, 2, 3, 4]
    free = [entry for entry in await bench.read(runs.ledger) if entry.outcome == Outcome.CANCELLED]
    assert [entry.cost_usd for entry in free] == [0.0] * (COUNT - made)


async def test_a_cancelled_batch_keeps_what_was_done(bench: Bench) -> None:
    bench.script.hold_batches, bench.script.batch_done = True, 2
    (job,) = (await bench.submit("openai")).jobs
    assert (await batch_results.cancel(bench.session, job.name)).ended_at is None
    bench.script.hold_batches = False
    collected = await bench.collect()
    assert (collected.made, collected.taken_back) == (2, 2)
    assert bench.paid() == [1, 1]
    with pytest.raises(StudioError, match="has ended already"):
        await batch_results.cancel(bench.session, job.name)
    with pytest.raises(StudioError, match="no batch nothing"):
        await batch_results.cancel(bench.session, "nothing")


async def test_a_batch_that_its_vendor_lost_is_set_aside_only_when_asked(bench: Bench) -> None:
    (job,) = (await bench.submit()).jobs
    bench.vendors.batches.google.clear()
    collected = await bench.collect()
    assert collected.open == 1
    assert "Cancel the batch" in collected.jobs[0].message
    assert await bench.runnable() == [], "perhaps only the key is another"
    ended = await batch_results.cancel(bench.session, job.name)
    assert ended.stage is BatchStage.SET_ASIDE
    assert ended.cost_usd == pytest.approx(ended.estimated_usd), "booked: it may have been charged"
    (failed,) = await bench.facts(1, Failed)
    assert failed.outcome is Outcome.AMBIGUOUS
    assert await bench.healthy()


async def test_an_order_whose_answer_is_lost_is_adopted_by_its_name(bench: Bench) -> None:
    bench.script.order_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError, match="broke off"):
        await bench.submit()
    (job,) = await bench.jobs()
    assert job.stage is BatchStage.LEAVING
    assert (await bench.run()).ambiguous == 0, "what a batch holds is not ambiguous"
    bench.reopen()
    (job,) = await batch_results.refresh(bench.session)
    assert (job.stage, job.vendor_name) == (BatchStage.RUNNING, next(iter(bench.vendors.batches.google)))
    assert (await bench.collect()).made == COUNT
    assert len(bench.vendors.batches.google) == 1
    assert bench.paid() == [1] * COUNT


async def test_an_order_that_did_not_arrive_is_taken_back_once_that_is_certain(bench: Bench) -> None:
    bench.script.order_faults = deque([Fault.UNAVAILABLE])
    with pytest.raises(ProviderError, match="out of order"):
        await bench.submit()
    (job,) = await batch_results.refresh(bench.session)
    assert job.stage is BatchStage.LEAVING
    assert "does not list it yet" in job.message
    assert await bench.runnable() == []
    with pytest.raises(StudioError, match="not known yet"):
        await batch_results.cancel(bench.session, job.name)
    earlier = (datetime.now(UTC) - timedelta(seconds=batch_results.SETTLED_S + 1)).isoformat()
    await bench.read(lambda p: p.db.execute("UPDATE batch SET left_at = ?", (earlier,)))
    (job,) = await batch_results.refresh(bench.session)
    assert (job.stage, job.cost_usd) == (BatchStage.TAKEN_BACK, 0.0)
    assert await bench.runnable() == [1, 2, 3, 4]


@pytest.mark.parametrize("vendor", MODEL)
async def test_an_order_whose_account_is_not_at_hand_is_not_ordered_again(bench: Bench, vendor: str) -> None:
    bench.script.order_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError, match="broke off"):
        await bench.submit(vendor)
    earlier = (datetime.now(UTC) - timedelta(seconds=batch_results.SETTLED_S + 1)).isoformat()
    await bench.read(lambda p: p.db.execute("UPDATE batch SET left_at = ?", (earlier,)))
    # Another key: an account with neither jobs nor files.
    batches = bench.vendors.batches
    jobs, files = getattr(batches, vendor), batches.files
    setattr(batches, vendor, {})
    batches.files = {}
    (job,) = await batch_results.refresh(bench.session)
    assert job.stage is BatchStage.LEAVING
    assert "another account" in job.message
    assert await bench.runnable() == []
    setattr(batches, vendor, jobs)
    batches.files = files
    assert (await bench.collect()).made == COUNT, "with the first key it is found again"
    assert bench.paid() == [1] * COUNT


async def test_an_order_in_an_account_that_is_gone_is_set_aside_when_asked(bench: Bench) -> None:
    bench.script.order_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError, match="broke off"):
        await bench.submit()
    (job,) = await bench.jobs()
    bench.vendors.batches.google, bench.vendors.batches.files = {}, {}
    ended = await batch_results.cancel(bench.session, job.name)
    assert ended.stage is BatchStage.SET_ASIDE
    assert ended.cost_usd == pytest.approx(ended.estimated_usd)
    assert await bench.healthy()


@pytest.mark.parametrize(("where", "fault"), [("upload_faults", Fault.UNAVAILABLE), ("order_faults", Fault.BILLING)])
async def test_what_was_certainly_not_taken_is_taken_back_at_once(bench: Bench, where: str, fault: Fault) -> None:
    setattr(bench.script, where, deque([fault]))
    with pytest.raises(ProviderError):
        await bench.submit("openai")
    (job,) = await bench.jobs()
    assert (job.stage, job.cost_usd) == (BatchStage.TAKEN_BACK, 0.0)
    assert await bench.runnable() == [1, 2, 3, 4]
    assert list((bench.folder / "cache" / "batches").iterdir()) == []


async def test_results_that_could_not_be_fetched_are_fetched_the_next_time(bench: Bench) -> None:
    await bench.submit()
    bench.script.download_faults = deque([Fault.HALF])
    collected = await bench.collect()
    assert (collected.made, collected.open) == (0, 1)
    assert "could not be fetched" in collected.jobs[0].message
    assert (await bench.collect()).made == COUNT
    assert bench.paid() == [1] * COUNT
