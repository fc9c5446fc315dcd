"""What stands below an image of the try-out: the recipe, what became of the patch with it, its cost, and what can be done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.core.words import State
from ggt_studio.store.tryouts import Result
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.parts import BadgeLabel
from ggt_studio.ui.pages.tryout.words import badge_of, cost_words, reasons_words, tr, verdict_words
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.common import ElidedLabel


class ResultCard(QWidget):
    """`use_asked` when the recipe is to be the one to run with, `adopt_asked` when this result is to be the patch's."""

    use_asked = Signal()
    adopt_asked = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ElidedLabel(name)
        self.name.setFont(theme.font(strong=True))
        self.badge = BadgeLabel()
        self.cost, self.verdict, self.total = QLabel(), QLabel(), QLabel()
        for label, muted in ((self.cost, True), (self.verdict, False), (self.total, True)):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            theme.set_text(label, Text.SMALL, muted=muted)
        self.use = QPushButton(tr("Use this recipe"))
        self.use.setToolTip(tr("Makes it the recipe of the next run"))
        self.use.setAccessibleDescription(name)
        self.use.clicked.connect(lambda: self.use_asked.emit())
        self.adopt = QPushButton(tr("Adopt"))
        self.adopt.setAccessibleDescription(name)
        self.adopt.clicked.connect(lambda: self.adopt_asked.emit())
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.badge)
        top.addWidget(self.cost, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_4)
        buttons.addWidget(self.use)
        buttons.addWidget(self.adopt)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_4, SPACE_8, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.name)
        layout.addLayout(top)
        layout.addWidget(self.verdict)
        layout.addWidget(self.total)
        layout.addStretch(1)
        layout.addLayout(buttons)

    def show_result(self, result: Result | None, total: str, *, adopted: bool, may_change: bool) -> None:
        """Show what came of one patch; `adopted`: it is the patch's candidate already."""
        badge = badge_of(result)
        self.badge.set_badge(badge)
        self.cost.setText(cost_words(result) if result is not None and result.facts else "")
        self.verdict.setText(verdict_words(result) if result is not None else "")
        self.verdict.setToolTip(reasons_words(result) if result is not None else "")
        self.total.setText(tr("All patches: {0}").format(total) if total else "")
        passed = result is not None and result.summary.state is State.WAITING
        self.adopt.setVisible(passed)
        self.adopt.setEnabled(not adopted and may_change)
        self.adopt.setText(tr("Adopted") if adopted else tr("Adopt"))
        self.adopt.setToolTip(
            tr("It is the patch's candidate.")
            if adopted
            else tr("Makes this result the patch's candidate, at no further cost; you review it like any other")
        )
        self.use.setEnabled(may_change)
