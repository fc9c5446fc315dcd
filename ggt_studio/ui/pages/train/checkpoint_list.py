"""The checkpoints of a run, the newest first, each with what validation found."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from ggt_studio.training.story import Story
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.train.words import gain_words, tr

_STEP = Qt.ItemDataRole.UserRole


class CheckpointList(QListWidget):
    """`chosen` when another one is looked at; the newest is followed until a person chooses another."""

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("quiet", True)
        self.setAccessibleName(tr("Checkpoints"))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._chosen, self._newest = False, 0
        self.currentItemChanged.connect(lambda *_: self._choose())

    @property
    def step(self) -> int | None:
        """The step of the checkpoint that is looked at."""
        item = self.currentItem()
        return item.data(_STEP) if item else None

    def _choose(self) -> None:
        self._chosen = self.currentRow() != self._newest
        self.chosen.emit()

    def show_run(self, story: Story, *, other: bool) -> None:
        """Show a run's checkpoints, without `chosen`. `other`: it is another run than before."""
        steps = [one.step for one in reversed(story.checkpoints)]
        before, chosen = self.step, self._chosen and not other
        self._chosen = chosen
        # The newest that was measured: photos of the one that is being measured are still to come.
        self._newest = newest = next((row for row, step in enumerate(steps) if story.scores_of(step)), 0)
        best = story.best["step"] if story.best and len(steps) > 1 else None
        with QSignalBlocker(self):
            self.clear()
            for step in steps:
                gain = gain_words(story.scores_of(step))
                words = tr("Step {0}").format(count(step))
                item = QListWidgetItem(f"{words} · {gain}" if gain else words)
                if step == best:
                    item.setIcon(theme.icon("mdi6.star", "accent"))
                    item.setToolTip(tr("The best so far, by PSNR of the held-back photos"))
                item.setData(_STEP, step)
                self.addItem(item)
            row = steps.index(before) if chosen and before in steps else newest
            self.setCurrentRow(row if steps else -1)
