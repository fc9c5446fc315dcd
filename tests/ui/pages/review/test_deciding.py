"""Deciding about pairs: what keys record, undo and redo, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fakes.hands import until
from fakes.reviewing import CTRL, SHIFT, ShowPage, key, place, project_of, reviews, seen, settled, state
from ggt_studio.core.facts import Reopened
from ggt_studio.core.words import Category, Decision, RejectReason, State
from ggt_studio.store.patches import append
from ggt_studio.store.review import decide
from ggt_studio.ui.pages.review.commands import Command
from ggt_studio.ui.widgets.compare import Mode


async def test_accepting_moves_on_and_is_recorded_with_the_candidate_that_was_seen(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    candidate = page.front.pair.sheet.details.patch.hq_sha256
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 2
    await until(lambda: "Accepted #1" in page.toast.message.text())
    assert await state(page, 1) is State.VERIFIED
    review = (await reviews(page, 1))[0]
    assert (review.decision, review.target_sha256) == (Decision.ACCEPT, candidate)
    assert review.reviewer
    assert place(page) == "2 of 3"
    await settled(page)


async def test_rejecting_asks_why_in_place_and_records_reason_and_words(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    key(Qt.Key.Key_X)
    assert page.strip.isVisible()
    key(Qt.Key.Key_3)
    page.strip.words.setFocus()
    QTest.keyClicks(page.strip.words, "a third hand")
    key(Qt.Key.Key_Return)
    await until(lambda: "Rejected #1" in page.toast.message.text())
    review = (await reviews(page, 1))[0]
    assert (review.reason, review.words) == (RejectReason.INVENTED_CONTENT, "a third hand")
    assert page.front.patch_id == 2
    assert page.compare.canvas.hasFocus()
    await settled(page)


async def test_while_the_reason_is_asked_digits_are_reasons_and_no_key_decides_anything_else(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    key(Qt.Key.Key_R)
    for pressed in (Qt.Key.Key_2, Qt.Key.Key_A, Qt.Key.Key_J, Qt.Key.Key_Z):
        key(pressed)
    page.compare.canvas.setFocus()
    for pressed in (Qt.Key.Key_4, Qt.Key.Key_A, Qt.Key.Key_Right):
        key(pressed)
    assert page.strip.reason is RejectReason.COLOUR
    assert page.compare.mode is Mode.SIDE_BY_SIDE
    key(Qt.Key.Key_Escape)
    assert not page.strip.isVisible()
    assert page.front.patch_id == 1
    assert not await reviews(page, 1)
    await settled(page)


async def test_a_reason_is_needed_and_words_alone_are_one(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 2))
    await seen(page, 1)
    key(Qt.Key.Key_R)
    key(Qt.Key.Key_Return)
    assert page.strip.isVisible()
    page.strip.words.setFocus()
    QTest.keyClicks(page.strip.words, "6 fingers")
    key(Qt.Key.Key_Return)
    await until(lambda: "Rejected #1" in page.toast.message.text())
    assert ((await reviews(page, 1))[0].reason, (await reviews(page, 1))[0].words) == (RejectReason.OTHER, "6 fingers")
    await settled(page)


async def test_words_typed_while_the_reason_is_asked_are_its_words(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 4))
    for patch_id, keys, reason, words in (
        (1, "Jaw is new, 2 of them", RejectReason.OTHER, "Jaw is new, 2 of them"),
        (2, "3accent", RejectReason.INVENTED_CONTENT, "accent"),
        (3, "4\tx 5", RejectReason.COLOUR, "x 5"),
    ):
        await seen(page, patch_id)
        key(Qt.Key.Key_R)
        for letter in keys:
            if letter == "\t":
                key(Qt.Key.Key_Tab)
                assert page.strip.words.hasFocus()
            else:
                QTest.keyClicks(QApplication.focusWidget(), letter)
        key(Qt.Key.Key_Return)
        await until(lambda patch_id=patch_id: f"Rejected #{patch_id}" in page.toast.message.text())
        review = (await reviews(page, patch_id))[0]
        assert (review.reason, review.words) == (reason, words)
    assert await state(page, 4) is State.WAITING
    await settled(page)


async def test_undo_and_redo_jump_to_the_pair_concerned(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 4))
    for patch_id in (1, 2):
        await seen(page, patch_id)
        key(Qt.Key.Key_A)
    await seen(page, 3)
    key(Qt.Key.Key_Z)
    await until(lambda: page.front.patch_id == 2)
    assert await state(page, 2) is State.WAITING
    key(Qt.Key.Key_Z, CTRL)
    await until(lambda: page.front.patch_id == 1)
    key(Qt.Key.Key_Z, CTRL | SHIFT)
    await until(lambda: page.header.buttons[Command.UNDO].isEnabled())
    assert (await state(page, 1), page.front.patch_id) == (State.VERIFIED, 1)
    key(Qt.Key.Key_Y, CTRL)
    await until(lambda: page.front.patch_id == 2)
    assert await state(page, 2) is State.VERIFIED
    await settled(page)


async def test_undo_reaches_back_past_closing_the_project_and_never_to_somebody_elses_decision(
    tmp_path: Path, show_page: ShowPage
) -> None:
    folder = project_of(tmp_path / "p", 5)
    page = await show_page(folder)
    for patch_id in (1, 2):
        await seen(page, patch_id)
        key(Qt.Key.Key_A)
    await until(lambda: not page.course.decisions.pending)
    await page.workspace.query(lambda project: decide(project, 5, Decision.ACCEPT, reviewer="somebody else"))
    page.deactivated()
    await page.workspace.close()
    again = await show_page(folder)
    await seen(again, 3)
    undo, redo = again.header.buttons[Command.UNDO], again.header.buttons[Command.REDO]
    await until(undo.isEnabled)
    key(Qt.Key.Key_Z)
    await seen(again, 2)
    key(Qt.Key.Key_Z)
    await seen(again, 1)
    assert [await state(again, n) for n in (1, 2, 5)] == [State.WAITING, State.WAITING, State.VERIFIED]
    await until(lambda: not undo.isEnabled())
    key(Qt.Key.Key_Z)
    await until(lambda: "no decision of yours" in again.toast.message.text())
    key(Qt.Key.Key_Y, CTRL)
    await until(lambda: "#1" in again.toast.message.text())
    key(Qt.Key.Key_Y, CTRL)
    await seen(again, 2)
    assert [await state(again, n) for n in (1, 2)] == [State.VERIFIED, State.VERIFIED]
    assert not redo.isEnabled()
    await settled(again)


async def test_undo_finds_a_pair_that_the_filter_no_longer_shows(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 4))
    await seen(page, 1)
    key(Qt.Key.Key_A)
    page.header.filter_chosen.emit(State.WAITING, Category.HAZE)
    await until(lambda: page.front.patch_id == 3)
    key(Qt.Key.Key_Z)
    await until(lambda: page.front.patch_id == 1)
    assert (page.course.queue.place.state, page.course.queue.place.category) == (State.WAITING, None)
    await settled(page)


async def test_after_undo_accepting_goes_on_with_the_next_that_is_undecided(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 4))
    for patch_id in (1, 2):
        await seen(page, patch_id)
        key(Qt.Key.Key_A)
    await seen(page, 3)
    key(Qt.Key.Key_Home)
    await seen(page, 1)
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 3
    await until(lambda: not page.course.decisions.pending)
    await settled(page)


async def test_keys_pressed_faster_than_pairs_are_seen_decide_about_one_only(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 12))
    await seen(page, 1)
    for _ in range(20):  # as a remote desktop tells a key that is held
        key(Qt.Key.Key_A)
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    status = page.workspace.status
    assert status is not None
    assert status.count(state=State.VERIFIED) == 1
    assert page.front.patch_id == 2
    await settled(page)


async def test_nothing_is_decided_about_a_pair_that_was_never_painted(tmp_path: Path, show_page: ShowPage) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    page.compare.canvas.setUpdatesEnabled(False)
    key(Qt.Key.Key_J)
    await asyncio.sleep(0.4)
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 2
    page.compare.canvas.setUpdatesEnabled(True)
    await seen(page, 2)
    assert not await reviews(page, 2)
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 3
    await until(lambda: not page.course.decisions.pending)
    await settled(page)


async def test_a_decision_that_cannot_be_recorded_brings_its_pair_back_with_the_reason(
    tmp_path: Path, show_page: ShowPage
) -> None:
    page = await show_page(project_of(tmp_path / "p", 3))
    await seen(page, 1)
    await page.workspace.query(lambda project: append(project, 1, [Reopened("by somebody else")]))
    key(Qt.Key.Key_A)
    assert page.front.patch_id == 2
    await until(page.banner.isVisible)
    assert page.front.patch_id == 1
    assert "#1 was not recorded" in page.banner.message.text()
    assert "Accepted" not in page.toast.message.text()
    await settled(page)
