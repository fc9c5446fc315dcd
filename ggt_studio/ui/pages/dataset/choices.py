"""What a person chooses for an export: selection, format, split and folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.dataset.export import ExportFormat
from ggt_studio.dataset.exported import free_folder
from ggt_studio.dataset.include import Include
from ggt_studio.pipeline.exporting import ExportChoice
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.dataset.words import format_words, include_words, tr
from ggt_studio.ui.theme import SPACE_8, SPACE_12, Text
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.radio_list import RadioList


class ExportChoices(QWidget):
    """`changed` when a person chose something else."""

    changed = Signal()

    def __init__(self, exports: Path, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._exports, self._name = exports, name
        self.include = RadioList(tr("Pairs"), [(i.value, *include_words(i)) for i in Include])
        self.layout_format = RadioList(tr("Format"), [(f.value, *format_words(f)) for f in ExportFormat])
        self.test_count = _spin(tr("Test pairs"), 10_000_000)
        self.seed = _spin(tr("Seed of the split"), 2**31 - 1)
        self.dest = QLineEdit()
        self.dest.setAccessibleName(tr("Folder of the export"))
        self.choose = QPushButton(tr("Choose …"))
        self.choose.clicked.connect(self._ask_for_folder)
        self._lay_out()
        self.propose_folder()
        self.include.changed.connect(self.changed)
        self.layout_format.changed.connect(self.changed)
        for spin in (self.test_count, self.seed):
            spin.valueChanged.connect(lambda _: self.changed.emit())
        self.dest.textChanged.connect(lambda _: self.changed.emit())

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        spins = QHBoxLayout()
        spins.setSpacing(SPACE_8)
        for name, spin in ((tr("Test pairs"), self.test_count), (tr("Seed"), self.seed)):
            label = QLabel(name)
            label.setBuddy(spin)
            spins.addWidget(label)
            spins.addWidget(spin)
            spins.addSpacing(SPACE_12)
        spins.addStretch(1)
        explained = QLabel(
            tr(
                "Test pairs are drawn over the categories as in the paper; the same seed draws the same ones. Pairs of one"
                " photo, or of near duplicates, are never on both sides."
            )
        )
        explained.setWordWrap(True)
        theme.set_text(explained, Text.SMALL, muted=True)
        folder = QHBoxLayout()
        folder.setSpacing(SPACE_8)
        folder.addWidget(self.dest, 1)
        folder.addWidget(self.choose)
        parts: tuple[tuple[str, QWidget | QHBoxLayout], ...] = (
            (tr("Pairs"), self.include),
            (tr("Format"), self.layout_format),
            (tr("Test set"), spins),
            ("", explained),
            (tr("Folder"), folder),
        )
        for heading, part in parts:
            if heading:
                if layout.count():
                    layout.addSpacing(SPACE_12)
                label = QLabel(heading)
                theme.set_text(label, Text.HEADING)
                layout.addWidget(label)
            if isinstance(part, QWidget):
                layout.addWidget(part)
            else:
                layout.addLayout(part)

    @property
    def choice(self) -> ExportChoice:
        """What is chosen."""
        return ExportChoice(
            dest=Path(self.dest.text().strip()),
            layout=self.layout_format.value,
            include=Include(self.include.value),
            test_count=self.test_count.value(),
            seed=self.seed.value(),
        )

    @property
    def problem(self) -> str:
        """Why the folder cannot be used, in words; empty when nothing speaks against it."""
        text = self.dest.text().strip()
        if not text:
            return tr("Choose a folder for the export.")
        dest = Path(text).expanduser()
        if not dest.is_absolute():
            return tr("Give the folder with its whole path.")
        try:
            taken = dest.exists() and (not dest.is_dir() or any(dest.iterdir()))
        except OSError as error:
            return tr("{0} cannot be used: {1}.").format(dest, error.strerror)
        return tr("{0} is not empty. Choose a new or empty folder.").format(dest) if taken else ""

    def recall(self, remembered: Mapping[str, object]) -> None:
        """Choose what was chosen before, without `changed`; the folder is a new one each time."""
        self.include.set_value(str(remembered.get("include", "")))
        self.layout_format.set_value(str(remembered.get("layout", "")))
        for name, spin in (("test_count", self.test_count), ("seed", self.seed)):
            value = remembered.get(name)
            if isinstance(value, int) and 0 <= value <= spin.maximum():
                spin.blockSignals(True)
                spin.setValue(value)
                spin.blockSignals(False)

    def to_remember(self) -> dict[str, object]:
        """What `recall` takes."""
        choice = self.choice
        return {
            "include": choice.include.value,
            "layout": choice.layout,
            "test_count": choice.test_count,
            "seed": choice.seed,
        }

    def show_counts(self, counts: Mapping[Include, int]) -> None:
        """How many pairs each selection holds."""
        for include, number in counts.items():
            self.include.set_number(include.value, count(number))

    def propose_folder(self, parent: Path | None = None) -> None:
        """Suggest a new folder, where exports go by default unless another place is given."""
        self.dest.setText(str(free_folder(parent or self._exports, self._name)))

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, tr("Folder for the export"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._take_folder)
        dialog.open()

    def _take_folder(self, folder: str) -> None:
        path = Path(folder)
        if path.is_dir() and any(path.iterdir()):
            self.propose_folder(path)
        else:
            self.dest.setText(str(path))


def _spin(name: str, most: int) -> QSpinBox:
    spin = SpinBox()
    spin.setRange(0, most)
    spin.setGroupSeparatorShown(True)
    spin.setAccessibleName(name)
    spin.setMinimumWidth(96)
    return spin
