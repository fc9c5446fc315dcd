"""The dataset page's words for selections and formats."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from ggt_studio.dataset.export import ExportFormat
from ggt_studio.dataset.include import Include


def tr(text: str) -> str:
    """A text in the person's language."""
    return QCoreApplication.translate("DatasetPage", text)


def include_words(include: Include) -> tuple[str, str]:
    """A selection's name and what it holds."""
    return {
        Include.VERIFIED: (tr("Verified"), tr("Pairs that a person has accepted.")),
        Include.ACCEPTED: (
            tr("Accepted"),
            tr("Verified pairs, and those that passed the automatic checks and still wait for a person."),
        ),
        Include.ALL: (
            tr("All"),
            tr("The first candidate of every patch, without quality control. For ablations, not for training."),
        ),
    }[include]


def format_words(layout: ExportFormat) -> tuple[str, str]:
    """A format's name and what loads it."""
    return {
        ExportFormat.IMAGEFOLDER: (
            tr("Image folder"),
            tr("Image files in folders. Hugging Face datasets loads it, and so does all that reads image files."),
        ),
        ExportFormat.PARQUET: (
            tr("Parquet"),
            tr("Tables with the images inside. Hugging Face datasets, pandas, polars and DuckDB load it."),
        ),
        ExportFormat.WEBDATASET: (
            tr("WebDataset"),
            tr("Tar files to be read in sequence. webdataset and Hugging Face datasets load it, also as a stream."),
        ),
    }[layout]


def date_words(moment: datetime) -> str:
    """A moment in the person's own time zone and notation."""
    local = QDateTime.fromSecsSinceEpoch(int(moment.timestamp()))
    return QLocale().toString(local, QLocale.FormatType.ShortFormat)
