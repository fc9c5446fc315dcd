"""What the restore page says."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QCoreApplication

from ggt_studio.core.metadata import Strip
from ggt_studio.core.photo_files import FileFormat
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring import RestoreItem, Standing
from ggt_studio.ui.format import count, duration, money, percent, size
from ggt_studio.ui.vocabulary import category_name

_SHIFT_WORTH_TELLING = 3.0


def tr(text: str) -> str:
    """A text of this page in the person's language."""
    return QCoreApplication.translate("RestorePage", text)


def standing_words(item: RestoreItem) -> str:
    """How far a photo is, in a word or two."""
    match item.standing:
        case Standing.WAITING:
            return tr("Waits")
        case Standing.RUNNING:
            return percent(round(item.share, 2))
        case Standing.RESTORED:
            return tr("Restored")
        case Standing.SKIPPED:
            return tr("Done before")
        case Standing.FAILED:
            return tr("Not restored")
        case Standing.UNCERTAIN:
            return tr("May have been charged")


def detail_words(item: RestoreItem) -> str:
    """What is known of a photo: why it was not restored, or what a person should know of the result."""
    if item.message:
        return item.message
    if item.standing is Standing.SKIPPED:
        return tr("Restored before with the same settings.")
    facts = item.facts
    if "width" not in facts:
        return ""
    tiles = int(facts.get("tiles", 1))
    parts = [
        f"{facts['width']} × {facts['height']} px, {facts['bits']} bit",
        tr("{0} in {1} tiles").format(duration(facts["seconds"]), count(tiles))
        if tiles > 1
        else duration(facts["seconds"]),
    ]
    if facts.get("cost_usd"):
        parts.append(money(facts["cost_usd"]))
    if facts.get("colour_shift_most", 0) >= _SHIFT_WORTH_TELLING:
        parts.append(tr("colours of large areas moved by {0} (CIELAB)").format(facts["colour_shift"]))
    if not facts.get("enough", True):
        parts.append(tr("tiles were smaller than the network's reach: seams may show"))
    if facts.get("halvings"):
        parts.append(tr("memory ran out; tiles of {0} px were used").format(facts["tile"]))
    return " · ".join([*parts, *facts.get("notes", ())])


def model_words(about: dict[str, Any]) -> str:
    """What a checkpoint is, in a line or two."""
    words = tr("{0}, {1} million parameters, {2}.").format(
        about["label"], f"{about['parameters'] / 1e6:.1f}", size(about["file_bytes"])
    )
    if about["scale"] > 1:
        words += " " + tr("Enlarges {0} times.").format(about["scale"])
    words += " " + tr("Licence: {0}.").format(about["licence"])
    return words + "".join(f" {note}" for note in about["notes"])


def format_choices() -> list[tuple[str, FileFormat | None]]:
    """The formats to choose among."""
    named = [("JPEG", FileFormat.JPEG), ("PNG", FileFormat.PNG), ("TIFF", FileFormat.TIFF)]
    return [(tr("As each photo came"), None), *named, ("WebP", FileFormat.WEBP), ("AVIF", FileFormat.AVIF)]


def strip_choices() -> list[tuple[str, Strip]]:
    """What of the metadata may be left out."""
    return [
        (tr("Keep all"), Strip.NOTHING),
        (tr("Leave out the place (GPS)"), Strip.GPS),
        (tr("Leave out all"), Strip.ALL),
    ]


def category_choices() -> list[tuple[str, Category | None]]:
    """What may be wrong with the photos."""
    return [(tr("By folder, else general"), None), *((category_name(category), category) for category in Category)]
