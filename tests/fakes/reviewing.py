"""A person at the review page in tests: keys, what is in front, and what is on record afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from fakes.hands import until
from fakes.projects import waiting_project
from ggt_studio.core.facts import Reviewed
from ggt_studio.core.words import State
from ggt_studio.store import patches
from ggt_studio.ui.pages.review import ReviewPage

ShowPage = Callable[..., Awaitable[ReviewPage]]
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def project_of(folder: Path, count: int) -> Path:
    with waiting_project(folder, count):
        return folder


def key(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    target = QApplication.focusWidget()
    assert target is not None
    QTest.keyClick(target, key, modifiers)


async def seen(page: ReviewPage, patch_id: int) -> None:
    """Wait until a pair is in front and can be decided about, and a key pressed now is not the one before held down."""
    await until(lambda: page.front.patch_id == patch_id and page.front.obstacle() is None)
    await asyncio.sleep(0.13)


async def settled(page: ReviewPage) -> None:
    """Wait until nothing is being read or recorded: a test must not end in the midst of that."""
    await until(lambda: not page.front.pairs.busy and not page.course.decisions.pending)


async def state(page: ReviewPage, patch_id: int) -> State:
    return (await page.workspace.query(lambda project: patches.patch(project, patch_id))).state


async def reviews(page: ReviewPage, patch_id: int) -> list[Reviewed]:
    facts = await page.workspace.query(lambda project: patches.facts(project, patch_id))
    return [fact for fact in facts if isinstance(fact, Reviewed)]


def place(page: ReviewPage) -> str:
    return page.header.place.text()
