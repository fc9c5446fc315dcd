"""The rail on the left: the pages in the order of the work, with a count where something waits."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_32, Text

ICON = 20
ROW = 40
WIDTH = 168
COMPACT_WIDTH = 56
COMPACT_BELOW = 1040
"""Windows narrower than this many logical pixels show the icons only."""


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    word: str
    icon: str
    key: str


class Rail(QWidget):
    """`chosen` carries the name of a page. Up and Down move between the entries, Enter and Space choose."""

    chosen = Signal(str)
    close_asked = Signal()
    """The project is to be closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        places = (
            _Place("sources", self.tr("Sources"), "mdi6.image-multiple-outline", "Ctrl+1"),
            _Place("generate", self.tr("Generate"), "mdi6.creation-outline", "Ctrl+2"),
            _Place("review", self.tr("Review"), "mdi6.eye-check-outline", "Ctrl+3"),
            _Place("dataset", self.tr("Dataset"), "mdi6.package-variant-closed", "Ctrl+4"),
            _Place("train", self.tr("Train"), "mdi6.school-outline", "Ctrl+5"),
            _Place("restore", self.tr("Restore"), "mdi6.image-auto-adjust", "Ctrl+6"),
            _Place("settings", self.tr("Settings"), "mdi6.cog-outline", "Ctrl+7"),
        )
        self.setAccessibleName(self.tr("Pages"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._buttons: dict[str, RailButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_8, SPACE_12, SPACE_8 + 1, SPACE_12)
        layout.setSpacing(SPACE_4)
        for place in places:
            if place.name == "settings":
                layout.addStretch(1)
            button = self._buttons[place.name] = RailButton(place)
            button.clicked.connect(lambda _=False, name=place.name: self.chosen.emit(name))
            button.moved.connect(self._move_focus)
            layout.addWidget(button)
        # Closing is no page: it is never marked as the one in front.
        self.close_button = RailButton(_Place("close", self.tr("Close project"), "mdi6.exit-to-app", "Ctrl+W"))
        self.close_button.clicked.connect(self.close_asked)
        self.close_button.moved.connect(self._move_focus)
        layout.addWidget(self.close_button)
        self._compact = False
        self._watched: QWidget | None = None
        self.set_compact(False)

    def button(self, name: str) -> RailButton:
        """The entry of a page."""
        return self._buttons[name]

    @property
    def current(self) -> str:
        """The name of the page in front; empty before the first."""
        return next((name for name, button in self._buttons.items() if button.isChecked()), "")

    def set_current(self, name: str) -> None:
        """Mark the page that is in front, without `chosen`."""
        for each, button in self._buttons.items():
            button.setChecked(each == name)

    def set_badge(self, name: str, text: str) -> None:
        """Show a small number at an entry; none for an empty text."""
        self._buttons[name].set_badge(text)

    @property
    def compact(self) -> bool:
        """Whether only the icons are shown."""
        return self._compact

    def set_compact(self, compact: bool) -> None:
        """Show the icons only; the words stay as tooltips and accessible names."""
        self._compact = compact
        self.setFixedWidth(COMPACT_WIDTH if compact else WIDTH)
        for button in self._entries():
            button.set_compact(compact)

    def _entries(self) -> list[RailButton]:
        return [*self._buttons.values(), self.close_button]

    def _move_focus(self, button: QObject, step: int) -> None:
        order = self._entries()
        assert isinstance(button, RailButton)
        order[(order.index(button) + step) % len(order)].setFocus(Qt.FocusReason.TabFocusReason)

    # --- how wide ------------------------------------------------------------------------------------------------

    def changeEvent(self, event: QEvent) -> None:
        """A new font or theme changes what is painted."""
        super().changeEvent(event)
        self.update()

    def event(self, event: QEvent) -> bool:
        """Watch the window that the rail stands in, to give up the words when it becomes narrow."""
        if event.type() in (QEvent.Type.ParentChange, QEvent.Type.Polish, QEvent.Type.Show):
            window = self.window()
            if window is not self._watched and window is not self:
                if self._watched is not None:
                    self._watched.removeEventFilter(self)
                self._watched = window
                window.installEventFilter(self)
                self.set_compact(window.width() < COMPACT_BELOW)
        return super().event(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the width of the window."""
        if isinstance(event, QResizeEvent) and watched is self._watched:
            compact = event.size().width() < COMPACT_BELOW
            if compact != self._compact:
                self.set_compact(compact)
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet line towards the page."""
        painter = QPainter(self)
        painter.setPen(theme.tokens().colour("line"))
        painter.drawLine(self.width() - 1, 0, self.width() - 1, self.height())
        painter.end()


class RailButton(QAbstractButton):
    """One entry: icon, word, and a small number where something waits."""

    moved = Signal(object, int)

    def __init__(self, place: _Place) -> None:
        super().__init__()
        self._place = place
        self._badge = ""
        self._compact = False
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setText(place.word)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._describe()

    @property
    def badge(self) -> str:
        """The number shown; empty for none."""
        return self._badge

    def set_badge(self, text: str) -> None:
        """Show a small number."""
        if text != self._badge:
            self._badge = text
            self._describe()
            self.update()

    def set_compact(self, compact: bool) -> None:
        """Show the icon only."""
        self._compact = compact
        self.update()

    def _describe(self) -> None:
        waiting = self.tr("{0} waiting").format(self._badge) if self._badge else ""
        self.setAccessibleName(f"{self._place.word}, {waiting}" if waiting else self._place.word)
        tip = f"{self._place.word} ({self._place.key})"
        self.setToolTip(f"{tip}\n{waiting}" if waiting else tip)

    def nextCheckState(self) -> None:
        """A click alone does not move the mark: it follows the page that is in front."""

    def sizeHint(self) -> QSize:
        """One row."""
        return QSize(WIDTH - 2 * SPACE_8, ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down leave for the next entry, Enter chooses like Space."""
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(self, 1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        """The surface answers the mouse."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """And forgets it."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Surface, mark of the page in front, icon, word, number, focus ring."""
        tokens, chosen = theme.tokens(), self.isChecked()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if chosen or self.underMouse():
            painter.setBrush(tokens.colour("raised" if chosen else "panel"))
            painter.drawRoundedRect(self.rect(), theme.RADIUS, theme.RADIUS)
        if chosen:
            painter.setBrush(tokens.colour("accent"))
            painter.drawRoundedRect(QRect(0, SPACE_8 + 2, 3, self.height() - 2 * SPACE_8 - 4), 1.5, 1.5)
        left = (self.width() - ICON) // 2 if self._compact else SPACE_12
        glyph = QRect(left, (self.height() - ICON) // 2, ICON, ICON)
        theme.icon(self._place.icon, "text" if chosen else "muted").paint(painter, glyph)
        end = self._paint_badge(painter, glyph)
        if not self._compact:
            painter.setFont(theme.font(strong=chosen))
            painter.setPen(tokens.colour("text" if chosen else "muted"))
            room = QRect(glyph.right() + 1 + SPACE_12, 0, end - glyph.right() - 1 - SPACE_12 - SPACE_4, self.height())
            shown = QFontMetrics(painter.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
        if self.hasFocus():
            painter.setPen(QPen(tokens.colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        painter.end()

    def _paint_badge(self, painter: QPainter, glyph: QRect) -> int:
        """The number; returns where the room of the word ends."""
        if not self._badge:
            return self.width() - SPACE_8
        tokens = theme.tokens()
        font = theme.font(Text.SMALL, strong=True)
        metrics = QFontMetrics(font)
        text = metrics.elidedText(self._badge, Qt.TextElideMode.ElideRight, SPACE_32 * 2)
        height = metrics.height() + (0 if self._compact else 2)
        width = max(height, metrics.horizontalAdvance(text) + SPACE_8 + 2)
        chip = QRect(0, 0, min(width, self.width()), height)
        if self._compact:
            chip.moveTopRight(QPoint(self.width() - 1, 1))
        else:
            chip.moveRight(self.width() - SPACE_8)
            chip.moveTop((self.height() - height) // 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("accent"))
        painter.drawRoundedRect(chip, height / 2, height / 2)
        painter.setPen(tokens.colour("on_accent"))
        painter.setFont(font)
        painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), text)
        return chip.left()
