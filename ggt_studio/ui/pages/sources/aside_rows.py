"""The rows of what was set aside: read from the project, and as a table for Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from ggt_studio.store import holds, photos
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.sources.words import patches_words, tr

_Index = QModelIndex | QPersistentModelIndex


class Kind(StrEnum):
    """Why a file is not in the project."""

    UNUSABLE = "unusable"
    DUPLICATE = "duplicate"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Row:
    """A file that was set aside, and why in words; `other` is the path of the photo that a duplicate equals."""

    kind: Kind
    path: str
    why: str
    other: str = ""
    photo_id: int = 0


def kind_name(kind: Kind) -> str:
    """Why files are not in the project, in a word or two."""
    return {
        Kind.UNUSABLE: tr("Not usable"),
        Kind.DUPLICATE: tr("Duplicates"),
        Kind.REMOVED: tr("Removed"),
    }[kind]


def _one(kind: Kind) -> str:
    return tr("Duplicate") if kind is Kind.DUPLICATE else kind_name(kind)


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def read_rows(project: Project) -> list[Row]:
    """All that was set aside: not usable, then duplicates, then removed photos; each by path."""
    rows = [
        Row(Kind.UNUSABLE, q.path, _sentence(q.reason.removeprefix(f"{Path(q.path).name}: ")))
        for q in photos.quarantined(project)
    ]
    rows += [
        Row(Kind.DUPLICATE, d.path, tr("The same as {0}").format(Path(d.same_as).name), d.same_as)
        for d in photos.duplicates(project)
    ]
    rows += [
        Row(Kind.REMOVED, r.path, tr("Removed with {0}").format(patches_words(r.patches)), photo_id=r.id)
        for r in holds.removed_photos(project)
    ]
    return rows


class AsideModel(QAbstractTableModel):
    """File, what it is, why, and folder of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; nothing happens when they are the same."""
        if list(rows) != self.rows:
            self.beginResetModel()
            self.rows = list(rows)
            self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """How many files."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """File, what it is, why, folder."""
        return 0 if parent.isValid() else 4

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        """The words of a cell; the tooltip is the whole path or reason."""
        row = self.rows[index.row()]
        path = Path(row.path)
        if role == Qt.ItemDataRole.DisplayRole:
            return (path.name, _one(row.kind), row.why, str(path.parent))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return (row.path, _one(row.kind), row.other or row.why, str(path.parent))[index.column()]
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | int | None:
        """The columns' words."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return (self.tr("File"), self.tr("Set aside as"), self.tr("Why"), self.tr("Folder"))[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None
