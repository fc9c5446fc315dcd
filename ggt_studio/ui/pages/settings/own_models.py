"""Models of one's own: the file they are described in, what is wrong with it, and a form that adds a server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.catalogue import Catalogue, Place, Role, load_catalogue, place_of
from ggt_studio.providers.own_models import OwnServer, add_server
from ggt_studio.ui import theme
from ggt_studio.ui.pages.settings.section import Section, explanation
from ggt_studio.ui.theme import ICON_SIZE, SPACE_4, SPACE_8
from ggt_studio.ui.widgets.common import PathLabel, quiet_button


class OwnModelsSection(Section):
    """`added` carries the id of a model that was added."""

    added = Signal(str)

    def __init__(self, path: Path, catalogue: Catalogue, parent: QWidget | None = None) -> None:
        super().__init__(
            self.tr("Models of your own"),
            self.tr(
                "A server that speaks chat completions (vLLM, Ollama, LM Studio, SGLang) can write prompts and judge. Prices"
                " and other entries are described in a file, which can change ours, too."
            ),
            parent,
        )
        self._path, self._catalogue = path, catalogue
        self.file = PathLabel()
        self.file.set_path(str(path))
        self.open_button = quiet_button("mdi6.file-edit-outline", self.tr("Open the file"), text=self.tr("Open"))
        self.open_button.clicked.connect(self._open)
        self.open_button.setEnabled(path.is_file())
        line = QWidget()
        across = QHBoxLayout(line)
        across.setContentsMargins(0, 0, 0, 0)
        across.addWidget(self.file, 1)
        across.addWidget(self.open_button)
        self.add(self.tr("Your models"), line)
        self.problems = QVBoxLayout()
        self.problems.setSpacing(SPACE_4)
        holder = QWidget()
        holder.setLayout(self.problems)
        self.problems.setContentsMargins(0, 0, 0, 0)
        self.add_wide(holder)
        self.show_problems(catalogue.problems)
        self.ask = QPushButton(self.tr("Add a server …"))
        self.ask.clicked.connect(self._show_form)
        self.form = self._form_widget()
        self.form.hide()
        self.told = explanation()
        self.told.hide()
        for widget in (self.ask, self.form, self.told):
            self.add_wide(widget)
        self._layout.setAlignment(self.ask, Qt.AlignmentFlag.AlignLeft)

    def _form_widget(self) -> QWidget:
        form = Section(self.tr("A server"))
        self.label = QLineEdit()
        self.label.setPlaceholderText(self.tr("Lab server"))
        self.address = QLineEdit()
        self.address.setPlaceholderText("http://127.0.0.1:8000/v1")
        self.address.textChanged.connect(lambda _: self._tell_place())
        self.model = QLineEdit()
        self.model.setPlaceholderText("Qwen/Qwen3-VL-32B-Instruct")
        self.key_variable = QLineEdit()
        self.key_variable.setPlaceholderText(self.tr("Empty: it needs no key"))
        self.prompts = QCheckBox(self.tr("writes prompts"))
        self.judge = QCheckBox(self.tr("judges and screens"))
        roles = QWidget()
        across = QHBoxLayout(roles)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(SPACE_8)
        for box in (self.prompts, self.judge):
            box.setChecked(True)
            across.addWidget(box)
        across.addStretch(1)
        self.place = explanation()
        form.add(self.tr("Name"), self.label)
        form.add(
            self.tr("Address"), self.address, self.tr("Its base URL; for most servers it ends in /v1."), self.place
        )
        form.add(self.tr("Model"), self.model, self.tr("The name under which the server serves it."))
        form.add(
            self.tr("Key variable"),
            self.key_variable,
            self.tr("Where it wants a key: a name such as LAB_API_KEY. The key itself is entered above."),
        )
        form.add(self.tr("It"), roles)
        self.save = QPushButton(self.tr("Add"))
        self.save.clicked.connect(self._save)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.setProperty("quiet", True)
        self.cancel.clicked.connect(self._put_away)
        buttons = QWidget()
        row = QHBoxLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.save)
        row.addWidget(self.cancel)
        row.addStretch(1)
        form.add_wide(buttons)
        self._tell_place()
        return form

    def show_problems(self, problems: Sequence[str]) -> None:
        """What is wrong with entries of the file, which are left out."""
        while item := self.problems.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for problem in problems:
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(SPACE_8)
            icon, words = QLabel(), QLabel(problem)
            icon.setPixmap(theme.icon("mdi6.alert-outline", "warn").pixmap(ICON_SIZE, ICON_SIZE))
            words.setWordWrap(True)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            line.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
            line.addWidget(words, 1)
            self.problems.addWidget(row)

    def _tell_place(self) -> None:
        address = self.address.text().strip()
        words = {
            Place.MACHINE: self.tr("Photos stay on this machine."),
            Place.NETWORK: self.tr("Photos stay in your network."),
            Place.ELSEWHERE: self.tr("Photos leave this machine and your network."),
        }
        self.place.setText(words[place_of(address)] if "://" in address else "")
        self.place.setVisible(bool(self.place.text()))

    def _show_form(self) -> None:
        self.told.hide()
        self.ask.hide()
        self.form.show()
        self.label.setFocus()

    def _put_away(self) -> None:
        self.form.hide()
        self.ask.show()

    def _save(self) -> None:
        chosen: list[tuple[Role, QCheckBox]] = [("prompts", self.prompts), ("judge", self.judge)]
        roles: tuple[Role, ...] = tuple(role for role, box in chosen if box.isChecked())
        server = OwnServer(self.label.text(), self.address.text(), self.model.text(), roles, self.key_variable.text())
        try:
            # As the file says now: it may have been edited meanwhile.
            model_id = add_server(server, load_catalogue())
        except StudioError as error:
            self._say(str(error))
            return
        for field in (self.label, self.address, self.model, self.key_variable):
            field.clear()
        self._put_away()
        self.open_button.setEnabled(True)
        self.show_problems(load_catalogue().problems)
        self._say(
            self.tr("Added as {0}. Test it among the services above, then choose it on Generate.").format(model_id)
            if not server.key_variable.strip()
            else self.tr("Added as {0}. Enter its key among the services above, then choose it on Generate.").format(
                model_id
            )
        )
        self.added.emit(model_id)

    def _say(self, words: str) -> None:
        self.told.setText(words)
        self.told.show()

    def _open(self) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path))):
            self._say(self.tr("No program opens {0} by itself. Edit it with any text editor.").format(self._path))
