"""The models that run on this machine: whether they are here, download or folder, and what they run with."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.providers.local.fetching import model_folder
from ggt_studio.providers.local.folder import ModelFolder
from ggt_studio.ui import theme
from ggt_studio.ui.format import size
from ggt_studio.ui.pages.settings.local_options import LocalOptions
from ggt_studio.ui.pages.settings.section import Section, explanation
from ggt_studio.ui.state.local_models import LocalModels
from ggt_studio.ui.theme import SPACE_4, SPACE_8
from ggt_studio.ui.widgets.fold import Fold


class LocalModelsSection(Section):
    """A row for each model of the catalogue that runs on this machine."""

    def __init__(self, models: LocalModels, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Models on this machine"),
            self.tr(
                "Open models that make targets without sending photos anywhere. They are large, and need a GPU with much"
                " memory to be quick. Nothing is downloaded unless you ask for it."
            ),
            parent,
        )
        self.rows = {model_id: LocalModelRow(models, model_id) for model_id in models.models}
        for row in self.rows.values():
            self.add_wide(row)
        models.changed.connect(lambda model_id: self.rows[model_id].tell())


class LocalModelRow(QWidget):
    """One model."""

    def __init__(self, models: LocalModels, model_id: str) -> None:
        super().__init__()
        self._models, self._id = models, model_id
        self._model = models.models[model_id]
        self.name = QLabel(self._model.label)
        self.name.setFont(theme.font(strong=True))
        self.state = QLabel(self.tr("Looking …"))
        theme.set_text(self.state, theme.Text.BODY, muted=True)
        self.get = QPushButton(self.tr("Download …"))
        self.get.clicked.connect(self._ask_size)
        self.choose = QPushButton(self.tr("Choose folder …"))
        self.choose.clicked.connect(self._choose_folder)
        for button in (self.get, self.choose):
            button.setAccessibleDescription(self._model.label)
        self.about = explanation(" ".join(part for part in (self._model.description, self._licence()) if part))
        self.told = explanation()
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setMaximumWidth(480)
        self.token.setPlaceholderText(self.tr("Access token of the hub, where the model asks for one"))
        self.token.setAccessibleName(self.tr("Access token of the hub for {0}").format(self._model.label))
        self.begin = QPushButton()
        self.begin.clicked.connect(self._download)
        self.leave = QPushButton(self.tr("Cancel"))
        self.leave.setProperty("quiet", True)
        self.leave.clicked.connect(self._leave)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.propose = QPushButton(self.tr("What fits this machine?"))
        self.propose.clicked.connect(lambda: self._models.propose(self._id))
        self.use = QPushButton(self.tr("Use these settings"))
        self.use.clicked.connect(lambda: self._models.use_proposal(self._id))
        self.options = LocalOptions(models, model_id)
        self.fold = Fold(self.tr("What it runs with"), self.options)
        self._asking = False
        self._lay_out()
        self.tell()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.name)
        top.addSpacing(SPACE_8)
        top.addWidget(self.state, 1)
        top.addWidget(self.get)
        top.addWidget(self.choose)
        self._buttons = QWidget()
        buttons = QHBoxLayout(self._buttons)
        buttons.setContentsMargins(0, 0, 0, 0)
        buttons.setSpacing(SPACE_4)
        for button in (self.begin, self.leave, self.propose, self.use):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, SPACE_4, 0, SPACE_8)
        layout.setSpacing(SPACE_4)
        layout.addLayout(top)
        for part in (self.about, self.token, self.told, self.bar, self._buttons, self.fold):
            layout.addWidget(part)

    def _licence(self) -> str:
        return self.tr("Licence: {0}.").format(self._model.licence) if self._model.licence else ""

    def tell(self) -> None:
        """Say what is known now."""
        models, key = self._models, self._id
        found, arriving = models.found.get(key), models.arriving.get(key)
        here = isinstance(found, ModelFolder)
        if arriving is not None:
            self._asking = False
        self.state.setText(self._state_words())
        self.state.setToolTip(str(found.path) if isinstance(found, ModelFolder) else "")
        self.get.setVisible(not here and arriving is None and not self._asking)
        self.choose.setVisible(arriving is None and not self._asking)
        self.choose.setText(self.tr("Another folder …") if here else self.tr("Choose folder …"))
        self.token.setVisible(self._asking)
        self.begin.setVisible(self._asking and key in models.sizes)
        self.leave.setVisible(self._asking or arriving is not None)
        self.leave.setText(self.tr("Stop") if arriving is not None else self.tr("Cancel"))
        self.bar.setVisible(arriving is not None)
        proposal = models.proposals.get(key)
        self.propose.setVisible(here and proposal is None)
        self.use.setVisible(here and proposal is not None and proposal.fits)
        self._buttons.setVisible(self._asking or arriving is not None or here)
        self.fold.setVisible(here)
        if arriving is not None:
            self.bar.setRange(0, 1000 if arriving.total else 0)
            if arriving.total:
                self.bar.setValue(round(1000 * arriving.done / arriving.total))
        if size_known := models.sizes.get(key):
            begun = size_known.missing_bytes < size_known.bytes
            word = self.tr("Go on: {0} left") if begun else self.tr("Download {0}")
            self.begin.setText(word.format(size(size_known.missing_bytes)))
        self.told.setText(self._told_words())
        self.told.setVisible(bool(self.told.text()))
        self.options.tell()

    def _state_words(self) -> str:
        found, arriving = self._models.found.get(self._id), self._models.arriving.get(self._id)
        if arriving is not None:
            if not arriving.total:
                return self.tr("Downloading …")
            return self.tr("{0} of {1}").format(size(int(arriving.done)), size(int(arriving.total)))
        if found is None:
            return self.tr("Looking …")
        if isinstance(found, ModelFolder):
            return self.tr("On this machine")
        return self.tr("Its folder cannot be used") if found else self.tr("Not on this machine")

    def _told_words(self) -> str:
        models, key = self._models, self._id
        if problem := models.problems.get(key):
            return problem
        if self._asking and key not in models.sizes:
            return self.tr("Asking for its size …")
        if self._asking:
            where = model_folder(self._model)
            return self.tr("It goes to {0}. It can be stopped at any time and goes on from there later.").format(where)
        if proposal := models.proposals.get(key):
            return proposal.why
        found = models.found.get(key)
        return found if isinstance(found, str) else ""

    def _ask_size(self) -> None:
        self._asking = True
        self._models.ask_size(self._id, self.token.text().strip())
        self.tell()

    def _download(self) -> None:
        token = self.token.text().strip()
        self.token.setText("")
        self._models.download(self._id, token)
        self.tell()

    def _leave(self) -> None:
        if self._id in self._models.arriving:
            self._models.cancel(self._id)
        self._asking = False
        self.token.setText("")
        self.tell()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose the folder of {0}").format(self._model.label), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.take_folder)
        dialog.open()

    def take_folder(self, path: str) -> None:
        """Let the model be what is in this folder."""
        self._models.choose(self._id, model=path, fingerprint="")
