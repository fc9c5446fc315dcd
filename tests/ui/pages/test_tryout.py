"""The try-out as people use it: two recipes on a few patches, side by side, one of them chosen, a result adopted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest_asyncio
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from fakes.hands import click, until
from fakes.projects import add_patch
from fakes.providers import ScriptedGenerator, ScriptedJudge, blurred
from ggt_studio.core.words import Category, State
from ggt_studio.store import named_recipes, patches, runs, tryouts
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.generate import GeneratePage
from ggt_studio.ui.pages.tryout import TryoutView

CHEAP = Choice("scripted", "fix", "scripted", "none")
DEAR = Choice("other", "fix-nc", "scripted", "none")
ShowView = Callable[..., Awaitable[tuple[GeneratePage, TryoutView]]]


@pytest_asyncio.fixture
async def show_view(open_workspace, tmp_path: Path) -> AsyncIterator[ShowView]:
    """The try-out over a project of five patches with two named recipes, come to by the button on the generate page."""
    pages: list[GeneratePage] = []

    async def show(*, delay_s: float = 0.0) -> tuple[GeneratePage, TryoutView]:
        folder = tmp_path / "p"
        with Project.create(folder) as project:
            for seed in range(5):
                add_patch(project, seed, category=list(Category)[seed])
            named_recipes.save(project, "Cheap", CHEAP)
            named_recipes.save(project, "Dear", DEAR)
        workspace = await open_workspace(folder)
        registry = workspace.session.registry
        registry.generators["scripted"] = ScriptedGenerator(paid=True, price_usd=0.04, delay_s=delay_s)
        other = ScriptedGenerator(lambda r: blurred(replace(r, seed=r.seed + 3)), paid=True, price_usd=0.10)
        other.info = replace(other.info, id="other", label="Other generator")
        registry.generators["other"] = other
        registry.judges["scripted"] = ScriptedJudge()
        page = GeneratePage(workspace)
        pages.append(page)
        page.resize(1280, 860)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: len(page.recipes.named) == 2 and workspace.offers.readiness is not None)
        click(page.header.tryout_button)
        view = page.views.tryout
        assert view is not None
        await until(lambda: len(view.setup.patches) == 4)
        for key, box in view.setup.boxes.items():
            if box.isChecked() is (key not in ("Cheap", "Dear")):
                click(box)
        return page, view

    yield show
    for page in pages:
        page.close()


async def test_two_recipes_side_by_side_and_the_better_one_becomes_the_recipe(show_view):
    page, view = await show_view()
    # 1.6 attempts are assumed for each of four patches.
    await until(lambda: view.primary.text() == "Try 4 patches with 2 recipes · about $0.90")
    click(view.primary)
    await until(lambda: view._trying.report is not None, 60)
    assert view.sentence.text() == "Done: 8 of 8 results passed, $0.56 spent."
    await until(lambda: len(view.cards) == 2 and view.cards[1].badge.badge.word == "Passed")
    assert [card.name.text() for card in view.cards] == ["Cheap", "Dear"]
    assert view.cards[0].cost.text() == "1 attempt · $0.04"
    assert "Objects kept 95" in view.cards[0].verdict.text()
    await until(lambda: view.cards[1].total.text() == "All patches: 4 of 4 passed · mean score 95 · $0.40")
    await until(lambda: all(canvas.image_size() == (160, 160) for canvas in view.panes.canvases[:3]))
    status = page.workspace.status
    assert status is not None
    assert status.count(state=State.OPEN) == 5, "no patch has changed its state"

    click(view.cards[1].use)
    assert not view.isVisible()
    assert page.panel.recipe == DEAR
    assert page.panel.names.name == "Dear"
    assert page.toast.message.text() == "The next run uses Dear"


async def test_zoom_and_pan_are_locked_and_kept_from_patch_to_patch(show_view):
    _, view = await show_view()
    click(view.primary)
    await until(lambda: view._trying.report is not None and view.panes.canvases[2].image_size(), 60)
    first, second, third = view.panes.canvases[:3]
    first.setFocus()
    for _ in range(4):
        QTest.keyClick(first, Qt.Key.Key_Plus)
    assert first.zoom() == second.zoom() == third.zoom() > 1
    QTest.mousePress(third, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    QTest.mouseMove(third, QPoint(60, 80))
    QTest.mouseRelease(third, Qt.MouseButton.LeftButton, pos=QPoint(60, 80))
    assert first.camera == second.camera == third.camera
    kept = first.camera
    QTest.keyClick(view, Qt.Key.Key_PageDown)
    assert view.film.index == 1
    await asyncio.sleep(0.2)
    assert view.panes.canvases[1].camera == kept
    assert first.image_point(QPointF(10, 10)) == third.image_point(QPointF(10, 10))


async def test_a_result_is_adopted_and_waits_for_review_without_another_call(show_view):
    page, view = await show_view()
    click(view.primary)
    await until(lambda: view._trying.report is not None and view.cards[0].adopt.isVisible(), 60)
    calls = len(await page.workspace.query(runs.ledger))
    patch_id = view.film.patches[0].id
    click(view.cards[1].adopt)
    await until(lambda: view.cards[1].adopt.text() == "Adopted")
    assert view.cards[0].adopt.isEnabled(), "another one may still take its place"
    patch = await page.workspace.query(lambda project: patches.patch(project, patch_id))
    assert patch.state is State.WAITING
    assert len(await page.workspace.query(runs.ledger)) == calls


async def test_stopping_and_what_was_tried_last_is_there_again(show_view):
    page, view = await show_view(delay_s=20)
    click(view.primary)
    await until(lambda: view.strip.isVisible() and page.workspace.trying.running)
    assert not view.setup.isEnabled()
    await until(lambda: page.workspace.session.registry.generators["scripted"].requests)
    click(view.strip.stop_button)
    await until(lambda: not page.workspace.trying.running)
    await until(lambda: view.sentence.text().startswith("Stopped"))
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not view.isVisible()
    assert len(await page.workspace.query(tryouts.ids)) == 1
    again = TryoutView(page.workspace, page.recipes)
    again.open(CHEAP)
    await until(lambda: [card.name.text() for card in again.cards] == ["Cheap", "Dear"])
    assert [patch.id for patch in again.film.patches] == [patch.id for patch in view.film.patches]
    again.close()


async def test_a_run_and_a_try_out_never_go_on_at_once(show_view):
    page, view = await show_view(delay_s=20)
    click(view.primary)
    await until(lambda: page.workspace.trying.running)
    page.workspace.start_run(page.panel.choice)
    assert not page.workspace.running
    page.workspace.trying.stop()
    await until(lambda: not page.workspace.trying.running)


async def test_patches_selected_elsewhere_are_the_ones_to_try(show_view):
    page, view = await show_view()
    QTest.keyClick(view, Qt.Key.Key_Escape)
    page.workspace.trying.wanted = [5, 2]
    page.activated()
    await until(view.isVisible)
    await until(lambda: [patch.id for patch in view.film.patches] == [5, 2])
    assert view.setup.count.value() == 2
    await until(lambda: view.primary.text().startswith("Try 2 patches"))
