"""What the patch grid shows: the ids of a filter at once, the patches themselves block by block as they come into view."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.model import Patch
from ggt_studio.store import patches, photos
from ggt_studio.store.patches import Filter
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.sources.words import level_name, patch_badge
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.grid import GridItem
from ggt_studio.ui.widgets.thumbnails import ThumbKey

BLOCK = 128
MOST_BLOCKS = 64


@dataclass(frozen=True, slots=True)
class Shown:
    """A patch and the name of its photo's file."""

    patch: Patch
    name: str


class PatchSource(QObject):
    """A `GridSource` over the patches of one filter, by id. Costs 8 bytes per patch and some blocks around what is seen."""

    changed = Signal()
    loaded = Signal()
    """The ids of the filter were read."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._workspace = workspace
        self._ids: array[int] = array("q")
        self._blocks: OrderedDict[int, list[Shown]] = OrderedDict()
        self._asked: set[int] = set()
        self._generation = 0
        self.filter = Filter()
        self.ready = False

    def show(self, which: Filter) -> None:
        """Show the patches of another filter; those of the one before go at once."""
        self.filter = which
        self._ids, self.ready = array("q"), False
        self._blocks.clear()
        self.changed.emit()
        self.reload()

    def reload(self) -> None:
        """Read again: patches came, went or changed. What is shown stays until the new rows are here."""
        self._generation += 1
        generation, which, seen = self._generation, self.filter, list(self._blocks)[-4:]

        def read(project: Project) -> tuple[array[int], dict[int, list[Shown]]]:
            ids = patches.ids(project, which)
            return ids, {block: _read(project, ids[block * BLOCK : (block + 1) * BLOCK]) for block in seen}

        def take(result: tuple[array[int], dict[int, list[Shown]]]) -> None:
            if generation == self._generation:
                self._ids, blocks = result
                self._blocks = OrderedDict(blocks)
                self._asked.clear()
                self.ready = True
                self.changed.emit()
                self.loaded.emit()

        self._workspace.ask(read, take)

    # --- what the grid asks --------------------------------------------------------------------------------------

    def count(self) -> int:
        """How many patches there are."""
        return len(self._ids)

    def shown(self, index: int) -> Shown | None:
        """A patch, or None while it is being read."""
        block = self._blocks.get(index // BLOCK)
        offset = index % BLOCK
        return block[offset] if block is not None and 0 <= offset < len(block) else None

    def item(self, index: int) -> GridItem | None:
        """What the grid paints of a patch."""
        shown = self.shown(index)
        if shown is None:
            return None
        patch = shown.patch
        return GridItem(
            id=patch.id,
            title=shown.name,
            subtitle=f"{category_name(patch.category)} · {level_name(patch.level)}",
            badge=patch_badge(patch),
            thumb=ThumbKey(patch.sha256, str(patch.lq_path)),
        )

    def request_range(self, first: int, last: int) -> None:
        """Read the blocks that are not there yet."""
        for block in range(first // BLOCK, last // BLOCK + 1):
            if block in self._blocks:
                self._blocks.move_to_end(block)
            elif block not in self._asked:
                self._asked.add(block)
                self._ask(block)

    def _ask(self, block: int) -> None:
        generation, ids = self._generation, self._ids[block * BLOCK : (block + 1) * BLOCK]

        def take(rows: list[Shown]) -> None:
            self._asked.discard(block)
            if generation != self._generation:
                return
            self._blocks[block] = rows
            while len(self._blocks) > MOST_BLOCKS:
                self._blocks.popitem(last=False)
            self.changed.emit()

        self._workspace.ask(lambda project: _read(project, ids), take)

    # --- what the page asks -----------------------------------------------------------------------------------------

    def ids(self, indices: Iterable[int]) -> list[int]:
        """The ids of patches by their places."""
        return [self._ids[index] for index in indices if index < len(self._ids)]


def _read(project: Project, ids: array[int]) -> list[Shown]:
    rows = patches.by_ids(project, ids)
    names = {i: photos.photo(project, i).path.replace("\\", "/").rsplit("/", 1)[-1] for i in {r.photo_id for r in rows}}
    return [Shown(row, names[row.photo_id]) for row in rows]


def photo_ids(project: Project, patch_ids: list[int]) -> list[int]:
    """The photos that these patches were cut from, each once, in order."""
    found: dict[int, None] = {}
    for start in range(0, len(patch_ids), 500):
        found |= dict.fromkeys(patch.photo_id for patch in patches.by_ids(project, patch_ids[start : start + 500]))
    return list(found)
