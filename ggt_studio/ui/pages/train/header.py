"""The head of the train page: what to do next, and a sentence on how it stands."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.common import PageTitle, PrimaryButton, quiet_button


class TrainHeader(QWidget):
    """Buttons whose signals the page answers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.more = quiet_button("mdi6.dots-horizontal", tr("More"))
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.elsewhere = QPushButton(tr("Prepare for another machine"))
        self.elsewhere.setToolTip(
            tr(
                "Make the run's folder and do not train it here: copy it to a machine with GPUs, and bring it back afterwards"
            )
        )
        self.primary = PrimaryButton(tr("Start training"), "mdi6.play")
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.title = PageTitle(tr("Train"))
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(self.title, 1)
        for button in (self.more, self.elsewhere, self.primary):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addLayout(buttons)
        layout.addWidget(self.sentence)
