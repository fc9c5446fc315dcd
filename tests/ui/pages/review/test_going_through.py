"""Going through pairs: order, filters, the list, and what comes in meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fakes.hands import until
from fakes.projects import add_patch, make_waiting, waiting_project
from fakes.reviewing import NONE, ShowPage, key, place, project_of, reviews, seen, settled, state
from ggt_studio.core.facts import Reopened
from ggt_studio.core.words import Category, Decision, RejectReason, State
from ggt_studio.store import patches
from ggt_studio.store.patches import append
from ggt_studio.store.project import Project
from ggt_studio.store.review import decide
from ggt_studio.ui.widgets.compare import Mode


async def test_zoom_centre_and_mode_stay_from_pair_to_pair(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    for pressed in (Qt.Key.Key_2, Qt.Key.Key_Plus, Qt.Key.Key_Plus, Qt.Key.Key_Plus, Qt.Key.Key_Up):
        key(pressed)
    camera = page.compare.canvas.camera
    assert not camera.fitted
    key(Qt.Key.Key_A)
    await seen(page, 2)
    key(Qt.Key.Key_Right)
    await seen(page, 3)
    assert (page.compare.canvas.camera, page.compare.mode) == (camera, Mode.SWIPE)
    await settled(page)


async def test_going_on_shows_the_next_pair_at_once(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 6))
    for patch_id in (1, 2, 3):
        await seen(page, patch_id)
        following = patch_id + 1
        await until(lambda wanted=following: page.front.pairs.get(wanted) is not None)
        key(Qt.Key.Key_J)
        assert page.compare.canvas.scene.hq is not None
        assert page.front.patch_id == following
    await settled(page)


async def test_arrows_and_letters_move_without_deciding_and_stop_at_the_ends(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 4))
    visited = []
    keys = (
        Qt.Key.Key_K,
        Qt.Key.Key_J,
        Qt.Key.Key_Right,
        Qt.Key.Key_End,
        Qt.Key.Key_J,
        Qt.Key.Key_Left,
        Qt.Key.Key_Home,
    )
    for pressed in keys:
        key(pressed)
        visited.append(page.front.patch_id)
    assert visited == [1, 2, 3, 4, 4, 3, 1]
    assert place(page) == "1 of 4"
    status = page.workspace.status
    assert status is not None
    assert status.count(state=State.WAITING) == 4
    await settled(page)


async def test_filters_narrow_the_list_and_rejected_pairs_can_be_decided_anew(
    tmp_path: Path, show_page: ShowPage
) -> None:
    folder = project_of(tmp_path / "p", 8)
    with Project.open(folder) as project:
        decide(project, 2, Decision.REJECT, reason=RejectReason.COLOUR)
    page = await show_page(folder)
    assert page.header.states.button(State.REJECTED).text() == "Rejected 1"
    QTest.mouseClick(page.header.states.button(State.REJECTED), Qt.MouseButton.LeftButton)
    await seen(page, 2)
    key(Qt.Key.Key_A)
    await until(lambda: "Accepted #2" in page.toast.message.text())
    assert await state(page, 2) is State.VERIFIED
    page.header.categories.setCurrentIndex(page.header.categories.findData(Category.GENERAL_MIXED))
    page.header.categories.activated.emit(page.header.categories.currentIndex())
    await until(lambda: not page.course.queue.ids.size)
    QTest.mouseClick(page.header.states.button(State.WAITING), Qt.MouseButton.LeftButton)
    await until(lambda: place(page) == "1 of 2")
    assert [int(i) for i in page.course.queue.ids] == [1, 7]
    await settled(page)


async def test_the_list_on_the_left_follows_and_leads(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 5))
    await seen(page, 1)
    film = page.sides.film
    assert film is not None
    key(Qt.Key.Key_J)
    assert film.current() == 1
    QTest.mouseClick(film.viewport(), Qt.MouseButton.LeftButton, NONE, film.cell_rect(2).center())
    assert page.front.patch_id == 3
    await seen(page, 3)
    key(Qt.Key.Key_A)
    await until(lambda: (item := film.source.item(2)) is not None and item.badge is not None)
    await until(lambda: film.source.item(2).badge.word == "Verified")
    await settled(page)


async def test_closing_and_opening_goes_on_where_it_stood(tmp_path: Path, show_page: ShowPage) -> None:
    folder = project_of(tmp_path / "p", 9)
    page = await show_page(folder)
    page.header.filter_chosen.emit(State.WAITING, Category.RAIN)
    await seen(page, 2)
    key(Qt.Key.Key_J)
    await seen(page, 8)
    key(Qt.Key.Key_2)
    key(Qt.Key.Key_I)
    page.deactivated()
    await page.workspace.close()
    again = await show_page(folder)
    await seen(again, 8)
    assert place(again) == "2 of 2"
    assert again.compare.mode is Mode.SWIPE
    assert not again.panel.isVisible()
    await settled(again)


async def test_a_person_who_passed_over_nothing_begins_at_the_first_pair(tmp_path: Path, show_page: ShowPage) -> None:
    folder = tmp_path / "p"
    with waiting_project(folder, 0) as project:
        for seed in range(4):
            add_patch(project, seed)
        make_waiting(project, 2, 2)
        make_waiting(project, 3, 3)
    page = await show_page(folder)
    await seen(page, 2)
    # A run goes on: what it finishes later than the pair in front comes after it, whatever its number.
    await page.workspace.query(lambda project: make_waiting(project, 1, 1))
    page.workspace.refresh()
    await until(lambda: len(page.course.queue.ids) == 3)
    assert place(page) == "1 of 3"
    page.deactivated()
    await page.workspace.close()
    again = await show_page(folder)
    await seen(again, 1)
    assert place(again) == "1 of 3"
    await settled(again)


def with_another_candidate(project: Project) -> str:
    append(project, 1, [Reopened("another recipe")])
    return make_waiting(project, 1, 70)


async def test_a_decision_about_a_candidate_that_gave_way_is_refused_and_the_new_one_is_shown(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    new = await page.workspace.query(with_another_candidate)
    key(Qt.Key.Key_A)
    await until(page.banner.isVisible)
    assert "#1 was not recorded" in page.banner.message.text()
    assert "another candidate" in page.banner.message.text()
    assert await reviews(page, 1) == []
    await until(lambda: page.front.patch_id == 1 and page.front.candidate_sha256 == new)
    await seen(page, 1)
    key(Qt.Key.Key_A)
    await until(lambda: "Accepted #1" in page.toast.message.text())
    assert [review.target_sha256 for review in await reviews(page, 1)] == [new]
    await settled(page)


async def test_a_new_candidate_of_the_pair_in_front_is_shown_while_a_run_goes_on_and_told(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    new = await page.workspace.query(with_another_candidate)
    page.workspace.work_changed.emit()  # the counts are as before: only the run tells
    await until(lambda: page.front.candidate_sha256 == new)
    assert page.front.patch_id == 1
    assert "#1 has another candidate now" in page.toast.message.text()
    assert page.front.shown_attempt == 1
    await seen(page, 1)
    key(Qt.Key.Key_A)
    await until(lambda: "Accepted #1" in page.toast.message.text())
    assert [review.target_sha256 for review in await reviews(page, 1)] == [new]
    await settled(page)


async def test_pairs_that_come_in_are_appended_and_the_one_in_front_stays(tmp_path: Path, show_page: ShowPage) -> None:
    folder = project_of(tmp_path / "p", 2)
    with Project.open(folder) as project:
        late = add_patch(project, 50)
    page = await show_page(folder)
    await seen(page, 1)
    key(Qt.Key.Key_J)
    await page.workspace.query(lambda project: make_waiting(project, late, 50))
    page.workspace.refresh()
    await until(lambda: place(page) == "2 of 3")
    assert page.front.patch_id == 2
    await settled(page)


async def test_the_categories_tell_how_many_pairs_they_hold_and_choosing_one_shows_them(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    combo, own = page.header.categories, page.front.pair.sheet.details.patch.category
    texts = {Category(word) if (word := combo.itemData(i)) else None: combo.itemText(i) for i in range(combo.count())}
    holding = await page.workspace.query(lambda project: patches.patch(project, 1))
    assert holding.category is own
    status = page.workspace.status
    assert status is not None
    for category, text in texts.items():
        assert text.endswith(f"· {status.count(state=State.WAITING, category=category)}")
    assert status.count(state=State.WAITING, category=own)
    combo.showPopup()
    await until(combo.view().isVisible)
    await asyncio.sleep(QApplication.doubleClickInterval() / 1000)  # a popup takes no click that opened it
    row = combo.findData(own)
    place_of_row = combo.view().visualRect(combo.model().index(row, 0)).center()
    QTest.mouseMove(combo.view().viewport(), place_of_row)
    QTest.mouseClick(combo.view().viewport(), Qt.MouseButton.LeftButton, NONE, place_of_row)
    await until(lambda: page.course.queue.place.category is own)
    await until(lambda: page.course.queue.complete)
    shown = status.count(state=State.WAITING, category=own)
    assert page.header.states.button(State.WAITING).text().endswith(f" {shown}")
    await seen(page, 1)
    await settled(page)
