"""A file or folder that a person chooses, or leaves out."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.widgets.common import PathLabel, quiet_button
from ggt_studio.ui.widgets.parts import column, heading, show_dialog


class PathField(QWidget):
    """`changed` when another one was chosen. `kinds`: which files are offered; empty: a folder is asked for."""

    changed = Signal()

    def __init__(self, title: str, none: str, choose: str, kinds: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._none, self._kinds = title, none, kinds
        self._path: Path | None = None
        self.label = PathLabel()
        self.choose = QPushButton(choose)
        self.choose.clicked.connect(self._ask)
        self.clear = quiet_button("mdi6.close", none)
        self.clear.clicked.connect(lambda: self.set_path(None))
        row = QHBoxLayout()
        row.setSpacing(SPACE_8)
        row.addWidget(self.label, 1)
        row.addWidget(self.clear)
        row.addWidget(self.choose)
        layout = column(self)
        layout.addWidget(heading(title))
        layout.addLayout(row)
        self.set_path(None)

    @property
    def path(self) -> Path | None:
        """What is chosen."""
        return self._path

    def set_path(self, path: Path | None) -> None:
        """Choose another one, or none."""
        self._path = path
        self.label.set_path(str(path) if path else self._none)
        self.clear.setVisible(path is not None)
        self.changed.emit()

    def _ask(self) -> None:
        dialog = QFileDialog(self, self._title, str(self._path.parent if self._path else Path.home()), self._kinds)
        mode = QFileDialog.FileMode.ExistingFile if self._kinds else QFileDialog.FileMode.Directory
        dialog.setFileMode(mode)
        dialog.fileSelected.connect(lambda name: self.set_path(Path(name)))
        show_dialog(dialog)
