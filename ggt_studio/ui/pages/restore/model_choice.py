"""What photos are restored with: checkpoints used before, classical means and generators in one list, or another file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QPushButton, QWidget

from ggt_studio.pipeline.readiness import Lack
from ggt_studio.pipeline.restoring import Checkpoint
from ggt_studio.ui.pages.generate.provider_choice import ProviderChoice
from ggt_studio.ui.pages.restore.words import model_words, tr
from ggt_studio.ui.state.restoring import Restoring
from ggt_studio.ui.widgets.parts import column, show_dialog, small_label

_KEPT = 8


class ModelChoice(QWidget):
    """`chosen` carries the path of a checkpoint or the id of a generator; `base_chosen` the folder of the model that a checkpoint was
    trained into; `models_asked` that local models are to be got."""

    chosen = Signal(str)
    base_chosen = Signal(str)
    models_asked = Signal()

    def __init__(self, restoring: Restoring, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._restoring = restoring
        self._checkpoints: list[str] = []
        self.provider = ProviderChoice(tr("Restorer"), tr("photo"), restoring.offers, restoring.services)
        self.provider.changed.connect(self.chosen)
        self.provider.models_asked.connect(self.models_asked)
        self.about = small_label()
        self.about.hide()
        self.file_button = QPushButton(tr("Use a checkpoint file …"))
        self.file_button.setToolTip(
            tr(
                "The checkpoint of a network: NAFNet, SwinIR, MPRNet, X-Restormer, PromptIR, MoCE-IR, DA-CLIP, FoundIR and more; "
                "or what was trained here into Qwen-Image-Edit or FLUX.1"
            )
        )
        self.file_button.clicked.connect(self._ask)
        self.base_button = QPushButton(tr("Choose its base model …"))
        self.base_button.setToolTip(
            tr("The folder of the very model that this was trained into, with model_index.json in it")
        )
        self.base_button.clicked.connect(self._ask_base)
        self.base_button.hide()
        layout = column(self)
        for widget in (self.provider, self.about, self.base_button, self.file_button):
            layout.addWidget(widget)
        self._offer()

    def _offer(self) -> None:
        restoring = self._restoring
        # One that cannot be used is shown with its problem, and not offered again.
        shown = [restoring.model] if restoring.is_checkpoint and restoring.model not in self._checkpoints else []
        checkpoints = {path: Checkpoint(Path(path)) for path in (*shown, *self._checkpoints, *restoring.trained)}
        self.provider.set_providers(dict(restoring.generators) | checkpoints, restoring.model)

    @property
    def lack(self) -> Lack:
        """What the chosen model has not got, as far as is known."""
        return self.provider.lacking

    @property
    def remembered(self) -> list[str]:
        """The checkpoints that were used, the latest first."""
        return list(self._checkpoints)

    def recall(self, checkpoints: Any) -> None:
        """Offer checkpoints that were used before, where they are still there."""
        known = checkpoints if isinstance(checkpoints, list | tuple) else ()
        self._checkpoints = [path for path in known if isinstance(path, str) and Path(path).is_file()][:_KEPT]
        self._offer()

    def show_model(self) -> None:
        """Show which model is chosen, and what its checkpoint is, or why that cannot be used."""
        restoring, model = self._restoring, self._restoring.model
        if restoring.about:
            self._checkpoints = [model, *(path for path in self._checkpoints if path != model)][:_KEPT]
        self._offer()
        self.provider.set_value(model)
        told = restoring.problem or (model_words(restoring.about) if restoring.about else tr("Reading …"))
        self.about.setText(told if restoring.is_checkpoint else "")
        self.about.setVisible(restoring.is_checkpoint)
        self.base_button.setVisible(restoring.base_missing)
        self.provider.combo.setToolTip(model if restoring.is_checkpoint else "")

    def _ask_base(self) -> None:
        dialog = QFileDialog(self, tr("Choose the folder of the base model"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self.base_chosen)
        show_dialog(dialog)

    def _ask(self) -> None:
        start = str(Path(self._checkpoints[0]).parent) if self._checkpoints else str(Path.home())
        kinds = tr("Checkpoints (*.safetensors *.pth *.pt *.ckpt);;All files (*)")
        dialog = QFileDialog(self, tr("Choose a restorer's checkpoint"), start, kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.chosen)
        show_dialog(dialog)
