"""What of the patches is shown: category with counts, and state or held back."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ggt_studio.core.words import Category, State
from ggt_studio.store.patches import Filter
from ggt_studio.store.status import Status
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.sources.words import CATEGORY_ICONS, state_name, tr
from ggt_studio.ui.theme import SPACE_8, SPACE_12, SPACE_16, SPACE_32
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import Segment, SegmentedControl
from ggt_studio.ui.widgets.common.choices import ComboBox


@dataclass(frozen=True, slots=True)
class _Kind:
    """A choice of the second filter: a state, held back, alike, or everything."""

    state: State | None = None
    held: bool | None = None
    alike: bool = False


_KINDS = (
    _Kind(),
    _Kind(State.OPEN, held=False),
    _Kind(held=True),
    *(_Kind(s) for s in State if s is not State.OPEN),
    _Kind(alike=True),
)


class FilterBar(QWidget):
    """`changed` carries the `Filter` that a person chose."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        segments = [Segment(None, tr("All"))]
        segments += [Segment(category, category_name(category), CATEGORY_ICONS[category]) for category in Category]
        self.categories = SegmentedControl(segments, tr("Category"))
        self.categories.changed.connect(lambda _: self._chosen())
        self.states = ComboBox()
        self.states.setAccessibleName(tr("State"))
        self.states.setMinimumContentsLength(14)
        for kind in _KINDS:
            self.states.addItem(_kind_name(kind), kind)
        self.states.currentIndexChanged.connect(lambda _: self._chosen())
        # The words must not keep the window from becoming narrow: they go when it does.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._status: Status | None = None
        self._room = 0
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_12)
        layout.addWidget(self.categories)
        layout.addWidget(self.states)
        layout.addStretch(1)

    @property
    def filter(self) -> Filter:
        """What is chosen."""
        kind: _Kind = self.states.currentData()
        return Filter(state=kind.state, category=self.categories.value, held=kind.held, alike=kind.alike)

    def choose(self, which: Filter) -> None:
        """Show another choice without `changed`."""
        self.categories.set_value(which.category)
        blocked = self.states.blockSignals(True)
        self.states.setCurrentIndex(_KINDS.index(_Kind(which.state, which.held, which.alike)))
        self.states.blockSignals(blocked)
        self._write()

    def show_counts(self, status: Status) -> None:
        """How many patches each choice would show."""
        self._status = status
        self._write()

    def set_room(self, width: int) -> None:
        """How many logical pixels there are; where the words do not fit, icons and numbers remain."""
        if width != self._room:
            self._room = width
            self._write()

    def _chosen(self) -> None:
        self._write()
        self.changed.emit(self.filter)

    def _write(self) -> None:
        status, kind = self._status, self.states.currentData()
        numbers = {
            category: count(status.count(category=category, state=kind.state, held=kind.held))
            if status and not kind.alike
            else ""
            for category in (None, *Category)
        }
        names = {category: category_name(category) if category else tr("All") for category in numbers}
        metrics = QFontMetrics(theme.font())
        chrome = SPACE_16 + SPACE_8 + SPACE_8
        wide = sum(metrics.horizontalAdvance(f"{names[c]}  {n}") + chrome for c, n in numbers.items())
        words = not self._room or wide + self.states.sizeHint().width() + SPACE_32 * 2 <= self._room
        for category, number in numbers.items():
            button = self.categories.button(category)
            named = f"{names[category]}  {number}" if number else names[category]
            button.setText(named if words or category is None else number)
            button.setAccessibleName(named)
            button.setToolTip(tr("{0}: {1} patches").format(names[category], number) if number else names[category])
        for index, each in enumerate(_KINDS):
            n = None
            if status is not None and not each.alike:
                n = status.count(category=self.categories.value, state=each.state, held=each.held)
            name = _kind_name(each)
            self.states.setItemText(index, name if n is None else f"{name}  {count(n)}")


def _kind_name(kind: _Kind) -> str:
    if kind.held:
        return tr("Held back")
    if kind.alike:
        return tr("Photos that look alike")
    return state_name(kind.state) if kind.state is not None else tr("All states")
