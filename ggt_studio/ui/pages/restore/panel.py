"""What photos are restored with: the model and what it asks for, how much of it, and how the files are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QVBoxLayout, QWidget

from ggt_studio.core.restored import Output
from ggt_studio.pipeline.restoring import ModelSettings
from ggt_studio.ui.pages.restore.asked_choice import AskedChoice
from ggt_studio.ui.pages.restore.file_choice import FileChoice
from ggt_studio.ui.pages.restore.how_choice import HowChoice
from ggt_studio.ui.pages.restore.model_choice import ModelChoice
from ggt_studio.ui.pages.restore.words import tr
from ggt_studio.ui.state.restoring import Restoring
from ggt_studio.ui.theme import SPACE_16
from ggt_studio.ui.widgets.common.choices import Slider
from ggt_studio.ui.widgets.fold import Fold
from ggt_studio.ui.widgets.parts import column, heading, row_of


class RestorePanel(QWidget):
    """`changed` when a person chose something else; the parts tell of a model and a folder."""

    changed = Signal()

    def __init__(self, restoring: Restoring, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._restoring = restoring
        self.model = ModelChoice(restoring)
        self.files = FileChoice()
        self.how = HowChoice()
        self.asked = AskedChoice(restoring)
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
        self._lay_out()
        self.files.changed.connect(self.changed)
        self.how.changed.connect(self.changed)
        self.asked.changed.connect(self.changed)
        self.lock_colour.toggled.connect(lambda _: self.changed.emit())
        self.strength.valueChanged.connect(lambda _: self.changed.emit())

    def _lay_out(self) -> None:
        much = QWidget()
        amount = column(much)
        amount.addWidget(heading(tr("Strength")))
        amount.addLayout(row_of(self.strength, self.strength_label))
        amount.addWidget(self.lock_colour)
        self.fold = Fold(tr("How it is computed"), self.how)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_16)
        for part in (self.model, self.asked, much, self.files, self.fold):
            layout.addWidget(part)
        layout.addStretch(1)

    # --- what is chosen -------------------------------------------------------------------------------------------

    def output(self) -> Output:
        """How photos are to be written."""
        return Output(
            self.files.format.currentData(),
            self.files.quality.value(),
            self.files.strip.currentData(),
            self.strength.value() / 100,
            self.lock_colour.isChecked(),
        )

    def settings(self) -> ModelSettings:
        """What is chosen for the model."""
        return replace(self.how.settings(), prompt=self.asked.prompt_text)

    def remembered(self) -> dict[str, Any]:
        """What `recall` takes."""
        return {
            "models": self.model.remembered,
            "model": self._restoring.model,
            "bases": dict(self._restoring.bases),
            "strength": self.strength.value(),
            "lock_colour": self.lock_colour.isChecked(),
            **self.asked.remembered(),
            **self.files.remembered(),
            **self.how.remembered(),
        }

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Choose what was chosen before, without `changed`; what is not understood is left as it is. The model itself is chosen
        by `Restoring`, after `model_kept`."""
        with QSignalBlocker(self):
            self.model.recall(kept.get("models"))
            bases = kept.get("bases")
            known = bases.items() if isinstance(bases, Mapping) else ()
            self._restoring.bases |= {str(model): folder for model, folder in known if isinstance(folder, str)}
            strength = kept.get("strength")
            if type(strength) is int and 0 <= strength <= 100:
                self.strength.setValue(strength)
            self.lock_colour.setChecked(kept.get("lock_colour") is True)
            self.asked.recall(kept)
            self.files.recall(kept)
            self.how.recall(kept)

    # --- showing --------------------------------------------------------------------------------------------------

    def show_model(self) -> None:
        """Show which model is chosen, what it is, or why it cannot be used; and only what it asks for."""
        restoring = self._restoring
        self.model.show_model()
        self.asked.show_model()
        # Only what was trained into a generative model tells of a base.
        samples = not restoring.is_checkpoint or "base" in restoring.about
        self.how.show_for(checkpoint=restoring.is_checkpoint, samples=samples)

    def show_folder(self, folder: Path) -> None:
        """Show where restored photos go."""
        self.files.show_folder(folder)

    def set_frozen(self, frozen: bool) -> None:
        """While photos are restored nothing can be chosen."""
        self.setEnabled(not frozen)


def model_kept(kept: Mapping[str, Any]) -> str:
    """The model that was used last; empty where none was."""
    models = kept.get("models")
    latest = models[0] if isinstance(models, list | tuple) and models else ""
    model = kept.get("model", latest)
    return model if isinstance(model, str) else ""
