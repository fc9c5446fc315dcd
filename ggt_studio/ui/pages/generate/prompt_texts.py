"""The prompt texts of a strategy per category, and the way to a copy that can be edited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.core.words import Category
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.vocabulary import category_name


class PromptTexts(QWidget):
    """Read-only; `edit_requested` when a person wants a copy of the preset's file to edit, `prompts_requested` when they want to
    see the prompts of single patches."""

    edit_requested = Signal()
    prompts_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts = QVBoxLayout()
        self._texts.setSpacing(SPACE_4)
        self._shown: dict[str, str] | None = None
        self._words: list[tuple[str, str]] = []
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        theme.set_text(self.note, Text.SMALL, muted=True)
        self.edit = QPushButton(tr("Edit a copy …"))
        self.edit.setToolTip(tr("Copies this preset into your folder of prompts and opens it"))
        self.edit.clicked.connect(lambda: self.edit_requested.emit())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        self.single = QPushButton(tr("Write and read prompts first …"))
        self.single.setToolTip(
            tr("The prompts of the next patches, to be read and changed before anything is generated")
        )
        self.single.clicked.connect(lambda: self.prompts_requested.emit())
        # Before the texts, which can be long: what is done with them would lie far below.
        layout.addWidget(self.single, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.edit, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.note)
        layout.addLayout(self._texts)

    def show_texts(self, texts: Mapping[str, str], *, editable: bool, own: bool, folder: Path) -> None:
        """Show the text of each category; none means that the strategy writes each prompt anew. A copy goes into `folder`."""
        self.note.setText(
            tr("These texts are a file. Your own go into {0}; one of the same name takes the place of ours.").format(
                folder
            )
        )
        self.edit.setVisible(editable)
        self.note.setVisible(editable)
        self.edit.setText(tr("Edit …") if own else tr("Edit a copy …"))
        if texts == self._shown:
            return
        self._shown = dict(texts)
        self._words.clear()
        while item := self._texts.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for category in Category:
            if category in texts:
                self._add(category_name(category), texts[category])
        if not texts:
            self._add("", tr("This strategy looks at each photo and writes its prompt anew."))

    def words(self) -> str:
        """What is shown, as text."""
        return "\n".join(f"{heading}\n{text}".strip() for heading, text in self._words)

    def _add(self, heading: str, text: str) -> None:
        self._words.append((heading, text))
        for words, muted in ((heading, True), (text, False)):
            if words:
                label = QLabel(words)
                label.setTextFormat(Qt.TextFormat.PlainText)
                label.setWordWrap(True)
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                theme.set_text(label, Text.SMALL, muted=muted)
                self._texts.addWidget(label)
