"""One run: how it stands, its curves and figures, its checkpoints, and held-back photos restored with them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from ggt_studio.training.story import Story
from ggt_studio.ui import theme
from ggt_studio.ui.pages.train.checkpoint_list import CheckpointList
from ggt_studio.ui.pages.train.curves import Curve
from ggt_studio.ui.pages.train.photos_view import PhotosView
from ggt_studio.ui.pages.train.words import about_words, numbers, tr
from ggt_studio.ui.state.training import Training
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.common import Banner, ElidedLabel, Progress, ProgressStrip, Severity
from ggt_studio.ui.widgets.parts import heading, show_dialog

_SIDE = 208


class RunView(QWidget):
    """`used` carries the weights that photos are to be restored with."""

    used = Signal(str)

    def __init__(self, training: Training, keys_from: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self.story: Story | None = None
        self.about = ElidedLabel()
        theme.set_text(self.about, Text.BODY, muted=True)
        self.banner = Banner()
        self.strip = ProgressStrip()
        # The page's own button pauses it.
        self.strip.stop_button.hide()
        self.strip.pause_button.hide()
        self.loss = Curve(tr("Loss"), "", 4)
        self.psnr = Curve(tr("PSNR of held-back photos (dashed: as they are)"), tr(" dB"), 2)
        self.numbers = QHBoxLayout()
        self.numbers.setSpacing(SPACE_24)
        self._shown_numbers: list[tuple[str, str, str]] = []
        self.checkpoints = CheckpointList()
        self.checkpoints.chosen.connect(self._show_photos)
        self.use = QPushButton(tr("Use in Restore"))
        self.use.setIcon(theme.icon("mdi6.image-auto-adjust"))
        self.use.clicked.connect(self._use)
        self.export = QPushButton(tr("Export"))
        menu = QMenu(self.export)
        menu.addAction(tr("Weights and model card …"), lambda: self._ask_where(onnx=False))
        menu.addAction(tr("With ONNX as well …"), lambda: self._ask_where(onnx=True))
        self.export.setMenu(menu)
        self.photos = PhotosView(training, keys_from)
        self._lay_out()

    def _lay_out(self) -> None:
        curves = QWidget()
        both = QHBoxLayout(curves)
        both.setContentsMargins(0, 0, 0, 0)
        both.setSpacing(SPACE_16)
        both.addWidget(self.loss, 1)
        both.addWidget(self.psnr, 1)
        side = QWidget()
        side.setFixedWidth(_SIDE)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_8)
        column.addWidget(heading(tr("Checkpoints")))
        column.addWidget(self.checkpoints, 1)
        column.addWidget(self.use)
        column.addWidget(self.export)
        lower = QWidget()
        across = QHBoxLayout(lower)
        across.setContentsMargins(0, SPACE_8, 0, 0)
        across.setSpacing(SPACE_16)
        across.addWidget(self.photos, 1)
        across.addWidget(side)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(curves)
        self.splitter.addWidget(lower)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 5)
        figures = QWidget()
        figures.setLayout(self.numbers)
        self.numbers.setContentsMargins(0, 0, 0, 0)
        self._figures = figures
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        for widget in (self.about, self.banner, self.strip, figures):
            layout.addWidget(widget)
        layout.addWidget(self.splitter, 1)

    def show_run(self, story: Story) -> None:
        """Show how a run stands by now."""
        other = self.story is None or self.story.folder != story.folder
        if not other and story == self.story:
            return
        self.story = story
        self.about.setText(about_words(story))
        self._show_state(story, other=other)
        self._show_numbers(numbers(story))
        curve = story.curve
        self.loss.show_curve([step for step, _ in curve], [loss for _, loss in curve])
        told = [one for one in story.validated if one.get("pairs")]
        beat = told[-1]["psnr_lq"] if told else None
        self.psnr.show_curve([one["step"] for one in told], [one["psnr"] for one in told], beat=beat)
        self.checkpoints.show_run(story, other=other)
        for button in (self.use, self.export):
            button.setEnabled(bool(story.checkpoints))
        self._show_photos()

    def _show_state(self, story: Story, *, other: bool) -> None:
        self.strip.setVisible(story.state == "running")
        if story.state == "running":
            latest = story.measured[-1] if story.measured else None
            doing = tr("Training")
            if latest and latest["step_s"]:
                doing = tr("Training, {0} steps/s").format(f"{1 / latest['step_s']:.2g}")
            self.strip.set_progress(Progress(story.step, story.job.recipe.steps, None, story.eta_s, doing=doing))
        if story.why:
            self.banner.tell(Severity.ERROR if story.state == "failed" else Severity.WARNING, story.why)
        elif other or story.state == "running":
            self.banner.hide()

    def _show_numbers(self, figures: list[tuple[str, str, str]]) -> None:
        if figures == self._shown_numbers:
            return
        self._shown_numbers = figures
        while item := self.numbers.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for name, value, meaning in figures:
            self.numbers.addWidget(_Figure(name, value, meaning))
        self.numbers.addStretch(1)
        self._figures.setVisible(bool(figures))

    def _show_photos(self) -> None:
        if self.story is not None:
            self.photos.show_at(self.story, self.checkpoints.step)

    def _use(self) -> None:
        weights = self._weights()
        if weights is not None:
            self.used.emit(str(weights))

    def _weights(self) -> Path | None:
        if self.story is None:
            return None
        return next((one.weights for one in self.story.checkpoints if one.step == self.checkpoints.step), None)

    def _ask_where(self, *, onnx: bool) -> None:
        story, step = self.story, self.checkpoints.step
        if story is None or step is None:
            return
        dialog = QFileDialog(self, tr("Where to put the model's folder"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        name = f"{story.folder.name} step {step}"
        dialog.fileSelected.connect(
            lambda chosen: self._training.export(story.folder, step, Path(chosen) / name, onnx=onnx)
        )
        show_dialog(dialog)


class _Figure(QWidget):
    """A number with its name below."""

    def __init__(self, name: str, value: str, meaning: str) -> None:
        super().__init__()
        number = QLabel(value)
        number.setFont(theme.font(strong=True))
        label = QLabel(name)
        theme.set_text(label, Text.SMALL, muted=True)
        self.setToolTip(meaning)
        self.setAccessibleName(f"{name}: {value}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4 // 2)
        layout.addWidget(number)
        layout.addWidget(label)
