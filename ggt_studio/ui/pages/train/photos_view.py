"""The held-back photos of a run at a checkpoint, in the compare view."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.training.story import Story
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.state.training import Training
from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.widgets.common import Segment, SegmentedControl, quiet_button
from ggt_studio.ui.widgets.compare.view import CompareView

_BEFORE, _TARGET = "before", "target"


class PhotosView(QWidget):
    """Photo against restored photo, or restored photo against its target; one view each, so that their names stay true."""

    moved = Signal()

    def __init__(self, training: Training, keys_from: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._story: Story | None = None
        self._step: int | None = None
        self._index = 0
        self._wanted: tuple[Path, int, int | None] | None = None
        self.compare = CompareView(names=(tr("Photo"), tr("Restored")))
        self.against = CompareView(names=(tr("Restored"), tr("Target")))
        for view in (self.compare, self.against):
            view.listen_to(keys_from)
        self.against.hide()
        self.sides = SegmentedControl(
            [Segment(_BEFORE, tr("With the photo")), Segment(_TARGET, tr("With the target"))],
            tr("Restored photos beside"),
        )
        self.sides.changed.connect(lambda _: self._show_sides())
        self.before = quiet_button("mdi6.chevron-left", tr("The photo before"))
        self.after = quiet_button("mdi6.chevron-right", tr("The next photo"))
        self.before.clicked.connect(lambda: self._go(-1))
        self.after.clicked.connect(lambda: self._go(1))
        self.place = QLabel()
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        for widget in (self.before, self.place, self.after):
            top.addWidget(widget)
        top.addStretch(1)
        top.addWidget(self.sides)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addLayout(top)
        layout.addWidget(self.compare, 1)
        layout.addWidget(self.against, 1)

    def show_at(self, story: Story, step: int | None) -> None:
        """Show a run's photos at a checkpoint (None: as they are, before the first)."""
        self._story, self._step = story, step
        self._index = min(self._index, max(0, story.job.validation_pairs - 1))
        self._read()

    def _go(self, by: int) -> None:
        if self._story is not None and self._story.job.validation_pairs:
            self._index = (self._index + by) % self._story.job.validation_pairs
            self._read()

    def _read(self) -> None:
        story, step = self._story, self._step
        if story is None:
            return
        total = story.job.validation_pairs
        self.place.setText(tr("Photo {0} of {1}").format(self._index + 1, count(total)) if total else "")
        for button in (self.before, self.after):
            button.setVisible(total > 1)
        if not total:
            words = tr("No pairs were held back, so there is nothing to look at.")
            for view in (self.compare, self.against):
                view.show_empty(tr("No held-back photos"), words)
            return
        wanted = (story.folder, self._index, step)
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._training.photos(story, self._index, step, lambda images: self._take(wanted, images))

    def _take(self, wanted: tuple[Path, int, int | None], images: dict[str, QImage]) -> None:
        if wanted != self._wanted:
            return
        story = self._story
        # A checkpoint that was written for a pause is not measured; nor is one before the next.
        newest = story.checkpoints[-1].step if story is not None and story.checkpoints else None
        to_come = story is not None and story.state == "running" and wanted[2] == newest
        waiting = tr("Not restored with this checkpoint yet") if to_come else tr("This checkpoint was not measured")
        if "lq" not in images:
            self._wanted = None
            there = story is not None and bool(story.checkpoints)
            for view in (self.compare, self.against):
                view.show_empty(
                    tr("Not measured yet") if there else tr("No checkpoint yet"),
                    tr("Held-back photos are shown at each checkpoint but those that are written for a pause."),
                )
            return
        restored = images.get("restored")
        if restored is None or "hq" not in images:
            # They are only just being written: read again when there is more.
            self._wanted = None
        self.compare.set_images(images["lq"], restored, hq_note=waiting)
        self.against.set_images(restored, images.get("hq"), lq_note=waiting)
        self.moved.emit()

    def _show_sides(self) -> None:
        target = self.sides.value == _TARGET
        self.compare.setVisible(not target)
        self.against.setVisible(target)
