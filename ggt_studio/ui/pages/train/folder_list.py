"""Folders that a person added, each with a button that takes it off again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.theme import SPACE_8, Text
from ggt_studio.ui.widgets.common import PathLabel, quiet_button
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.parts import column, show_dialog, small_label

_LARGEST_QUOTA = 100_000_000


Look = Callable[[Path, Callable[[str, bool], None]], None]
"""Finds out what is in a folder, and tells it in words and whether it can be used."""


class FolderList(QWidget):
    """`changed` when a folder was added or taken off."""

    changed = Signal()

    def __init__(self, title: str, add: str, tooltip: str, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._look = title, look
        self._rows: dict[Path, QWidget] = {}
        self.found: dict[Path, QLabel] = {}
        """What each folder was found to hold."""
        self._quotas: dict[Path, SpinBox] = {}
        self.add_button = QPushButton(add)
        self.add_button.setToolTip(tooltip)
        self.add_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.add_button.clicked.connect(self._ask)
        self._layout = column(self)
        self._layout.addWidget(self.add_button)

    @property
    def folders(self) -> tuple[Path, ...]:
        """What was added, in that order."""
        return tuple(self._rows)

    @property
    def quotas(self) -> dict[Path, int]:
        """How many samples folders are to give in a round; those that give all that they have are left out."""
        return {folder: spin.value() for folder, spin in self._quotas.items() if spin.value()}

    def add(self, folder: Path) -> None:
        """Add a folder, once."""
        if folder in self._rows:
            return
        row = QWidget()
        rows = column(row)
        across = QHBoxLayout()
        across.setSpacing(SPACE_8)
        rows.addLayout(across)
        found = self.found[folder] = small_label()
        rows.addWidget(found)
        label = PathLabel()
        label.set_path(str(folder))
        away = quiet_button("mdi6.close", tr("Take off {0}").format(folder.name))
        away.clicked.connect(lambda: self._take_off(folder))
        quota = self._quotas[folder] = SpinBox()
        quota.setRange(0, _LARGEST_QUOTA)
        quota.setGroupSeparatorShown(True)
        quota.setSpecialValueText(tr("All samples"))
        quota.setAccessibleName(tr("Samples that {0} gives in a round").format(folder.name))
        quota.setToolTip(
            tr("How many samples it gives in a round of the other pairs; a small set is used several times for it")
        )
        quota.valueChanged.connect(lambda _: self.changed.emit())
        across.addWidget(label, 1)
        across.addWidget(quota)
        across.addWidget(away)
        self._rows[folder] = row
        self._layout.insertWidget(self._layout.count() - 1, row)

        def told(words: str, usable: bool) -> None:
            if self._rows.get(folder) is row:
                found.setText(words)
                theme.set_text(found, Text.SMALL, muted=usable)

        found.setText(tr("Looking …"))
        self._look(folder, told)
        self.changed.emit()

    def _take_off(self, folder: Path) -> None:
        row = self._rows.pop(folder)
        del self._quotas[folder], self.found[folder]
        row.hide()
        row.deleteLater()
        self.changed.emit()

    def _ask(self) -> None:
        start = str(next(reversed(self._rows)).parent if self._rows else Path.home())
        dialog = QFileDialog(self, self._title, start)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.add(Path(name)))
        show_dialog(dialog)
