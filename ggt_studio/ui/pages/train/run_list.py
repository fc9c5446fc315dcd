"""The list of training runs, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from ggt_studio.training.story import Story
from ggt_studio.ui import theme
from ggt_studio.ui.pages.train.words import row_words, state_icon, tr
from ggt_studio.ui.theme import SPACE_12

_FOLDER = Qt.ItemDataRole.UserRole


class RunList(QListWidget):
    """`chosen` carries the folder of the run that a person looks at."""

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("quiet", True)
        self.setAccessibleName(tr("Training runs"))
        self.setIconSize(QSize(20, 20))
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentItemChanged.connect(lambda now, _: self.chosen.emit(now.data(_FOLDER)) if now else None)

    def show_runs(self, stories: Sequence[Story], current: Path | None, at_work: Path | None) -> None:
        """Show these; `current` is marked, without `chosen`; `at_work` is trained from here."""
        height = 2 * self.fontMetrics().lineSpacing() + SPACE_12
        with QSignalBlocker(self):
            while self.count() > len(stories):
                self.takeItem(self.count() - 1)
            while self.count() < len(stories):
                self.addItem(QListWidgetItem())
            at = -1
            for row, story in enumerate(stories):
                item = self.item(row)
                begins = story.folder == at_work and story.state == "new"
                words = tr("Beginning …") if begins else row_words(story)
                item.setText(f"{story.folder.name}\n{words}")
                item.setToolTip(f"{story.folder}\n{words}")
                item.setIcon(theme.icon(*state_icon(story)))
                item.setSizeHint(QSize(0, height))
                item.setData(_FOLDER, story.folder)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{story.folder.name}, {words}")
                at = row if story.folder == current else at
            self.setCurrentRow(at)
