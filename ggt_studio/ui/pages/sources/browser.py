"""The patches: filters, what can be done with the selected ones, the grid, and the details of the one looked at."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from ggt_studio.core.model import Patch, Photo
from ggt_studio.core.words import Hold
from ggt_studio.store.patches import Filter
from ggt_studio.store.status import Status
from ggt_studio.ui.pages.sources.details import DetailsPanel
from ggt_studio.ui.pages.sources.filters import FilterBar
from ggt_studio.ui.pages.sources.patch_source import PatchSource
from ggt_studio.ui.pages.sources.selection_bar import SelectionBar
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_8
from ggt_studio.ui.widgets.common import ElidedLabel, EmptyState, quiet_button
from ggt_studio.ui.widgets.grid import PatchGrid

ROOM_FOR_DETAILS = 760
MOST_LOOKED_AT = 20_000


class PatchBrowser(QWidget):
    """`patch_chosen` carries the id looked at; the other signals the ids of patches, and what is to be done with them."""

    patch_chosen = Signal(int)
    category_chosen = Signal(list, object)
    hold_chosen = Signal(list)
    tryout_chosen = Signal(list)
    release_chosen = Signal(list)
    remove_chosen = Signal(list)
    menu_asked = Signal(QPoint)

    def __init__(self, workspace: Workspace, forbidden: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._forbidden = forbidden
        self._looked_at = 0
        self._choose_when_loaded = 0
        self._room = 0
        self.source = PatchSource(workspace)
        self.filters = FilterBar()
        self.grid = PatchGrid(workspace.thumbnails)
        self.grid.set_source(self.source)
        self.details = DetailsPanel(workspace.thumbnails)
        self.bar = SelectionBar(forbidden)
        self.group_words = ElidedLabel()
        self.group_button = quiet_button("mdi6.close", self.tr("Show all patches again"))
        self.group_button.clicked.connect(self._show_all)
        self.details_button = quiet_button("mdi6.dock-right", self.tr("Show or hide the details"), key="I")
        self.details_button.setShortcut("I")
        self.details_button.setCheckable(True)
        self.details_button.setChecked(True)
        self.details_button.toggled.connect(lambda _: self._place_details())
        self.nothing = EmptyState("mdi6.filter-outline", self.tr("No patches here"), "", self.tr("Show all patches"))
        self.nothing.triggered.connect(self._show_all)
        self._lay_out()
        self._connect()
        self._enable()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.filters, 1)
        top.addWidget(self.details_button)
        self._group = QWidget()
        group = QHBoxLayout(self._group)
        group.setContentsMargins(0, 0, 0, 0)
        group.setSpacing(SPACE_8)
        group.addWidget(self.group_words, 1)
        group.addWidget(self.group_button)
        self._group.hide()
        self._views = QStackedWidget()
        self._views.addWidget(self.grid)
        self._views.addWidget(self.nothing)
        left = QVBoxLayout()
        left.setSpacing(SPACE_8)
        left.addWidget(self.bar)
        left.addWidget(self._group)
        left.addWidget(self._views, 1)
        across = QHBoxLayout()
        across.setSpacing(SPACE_8)
        across.addLayout(left, 1)
        across.addWidget(self.details)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addLayout(top)
        layout.addLayout(across, 1)

    def _connect(self) -> None:
        self.filters.changed.connect(self._filter)
        self.source.changed.connect(self._enable)
        self.source.loaded.connect(self._loaded)
        self.grid.selection_changed.connect(self._selection_changed)
        self.grid.current_changed.connect(lambda _: self._selection_changed())
        self.grid.activated.connect(lambda _: self.details_button.setChecked(True))
        self.grid.menu_requested.connect(self._menu_requested)
        self.details.group_chosen.connect(self.show_group)
        for chosen, emit in (
            (self.bar.hold_chosen, self.hold_chosen),
            (self.bar.tryout_chosen, self.tryout_chosen),
            (self.bar.release_chosen, self.release_chosen),
            (self.bar.remove_chosen, self.remove_chosen),
        ):
            chosen.connect(lambda emit=emit: emit.emit(self._chosen_ids()))
        self.bar.category_chosen.connect(lambda category: self.category_chosen.emit(self._chosen_ids(), category))

    # --- what is shown -------------------------------------------------------------------------------------------

    def show_status(self, status: Status) -> None:
        """The counts of the filters."""
        self.filters.show_counts(status)

    def show_details(self, patch: Patch, photo: Photo, alike: int) -> None:
        """What is on record about the patch looked at; an answer that comes too late is dropped."""
        if patch.id == self._looked_at:
            self.details.show_patch(patch, photo, alike)

    def set_room(self, width: int) -> None:
        """How many logical pixels the page is wide."""
        self._room = width
        self.filters.set_room(width - self.details_button.sizeHint().width() - SPACE_8)
        self.bar.set_room(width)
        self._place_details()

    def _place_details(self) -> None:
        self.details.setVisible(self.details_button.isChecked() and (not self._room or self._room >= ROOM_FOR_DETAILS))

    def show_group(self, photo: Photo) -> None:
        """Show the patches of all photos that look like this one, side by side."""
        which = Filter(group=photo.near_duplicate_of or photo.id)
        self.group_words.setText(self.tr("Photos that look like {0}").format(Path(photo.path).name))
        self.filters.choose(Filter())
        again = self._looked_at
        self._filter(which)
        self._choose_when_loaded = again
        self.grid.setFocus()

    def _filter(self, which: Filter) -> None:
        self._looked_at = self._choose_when_loaded = 0
        self._group.setVisible(which.group is not None)
        self.source.show(which)

    def show_held(self) -> None:
        """Only the patches that are held back."""
        self.filters.choose(Filter(held=True))
        self._filter(self.filters.filter)

    def _show_all(self) -> None:
        self.filters.choose(Filter())
        self._filter(Filter())

    def _loaded(self) -> None:
        empty = self.source.count() == 0
        self._views.setCurrentIndex(1 if empty else 0)
        if empty:
            narrowed = self.source.filter != Filter()
            self.nothing.set(
                "mdi6.filter-outline" if narrowed else "mdi6.image-outline",
                self.tr("No patches here"),
                self.tr("No patch fits this filter.") if narrowed else self.tr("They appear here as they are cut."),
                self.tr("Show all patches") if narrowed else "",
            )
        if self._choose_when_loaded:
            ids = self.source.ids(range(self.source.count()))
            if self._choose_when_loaded in ids:
                self.grid.set_current(ids.index(self._choose_when_loaded))
            self._choose_when_loaded = 0
        if self._looked_at and not empty:
            self.patch_chosen.emit(self._looked_at)
        self._selection_changed()

    # --- the selection -------------------------------------------------------------------------------------------

    def _selection_changed(self) -> None:
        selection = self.grid.selection()
        looked_at = 0
        if len(selection) == 1:
            looked_at = next(iter(self.source.ids(selection)), 0)
        if not looked_at:
            self.details.show_nothing(len(selection))
        elif looked_at != self._looked_at:
            self.patch_chosen.emit(looked_at)
        self._looked_at = looked_at
        self._enable()

    def _enable(self) -> None:
        selection, there = self.grid.selection(), self.source.count()
        holds = self._holds()
        held, free = any(hold is not None for hold in holds), any(hold is not Hold.BY_HAND for hold in holds)
        self.bar.show_selection(len(selection), there, held=held, free=free)

    def _chosen_ids(self) -> list[int]:
        return self.source.ids(self.grid.selection())

    def _holds(self) -> set[Hold | None]:
        """What holds the selected patches; those that are not read may be held or not."""
        found: set[Hold | None] = set()
        for seen, index in enumerate(self.grid.selection()):
            shown = self.source.shown(index)
            if shown is None or seen > MOST_LOOKED_AT:
                return {None, Hold.NOT_SAMPLED}
            found.add(shown.patch.hold)
        return found

    def _menu_requested(self, index: int, place: QPoint) -> None:
        if index >= 0:
            self.menu_asked.emit(place)
