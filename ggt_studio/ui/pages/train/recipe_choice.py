"""How a run is trained: the recipe, what it begins with, and what a person wants otherwise."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from ggt_studio.training.recipes import SMOKE, TrainingRecipe, load_recipe, recipe_names
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.widgets.common import PathLabel, quiet_button
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.fold import Fold
from ggt_studio.ui.widgets.parts import column, combo_of, grid, heading, show_dialog, small_label

_FIRST = "nafnet"
_NAME = re.compile(r"[\w][\w .-]*")
_MOST_STEPS, _LARGEST_BATCH = 100_000_000, 65_536


class RecipePanel(QWidget):
    """`changed` when a person chose something else; `recipe_changed` when it was another recipe."""

    changed = Signal()
    recipe_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        names = sorted(recipe_names(), key=lambda name: (name.endswith(SMOKE), name != _FIRST, name))
        self.combo = combo_of(tr("Recipe"), [(load_recipe(name).label, name) for name in names])
        self.about = small_label()
        self.name = QLineEdit()
        self.name.setAccessibleName(tr("Name of the run"))
        self.start_label = PathLabel()
        self.start_choose = QPushButton(tr("A checkpoint …"))
        self.start_choose.clicked.connect(self._ask)
        self.start_clear = quiet_button("mdi6.close", tr("Begin with new weights"))
        self.start_clear.clicked.connect(lambda: self.begin_with(None))
        self._start: Path | None = None
        self.steps, self.batch = _spin(1, _MOST_STEPS), _spin(1, _LARGEST_BATCH)
        self.crop, self.parts = _spin(16, 2048, " px"), _spin(1, _LARGEST_BATCH)
        self.every, self.seed = _spin(0, _MOST_STEPS), _spin(0, 2**31 - 1)
        self.every.setSpecialValueText(tr("At the end"))
        self.crop.setSingleStep(16)
        self.parts.setToolTip(
            tr("A batch that is computed in parts takes less memory and more time; the result is the same")
        )
        self.precision = combo_of(tr("Precision"), [("fp32", "fp32"), ("bf16", "bf16"), ("fp16", "fp16")])
        self.recompute = QCheckBox(tr("Less memory, a third slower"))
        self.recompute.setToolTip(tr("Compute blocks again for the gradients instead of remembering them"))
        self.device = combo_of(tr("Device"), [(tr("The fastest"), "auto"), (tr("Processor"), "cpu")])
        self._lay_out()
        self.combo.currentIndexChanged.connect(lambda _: self._recipe_chosen())
        for spin in (self.steps, self.batch, self.crop, self.parts, self.every, self.seed):
            spin.valueChanged.connect(lambda _: self.changed.emit())
        for combo in (self.precision, self.device):
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.recompute.toggled.connect(lambda _: self.changed.emit())
        self.name.textChanged.connect(lambda _: self.changed.emit())
        self.begin_with(None)
        self._recipe_chosen()

    def _lay_out(self) -> None:
        start = QHBoxLayout()
        start.setSpacing(SPACE_8)
        start.addWidget(self.start_label, 1)
        start.addWidget(self.start_clear)
        start.addWidget(self.start_choose)
        details = QWidget()
        rows = grid(details)
        for row, (words, widget) in enumerate(
            (
                (tr("Steps"), self.steps),
                (tr("Crops in a batch"), self.batch),
                (tr("Side of crops"), self.crop),
                (tr("Parts of a batch"), self.parts),
                (tr("Checkpoint every … steps"), self.every),
                (tr("Precision"), self.precision),
                (tr("Memory"), self.recompute),
                (tr("Seed"), self.seed),
                (tr("Device"), self.device),
            )
        ):
            label = QLabel(words)
            label.setBuddy(widget)
            widget.setAccessibleName(widget.accessibleName() or words)
            rows.addWidget(label, row, 0)
            rows.addWidget(widget, row, 1)
        self.fold = Fold(tr("Settings"), details)
        layout = column(self)
        layout.addWidget(heading(tr("Recipe")))
        layout.addWidget(self.combo)
        layout.addWidget(self.about)
        layout.addSpacing(SPACE_8)
        layout.addWidget(heading(tr("Begins with")))
        layout.addLayout(start)
        layout.addSpacing(SPACE_8)
        layout.addWidget(heading(tr("Name")))
        layout.addWidget(self.name)
        layout.addSpacing(SPACE_8)
        layout.addWidget(self.fold)

    @property
    def recipe_name(self) -> str:
        """The chosen recipe's name."""
        return self.combo.currentData()

    @property
    def start_from(self) -> Path | None:
        """The checkpoint to begin with."""
        return self._start

    @property
    def problem(self) -> str:
        """Why a run cannot be called so; empty where it can."""
        if not _NAME.fullmatch(self.name.text().strip()):
            return tr("Give the run a name of letters, digits, spaces, dots and hyphens.")
        if self.batch.value() % self.parts.value():
            return tr("A batch of {0} crops does not divide into {1} parts.").format(
                self.batch.value(), self.parts.value()
            )
        return ""

    def recipe(self) -> TrainingRecipe:
        """The recipe with what is wanted otherwise."""
        return load_recipe(self.recipe_name).changed(
            steps=self.steps.value(),
            batch=self.batch.value(),
            crop=self.crop.value(),
            accumulate=self.parts.value(),
            checkpoint_every=self.every.value(),
            precision=self.precision.currentData(),
            recompute=self.recompute.isChecked(),
        )

    def _recipe_chosen(self) -> None:
        recipe = load_recipe(self.recipe_name)
        self.about.setText(f"{recipe.description}.")
        with QSignalBlocker(self):
            self.steps.setValue(recipe.steps)
            self.batch.setValue(recipe.batch)
            self.crop.setValue(recipe.crop)
            self.parts.setValue(recipe.accumulate)
            self.every.setValue(recipe.checkpoint_every)
            self.precision.setCurrentIndex(self.precision.findData(recipe.precision))
            self.recompute.setChecked(recipe.recompute)
        self.recipe_changed.emit()
        self.changed.emit()

    def begin_with(self, checkpoint: Path | None) -> None:
        """Begin with the weights of a checkpoint; None: with new ones."""
        self._start = checkpoint
        self.start_label.set_path(str(checkpoint) if checkpoint else tr("New weights"))
        self.start_clear.setVisible(checkpoint is not None)
        self.changed.emit()

    def _ask(self) -> None:
        start = str(self._start.parent if self._start else Path.home())
        kinds = tr("Checkpoints (*.safetensors *.pth *.pt *.ckpt);;All files (*)")
        dialog = QFileDialog(self, tr("The checkpoint to begin with"), start, kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.begin_with(Path(name)))
        show_dialog(dialog)


def _spin(low: int, high: int, unit: str = "") -> SpinBox:
    spin = SpinBox()
    spin.setRange(low, high)
    spin.setSuffix(unit)
    spin.setGroupSeparatorShown(True)
    return spin
