"""The prompt that a candidate was made with: what strengthening added stands out, and all of it can be read."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from ggt_studio.core.strengthen import added_by_strengthening
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.commands import Command, tooltip
from ggt_studio.ui.pages.review.parts import ClampedText, heading
from ggt_studio.ui.pages.review.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text

LINES = 3
LINES_OF_ORIGINAL, LINES_ADDED = 1, 4


class PromptSection(QWidget):
    """`full_asked` when the texts of the panel are wanted in full, or clamped again."""

    full_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = heading(tr("Prompt"))
        self.full_button = QToolButton()
        self.full_button.setProperty("link", True)
        self.full_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.full_button.setFont(theme.font(Text.SMALL))
        self.full_button.setToolTip(tooltip(Command.FULL))
        self.full_button.clicked.connect(self.full_asked)
        self.original = ClampedText(LINES)
        self.added = ClampedText(LINES_ADDED, marked=True)
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.heading, 1)
        top.addWidget(self.full_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addLayout(top)
        layout.addWidget(self.original)
        layout.addWidget(self.added)
        self.show_full(False)

    def show_prompt(self, prompt: str, original: str, strategy: str) -> None:
        """Show `prompt`; `original` is the text that `strategy` wrote, before anything was added to it."""
        added = added_by_strengthening(prompt, original)
        told = tr("Prompt: {0}").format(strategy) if strategy else tr("Prompt")
        self.heading.setText(tr("{0}, strengthened").format(told) if added else told)
        self.original.set_lines(LINES_OF_ORIGINAL if added else LINES)
        self.original.set_text(original.rstrip() if added else prompt)
        self.added.set_text(added)
        self.added.setVisible(bool(added))

    def show_full(self, full: bool) -> None:
        """Show the prompt in full, or clamped."""
        self.original.set_full(full)
        self.added.set_full(full)
        self.full_button.setText(tr("Show less") if full else tr("Show in full"))
