"""Where restored photos go, and how their files are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QLabel, QPushButton, QWidget

from ggt_studio.core.metadata import Strip
from ggt_studio.core.photo_files import FileFormat
from ggt_studio.ui.pages.restore.words import format_choices, strip_choices, tr
from ggt_studio.ui.widgets.common import PathLabel
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.parts import column, combo_of, grid, heading, row_of, show_dialog


class FileChoice(QWidget):
    """`changed` when a person chose something else, `folder_chosen` when a folder."""

    changed = Signal()
    folder_chosen = Signal(Path)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = PathLabel()
        self.folder_button = QPushButton(tr("Choose …"))
        self.folder_button.setAccessibleName(tr("Choose the folder for restored photos"))
        self.folder_button.clicked.connect(self._ask)
        self.format = combo_of(tr("File format"), [*format_choices()])
        self.strip = combo_of(tr("Metadata"), [*strip_choices()])
        self.quality = SpinBox()
        self.quality.setRange(1, 100)
        self.quality.setValue(95)
        self.quality.setAccessibleName(tr("Quality of JPEG, WebP and AVIF"))
        self.overwrite = QCheckBox(tr("Replace files that are there"))
        files = grid()
        for row, (word, widget) in enumerate(
            ((tr("Format"), self.format), (tr("Quality"), self.quality), (tr("Metadata"), self.strip))
        ):
            files.addWidget(QLabel(word), row, 0)
            files.addWidget(widget, row, 1)
        files.addWidget(self.overwrite, 3, 0, 1, 2)
        layout = column(self)
        layout.addWidget(heading(tr("Restored photos go to")))
        layout.addLayout(row_of(self.folder, self.folder_button))
        layout.addLayout(files)
        for box in (self.format, self.strip):
            box.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.quality.valueChanged.connect(lambda _: self.changed.emit())
        self.overwrite.toggled.connect(lambda _: self.changed.emit())

    def remembered(self) -> dict[str, Any]:
        """What `recall` takes."""
        return {
            "format": str(self.format.currentData() or ""),
            "quality": self.quality.value(),
            "strip": str(self.strip.currentData()),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Choose what was chosen before; what is not understood is left as it is."""
        quality, wanted_format, wanted_strip = kept.get("quality"), kept.get("format"), kept.get("strip")
        if type(quality) is int and self.quality.minimum() <= quality <= self.quality.maximum():
            self.quality.setValue(quality)
        if wanted_format in list(FileFormat):
            self.format.setCurrentIndex(self.format.findData(FileFormat(wanted_format)))
        if wanted_strip in list(Strip):
            self.strip.setCurrentIndex(self.strip.findData(Strip(wanted_strip)))

    def show_folder(self, folder: Path) -> None:
        """Show where restored photos go."""
        self.folder.set_path(str(folder) if folder != Path() else "")

    def _ask(self) -> None:
        dialog = QFileDialog(self, tr("Folder for restored photos"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: self.folder_chosen.emit(Path(path)))
        show_dialog(dialog)
