"""How it is computed: for a checkpoint its tiles and the device; for other models which sample is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QWidget

from ggt_studio.pipeline.restoring import ModelSettings
from ggt_studio.ui.pages.restore.words import tr
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.parts import combo_of, grid

_MAX_TILE, _MAX_SAMPLE = 8192, 9999


class HowChoice(QWidget):
    """`changed` when a person chose something else."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        devices = [(tr("Automatic"), "auto"), (tr("Processor"), "cpu"), ("CUDA", "cuda"), ("MPS", "mps")]
        self.device = combo_of(tr("Computes on"), [*devices])
        self.tile = SpinBox()
        self.tile.setRange(0, _MAX_TILE)
        self.tile.setSingleStep(64)
        self.tile.setSpecialValueText(tr("Automatic"))
        self.tile.setSuffix(" px")
        self.tile.setAccessibleName(tr("Side of the tiles"))
        self.half = QCheckBox(tr("Half precision"))
        self.half.setToolTip(tr("Faster on GPUs, where the network bears it"))
        self.sample = SpinBox()
        self.sample.setRange(1, _MAX_SAMPLE)
        self.sample.setAccessibleName(tr("Sample"))
        self.sample.setToolTip(tr("Another number makes another picture of the same photo"))
        self._of_checkpoints = (QLabel(tr("Tiles")), self.tile, QLabel(tr("Computes on")), self.device)
        self._of_samplers = (QLabel(tr("Sample")), self.sample)
        rows = grid(self)
        for row, parts in enumerate((self._of_checkpoints[:2], self._of_checkpoints[2:4], self._of_samplers)):
            for side, widget in enumerate(parts):
                rows.addWidget(widget, row, side)
        rows.addWidget(self.half, 3, 0, 1, 2)
        for spin in (self.tile, self.sample):
            spin.valueChanged.connect(lambda _: self.changed.emit())
        self.device.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.half.toggled.connect(lambda _: self.changed.emit())

    def settings(self) -> ModelSettings:
        """What is chosen."""
        return ModelSettings(
            tile=self.tile.value(),
            device=self.device.currentData(),
            half=self.half.isChecked() and not self._samples,
            seed=self.sample.value() - 1 if self._samples else 0,
        )

    def show_for(self, *, checkpoint: bool, samples: bool) -> None:
        """Show what matters for a checkpoint or another model, and for one that draws samples."""
        self._samples = samples
        for widgets, shown in ((self._of_checkpoints, checkpoint), (self._of_samplers, samples)):
            for widget in widgets:
                widget.setVisible(shown)
        self.half.setVisible(checkpoint and not samples)

    def remembered(self) -> dict[str, Any]:
        """What `recall` takes."""
        return {"tile": self.tile.value(), "device": self.device.currentData(), "half": self.half.isChecked()}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Choose what was chosen before; what is not understood is left as it is."""
        tile = kept.get("tile")
        if type(tile) is int and 0 <= tile <= _MAX_TILE:
            self.tile.setValue(tile)
        self.half.setChecked(kept.get("half") is True)
        if (row := self.device.findData(kept.get("device"))) >= 0:
            self.device.setCurrentIndex(row)
