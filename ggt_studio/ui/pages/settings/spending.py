"""What runs may cost, unless something else is chosen for one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ggt_studio.ui.pages.settings.section import Section
from ggt_studio.ui.widgets.common.choices import DoubleSpinBox


class SpendingSection(Section):
    """`changed` carries the usual budget in US dollars; 0: no limit."""

    changed = Signal(float)

    def __init__(self, budget_usd: float, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Spending"), parent=parent)
        self.budget = DoubleSpinBox()
        self.budget.setRange(0.0, 1_000_000.0)
        self.budget.setDecimals(2)
        self.budget.setPrefix("$")
        self.budget.setSpecialValueText(self.tr("No limit"))
        self.budget.setGroupSeparatorShown(True)
        self.budget.setKeyboardTracking(False)
        self.budget.setFixedWidth(168)
        self.budget.setValue(budget_usd)
        self.budget.valueChanged.connect(lambda value: self.changed.emit(round(value, 2)))
        self.add(
            self.tr("Budget of a run"),
            self.budget,
            self.tr(
                "At most so much is spent by a run with models that cost money; each project remembers what was chosen for"
                " it last. A run that comes to its budget ends, and can be continued with another one."
            ),
        )
