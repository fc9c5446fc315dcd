"""Settings of the measuring: the ml extra, NIQE's parameter file, worker processes."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QWidget

from ggt_studio.core.extras import install_command
from ggt_studio.quality.catalogue import METRICS
from ggt_studio.settings import Settings
from ggt_studio.ui.format import counted
from ggt_studio.ui.pages.settings.section import Section, explanation, in_a_row
from ggt_studio.ui.widgets.common import quiet_button
from ggt_studio.ui.widgets.common.choices import SpinBox

MOST_PROCESSES = 64


class MeasuringSection(Section):
    """`niqe_changed` carries a path that is there, or an empty text; `processes_changed` a number, 0 for automatic."""

    niqe_changed = Signal(str)
    processes_changed = Signal(int)

    def __init__(self, settings: Settings, automatic: int, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Measuring"), parent=parent)
        self.extra = explanation(self.tr("Looking …"))
        self.command = QLineEdit(install_command("ml"))
        self.command.setReadOnly(True)
        self.copy_button = quiet_button(
            "mdi6.content-copy", self.tr("Copy the command that installs the ml extra"), text=self.tr("Copy")
        )
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.command.text()))
        self.command_row = in_a_row(self.command, self.copy_button)
        self.command_row.hide()
        self.extra_state = explanation()
        self.add(self.tr("The ml extra"), self.extra_state, self.extra, self.command_row)
        self._lay_out_niqe(settings)
        self.processes = SpinBox()
        self.processes.setRange(0, MOST_PROCESSES)
        self.processes.setValue(settings.worker_processes)
        self.processes.setSpecialValueText(self.tr("Automatic ({0})").format(automatic))
        self.processes.setFixedWidth(168)
        self.processes.valueChanged.connect(self.processes_changed)
        self.add(
            self.tr("Worker processes"),
            self.processes,
            self.tr(
                "How many photos are worked on at once; this machine has {0}. Each process needs memory of its own. Takes"
                " effect when the project is opened again."
            ).format(counted(os.cpu_count() or 1, self.tr("1 processor core"), self.tr("{0} processor cores"))),
        )

    def _lay_out_niqe(self, settings: Settings) -> None:
        self.niqe = QLineEdit(settings.niqe_parameters)
        self.niqe.setPlaceholderText(self.tr("Not set: NIQE is skipped"))
        self.niqe.setClearButtonEnabled(True)
        self.niqe.setAccessibleName(self.tr("NIQE parameter file"))
        self.niqe.editingFinished.connect(self._check_niqe)
        self.niqe.textChanged.connect(lambda text: self._check_niqe() if not text else None)
        self.niqe_button = QPushButton(self.tr("Choose …"))
        self.niqe_button.setAccessibleName(self.tr("Choose NIQE's parameter file"))
        self.niqe_button.clicked.connect(self._choose_niqe)
        self.niqe_state = explanation()
        self.add(
            self.tr("NIQE parameters"),
            in_a_row(self.niqe, self.niqe_button),
            self.tr(
                "NIQE tells how far a photo is from pristine ones; what pristine photos look like stands in a file of its"
                " authors (niqe_modelparameters.mat), which does not come with this program. Choose your copy of it."
            ),
            self.niqe_state,
        )
        self._kept_niqe = settings.niqe_parameters
        self._check_niqe()

    def show_extra(self, *, there: bool, reason: str, versions: dict[str, str]) -> None:
        """Whether the ml extra can be used, and why not."""
        self.extra_state.setText(
            self.tr("Installed: {0}").format(", ".join(f"{name} {version}" for name, version in versions.items()))
            if there
            else self.tr("Not installed")
        )
        self.extra.setText(
            self._what_is_measured()
            + ("" if there else " " + self.tr("Without it, runs go on without the metric filter. To install it, run:"))
        )
        self.extra.setToolTip(reason)
        self.command_row.setVisible(not there)

    def _what_is_measured(self) -> str:
        alone = [info.label for info in METRICS.values() if info.kind == "no-reference" and not info.needs_parameters]
        given = [info.label for info in METRICS.values() if info.kind == "no-reference" and info.needs_parameters]
        between = [info.label for info in METRICS.values() if info.kind == "full-reference"]
        return self.tr(
            "Measures photo and target each by {0} and, where its parameter file is set, {1}; the two against each other by"
            " {2}. Most of them come from pyiqa, which is for noncommercial use."
        ).format(", ".join(alone), ", ".join(given), ", ".join(between))

    def show_extra_unknown(self, reason: str) -> None:
        """It could not be found out."""
        self.extra_state.setText(self.tr("Not known"))
        self.extra.setText(reason)

    def _check_niqe(self) -> None:
        path = self.niqe.text().strip()
        if path and not Path(path).expanduser().is_file():
            self._say(self.tr("There is no such file. The setting stays as it was."))
            return
        self._say(self.tr("The file is there; the next run uses it.") if path else "")
        kept = str(Path(path).expanduser()) if path else ""
        if kept != self._kept_niqe:
            self._kept_niqe = kept
            self.niqe_changed.emit(kept)

    def _say(self, words: str) -> None:
        self.niqe_state.setText(words)
        self.niqe_state.setVisible(bool(words))

    def _choose_niqe(self) -> None:
        start = str(Path(self._kept_niqe).parent) if self._kept_niqe else str(Path.home())
        dialog = QFileDialog(self, self.tr("Choose NIQE's parameter file"), start)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([self.tr("MATLAB files (*.mat)"), self.tr("All files (*)")])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._take_niqe)
        dialog.open()

    def _take_niqe(self, path: str) -> None:
        self.niqe.setText(path)
        self._check_niqe()
