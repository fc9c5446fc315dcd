"""What one model on this machine runs with: precision, offloading, quantisation, steps, guidance, LoRA."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from ggt_studio.providers.local.generator import family_of
from ggt_studio.providers.local.settings import OFFLOADS, Dtype, Quantisation
from ggt_studio.ui import theme
from ggt_studio.ui.pages.settings.section import explanation, in_a_row
from ggt_studio.ui.state.local_models import LocalModels
from ggt_studio.ui.theme import SPACE_8, SPACE_16
from ggt_studio.ui.widgets.common.choices import ComboBox, DoubleSpinBox, SpinBox

_RECOMMENDED = -1.0


class LocalOptions(QWidget):
    """Everything takes effect with the next run."""

    def __init__(self, models: LocalModels, model_id: str) -> None:
        super().__init__()
        self._models, self._id = models, model_id
        family = family_of(models.models[model_id])
        self.dtype, self.quantisation, self.offload = ComboBox(), ComboBox(), ComboBox()
        words: dict[str, str] = {
            "auto": self.tr("Automatic"),
            "none": self.tr("None"),
            "model": self.tr("Whole components"),
            "group": self.tr("Layers, fetched ahead"),
            "sequential": self.tr("Layers"),
        }
        self._words = words
        for value in get_args(Dtype):
            self.dtype.addItem(words.get(str(value), str(value)), value)
        for value in get_args(Quantisation):
            self.quantisation.addItem(words.get(str(value), str(value)), value)
        self.steps = SpinBox()
        self.steps.setRange(0, 1000)
        self.steps.setSpecialValueText(self.tr("Recommended ({0})").format(family.steps))
        self.guidance = DoubleSpinBox()
        self.guidance.setRange(_RECOMMENDED, 100.0)
        self.guidance.setSpecialValueText(self.tr("Recommended ({0})").format(f"{family.guidance:g}"))
        self.lora = QLineEdit()
        self.lora.setPlaceholderText(self.tr("None"))
        self.lora.setClearButtonEnabled(True)
        self.lora_button = QPushButton(self.tr("Choose …"))
        self.lora_button.clicked.connect(self._choose_lora)
        self.lora_scale = DoubleSpinBox()
        self.lora_scale.setRange(-100.0, 100.0)
        self.lora_scale.setSingleStep(0.1)
        for box in (self.steps, self.guidance, self.lora_scale):
            box.setKeyboardTracking(False)
        self.problem = explanation()
        self._lay_out()
        self.dtype.activated.connect(lambda _: self._choose(dtype=self.dtype.currentData()))
        self.quantisation.activated.connect(lambda _: self._choose_quantisation())
        self.offload.activated.connect(lambda _: self._choose(offload=self.offload.currentData()))
        self.steps.valueChanged.connect(lambda value: self._choose(steps=value))
        self.guidance.valueChanged.connect(lambda v: self._choose(guidance=None if v == _RECOMMENDED else v))
        self.lora.editingFinished.connect(self._take_lora)
        self.lora_scale.valueChanged.connect(lambda value: self._choose(lora_scale=value))
        self.tell()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACE_16)
        grid.setVerticalSpacing(SPACE_8)
        rows: list[tuple[str, QWidget]] = [
            (self.tr("Precision"), self.dtype),
            (self.tr("Quantisation"), self.quantisation),
            (self.tr("Waits in main memory"), self.offload),
            (self.tr("Steps"), self.steps),
            (self.tr("Guidance"), self.guidance),
            (self.tr("LoRA"), in_a_row(self.lora, self.lora_button)),
            (self.tr("Strength of the LoRA"), self.lora_scale),
        ]
        for row, (word, field) in enumerate(rows):
            label = QLabel(word)
            label.setBuddy(field)
            field.setAccessibleName(word)
            if field is not rows[5][1]:
                field.setFixedWidth(240)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1, Qt.AlignmentFlag(0) if row == 5 else Qt.AlignmentFlag.AlignLeft)
        grid.setColumnStretch(1, 1)
        self.lora.setAccessibleName(self.tr("LoRA"))
        grid.addWidget(self.problem, len(rows), 0, 1, 2)
        self.problem.hide()
        theme.set_text(self.problem, theme.Text.SMALL)

    def tell(self) -> None:
        """Show what is chosen."""
        settings = self._models.settings(self._id)
        fields = (self.dtype, self.quantisation, self.offload, self.steps, self.guidance, self.lora, self.lora_scale)
        blockers = [QSignalBlocker(field) for field in fields]
        self.dtype.setCurrentIndex(self.dtype.findData(settings.dtype))
        self.quantisation.setCurrentIndex(self.quantisation.findData(settings.quantisation))
        self.offload.clear()
        for value in OFFLOADS[settings.quantisation]:
            self.offload.addItem(self.tr("Nothing") if value == "none" else self._words[value], value)
        self.offload.setCurrentIndex(max(0, self.offload.findData(settings.offload)))
        self.steps.setValue(settings.steps)
        self.guidance.setValue(_RECOMMENDED if settings.guidance is None else settings.guidance)
        if not self.lora.hasFocus():
            self.lora.setText(settings.lora)
        self.lora_scale.setValue(settings.lora_scale)
        self.lora_scale.setEnabled(bool(settings.lora))
        del blockers

    def _choose(self, **options: Any) -> None:
        why_not = self._models.choose(self._id, **options)
        self.problem.setText(why_not)
        self.problem.setVisible(bool(why_not))

    def _choose_quantisation(self) -> None:
        quantisation: Quantisation = self.quantisation.currentData()
        offload = self._models.settings(self._id).offload
        able = OFFLOADS[quantisation]
        self._choose(quantisation=quantisation, offload=offload if offload in able else able[-1])

    def _take_lora(self) -> None:
        path = self.lora.text().strip()
        if path and not Path(path).expanduser().is_file():
            self.problem.setText(self.tr("There is no such file. The setting stays as it was."))
            self.problem.show()
            return
        self._choose(lora=path, lora_sha256="")

    def _choose_lora(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a LoRA"), str(Path.home()), "safetensors (*.safetensors)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._lora_chosen)
        dialog.open()

    def _lora_chosen(self, path: str) -> None:
        self.lora.setText(path)
        self._take_lora()
