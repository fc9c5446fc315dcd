"""What a run may cost at most; shown where it costs anything."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8
from ggt_studio.ui.widgets.common import Segment, SegmentedControl
from ggt_studio.ui.widgets.common.choices import DoubleSpinBox

MOST_USD = 1_000_000.0


class BudgetChoice(QWidget):
    """`changed` when a person set another budget; `value` in US dollars, None without one."""

    changed = Signal()

    def __init__(self, usual_usd: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        heading = QLabel(tr("Budget"))
        heading.setFont(theme.font(strong=True))
        self.kept = SegmentedControl([Segment(True, tr("At most")), Segment(False, tr("No limit"))], tr("Budget"))
        self.amount = money_box(tr("Most that a run may cost, in US dollars"))
        self.amount.setValue(usual_usd or 20.0)
        self.kept.set_value(bool(usual_usd))
        row = QHBoxLayout()
        row.setSpacing(SPACE_8)
        row.addWidget(self.kept)
        row.addWidget(self.amount)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(heading)
        layout.addLayout(row)
        self.kept.changed.connect(lambda _: self._changed())
        self.amount.valueChanged.connect(lambda _: self.changed.emit())
        self._show()

    @property
    def value(self) -> float | None:
        """The budget."""
        return round(self.amount.value(), 2) if self.kept.value else None

    def set_value(self, budget_usd: float | None) -> None:
        """Set it without `changed`."""
        self.kept.set_value(budget_usd is not None)
        if budget_usd is not None:
            with QSignalBlocker(self.amount):
                self.amount.setValue(budget_usd)
        self._show()

    def _changed(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        self.amount.setVisible(self.kept.value)


def money_box(name: str) -> QDoubleSpinBox:
    """A field for an amount of US dollars."""
    box = DoubleSpinBox()
    box.setRange(0.01, MOST_USD)
    box.setDecimals(2)
    box.setPrefix("$")
    box.setGroupSeparatorShown(True)
    box.setAccessibleName(name)
    box.setKeyboardTracking(False)
    box.setMinimumWidth(112)
    return box
