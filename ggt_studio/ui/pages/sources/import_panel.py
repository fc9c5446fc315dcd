"""The panel that a person fills before an import: which photos, and what is known about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, Signal
from PySide6.QtGui import QKeySequence, QPalette, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.core.words import Category, Origin, Prepare
from ggt_studio.dataset.discovery import PHOTO_SUFFIXES
from ggt_studio.dataset.importer import ImportOptions
from ggt_studio.ui import theme
from ggt_studio.ui.pages.sources.words import CATEGORY_ICONS, number, origin_name, prepare_hint, prepare_name
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import ElidedLabel, PrimaryButton
from ggt_studio.ui.widgets.common.choices import ComboBox

LICENCES = (
    "unspecified",
    *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "PDM-1.0", "LicenseRef-Proprietary"),
)
"""SPDX identifiers; a person may write another."""


class ImportPanel(QWidget):
    """`accepted` carries the chosen paths and the `ImportOptions`; `cancelled` when the panel is put away."""

    accepted = Signal(list, object)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.setAccessibleName(self.tr("Add photos"))
        self._paths: list[Path] = []
        self.chosen = ElidedLabel()
        self.chosen.setFont(theme.font(strong=True))
        self.folder_button = QPushButton(self.tr("Choose folder …"))
        self.folder_button.setIcon(theme.icon("mdi6.folder-outline"))
        self.folder_button.clicked.connect(self.choose_folder)
        self.files_button = QPushButton(self.tr("Choose files …"))
        self.files_button.setIcon(theme.icon("mdi6.file-image-outline"))
        self.files_button.clicked.connect(self.choose_files)
        self.category = ComboBox()
        self.category.addItem(self.tr("From folder names"), None)
        for category in Category:
            self.category.addItem(theme.icon(CATEGORY_ICONS[category]), category_name(category), category)
        self.origin = ComboBox()
        for origin in (Origin.CAPTURE, Origin.INTERNET, Origin.DATASET):
            self.origin.addItem(origin_name(origin), origin)
        self.licence = ComboBox()
        self.licence.setEditable(True)
        self.licence.addItems(LICENCES)
        self.licence.setToolTip(self.tr("An SPDX identifier, such as CC0-1.0; exports carry it."))
        self.prepare = ComboBox()
        for prepare in Prepare:
            self.prepare.addItem(prepare_name(prepare), prepare)
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        theme.set_text(self.hint, Text.SMALL, muted=True)
        for box in (self.category, self.origin, self.prepare):
            box.currentIndexChanged.connect(lambda _: self._explain())
        self.licence.editTextChanged.connect(lambda _: self._explain())
        self.go = PrimaryButton(self.tr("Import"))
        self.go.clicked.connect(self._accept)
        self.cancel = QPushButton(self.tr("Cancel"))
        self.cancel.clicked.connect(self.cancelled)
        QShortcut(
            QKeySequence(Qt.Key.Key_Escape),
            self,
            self.cancelled.emit,
            context=Qt.ShortcutContext.WidgetWithChildrenShortcut,
        )
        self._lay_out()
        self.set_paths([])
        self._explain()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.chosen, 1)
        top.addWidget(self.folder_button)
        top.addWidget(self.files_button)
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE_16)
        fields.setVerticalSpacing(SPACE_4)
        for column, (word, field) in enumerate(
            (
                (self.tr("Category"), self.category),
                (self.tr("Origin"), self.origin),
                (self.tr("Licence"), self.licence),
                (self.tr("Preparation"), self.prepare),
            )
        ):
            label = QLabel(word)
            theme.set_text(label, Text.SMALL, muted=True)
            label.setBuddy(field)
            field.setAccessibleName(word)
            field.setMinimumContentsLength(8)
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            fields.addWidget(label, 0, column)
            fields.addWidget(field, 1, column)
            fields.setColumnStretch(column, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(SPACE_8)
        bottom.addWidget(self.hint, 1)
        bottom.addWidget(self.cancel)
        bottom.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_12, SPACE_16, SPACE_12)
        layout.setSpacing(SPACE_12)
        layout.addLayout(top)
        layout.addLayout(fields)
        layout.addLayout(bottom)

    # --- which photos ------------------------------------------------------------------------------------------------

    @property
    def paths(self) -> list[Path]:
        """The files and folders to import."""
        return list(self._paths)

    def set_paths(self, paths: Sequence[Path]) -> None:
        """Import these; an empty list asks a person to choose."""
        self._paths = list(dict.fromkeys(paths))
        folders = sum(path.is_dir() for path in self._paths)
        files = len(self._paths) - folders
        if not self._paths:
            words = self.tr("Drop photos or folders here, or choose them")
        elif len(self._paths) == 1:
            words = str(self._paths[0])
        else:
            parts = [number(folders, self.tr("{0} folder"), self.tr("{0} folders"))] if folders else []
            parts += [number(files, self.tr("{0} file"), self.tr("{0} files"))] if files else []
            words = self.tr("{0} from {1}").format(", ".join(parts), self._paths[0].parent)
        self.chosen.setText(words)
        self.chosen.setToolTip("\n".join(str(path) for path in self._paths[:40]) or words)
        self.go.setEnabled(bool(self._paths))
        self.go.setToolTip("" if self._paths else self.tr("Choose photos first."))

    def choose_folder(self) -> None:
        """Let a person pick a folder; all photos below it are taken."""
        dialog = self._dialog(self.tr("Choose a folder of photos"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.open()

    def choose_files(self) -> None:
        """Let a person pick single photos."""
        dialog = self._dialog(self.tr("Choose photos"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        patterns = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in sorted(PHOTO_SUFFIXES))
        dialog.setNameFilters([self.tr("Photos ({0})").format(patterns), self.tr("All files (*)")])
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        start = self._paths[0].parent if self._paths else Path(pictures)
        dialog = QFileDialog(self, title, str(start if start.is_dir() else Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda paths: self.set_paths([Path(path) for path in paths]))
        dialog.filesSelected.connect(lambda _: self.go.setFocus())
        return dialog

    # --- what is known about them ------------------------------------------------------------------------------------

    @property
    def options(self) -> ImportOptions:
        """What a person says about the photos."""
        # Qt hands words back as plain text, not as the members that were put in.
        category = self.category.currentData()
        return ImportOptions(
            category=Category(category) if category else None,
            origin=Origin(self.origin.currentData()),
            licence=self.licence.currentText().strip() or LICENCES[0],
            prepare=Prepare(self.prepare.currentData()),
        )

    def set_options(self, options: ImportOptions) -> None:
        """Show other options."""
        self.category.setCurrentIndex(max(0, self.category.findData(options.category)))
        self.origin.setCurrentIndex(max(0, self.origin.findData(options.origin)))
        self.licence.setEditText(options.licence)
        self.prepare.setCurrentIndex(max(0, self.prepare.findData(options.prepare)))

    def _explain(self) -> None:
        options = self.options
        parts = [prepare_hint(options.prepare)]
        if options.category is None:
            parts.insert(0, self.tr("Photos in folders that name no category are taken as general mixed."))
        if options.origin is Origin.INTERNET and options.licence != "CC0-1.0":
            parts.insert(0, self.tr("From the Internet, the method takes CC0 photos only."))
        self.hint.setText(" ".join(parts))

    def _accept(self) -> None:
        if self._paths:
            self.accepted.emit(self.paths, self.options)


def options_to_json(options: ImportOptions) -> str:
    """Options as a project remembers them."""
    return json.dumps(
        {
            "category": options.category,
            "origin": options.origin,
            "licence": options.licence,
            "prepare": options.prepare,
        }
    )


def options_from_json(text: str) -> ImportOptions:
    """Options remembered; the defaults where there are none, or none that can be understood."""
    try:
        data = json.loads(text)
        category = Category(data["category"]) if data["category"] else None
        return ImportOptions(category, Origin(data["origin"]), str(data["licence"]), Prepare(data["prepare"]))
    except (ValueError, KeyError, TypeError):
        return ImportOptions()
