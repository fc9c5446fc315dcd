"""What models other than checkpoints ask for: what is wrong with the photos, what to tell the model, what it may spend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring import Money
from ggt_studio.providers.offline import CLASSICAL
from ggt_studio.ui.pages.generate.budget import MOST_USD, BudgetChoice
from ggt_studio.ui.pages.restore.words import category_choices, tr
from ggt_studio.ui.state.restoring import Restoring
from ggt_studio.ui.theme import SPACE_8, SPACE_16
from ggt_studio.ui.widgets.parts import column, combo_of, heading

_PROMPT_LINES = 4


class AskedChoice(QWidget):
    """`changed` when a person chose something else. Only what the chosen model asks for is shown."""

    changed = Signal()

    def __init__(self, restoring: Restoring, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._restoring = restoring
        self.category = combo_of(tr("What is wrong with the photos"), [*category_choices()])
        self.category.setToolTip(
            tr("By folder: what the folder of a photo is called (rain, night, old …), else general")
        )
        self.prompt = QPlainTextEdit()
        self.prompt.setAccessibleName(tr("What the model is told"))
        self.prompt.setTabChangesFocus(True)
        lines = self.prompt.fontMetrics().lineSpacing() * _PROMPT_LINES
        self.prompt.setFixedHeight(lines + 2 * SPACE_8)
        self.budget = BudgetChoice(restoring.usual_budget_usd)
        self._told = QWidget()
        told = column(self._told)
        told.addWidget(heading(tr("What the model is told")))
        told.addWidget(self.prompt)
        wrong = QWidget()
        inside = column(wrong)
        inside.addWidget(heading(tr("What is wrong with the photos")))
        inside.addWidget(self.category)
        layout = column(self)
        layout.setSpacing(SPACE_16)
        for part in (wrong, self._told, self.budget):
            layout.addWidget(part)
        self.category.currentIndexChanged.connect(lambda _: self._category_changed())
        self.prompt.textChanged.connect(self.changed)
        self.budget.changed.connect(self.changed)
        self._show_default()

    @property
    def prompt_text(self) -> str:
        """What a person typed; empty where the fixed sentence is to be sent."""
        return "" if self._told.isHidden() else self.prompt.toPlainText().strip()

    def money(self, *, repeat_uncertain: bool = False) -> Money:
        """What a run may spend."""
        return Money(self.budget.value if self._restoring.paid else None, repeat_uncertain)

    def show_model(self) -> None:
        """Show what the chosen model asks for."""
        restoring = self._restoring
        self.setVisible(not restoring.is_checkpoint)
        self._told.setVisible(restoring.model != CLASSICAL.id)
        self.budget.setVisible(restoring.paid)

    def remembered(self) -> dict[str, Any]:
        """What `recall` takes."""
        budget = self.budget.value
        return {
            "category": str(self.category.currentData() or ""),
            "prompt": self.prompt.toPlainText(),
            "budget_usd": budget if budget is not None else 0.0,
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Choose what was chosen before; what is not understood is left as it is."""
        category, prompt, budget = kept.get("category"), kept.get("prompt"), kept.get("budget_usd")
        if category in list(Category):
            self.category.setCurrentIndex(self.category.findData(Category(category)))
        if isinstance(prompt, str):
            with QSignalBlocker(self.prompt):
                self.prompt.setPlainText(prompt)
        if isinstance(budget, int | float) and 0 <= budget <= MOST_USD:
            self.budget.set_value(float(budget) or None)

    def _category_changed(self) -> None:
        self._show_default()
        self.changed.emit()

    def _show_default(self) -> None:
        self.prompt.setPlaceholderText(self._restoring.default_prompt(self.category.currentData()))
