"""The form that makes a new project, in place: a name, where it goes, and why that would not work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.ui import theme
from ggt_studio.ui.pages.recent import is_project
from ggt_studio.ui.theme import SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.widgets.common import PathLabel, PrimaryButton

_FORBIDDEN = frozenset('<>:"/\\|?*')


class NewProjectForm(QWidget):
    """`accepted` carries the new project's folder and the photos to import into it; `cancelled` when it is put away."""

    accepted = Signal(Path, list)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("New project"))
        self._photos: list[Path] = []
        self._place = Path.home()
        heading = QLabel(self.tr("New project"))
        theme.set_text(heading, Text.HEADING)
        self.about = QLabel()
        self.about.setWordWrap(True)
        theme.set_text(self.about, Text.BODY, muted=True)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the project"))
        self.name.setMaxLength(120)
        self.name.textChanged.connect(self._check)
        self.name.returnPressed.connect(self._accept)
        self.place = PathLabel()
        self.change = QPushButton(self.tr("Change …"))
        self.change.setAccessibleName(self.tr("Change the folder that the project goes into"))
        self.change.clicked.connect(self._choose_place)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        theme.set_text(self.problem, Text.SMALL, muted=True)
        self.make = PrimaryButton(self.tr("Make project"))
        self.make.clicked.connect(self._accept)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(self.cancelled)
        QShortcut(
            QKeySequence(Qt.Key.Key_Escape),
            self,
            self.cancelled.emit,
            context=Qt.ShortcutContext.WidgetWithChildrenShortcut,
        )
        self._lay_out(heading)

    def _lay_out(self, heading: QLabel) -> None:
        where = QHBoxLayout()
        where.setSpacing(SPACE_8)
        where.addWidget(self.place, 1)
        where.addWidget(self.change)
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE_16)
        fields.setVerticalSpacing(SPACE_8)
        fields.setColumnStretch(1, 1)
        for row, (word, field) in enumerate(((self.tr("Name"), self.name), (self.tr("In"), where))):
            label = QLabel(word)
            theme.set_text(label, Text.BODY, muted=True)
            fields.addWidget(label, row, 0)
            if isinstance(field, QWidget):
                label.setBuddy(field)
                fields.addWidget(field, row, 1)
            else:
                fields.addLayout(field, row, 1)
        fields.addWidget(self.problem, 2, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.make)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_12)
        layout.addWidget(heading)
        layout.addWidget(self.about)
        layout.addLayout(fields)
        layout.addLayout(buttons)

    def offer(self, place: Path | None, photos: Sequence[Path] = ()) -> None:
        """Show the form with suggestions: `place` (the documents folder where None), and a name after the photos."""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        self._place = place or Path(documents or Path.home())
        self._photos = list(photos)
        if photos:
            self.about.setText(
                self.tr("For the photos in {0}. They stay where they are and are never altered; you import them next.")
                .format(photos[0].name if len(photos) == 1 else self.tr("{0} places").format(len(photos)))
            )  # fmt: skip
        else:
            self.about.setText(self.tr("A project is a folder of its own. Photos stay where they are, outside of it."))
        self.place.set_path(str(self._place))
        self.name.setText(self._free_name(photos[0].stem if photos else self.tr("Restoration")))
        self.name.selectAll()
        self.name.setFocus()
        self._check()

    @property
    def folder(self) -> Path:
        """The folder that the project would be made in."""
        return self._place / self.name.text().strip()

    def _free_name(self, wished: str) -> str:
        name, number = wished, 2
        while (self._place / name).exists():
            name, number = f"{wished} {number}", number + 1
        return name

    def _check(self) -> str:
        """Say why the project cannot be made there, or where it will be made; returns the reason, empty for none."""
        name = self.name.text().strip()
        reason = ""
        if not name:
            reason = self.tr("Give it a name.")
        elif _FORBIDDEN & set(name) or name in (".", ".."):
            reason = self.tr('A name cannot hold any of < > : " / \\ | ? *')
        elif is_project(self.folder):
            reason = self.tr("There is a project of this name already. Open it, or choose another name.")
        elif _is_taken(self.folder):
            reason = self.tr("There is a folder of this name already, and it is not empty.")
        self.problem.setText(reason or self.tr("Will be made in {0}").format(self.folder))
        self.make.setEnabled(not reason)
        return reason

    def _accept(self) -> None:
        if not self._check():
            self.accepted.emit(self.folder, self._photos)

    def _choose_place(self) -> None:
        dialog = QFileDialog(self, self.tr("Where should the project go?"), str(self._place))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._take_place)
        dialog.open()

    def _take_place(self, place: str) -> None:
        self._place = Path(place)
        self.place.set_path(place)
        self._check()


def _is_taken(folder: Path) -> bool:
    try:
        return folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    except OSError:
        return True
