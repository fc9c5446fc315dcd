"""The photo that is looked at, before and after, and looks at a part of it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.pipeline.restoring import RestoreItem
from ggt_studio.ui import theme
from ggt_studio.ui.pages.restore.words import detail_words, tr
from ggt_studio.ui.state.looks import Look
from ggt_studio.ui.state.restoring import Restoring
from ggt_studio.ui.theme import SPACE_8, Text
from ggt_studio.ui.widgets.compare.view import CompareView

PART = 512
"""The side of the part that is restored to be looked at, in px."""


class PhotoView(QWidget):
    """`look_asked` carries the part around the middle of what is seen: top, left, height, width in px."""

    look_asked = Signal(tuple)

    def __init__(self, restoring: Restoring, keys_from: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._restoring = restoring
        self._item: RestoreItem | None = None
        self._shown: tuple[Path, Path | None] | None = None
        self._look: Look | None = None
        self.compare = CompareView(names=(tr("Photo"), tr("Restored")))
        self.compare.listen_to(keys_from)
        self.look = QPushButton(tr("Preview this part"))
        self.look.clicked.connect(self._ask)
        self.whole = QPushButton(tr("Whole photo"))
        self.whole.clicked.connect(self._leave_look)
        QShortcut(QKeySequence("P"), self).activated.connect(self.look.click)
        self.detail = QLabel()
        self.detail.setWordWrap(True)
        self.detail.setTextFormat(Qt.TextFormat.PlainText)
        theme.set_text(self.detail, Text.SMALL, muted=True)
        self.open_folder = QPushButton(tr("Show in folder"))
        self.open_folder.clicked.connect(self._open_folder)
        below = QHBoxLayout()
        below.setSpacing(SPACE_8)
        below.addWidget(self.detail, 1)
        for button in (self.open_folder, self.whole, self.look):
            below.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(self.compare, 1)
        layout.addLayout(below)
        restoring.looked.connect(self._take)

    def show_item(self, item: RestoreItem | None) -> None:
        """Show a photo and, where there is one, its restored self; nothing is read again that is shown already."""
        self._item = item
        if item is None:
            return
        wanted = (item.path, item.out)
        if wanted != self._shown:
            if self._shown is None or self._shown[0] != item.path:
                self.compare.show_loading()
            self._shown = wanted
            self._restoring.show(item)
        self._tell(item)

    def show_look(self, *, ready: bool, price: str) -> None:
        """Whether a part can be looked at now, and what that costs; empty where nothing."""
        looking = self._restoring.looking
        words = tr("Preview this part") if not price else tr("Preview · {0}").format(price)
        self.look.setText(tr("Restoring this part …") if looking else words)
        told = tr("Restore {0} px around the middle of what you see (P)").format(PART)
        if price:
            told += "\n" + tr("The model is asked for the whole photo; restoring it then costs nothing more.")
        self.look.setToolTip(told)
        self.look.setEnabled(ready and not looking and self._size is not None)

    @property
    def _size(self) -> tuple[int, int] | None:
        """Width and height of the whole photo that is shown, where it is."""
        look = self._look
        if look is None or look.photo is None or look.part is not None:
            return None
        return look.photo.width(), look.photo.height()

    def _ask(self) -> None:
        if self._size is None or self._item is None or not self.look.isEnabled():
            return
        width, height = self._size
        camera = self.compare.canvas.camera
        x, y = (0.5, 0.5) if camera.fitted else (camera.x, camera.y)
        left = round(min(max(x * width - PART / 2, 0), max(width - PART, 0)))
        top = round(min(max(y * height - PART / 2, 0), max(height - PART, 0)))
        self.look_asked.emit((top, left, min(PART, height), min(PART, width)))

    def _leave_look(self) -> None:
        self._shown = None
        self.show_item(self._item)

    def _open_folder(self) -> None:
        item = self._item
        folder = item.out.parent if item is not None and item.out is not None else self._restoring.queue.folder
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    def _tell(self, item: RestoreItem) -> None:
        look = self._look
        if look is not None and look.part is not None and look.path == item.path:
            top, left, height, width = look.part
            told = tr("A look at {0} × {1} px from {2}, {3}; took {4:.1f} s.")
            self.detail.setText(" · ".join([told.format(width, height, left, top, look.seconds), *look.notes]))
        else:
            self.detail.setText(detail_words(item))
        self.whole.setVisible(look is not None and look.part is not None)
        self.open_folder.setVisible(item.out is not None)

    def _take(self, look: Look) -> None:
        item = self._item
        if item is None or look.path != item.path:
            return
        self._look = look
        if look.photo is None:
            self.compare.show_broken(look.problem)
        else:
            waiting = tr("Not restored yet") if not look.problem else look.problem
            self.compare.set_images(look.photo, look.restored, hq_note=waiting)
        self._tell(item)
        self._restoring.changed.emit()
