"""The head of the restore page: what to add, what to do next, and a sentence on how it stands."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.dataset.discovery import PHOTO_SUFFIXES
from ggt_studio.ui import theme
from ggt_studio.ui.pages.restore.words import tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8, Text
from ggt_studio.ui.widgets.common import PageTitle, PrimaryButton, quiet_button
from ggt_studio.ui.widgets.parts import show_dialog


class RestoreHeader(QWidget):
    """`added` carries the photos and folders that a person chose."""

    added = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.back = quiet_button("mdi6.arrow-left", tr("Start page"), text=tr("Start page"))
        self.add_photos = QPushButton(tr("Add photos …"))
        self.add_photos.clicked.connect(self.ask_for_photos)
        self.add_folder = QPushButton(tr("Add a folder …"))
        self.add_folder.clicked.connect(self._ask_for_folder)
        self.clear = QPushButton(tr("Clear"))
        self.clear.setToolTip(tr("Take all photos off the list; their files stay"))
        self.primary = PrimaryButton(tr("Restore"), "mdi6.image-auto-adjust")
        self.sentence = QLabel()
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.sentence.setWordWrap(True)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(self.back)
        buttons.addWidget(PageTitle(tr("Restore")), 1)
        for button in (self.clear, self.add_folder, self.add_photos, self.primary):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addLayout(buttons)
        layout.addWidget(self.sentence)

    def show_for(self, *, photos: bool, running: bool) -> None:
        """Offer what can be done: with photos in the list, while they are restored."""
        self.primary.setVisible(photos and not running)
        for button in (self.clear, self.add_photos):
            button.setVisible(photos)
        for button in (self.clear, self.add_folder, self.add_photos):
            button.setEnabled(not running)

    def ask_for_photos(self) -> None:
        """Let a person choose photos."""
        suffixes = " ".join(f"*{suffix}" for suffix in sorted(PHOTO_SUFFIXES))
        kinds = tr("Photos ({0});;All files (*)").format(suffixes)
        dialog = QFileDialog(self, tr("Photos to restore"), str(Path.home()), kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.filesSelected.connect(lambda names: self.added.emit([Path(name) for name in names]))
        show_dialog(dialog)

    def _ask_for_folder(self) -> None:
        dialog = QFileDialog(self, tr("A folder of photos to restore"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.added.emit([Path(name)]))
        show_dialog(dialog)
