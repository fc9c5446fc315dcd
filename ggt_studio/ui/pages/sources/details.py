"""The panel at the side: all that is on record about the patch that is looked at, before anything was generated."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRect, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QPainter, QPaintEvent
from PySide6.QtWidgets import QFormLayout, QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ggt_studio.core.model import Geometry, Patch, Photo
from ggt_studio.ui import theme
from ggt_studio.ui.format import percent
from ggt_studio.ui.pages.sources.words import (
    hold_name,
    hold_sentence,
    level_name,
    number,
    origin_name,
    patches_words,
    state_name,
)
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import PathLabel, quiet_button
from ggt_studio.ui.widgets.thumbnails import ThumbKey, ThumbnailCache

WIDTH = 296


class DetailsPanel(QScrollArea):
    """One patch with its photo; or how many are selected; or what to do to see something.

    `group_chosen` carries the `Photo` whose like a person wants to see.
    """

    group_chosen = Signal(object)

    def __init__(self, thumbnails: ThumbnailCache, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Details of the patch"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(WIDTH)
        self.setMaximumWidth(WIDTH)
        self._photo_path = ""
        self._photo: Photo | None = None
        self._alike = 0
        self.picture = _Picture(thumbnails)
        self.name = PathLabel()
        self.name.setFont(theme.font(strong=True))
        self.path = PathLabel()
        theme.set_text(self.path, Text.SMALL, muted=True)
        self.show_button = quiet_button(
            "mdi6.folder-open-outline", self.tr("Show the photo in its folder"), text=self.tr("Show in folder")
        )
        self.show_button.clicked.connect(self._show_folder)
        self.group_button = quiet_button(
            "mdi6.image-multiple-outline",
            self.tr("Show all photos that look nearly the same, side by side"),
            text=self.tr("Show similar photos"),
        )
        self.group_button.clicked.connect(lambda: self.group_chosen.emit(self._photo))
        self.empty = QLabel()
        self.empty.setWordWrap(True)
        theme.set_text(self.empty, Text.BODY, muted=True)
        self._facts = QFormLayout()
        self._facts.setContentsMargins(0, 0, 0, 0)
        self._facts.setHorizontalSpacing(SPACE_12)
        self._facts.setVerticalSpacing(SPACE_4)
        self._facts.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self._facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        inside = QWidget()
        inside.setAutoFillBackground(False)
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(SPACE_16, SPACE_12, SPACE_16, SPACE_16)
        layout.setSpacing(SPACE_8)
        for part in (self.picture, self.empty, self.name, self.path):
            layout.addWidget(part)
        layout.addWidget(self.show_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(self._facts)
        layout.addWidget(self.group_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        self.setWidget(inside)
        self.viewport().setAutoFillBackground(False)
        self.show_nothing()

    def show_nothing(self, selected: int = 0) -> None:
        """No single patch: say how many are selected, or how to choose one."""
        self._set_patch_shown(False)
        self.empty.setText(
            self.tr("{0} selected").format(patches_words(selected))
            if selected
            else self.tr("Choose a patch to see where it comes from and how it was measured.")
        )

    def show_patch(self, patch: Patch, photo: Photo, alike: int) -> None:
        """All about one patch; `alike` is how many other photos look nearly the same as its own."""
        path = Path(photo.path)
        self._photo_path = photo.path
        self._photo = photo
        self._alike = alike
        self.picture.show_key(ThumbKey(patch.sha256, str(patch.lq_path)))
        self.name.setText(path.name)
        self.path.set_path(str(path.parent))
        while self._facts.rowCount():
            self._facts.removeRow(0)
        for word, value in self._rows(patch, photo, alike):
            label, field = QLabel(word), QLabel(value)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            theme.set_text(label, Text.SMALL, muted=True)
            theme.set_text(field, Text.SMALL)
            field.setWordWrap(True)
            field.setTextFormat(Qt.TextFormat.PlainText)
            field.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            field.setAccessibleName(f"{word}: {value}")
            self._facts.addRow(label, field)
        self._set_patch_shown(True)

    def facts(self) -> dict[str, str]:
        """What is shown, as words and values."""
        rows: dict[str, str] = {}
        for row in range(self._facts.rowCount()):
            label = self._facts.itemAt(row, QFormLayout.ItemRole.LabelRole)
            field = self._facts.itemAt(row, QFormLayout.ItemRole.FieldRole)
            if label is not None and field is not None:
                first, second = label.widget(), field.widget()
                if isinstance(first, QLabel) and isinstance(second, QLabel):
                    rows[first.text()] = second.text()
        return rows

    def _rows(self, patch: Patch, photo: Photo, alike: int) -> list[tuple[str, str]]:
        source = {
            "assumed": self.tr("assumed"),
            "folder": self.tr("from the folder's name"),
            "person": self.tr("set by a person"),
        }.get(photo.category_source, photo.category_source)
        rows = [
            (self.tr("State"), state_name(patch.state)),
            (self.tr("Category"), f"{category_name(patch.category)} ({source})"),
            (self.tr("Quality"), self.tr("{0} ({1})").format(level_name(patch.level), f"{patch.quality:.2f}")),
            (self.tr("Content"), self.tr("{0} of the patch holds structure").format(percent(patch.content))),
            (self.tr("Photo"), f"{photo.width} x {photo.height} px"),
            (self.tr("Patch"), _crop_words(self, patch.geometry)),
            (self.tr("Origin"), origin_name(photo.origin)),
            (self.tr("Licence"), photo.licence),
        ]
        if patch.hold is not None:
            why = self.tr("“{0}”").format(patch.hold_words) if patch.hold_words else hold_sentence(patch.hold)
            rows.insert(1, (self.tr("Held back"), f"{hold_name(patch.hold)}. {why}"))
        if alike:
            like = number(
                alike, self.tr("Nearly the same as {0} other photo"), self.tr("Nearly the same as {0} others")
            )
            rows.append((self.tr("Likeness"), like))
        if photo.notes:
            rows.append((self.tr("Notes"), "\n".join(photo.notes)))
        return rows

    def _set_patch_shown(self, shown: bool) -> None:
        self.empty.setVisible(not shown)
        for part in (self.picture, self.name, self.path, self.show_button):
            part.setVisible(shown)
        self.group_button.setVisible(shown and self._alike > 0)
        if not shown:
            while self._facts.rowCount():
                self._facts.removeRow(0)

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(self._photo_path).parent)))


def _crop_words(widget: QWidget, geometry: Geometry) -> str:
    size = widget.tr("{0} x {1} px from {2}, {3}").format(geometry.width, geometry.height, geometry.left, geometry.top)
    if (geometry.resized_width, geometry.resized_height) == (geometry.photo_width, geometry.photo_height):
        words = widget.tr("{0}, as shot").format(size)
    else:
        resized = f"{geometry.resized_width} x {geometry.resized_height} px"
        words = widget.tr("{0}, after resizing to {1}").format(size, resized)
    return widget.tr("{0}; smaller than 1024 x 1024").format(words) if geometry.small else words


class _Picture(QWidget):
    """The patch's thumbnail, as wide as the panel."""

    def __init__(self, thumbnails: ThumbnailCache) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._key: ThumbKey | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        thumbnails.ready.connect(self._arrived)

    def show_key(self, key: ThumbKey) -> None:
        self._key = key
        self.update()

    def _arrived(self, key: ThumbKey) -> None:
        if key == self._key:
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH - 2 * SPACE_16, WIDTH - 2 * SPACE_16)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), theme.tokens().colour("surround"))
        image = self._thumbnails.get(self._key) if self._key else None
        if image is not None:
            size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(0, 0, size.width(), size.height())
            place.moveCenter(self.rect().center())
            painter.drawImage(place, image)
        elif self._key and self._thumbnails.error(self._key):
            icon = QRect(0, 0, 40, 40)
            icon.moveCenter(self.rect().center())
            theme.icon("mdi6.image-broken-variant", "muted").paint(painter, icon)
        painter.end()
