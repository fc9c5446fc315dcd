"""Datasets that were exported before: what lies in a folder of exports, and the code that loads one."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_documents_path

from ggt_studio.dataset.export import ExportFormat

_TOTALS = re.compile(r"^\| All \| ([\d,]+) \| ([\d,]+) \|$", re.MULTILINE)
_CODE = re.compile(r"^```python\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_PLACE = '"path/to/this/folder"'


@dataclass(frozen=True, slots=True)
class Exported:
    """A finished export: its folder, layout, pairs on each side, and when it was made (UTC)."""

    path: Path
    layout: ExportFormat
    train: int
    test: int
    made_at: datetime

    @property
    def pairs(self) -> int:
        """Pairs in all."""
        return self.train + self.test


def find_exports(folder: Path) -> list[Exported]:
    """The finished exports directly under `folder`, newest first; what is none is left out. Reads one small file of each."""
    try:
        places = [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    found = [exported for path in places if (exported := read_export(path)) is not None]
    return sorted(found, key=lambda e: (e.made_at, e.path.name), reverse=True)


def read_export(folder: Path) -> Exported | None:
    """What the export in `folder` holds; None where there is none, or only a part of one."""
    try:
        made_at = datetime.fromtimestamp((folder / "SHA256SUMS").stat().st_mtime, UTC)
        card = (folder / "README.md").read_text("utf-8")
        names = {path.name for path in folder.iterdir()}
    except (OSError, UnicodeDecodeError):
        return None
    totals = _TOTALS.search(card)
    if totals is None:
        return None
    train, test = (int(number.replace(",", "")) for number in totals.groups())
    return Exported(folder, _layout(names), train, test, made_at)


def _layout(names: set[str]) -> ExportFormat:
    if any(name.endswith(".tar") for name in names):
        return ExportFormat.WEBDATASET
    return ExportFormat.PARQUET if "data" in names else ExportFormat.IMAGEFOLDER


def load_code(folder: Path) -> str:
    """Python code that loads the export in `folder`: that of its card, with the folder filled in. Raises OSError."""
    code = _CODE.search((folder / "README.md").read_text("utf-8"))
    place = json.dumps(str(folder), ensure_ascii=False)
    if code is None:
        return f"from datasets import load_dataset\n\npairs = load_dataset({place})\n"
    return code.group(1).replace(_PLACE, place) + "\n"


def exports_folder(project: Path) -> Path:
    """Where exports of a project go unless a person says otherwise: into its own `exports`, or into the person's documents
    where this account may not write there, as with a project on a read-only disk."""
    exports = project / "exports"
    return exports if os.access(exports if exports.is_dir() else project, os.W_OK) else user_documents_path()


def free_folder(exports: Path, name: str) -> Path:
    """A new folder for an export: `<name>-<n>` under `exports` with the smallest n that is not taken."""
    number = 1
    while (exports / f"{name}-{number}").exists():
        number += 1
    return exports / f"{name}-{number}"
