"""Words that several pages share."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from ggt_studio.core.words import Category


def tr(text: str) -> str:
    """A text in the person's language."""
    return QCoreApplication.translate("Vocabulary", text)


def category_name(category: Category) -> str:
    """A category as people read it."""
    return {
        Category.GENERAL_MIXED: tr("General mixed"),
        Category.RAIN: tr("Rain"),
        Category.HAZE: tr("Haze"),
        Category.SNOW: tr("Snow"),
        Category.LOW_LIGHT: tr("Low light"),
        Category.OLD_PHOTO: tr("Old photo"),
    }[category]
