"""What photos are restored with: the restorer, how much of it, and how the files are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.core.metadata import Strip
from ggt_studio.core.photo_files import FileFormat
from ggt_studio.core.restored import Output
from ggt_studio.pipeline.restoring import RestoreChoice
from ggt_studio.ui import theme
from ggt_studio.ui.pages.restore.words import format_choices, model_words, strip_choices, tr
from ggt_studio.ui.theme import SPACE_8, SPACE_16, Text
from ggt_studio.ui.widgets.common import ElidedLabel, PathLabel
from ggt_studio.ui.widgets.common.choices import ComboBox, Slider, SpinBox
from ggt_studio.ui.widgets.fold import Fold

_KEPT_MODELS = 8
_MAX_TILE = 8192


class RestorePanel(QWidget):
    """`changed` when a person chose something else, `model_chosen` and `folder_chosen` when a file or a folder."""

    changed = Signal()
    model_chosen = Signal(Path)
    folder_chosen = Signal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models: list[str] = []
        self.model = ElidedLabel(tr("None chosen"))
        self.model_button = QPushButton(tr("Choose …"))
        self.model_button.setAccessibleName(tr("Choose a restorer's checkpoint"))
        self.model_button.clicked.connect(self._ask_for_model)
        self.recent = ComboBox()
        self.recent.setAccessibleName(tr("Restorers used before"))
        self.recent.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.recent.activated.connect(lambda row: self.model_chosen.emit(Path(self._models[row])))
        self.about = _small()
        self.strength = Slider(Qt.Orientation.Horizontal)
        self.strength.setRange(0, 100)
        self.strength.setValue(100)
        self.strength.setPageStep(10)
        self.strength.setAccessibleName(tr("Strength in percent"))
        self.strength_label = QLabel("100 %")
        self.strength_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.strength.valueChanged.connect(lambda value: self.strength_label.setText(f"{value} %"))
        self.lock_colour = QCheckBox(tr("Keep the photo's colours"))
        self.lock_colour.setToolTip(
            tr("Large areas keep the colours of the photo; only detail is taken from the restorer.")
        )
        self.folder = PathLabel()
        self.folder_button = QPushButton(tr("Choose …"))
        self.folder_button.setAccessibleName(tr("Choose the folder for restored photos"))
        self.folder_button.clicked.connect(self._ask_for_folder)
        self.format, self.strip, self.device = ComboBox(), ComboBox(), ComboBox()
        for box, choices, name in (
            (self.format, format_choices(), tr("File format")),
            (self.strip, strip_choices(), tr("Metadata")),
            (
                self.device,
                [(tr("Automatic"), "auto"), (tr("Processor"), "cpu"), ("CUDA", "cuda"), ("MPS", "mps")],
                tr("Computes on"),
            ),
        ):
            for word, value in choices:
                box.addItem(word, value)
            box.setAccessibleName(name)
        self.quality = SpinBox()
        self.quality.setRange(1, 100)
        self.quality.setValue(95)
        self.quality.setAccessibleName(tr("Quality of JPEG, WebP and AVIF"))
        self.tile = SpinBox()
        self.tile.setRange(0, _MAX_TILE)
        self.tile.setSingleStep(64)
        self.tile.setSpecialValueText(tr("Automatic"))
        self.tile.setSuffix(" px")
        self.tile.setAccessibleName(tr("Side of the tiles"))
        self.half = QCheckBox(tr("Half precision"))
        self.half.setToolTip(tr("Faster on GPUs, where the network bears it"))
        self.overwrite = QCheckBox(tr("Replace files that are there"))
        self._lay_out()
        for box in (self.format, self.strip, self.device):
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
        for spin in (self.quality, self.tile):
            spin.valueChanged.connect(lambda _: self.changed.emit())
        for check in (self.lock_colour, self.half, self.overwrite):
            check.toggled.connect(lambda _: self.changed.emit())
        self.strength.valueChanged.connect(lambda _: self.changed.emit())
        self.show_model(None, {}, "")

    def _lay_out(self) -> None:
        how = QWidget()
        grid = QGridLayout(how)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_8)
        grid.setVerticalSpacing(SPACE_8)
        for row, (word, widget) in enumerate(((tr("Tiles"), self.tile), (tr("Computes on"), self.device))):
            grid.addWidget(QLabel(word), row, 0)
            grid.addWidget(widget, row, 1)
        grid.addWidget(self.half, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        files = QGridLayout()
        files.setHorizontalSpacing(SPACE_8)
        files.setVerticalSpacing(SPACE_8)
        for row, (word, widget) in enumerate(
            ((tr("Format"), self.format), (tr("Quality"), self.quality), (tr("Metadata"), self.strip))
        ):
            files.addWidget(QLabel(word), row, 0)
            files.addWidget(widget, row, 1)
        files.addWidget(self.overwrite, 3, 0, 1, 2)
        files.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_16)
        for heading, parts in (
            (tr("Restorer"), (_row(self.model, self.model_button), self.recent, self.about)),
            (tr("Strength"), (_row(self.strength, self.strength_label), self.lock_colour)),
            (tr("Restored photos go to"), (_row(self.folder, self.folder_button), files)),
        ):
            part = QVBoxLayout()
            part.setSpacing(SPACE_8)
            label = QLabel(heading)
            label.setFont(theme.font(strong=True))
            part.addWidget(label)
            for each in parts:
                if isinstance(each, QWidget):
                    part.addWidget(each)
                else:
                    part.addLayout(each)
            layout.addLayout(part)
        self.fold = Fold(tr("How it is computed"), how)
        layout.addWidget(self.fold)
        layout.addStretch(1)

    # --- what is chosen -------------------------------------------------------------------------------------------

    def choice(self, model: Path) -> RestoreChoice:
        """What is chosen, for this restorer."""
        output = Output(
            self.format.currentData(),
            self.quality.value(),
            self.strip.currentData(),
            self.strength.value() / 100,
            self.lock_colour.isChecked(),
        )
        return RestoreChoice(
            model,
            output,
            self.tile.value(),
            self.device.currentData(),
            self.half.isChecked(),
            overwrite=self.overwrite.isChecked(),
        )

    def remembered(self) -> dict[str, Any]:
        """What `recall` takes."""
        return {
            "models": list(self._models),
            "strength": self.strength.value(),
            "lock_colour": self.lock_colour.isChecked(),
            "format": str(self.format.currentData() or ""),
            "quality": self.quality.value(),
            "strip": str(self.strip.currentData()),
            "tile": self.tile.value(),
            "device": self.device.currentData(),
            "half": self.half.isChecked(),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Choose what was chosen before, without `changed`; what is not understood is left as it is."""
        with QSignalBlocker(self):
            models = kept.get("models")
            self._models = (
                [m for m in models if isinstance(m, str)][:_KEPT_MODELS] if isinstance(models, list | tuple) else []
            )
            self._show_recent()
            for spin, name in ((self.strength, "strength"), (self.quality, "quality"), (self.tile, "tile")):
                value = kept.get(name)
                if type(value) is int and spin.minimum() <= value <= spin.maximum():
                    spin.setValue(value)
            for check, name in ((self.lock_colour, "lock_colour"), (self.half, "half")):
                check.setChecked(kept.get(name) is True)
            wanted_format, wanted_strip = kept.get("format"), kept.get("strip")
            if wanted_format in list(FileFormat):
                self.format.setCurrentIndex(self.format.findData(FileFormat(wanted_format)))
            if wanted_strip in list(Strip):
                self.strip.setCurrentIndex(self.strip.findData(Strip(wanted_strip)))
            if (row := self.device.findData(kept.get("device"))) >= 0:
                self.device.setCurrentIndex(row)

    @property
    def latest_model(self) -> Path | None:
        """The restorer that was used last, where its file is still there."""
        path = Path(self._models[0]) if self._models else None
        return path if path is not None and path.is_file() else None

    # --- showing --------------------------------------------------------------------------------------------------

    def show_model(self, model: Path | None, about: Mapping[str, Any], problem: str) -> None:
        """Show which restorer is chosen, what it is, or why it cannot be used."""
        self.model.setText(model.name if model else tr("None chosen"))
        if model is None:
            words = tr(
                "The checkpoint of a network: NAFNet, SwinIR, MPRNet, X-Restormer, PromptIR, MoCE-IR, DA-CLIP, FoundIR and more."
            )
        else:
            words = problem or (model_words(dict(about)) if about else tr("Reading …"))
        self.about.setText(words)
        if model is not None and about:
            path = str(model)
            self._models = [path, *(m for m in self._models if m != path)][:_KEPT_MODELS]
        self._show_recent()

    def _show_recent(self) -> None:
        with QSignalBlocker(self.recent):
            self.recent.clear()
            self.recent.addItems([Path(path).name for path in self._models])
            for row, path in enumerate(self._models):
                self.recent.setItemData(row, path, Qt.ItemDataRole.ToolTipRole)
        self.recent.setVisible(len(self._models) > 1)

    def show_folder(self, folder: Path) -> None:
        """Show where restored photos go."""
        self.folder.set_path(str(folder) if folder != Path() else "")

    def set_frozen(self, frozen: bool) -> None:
        """While photos are restored nothing can be chosen."""
        self.setEnabled(not frozen)

    # --- asking ---------------------------------------------------------------------------------------------------

    def _ask_for_model(self) -> None:
        start = str(Path(self._models[0]).parent) if self._models else str(Path.home())
        dialog = QFileDialog(
            self,
            tr("Choose a restorer's checkpoint"),
            start,
            tr("Checkpoints (*.safetensors *.pth *.pt *.ckpt);;All files (*)"),
        )
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.model_chosen.emit(Path(path)))
        dialog.open()

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, tr("Folder for restored photos"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.folder_chosen.emit(Path(path)))
        dialog.open()


def _small() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    theme.set_text(label, Text.SMALL, muted=True)
    return label


def _row(first: QWidget, second: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACE_8)
    row.addWidget(first, 1)
    row.addWidget(second)
    return row
