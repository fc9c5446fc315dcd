"""The strip that asks why a pair is rejected: six reasons on six keys and a line for words."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from ggt_studio.core.words import RejectReason
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.words import reason_name, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12

REASONS = tuple(RejectReason)
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
MOST_WORDS = 500


class RejectStrip(QWidget):
    """Hidden until `ask`. `confirmed` carries a `RejectReason` and words, `closed` that the keyboard is free again."""

    confirmed = Signal(object, str)
    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._page, self._top = parent, 0
        self.patch_id: int | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Why is this pair rejected?"))
        self.heading = QLabel()
        self.heading.setFont(theme.font(strong=True))
        self._group = QButtonGroup(self)
        reasons = QHBoxLayout()
        reasons.setSpacing(SPACE_4)
        for number, reason in enumerate(REASONS):
            button = QToolButton()
            button.setText(f"{number + 1}  {reason_name(reason)}")
            button.setAccessibleName(reason_name(reason))
            button.setToolTip(f"{reason_name(reason)} ({number + 1})")
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self._group.addButton(button, number)
            reasons.addWidget(button)
        reasons.addStretch(1)
        self._group.idToggled.connect(lambda: self._show_ready())
        self.words = QLineEdit()
        self.words.setMaxLength(MOST_WORDS)
        self.words.setPlaceholderText(tr("Words (optional)"))
        self.words.setAccessibleName(tr("Reason in words"))
        self.words.setMinimumWidth(120)
        self.words.installEventFilter(self)
        self.words.textChanged.connect(lambda _: self._show_ready())
        self.confirm_button = QPushButton(tr("Reject  Enter"))
        self.confirm_button.setToolTip(tr("Reject for this reason (Enter)"))
        self.cancel_button = QPushButton(tr("Cancel  Esc"))
        self.cancel_button.setToolTip(tr("Do not reject (Esc)"))
        self.confirm_button.clicked.connect(self._confirm)
        self.cancel_button.clicked.connect(self.cancel)
        below = QHBoxLayout()
        below.setSpacing(SPACE_8)
        below.addWidget(self.words, 1)
        below.addWidget(self.confirm_button)
        below.addWidget(self.cancel_button)
        self._rows = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._rows.setContentsMargins(SPACE_12, SPACE_8, SPACE_8, SPACE_8)
        self._rows.setSpacing(SPACE_8)
        self._rows.addWidget(self.heading)
        self._rows.addLayout(reasons)
        self._rows.addLayout(below, 1)
        parent.installEventFilter(self)
        self.hide()

    @property
    def reason(self) -> RejectReason | None:
        """The reason chosen."""
        chosen = self._group.checkedId()
        return REASONS[chosen] if chosen >= 0 else None

    def ask(self, patch_id: int, top: int) -> None:
        """Ask about a patch, over the page, its upper edge `top` px below the page's."""
        self.patch_id = patch_id
        self.heading.setText(tr("Reject #{0}:").format(patch_id))
        self._group.setExclusive(False)
        for button in self._group.buttons():
            button.setChecked(False)
        self._group.setExclusive(True)
        self.words.clear()
        self._top = top
        self._place()
        self._show_ready()
        self.show()
        self.raise_()
        self.setFocus()

    def cancel(self) -> None:
        """Close without rejecting."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()

    def _confirm(self) -> None:
        words = self.words.text().strip()
        reason = self.reason or (RejectReason.OTHER if words else None)
        if reason is None:
            return
        self.hide()
        self.confirmed.emit(reason, words)
        self.closed.emit()

    def _show_ready(self) -> None:
        ready = self.reason is not None or bool(self.words.text().strip())
        self.confirm_button.setEnabled(ready)
        hint = tr("Words (optional)") if ready else tr("Choose 1 to 6, or say it in words")
        self.words.setPlaceholderText(hint)

    # --- keys --------------------------------------------------------------------------------------------------------

    def handle_key(self, event: QKeyEvent) -> bool:
        """Act on a key pressed anywhere on the page while the strip is open; False where it means nothing here."""
        digit = event.key() - Qt.Key.Key_1
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and 0 <= digit < len(REASONS):
            self._group.button(digit).setChecked(True)
            if REASONS[digit] is RejectReason.OTHER:
                self.words.setFocus()
        elif event.key() in _ENTER and not event.isAutoRepeat():
            self._confirm()
        elif event.key() == Qt.Key.Key_Escape:
            self.cancel()
        elif event.text().strip() and event.text().isprintable():
            self.words.setFocus()
            self.words.insert(event.text())
        else:
            return False
        return True

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002 - Qt names it so
        """Tab leads from the strip to the line of words: the reasons have keys of their own."""
        if next and self.hasFocus():
            self.words.setFocus(Qt.FocusReason.TabFocusReason)
            return True
        return super().focusNextPrevChild(next)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Everything typed here stays here, as a reason or as words: no letter decides about the pair behind."""
        if event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            super().keyPressEvent(event)
            return
        self.handle_key(event)
        event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and Esc in the line of words; the page's new size."""
        if event.type() == QEvent.Type.Resize and watched is self._page and not self.isHidden():
            self._place()
        ends = (*_ENTER, Qt.Key.Key_Escape)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in ends:
            return watched is self.words and self.handle_key(event)
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised surface over the page."""
        painter = QPainter(self)
        tokens = theme.tokens()
        painter.fillRect(self.rect(), tokens.colour("raised"))
        painter.setPen(tokens.colour("border"))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _place(self) -> None:
        self._rows.setDirection(QBoxLayout.Direction.LeftToRight)
        width = self._page.width()
        if self.minimumSizeHint().width() + SPACE_12 > width:
            self._rows.setDirection(QBoxLayout.Direction.TopToBottom)
        self._rows.activate()
        self.setGeometry(0, self._top, width, self.sizeHint().height())
