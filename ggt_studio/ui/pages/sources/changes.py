"""What a person changes about patches and photos on the sources page, each told in a note with Undo."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from ggt_studio.core.model import Photo
from ggt_studio.core.words import Category, Hold
from ggt_studio.store import photos
from ggt_studio.store.holds import Before, Removal
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.sources.patch_source import photo_ids
from ggt_studio.ui.pages.sources.words import number, patches_words, photos_words
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import Toast


class Changes(QObject):
    """Asks the workspace for changes; the latest can be taken back while its note is shown."""

    def __init__(self, workspace: Workspace, toast: Toast) -> None:
        super().__init__(toast)
        self._workspace = workspace
        self._toast = toast
        self._take_back: Callable[[], None] | None = None
        toast.undone.connect(self._undo)

    def set_category(self, patch_ids: list[int], category: Category) -> None:
        """Put the photos of these patches into a category; their categories before are kept for undo."""

        def read(project: Project) -> list[Photo]:
            return [photos.photo(project, photo_id) for photo_id in photo_ids(project, patch_ids)]

        def change(subjects: list[Photo]) -> None:
            others = [photo for photo in subjects if photo.category is not category]
            if not others:
                self._toast.tell(self.tr("They are in {0} already").format(category_name(category)))
                return
            before = {c: [p.id for p in others if p.category is c] for c in {p.category for p in others}}

            def take_back() -> None:
                for old, ids in before.items():
                    self._workspace.set_category(ids, old)

            words = self.tr("{0} put into {1}").format(photos_words(len(others)), category_name(category))
            self._workspace.set_category([p.id for p in others], category, lambda _: self._tell(words, take_back))

        self._workspace.ask(read, change)

    def hold(self, patch_ids: list[int]) -> None:
        """Leave these patches out of runs and exports."""
        self._set_hold(patch_ids, Hold.BY_HAND, self.tr("{0} held back"))

    def release(self, patch_ids: list[int]) -> None:
        """Let these patches take part again."""
        self._set_hold(patch_ids, None, self.tr("{0} released"))

    def _set_hold(self, patch_ids: list[int], hold: Hold | None, words: str) -> None:
        def done(before: Before) -> None:
            self._tell(words.format(patches_words(len(before))), lambda: self._workspace.restore_holds(before))

        self._workspace.set_hold(patch_ids, hold, done)

    def remove(self, patch_ids: list[int]) -> None:
        """Take the photos of these patches out of the project, with all their patches."""

        def done(removal: Removal) -> None:
            words = self.tr("{0} removed with {1}").format(
                photos_words(len(removal.photos)), patches_words(removal.patches)
            )
            kept = [
                number(n, one, many)
                for n, one, many in (
                    (removal.generated, self.tr("{0} with a target"), self.tr("{0} with targets")),
                    (removal.reviewed, self.tr("{0} reviewed"), self.tr("{0} reviewed")),
                )
                if n
            ]
            if kept:
                words = self.tr("{0} ({1}); all stays on record").format(words, ", ".join(kept))
            self._tell(words, lambda: self._workspace.put_back_photos(removal.photos))

        self._workspace.ask(
            lambda project: photo_ids(project, patch_ids), lambda ids: self._workspace.remove_photos(ids, done)
        )

    def put_back(self, photo_ids: list[int]) -> None:
        """Let removed photos be in the project again."""

        def done(number: int) -> None:
            self._tell(
                self.tr("{0} put back").format(photos_words(number)),
                lambda: self._workspace.remove_photos(photo_ids, lambda _: None),
            )

        self._workspace.put_back_photos(photo_ids, done)

    def _tell(self, words: str, take_back: Callable[[], None]) -> None:
        self._take_back = take_back
        self._toast.tell(words, undo=True)

    def _undo(self) -> None:
        if self._take_back is not None:
            self._take_back()
        self._take_back = None
