"""The head of the generate page: its name, what stands to be done, the estimate's assumptions, and the buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.common import PageTitle, PrimaryButton
from ggt_studio.ui.widgets.common.buttons import quiet_button


class GenerateHeader(QWidget):
    """Parts that the page fills and listens to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = PageTitle(self.tr("Generate"))
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.tryout_button = quiet_button(
            "mdi6.flask-outline",
            self.tr("Try recipes on a few patches, side by side, before spending on all"),
            text=self.tr("Try out"),
        )
        self.recipe_button = quiet_button("mdi6.tune-variant", self.tr("Recipe"), key="F9", text=self.tr("Recipe"))
        self.recipe_button.setCheckable(True)
        self.recipe_button.setChecked(True)
        self.primary = PrimaryButton(self.tr("Run"), "mdi6.play")
        self.assume_button = QToolButton()
        self.assume_button.setProperty("link", True)
        self.assume_button.setText(self.tr("How this is estimated"))
        self.assume_button.setCheckable(True)
        self.assume_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        # It is a link that unfolds: a pressed look would say something else.
        self.assume_button.setStyleSheet(
            "QToolButton:checked:!focus { background: transparent; border-color: transparent; }"
        )
        self.assume_button.toggled.connect(lambda _: self.show_assumptions(self.assumptions.text()))
        self.assumptions = QLabel()
        self.assumptions.setWordWrap(True)
        self.assumptions.setTextFormat(Qt.TextFormat.PlainText)
        self.assumptions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        theme.set_text(self.assumptions, Text.SMALL, muted=True)
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.title)
        top.addStretch(1)
        for button in (self.tryout_button, self.recipe_button, self.primary):
            top.addWidget(button)
        told = QHBoxLayout()
        told.setSpacing(SPACE_8)
        told.addWidget(self.sentence, 1)
        told.addWidget(self.assume_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addLayout(top)
        layout.addLayout(told)
        layout.addWidget(self.assumptions)

    def show_assumptions(self, words: str) -> None:
        """What the estimate rests on, for who asks; empty where nothing is estimated."""
        self.assumptions.setText(words)
        self.assume_button.setVisible(bool(words))
        self.assumptions.setVisible(bool(words) and self.assume_button.isChecked())
