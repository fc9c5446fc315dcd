"""A section of the settings page: heading, sentence, and fields with their words above them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.widgets.common import PathLabel, quiet_button

LABEL_WIDTH = 168
WIDEST = 10_000


class Section(QWidget):
    """Headings and white space, no box. `form` takes words on the left and fields on the right."""

    def __init__(self, heading: str, sentence: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(heading)
        title = QLabel(heading)
        theme.set_text(title, Text.HEADING)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(SPACE_8)
        self._layout.addWidget(title)
        if sentence:
            self._layout.addWidget(explanation(sentence))
        self._form = QGridLayout()
        self._form.setHorizontalSpacing(SPACE_16)
        self._form.setVerticalSpacing(SPACE_12)
        self._form.setColumnStretch(1, 1)
        self._layout.addLayout(self._form)

    def add(self, word: str, field: QWidget, *below: str | QWidget) -> None:
        """A word with its field, and below that what it means and what belongs to it; hidden parts take no room."""
        row = self._form.rowCount()
        label = QLabel(word)
        label.setFixedWidth(LABEL_WIDTH)
        label.setWordWrap(True)
        label.setBuddy(field)
        label.setMinimumHeight(field.sizeHint().height())
        if not field.accessibleName():
            field.setAccessibleName(word)
        holder = QWidget()
        parts = QVBoxLayout(holder)
        parts.setContentsMargins(0, 0, 0, 0)
        parts.setSpacing(SPACE_4)
        narrow = field.maximumWidth() < WIDEST or field.sizePolicy().horizontalPolicy() is QSizePolicy.Policy.Maximum
        parts.addWidget(field, 0, Qt.AlignmentFlag.AlignLeft if narrow else Qt.AlignmentFlag(0))
        for part in below:
            parts.addWidget(explanation(part) if isinstance(part, str) else part)
        self._form.addWidget(label, row, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self._form.addWidget(holder, row, 1)

    def add_wide(self, widget: QWidget) -> None:
        """A widget across the whole section."""
        self._layout.addWidget(widget)


def explanation(text: str = "") -> QLabel:
    """A small muted sentence that wraps."""
    label = QLabel(text)
    label.setWordWrap(True)
    theme.set_text(label, Text.SMALL, muted=True)
    return label


class Place(QWidget):
    """A path with a button that shows it in the desktop's file manager."""

    def __init__(self, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path = path
        label = PathLabel()
        label.set_path(str(path))
        self.show_button = quiet_button(
            "mdi6.folder-open-outline", self.tr("Show {0}").format(path), text=self.tr("Show")
        )
        self.show_button.clicked.connect(self._show)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_12)
        layout.addWidget(label, 1)
        layout.addWidget(self.show_button)

    def _show(self) -> None:
        folder = next(p for p in (self._path, *self._path.parents) if p.is_dir())
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))


def in_a_row(*widgets: QWidget) -> QWidget:
    """Widgets side by side, the first as wide as there is room."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE_4)
    for index, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if index == 0 else 0)
    row.setFocusProxy(widgets[0])
    return row
