"""How a run is trained: the recipe, what it begins with, and what a person wants otherwise."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QWidget

from ggt_studio.training.job import RUN_NAME
from ggt_studio.training.recipes import SMOKE, TrainingRecipe, load_recipe, recipe_names
from ggt_studio.training.story import Story
from ggt_studio.ui.pages.train.path_field import PathField
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.fold import Fold
from ggt_studio.ui.widgets.parts import column, combo_of, grid, heading, small_label

_FIRST = "nafnet"
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
        kinds = tr("Checkpoints (*.safetensors *.pth *.pt *.ckpt);;All files (*)")
        self.start = PathField(tr("Begins with"), tr("New weights"), tr("A checkpoint …"), kinds)
        self.base = PathField(tr("Trained into"), tr("No model chosen yet"), tr("Its folder …"))
        self.controller = PathField(tr("Told by"), tr("No CLIP controller chosen yet"), tr("Its file …"), kinds)
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
        for field in (self.start, self.base, self.controller):
            field.changed.connect(self.changed)
        self._recipe_chosen()

    def _lay_out(self) -> None:
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
        for field in (self.base, self.controller, self.start):
            layout.addWidget(field)
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
    def problem(self) -> str:
        """Why a run cannot be called so; empty where it can."""
        if not RUN_NAME.fullmatch(self.name.text().strip()):
            return tr("Give the run a name of letters, digits, spaces, dots and hyphens.")
        if self.batch.value() % self.parts.value():
            return tr("A batch of {0} crops does not divide into {1} parts.").format(
                self.batch.value(), self.parts.value()
            )
        if not self.base.isHidden() and self.base.path is None:
            return tr("Choose the folder of the model that this recipe trains into.")
        if not self.controller.isHidden() and self.controller.path is None and self.start.path is None:
            return tr("Choose the CLIP controller that this recipe is told by, or a checkpoint that holds one.")
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

    def offers(self, story: Story) -> bool:
        """Whether a run's recipe is one of these."""
        return self.combo.findText(story.job.recipe.label) >= 0

    def go_on_from(self, story: Story) -> None:
        """Choose a run's recipe, and begin with its last checkpoint."""
        self.combo.setCurrentIndex(self.combo.findText(story.job.recipe.label))
        self.start.set_path(story.checkpoints[-1].weights)
        base = story.job.base
        if base is not None and Path(base.folder).is_absolute():
            self.base.set_path(Path(base.folder))

    def _recipe_chosen(self) -> None:
        recipe = load_recipe(self.recipe_name)
        self.about.setText(f"{recipe.description}.")
        self.base.setVisible(recipe.generative and not recipe.network_options.get("base"))
        self.controller.setVisible(recipe.needs_controller)
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


def _spin(low: int, high: int, unit: str = "") -> SpinBox:
    spin = SpinBox()
    spin.setRange(low, high)
    spin.setSuffix(unit)
    spin.setGroupSeparatorShown(True)
    return spin
