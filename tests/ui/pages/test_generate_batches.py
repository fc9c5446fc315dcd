"""Batches in the window: ordered, listed, collected, judged and cancelled by hand; real HTTP to a fake vendor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from fakes.generate_pages import ShowPage, generate_pages
from fakes.hands import click, type_over, until
from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from ggt_studio.store import runs
from ggt_studio.store.batch_jobs import BatchStage, batch_jobs, set_leaving
from ggt_studio.ui.pages.generate import GeneratePage

PRICE_USD = 0.034


@pytest.fixture
def vendors(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """The vendors are at 127.0.0.1, and take the keys of the environment."""
    with VendorServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest_asyncio.fixture
async def show_page(open_workspace, qapp) -> AsyncIterator[ShowPage]:
    quits = qapp.quitOnLastWindowClosed()
    qapp.setQuitOnLastWindowClosed(False)  # as the program does
    async with generate_pages(open_workspace, side=64) as show:
        yield show
    qapp.setQuitOnLastWindowClosed(quits)


def choose(page: GeneratePage, generator: str, *, in_batch: bool = True) -> None:
    combo = page.panel.generator.combo
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    while page.panel.generator.value != generator:
        before = combo.currentIndex()
        QTest.keyClick(combo, Qt.Key.Key_Down)
        assert combo.currentIndex() != before, f"{generator} cannot be chosen"
    click(page.panel.metric_gate.button("none"))
    if in_batch:
        click(page.panel.timing.choice.button(True))


async def order(page: GeneratePage, patches: int) -> None:
    await until(lambda: page.primary.text().startswith(f"Order {patches} patch") and page.primary.isEnabled())
    click(page.primary)
    await until(lambda: page.body.batches.report.text().startswith("Ordered:"))
    await until(lambda: page.body.batches.rows)


async def test_only_where_the_vendor_takes_batches_can_one_be_chosen(vendors, show_page, tmp_path):
    page = await show_page(tmp_path / "p")
    assert not page.panel.timing.isVisible(), "classical means take no batches"
    choose(page, "kling-image-o1", in_batch=False)
    assert not page.panel.timing.isVisible()
    choose(page, "nano-banana-2", in_batch=False)
    assert page.panel.timing.isVisible()
    assert "$0.034 instead of $0.067 per image" in page.panel.timing.words.text()
    await until(lambda: page.primary.text().startswith("Run 3 patches"))
    click(page.panel.timing.choice.button(True))
    await until(lambda: page.primary.text().startswith("Order 3 patches · about $0.10, at most $0.1"))
    choose(page, "classical", in_batch=False)
    assert not page.panel.choice.in_batch
    again = GeneratePage(page.workspace)
    await until(lambda: again.panel.generator.value == "classical")
    again.close()


async def test_from_the_order_by_way_of_a_restart_to_judged_candidates(vendors, show_page, open_workspace, tmp_path):
    vendors.script.hold_batches = True
    page = await show_page(tmp_path / "p")
    choose(page, "gpt-image-2")
    await order(page, 3)
    assert "3 candidates in a batch" in page.body.batches.report.text()
    (row,) = page.body.batches.rows.values()
    assert row.title.text() == "GPT Image 2 · 3 patches"
    assert row.facts.text().startswith("at most $")
    # Nothing but collecting is left to do, and it is said why.
    await until(lambda: page.primary.text() == "Collect")
    assert "3 patches wait in batches" in page.sentence.text()
    assert "Runs leave them alone" in page.body.batches.about.text()
    click(page.primary)
    await until(lambda: page.body.batches.report.text() == "1 batch is not done yet.")
    await until(lambda: row.state.text() == "Running, 0 of 3 done.")
    await page.workspace.close()
    page.close()

    vendors.script.hold_batches = False
    page = await show_page(tmp_path / "p", patches=0)
    await until(lambda: page.body.batches.rows)
    await until(lambda: page.primary.text() == "Collect")
    assert not page.body.batches.collect_button.isVisible(), "once is enough"
    click(page.primary)
    await until(lambda: page.body.batches.report.text().startswith("Collected: 3 candidates, $"))
    await until(lambda: not page.body.batches.rows)
    assert len(vendors.script.bill) == 3
    assert page.panel.choice.in_batch, "the choice is remembered"
    await until(lambda: page.primary.text().startswith("Measure and judge 3 patches") and page.primary.isEnabled())
    click(page.panel.timing.choice.button(False))
    await until(lambda: page.primary.text().startswith("Run 3 patches"))
    assert page.body.batches.judge_button.text() == "Measure and judge 3"
    await until(page.body.batches.judge_button.isEnabled)
    click(page.body.batches.judge_button)
    await until(lambda: page.summary.text().startswith("Done: 3 patches"), 60)
    assert len(vendors.script.bill) == 3, "no further candidate was made"
    await until(lambda: page.workspace.batching.unjudged == 0)


async def test_an_order_that_was_cut_off_is_adopted_and_not_paid_for_again(vendors, show_page, tmp_path):
    vendors.script.hold_batches = True
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    await order(page, 3)
    store = page.workspace.session.store
    (job,) = await store.call(batch_jobs)
    # As the record stands when the program ends before the answer to the order is here.
    file = next(iter(vendors.batches.google.values())).file
    await store.call(lambda project: set_leaving(project, job.name, file))
    await page.workspace.close()
    page.close()

    page = await show_page(tmp_path / "p", patches=0)
    await until(lambda: page.body.batches.rows)
    assert "Whether the order arrived is not known" in page.body.batches.rows[job.name].state.text()
    vendors.script.hold_batches = False
    await until(lambda: page.primary.text() == "Collect")
    click(page.primary)
    await until(lambda: page.body.batches.report.text().startswith("Collected: 3 candidates"))
    assert len(vendors.batches.google) == 1
    assert len(vendors.script.bill) == 3


async def test_a_batch_is_cancelled_after_a_second_press(vendors, show_page, tmp_path):
    vendors.script.hold_batches, vendors.script.batch_done = True, 0
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    await order(page, 3)
    (row,) = page.body.batches.rows.values()
    click(row.cancel)
    assert "What is done by now is charged" in row.question.text()
    click(row.no)
    assert not row.question.isVisible()
    (job,) = vendors.batches.google.values()
    assert not job.cancelling
    click(row.cancel)
    click(row.yes)
    await until(lambda: "end is asked for" in page.body.batches.report.text())
    assert job.cancelling
    vendors.script.hold_batches = False
    await until(lambda: page.primary.isEnabled() and page.primary.text() == "Collect")
    click(page.primary)
    await until(lambda: "3 patches were taken back at no cost" in page.body.batches.report.text())
    await until(lambda: page.primary.text().startswith("Order 3 patches"))


async def test_the_budget_is_kept_and_said_before(vendors, show_page, tmp_path):
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    type_over(page.panel.budget.amount, "0.01")
    QTest.keyClick(page.panel.budget.amount, Qt.Key.Key_Return)
    await until(lambda: "does not allow a single candidate" in page.sentence.text())
    assert not page.primary.isEnabled()
    type_over(page.panel.budget.amount, "0.13")
    QTest.keyClick(page.panel.budget.amount, Qt.Key.Key_Return)
    vendors.script.hold_batches = True
    await order(page, 2)
    assert "Ordered: 2 candidates" in page.body.batches.report.text()
    assert "The budget of $0.13 allows no further call" in page.banner.message.text()
    await until(lambda: page.primary.text().startswith("Order 1 patch"))
    # Beside an order that is possible, collecting is offered with the batches.
    assert page.body.batches.collect_button.isVisible()
    vendors.script.hold_batches = False
    await until(page.body.batches.collect_button.isEnabled)
    click(page.body.batches.collect_button)
    await until(lambda: page.body.batches.report.text().startswith("Collected: 2 candidates"))


async def test_what_the_vendor_refuses_is_told_and_the_patches_stay_open(vendors, show_page, tmp_path):
    vendors.script.order_faults.append(Fault.BILLING)
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    await until(lambda: page.primary.text().startswith("Order 3 patches"))
    click(page.primary)
    await until(page.banner.isVisible)
    assert page.banner.message.text()
    await until(lambda: page.primary.text().startswith("Order 3 patches") and page.primary.isEnabled())
    assert not page.body.batches.rows
    assert vendors.script.bill == []


async def test_an_order_is_stopped_while_it_is_uploaded_and_nothing_else_may_begin_meanwhile(
    vendors, show_page, tmp_path
):
    vendors.script.upload_faults.append(Fault.HANG)
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    await until(lambda: page.primary.text().startswith("Order 3 patches") and page.primary.isEnabled())
    click(page.primary)
    await until(lambda: page.strip.isVisible() and page.strip.doing.text() == "Sending the order …")
    assert not page.strip.pause_button.isVisible()
    assert not page.primary.isVisible()
    page.workspace.start_run(page.panel.choice)
    assert not page.workspace.running, "a run would settle what the order has under way"
    store = page.workspace.session.store
    while not (await store.call(batch_jobs)):
        await until(lambda: True)
    click(page.strip.stop_button)
    await until(lambda: page.primary.isVisible() and page.primary.text().startswith("Order 3 patches"))
    (job,) = await store.call(batch_jobs)
    assert (job.stage, job.cost_usd) == (BatchStage.TAKEN_BACK, 0.0)
    assert all(entry.cost_usd == 0.0 for entry in await store.call(runs.ledger))


async def test_no_order_begins_beside_other_paid_work(vendors, show_page, tmp_path):
    page = await show_page(tmp_path / "p")
    choose(page, "nano-banana-2")
    workspace = page.workspace
    workspace.writing_prompts = True
    asked = len(vendors.requests)
    workspace.batching.order(page.panel.choice)
    assert not workspace.batching.doing
    assert len(vendors.requests) == asked
