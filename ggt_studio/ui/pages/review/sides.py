"""What stands beside the compare view: the list of pairs on the left, the panel on the right, each folded away or shown."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout

from ggt_studio.ui.pages.review.course import Course
from ggt_studio.ui.pages.review.film import Film
from ggt_studio.ui.pages.review.panel import InfoPanel
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.widgets.thumbnails import ThumbnailCache

NARROW = 1000
"""Below this width of the page, in logical pixels, the panel gives way to the photos until it is asked for."""


class Sides(QObject):
    """`film` and `info` are what a person wants; what is shown follows from that and from the room."""

    changed = Signal()
    made = Signal(object)
    """A new `Film`: it is made when it is shown and goes when it is not, with its thumbnails."""

    def __init__(self, workspace: Workspace, course: Course, panel: InfoPanel, across: QHBoxLayout) -> None:
        super().__init__()
        self._workspace, self._course, self._panel, self._across = workspace, course, panel, across
        self.wants_film = self.wants_info = True
        self.film: Film | None = None
        self._thumbnails: ThumbnailCache | None = None
        self._narrow = False

    @property
    def info_shown(self) -> bool:
        """Whether the panel is there."""
        return not self._panel.isHidden()

    def show(self, width: int) -> None:
        """Show what is wanted on a page of this width."""
        self._narrow = width < NARROW
        self._set(self.wants_film, self.wants_info and not self._narrow)

    def fit(self, width: int) -> None:
        """The page has another width."""
        narrow = width < NARROW
        if narrow != self._narrow:
            self._narrow = narrow
            self._set(self.film is not None, self.wants_info and not narrow)

    def toggle_film(self) -> None:
        """Show or hide the list."""
        self.wants_film = self.film is None
        self._set(self.wants_film, self.info_shown)

    def toggle_info(self) -> None:
        """Show or hide the panel."""
        self.wants_info = not self.info_shown
        self._set(self.film is not None, self.wants_info)

    def let_go(self) -> None:
        """The page is not looked at: no thumbnails."""
        if self.film is not None and self._thumbnails is not None:
            self.film.set_source(None)
            self._across.removeWidget(self.film)
            self.film.hide()
            self.film.deleteLater()
            self._thumbnails.close()
            self.film = self._thumbnails = None

    def _set(self, film: bool, info: bool) -> None:
        self._panel.setVisible(info)
        if film and self.film is None:
            folder = None if self._workspace.read_only else self._workspace.folder / "cache" / "thumbnails"
            self._thumbnails = ThumbnailCache(folder)
            self.film = Film(self._course.queue, self._course.rows, self._thumbnails)
            self._across.insertWidget(0, self.film)
            self.made.emit(self.film)
        elif not film:
            self.let_go()
        self.changed.emit()
