"""The grid as people use it: real keys and clicks, and sources that count what they are asked for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest

from ggt_studio.ui import theme
from ggt_studio.ui.widgets.grid import Badge, GridItem, PatchGrid, Tone
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache

NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


class Numbers(QObject):
    """Items that are their own number; read when asked for, as a page of a store would be."""

    changed = Signal()

    def __init__(self, count: int, offset: int = 0) -> None:
        super().__init__()
        self.size, self.offset = count, offset
        self.asked: list[tuple[int, int]] = []
        self.touched: set[int] = set()
        self.read: set[int] = set()

    def count(self) -> int:
        return self.size

    def item(self, index: int) -> GridItem | None:
        self.touched.add(index)
        if index not in self.read:
            return None
        return GridItem(self.offset + index, f"Patch {index}", "rain", Badge(Tone.GOOD, "Verified"))

    def request_range(self, first: int, last: int) -> None:
        self.asked.append((first, last))
        self.read |= set(range(first, last + 1))
        self.changed.emit()


@pytest.fixture
def cache(tmp_path):
    cache = ThumbnailCache(tmp_path / "thumbs")
    yield cache
    cache.close()


@pytest.fixture
def grid(qtbot, qapp, cache) -> PatchGrid:
    theme.apply_theme(qapp, "dark")
    grid = PatchGrid(cache)
    qtbot.addWidget(grid)
    grid.resize(900, 600)
    grid.show()
    qtbot.waitExposed(grid)
    grid.setFocus()
    return grid


def filled(grid: PatchGrid, qtbot, count: int = 1000) -> Numbers:
    source = Numbers(count)
    grid.set_source(source)
    qtbot.waitUntil(lambda: bool(source.asked))
    return source


def click(grid: PatchGrid, index: int, modifiers=NONE) -> None:
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, modifiers, grid.cell_rect(index).center())


def test_a_million_items_open_at_once_and_only_visible_ones_are_asked_for(grid, qtbot):
    source = Numbers(1_000_000)
    start = time.process_time()
    grid.set_source(source)
    grid.grab()
    assert time.process_time() - start < 0.5
    qtbot.waitUntil(lambda: bool(source.asked))
    first, last = grid.visible_range()
    assert source.asked == [(first, last)]
    assert last - first < 100
    assert source.touched <= set(range(first, last + 1))


def test_far_scrolling_asks_for_what_it_comes_to_and_for_nothing_between(grid, qtbot):
    source = filled(grid, qtbot, 1_000_000)
    QTest.keyClick(grid, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: source.asked[-1][1] == 999_999)
    assert len(source.asked) == 2
    assert grid.current() == 999_999
    assert len(source.touched) < 200
    QTest.keyClick(grid, Qt.Key.Key_Home)
    assert grid.current() == 0
    assert grid.visible_range()[0] == 0


def test_a_source_that_has_nothing_yet_is_not_asked_in_a_tight_loop(grid, qtbot):
    class Empty(Numbers):
        def request_range(self, first: int, last: int) -> None:
            self.asked.append((first, last))
            self.changed.emit()

    source = Empty(100)
    grid.set_source(source)
    qtbot.wait(300)
    assert 1 <= len(source.asked) <= 8


def test_arrows_and_pages_move_the_current_item_into_view(grid, qtbot):
    filled(grid, qtbot)
    columns = grid.columns()
    assert columns > 2
    for key, wanted in ((Qt.Key.Key_Right, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_Down, 1 + columns),
                        (Qt.Key.Key_Left, columns), (Qt.Key.Key_Up, 0), (Qt.Key.Key_Up, 0), (Qt.Key.Key_Left, 0)):  # fmt: skip
        QTest.keyClick(grid, key)
        assert grid.current() == wanted
    QTest.keyClick(grid, Qt.Key.Key_PageDown)
    assert grid.current() >= 2 * columns
    first, last = grid.visible_range()
    assert first <= grid.current() <= last
    rect = grid.cell_rect(grid.current())
    assert rect.top() >= 0
    assert rect.bottom() < grid.viewport().height()


def test_down_from_the_last_full_row_reaches_a_shorter_one(grid, qtbot):
    columns = grid.columns()
    filled(grid, qtbot, columns + 1)
    grid.set_current(columns - 1)
    QTest.keyClick(grid, Qt.Key.Key_Down)
    assert grid.current() == columns
    QTest.keyClick(grid, Qt.Key.Key_Down)
    assert grid.current() == columns


def test_clicks_select_one_a_range_or_several(grid, qtbot):
    filled(grid, qtbot)
    click(grid, 2)
    assert list(grid.selection()) == [2]
    click(grid, 5, SHIFT)
    assert list(grid.selection()) == [2, 3, 4, 5]
    click(grid, 3, CTRL)
    assert list(grid.selection()) == [2, 4, 5]
    click(grid, 7, CTRL)
    assert list(grid.selection()) == [2, 4, 5, 7]
    click(grid, 1)
    assert list(grid.selection()) == [1]
    QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, NONE, QPoint(grid.viewport().width() - 1, 3))
    assert list(grid.selection()) in ([], [grid.columns() - 1])


def test_keys_select_ranges_single_items_and_everything(grid, qtbot):
    filled(grid, qtbot)
    click(grid, 2)
    QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    QTest.keyClick(grid, Qt.Key.Key_Right, SHIFT)
    assert list(grid.selection()) == [2, 3, 4]
    QTest.keyClick(grid, Qt.Key.Key_Left, SHIFT)
    assert list(grid.selection()) == [2, 3]
    QTest.keyClick(grid, Qt.Key.Key_Right, CTRL)
    QTest.keyClick(grid, Qt.Key.Key_Right, CTRL)
    QTest.keyClick(grid, Qt.Key.Key_Space)
    assert list(grid.selection()) == [2, 3, 5]
    QTest.keyClick(grid, Qt.Key.Key_A, CTRL)
    assert len(grid.selection()) == 1000
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert not grid.selection()
    assert grid.current() == 5


def test_enter_and_double_click_activate(grid, qtbot):
    filled(grid, qtbot)
    click(grid, 4)
    with qtbot.waitSignal(grid.activated) as told:
        QTest.keyClick(grid, Qt.Key.Key_Return)
    assert told.args == [4]
    with qtbot.waitSignal(grid.activated) as told:
        QTest.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, NONE, grid.cell_rect(6).center())
    assert told.args == [6]
    assert grid.current() == 6


def test_a_selection_never_slips_onto_other_items(grid, qtbot):
    source = filled(grid, qtbot)
    click(grid, 2)
    source.changed.emit()
    assert list(grid.selection()) == [2]
    source.size = 2000
    source.changed.emit()
    assert list(grid.selection()) == [2]
    with qtbot.waitSignal(grid.selection_changed):
        source.offset = 1
        source.changed.emit()
    assert not grid.selection()
    assert grid.current() == -1
    grid.select_all()
    source.size = 1999
    source.changed.emit()
    assert not grid.selection()


def test_larger_thumbnails_keep_the_current_item_in_view(grid, qtbot):
    filled(grid, qtbot)
    grid.set_current(500)
    columns = grid.columns()
    grid.set_thumb_side(272)
    assert grid.columns() < columns
    first, last = grid.visible_range()
    assert first <= 500 <= last


def test_the_current_item_is_told_to_assistive_technology(grid, qtbot):
    filled(grid, qtbot)
    click(grid, 3)
    assert grid.accessibleDescription() == "Patch 3, rain, Verified, 4 of 1,000"


def test_thumbnails_appear_and_a_broken_file_says_why(grid, qtbot, tmp_path, cache):
    good, broken = tmp_path / "good.png", tmp_path / "broken.png"
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(QColor(10, 200, 30))
    image.save(str(good))
    broken.write_bytes(Path(good).read_bytes()[:40])

    class Files(Numbers):
        def item(self, index: int) -> GridItem | None:
            path = (good, broken)[index]
            return GridItem(index, path.name, thumb=ThumbKey(f"{index:064x}", str(path)))

    grid.set_source(Files(2))
    centre = grid.cell_rect(0).topLeft() + QPoint(grid.cell_rect(0).width() // 2, 80)

    def shown() -> tuple[int, int, int]:
        colour = grid.grab().toImage().pixelColor(centre)
        return colour.red(), colour.green(), colour.blue()

    qtbot.waitUntil(lambda: max(abs(a - b) for a, b in zip(shown(), (10, 200, 30), strict=True)) < 6)
    qtbot.waitUntil(lambda: "broken.png cannot be shown" in grid.tip(1))
    assert grid.tip(0) == "good.png"
