"""The top of the review page: filter on the left, place in the middle, decisions on the right."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from ggt_studio.core.words import Category, State
from ggt_studio.store.status import Status
from ggt_studio.ui import format as numbers
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.commands import KEYS, Command, key_text, name, tooltip
from ggt_studio.ui.pages.review.words import state_badge, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import PrimaryButton, Segment, SegmentedControl, quiet_button
from ggt_studio.ui.widgets.common.choices import ComboBox

STATES = (State.WAITING, State.VERIFIED, State.REJECTED)


class ReviewHeader(QWidget):
    """`filter_chosen` carries a `State` and a `Category` or None; `asked` a `Command`."""

    filter_chosen = Signal(object, object)
    asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        segments = [Segment(state, state_badge(state).word) for state in STATES]
        self.states = SegmentedControl(segments, tr("State"))
        self.states.changed.connect(lambda _: self._choose())
        self.categories = ComboBox()
        self.categories.setAccessibleName(tr("Category"))
        self.categories.setToolTip(tr("Only pairs of this category"))
        self.categories.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.categories.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.categories.setMinimumContentsLength(13)
        for category in (None, *Category):
            self.categories.addItem(category_name(category) if category else tr("All categories"), category)
        self.categories.activated.connect(lambda _: self._choose())
        self.buttons: dict[Command, QToolButton | QPushButton] = {}
        self.place = QLabel()
        self.place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.place.setAccessibleName(tr("Place in the list"))
        self._lay_out()
        self.set_place(None, 0)

    def _lay_out(self) -> None:
        left = QHBoxLayout()
        left.setSpacing(SPACE_8)
        left.addWidget(self.states)
        left.addWidget(self.categories)
        left.addStretch(1)
        right = QHBoxLayout()
        right.setSpacing(SPACE_4)
        right.addWidget(self._tool(Command.PREVIOUS, "mdi6.chevron-left"))
        right.addWidget(self.place)
        right.addWidget(self._tool(Command.NEXT, "mdi6.chevron-right"))
        right.addStretch(1)
        right.addWidget(self._tool(Command.FILM, "mdi6.view-sequential-outline", checkable=True))
        right.addWidget(self._tool(Command.INFO, "mdi6.page-layout-sidebar-right", checkable=True))
        right.addWidget(self._tool(Command.HELP, "mdi6.keyboard-outline"))
        right.addSpacing(SPACE_8)
        right.addWidget(self._tool(Command.UNDO, "mdi6.undo"))
        right.addWidget(self._tool(Command.REDO, "mdi6.redo"))
        right.addSpacing(SPACE_8)
        right.addWidget(self._decide(Command.REJECT, QPushButton(tr("Reject")), "mdi6.close"))
        right.addSpacing(SPACE_4)
        right.addWidget(self._decide(Command.ACCEPT, PrimaryButton(tr("Accept"), "mdi6.check"), ""))
        self._rows = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(SPACE_8)
        self._rows.addLayout(left)
        self._rows.addSpacing(SPACE_12)
        self._rows.addLayout(right, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _tool(self, command: Command, icon: str, *, checkable: bool = False) -> QToolButton:
        button = quiet_button(icon, name(command))
        button.setCheckable(checkable)
        self._wire(command, button)
        return button

    def _decide(self, command: Command, button: QPushButton, icon: str) -> QPushButton:
        if icon:
            button.setIcon(theme.icon(icon))
        button.setText(f"{button.text()}  {key_text(KEYS[command][0])}")
        button.setAccessibleName(name(command))
        self._wire(command, button)
        return button

    def _wire(self, command: Command, button: QToolButton | QPushButton) -> None:
        # A click must not leave the focus on the button: Space would press it again.
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(tooltip(command))
        button.clicked.connect(lambda: self.asked.emit(command))
        self.buttons[command] = button

    def _choose(self) -> None:
        self.filter_chosen.emit(self.states.value, self._category(self.categories.currentIndex()))

    def _category(self, index: int) -> Category | None:
        # Qt hands a member that is a word back as plain text.
        word = self.categories.itemData(index)
        return Category(word) if word else None

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_filter(self, state: State, category: Category | None) -> None:
        """Show a filter without `filter_chosen`."""
        self.states.set_value(state)
        self.categories.setCurrentIndex(self.categories.findData(category))

    def set_counts(self, status: Status) -> None:
        """How many pairs each choice holds."""
        category, state = self._category(self.categories.currentIndex()), self.states.value
        for choice in STATES:
            count = numbers.count(status.count(state=choice, category=category))
            self.states.button(choice).setText(f"{state_badge(choice).word} {count}")
        for index in range(self.categories.count()):
            which = self._category(index)
            word = category_name(which) if which else tr("All categories")
            self.categories.setItemText(index, f"{word} · {numbers.count(status.count(state=state, category=which))}")

    def set_place(self, index: int | None, count: int) -> None:
        """`12 of 340`; None while no pair is in front."""
        told = tr("{0} of {1}")
        self.place.setText(told.format(numbers.count(index + 1), numbers.count(count)) if index is not None else "")
        widest = told.format(numbers.count(count), numbers.count(count))
        self.place.setMinimumWidth(QFontMetrics(self.place.font()).horizontalAdvance(widest) + SPACE_16)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Two rows where one does not hold everything."""
        super().resizeEvent(event)
        parts = [item.sizeHint().width() for index in range(self._rows.count()) if (item := self._rows.itemAt(index))]
        fits = sum(parts) + SPACE_16 <= event.size().width()
        directions = QBoxLayout.Direction
        self._rows.setDirection(directions.LeftToRight if fits else directions.TopToBottom)
