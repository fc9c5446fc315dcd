"""The sources page's words: origins, preparation, levels, reasons to hold a patch back, what an import came to."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from ggt_studio.core.model import Patch
from ggt_studio.core.words import Category, Hold, Origin, Prepare, QualityLevel, State
from ggt_studio.dataset.importer import ImportReport
from ggt_studio.ui.format import count
from ggt_studio.ui.widgets.badges import Badge, Tone

CATEGORY_ICONS = {
    Category.GENERAL_MIXED: "mdi6.blur",
    Category.RAIN: "mdi6.weather-pouring",
    Category.HAZE: "mdi6.weather-fog",
    Category.SNOW: "mdi6.snowflake",
    Category.LOW_LIGHT: "mdi6.weather-night",
    Category.OLD_PHOTO: "mdi6.image-frame",
}


def tr(text: str) -> str:
    """A text in the person's language."""
    return QCoreApplication.translate("SourcesPage", text)


def origin_name(origin: Origin) -> str:
    """Where photos come from."""
    return {
        Origin.CAPTURE: tr("Own captures"),
        Origin.INTERNET: tr("Internet"),
        Origin.DATASET: tr("Existing dataset"),
    }[origin]


def prepare_name(prepare: Prepare) -> str:
    """How photos become patches."""
    return {
        Prepare.AUTO: tr("By category"),
        Prepare.CROP: tr("Crop only"),
        Prepare.RESIZE_CROP: tr("Resize, then crop"),
    }[prepare]


def prepare_hint(prepare: Prepare) -> str:
    """What a preparation does to a photo."""
    return {
        Prepare.AUTO: tr(
            "Rain and snow are resized, then cropped; all others are cropped as shot, to keep their noise."
        ),
        Prepare.CROP: tr("Patches of 1024 x 1024 px are cut from the photo as it was shot."),
        Prepare.RESIZE_CROP: tr("The photo is made smaller, then cut into patches of 1024 x 1024 px."),
    }[prepare]


def level_name(level: QualityLevel) -> str:
    """A graded quality."""
    return {
        QualityLevel.HIGH: tr("High"),
        QualityLevel.MEDIUM: tr("Medium"),
        QualityLevel.LOW: tr("Low"),
    }[level]


def hold_name(hold: Hold) -> str:
    """Why a patch is left out, in a word or two."""
    return {
        Hold.CONTENT_POOR: tr("Little content"),
        Hold.DEGRADED: tr("Beyond restoring"),
        Hold.NOT_VISIBLE: tr("Degradation not visible"),
        Hold.NEAR_DUPLICATE: tr("Near duplicate"),
        Hold.NOT_SAMPLED: tr("Not sampled"),
        Hold.BY_HAND: tr("Held by hand"),
        Hold.REMOVED: tr("Photo removed"),
    }[hold]


def hold_sentence(hold: Hold) -> str:
    """Why a patch is left out, and what that means."""
    return {
        Hold.CONTENT_POOR: tr("It holds next to no structure: plain sky, a black frame, a flat wall."),
        Hold.DEGRADED: tr("Its content is so far gone that a target would be guesswork."),
        Hold.NOT_VISIBLE: tr("The degradation of its category is not to be seen in it."),
        Hold.NEAR_DUPLICATE: tr("Its photo is nearly the same as one imported before."),
        Hold.NOT_SAMPLED: tr("The latest sample did not take it."),
        Hold.BY_HAND: tr("Runs and exports leave it out until a person releases it."),
        Hold.REMOVED: tr("It is not in the project until its photo is put back."),
    }[hold]


def state_name(state: State) -> str:
    """Where a patch stands."""
    return {
        State.OPEN: tr("Open"),
        State.WAITING: tr("Waiting for review"),
        State.VERIFIED: tr("Verified"),
        State.REJECTED: tr("Rejected"),
        State.FAILED: tr("Failed"),
    }[state]


def patch_badge(patch: Patch) -> Badge | None:
    """What a patch's cell says over its picture; nothing for the ordinary open patch."""
    if patch.hold is not None:
        return Badge(Tone.NEUTRAL, hold_name(patch.hold))
    return {
        State.OPEN: None,
        State.WAITING: Badge(Tone.BUSY, tr("Waiting")),
        State.VERIFIED: Badge(Tone.GOOD, tr("Verified")),
        State.REJECTED: Badge(Tone.BAD, tr("Rejected")),
        State.FAILED: Badge(Tone.WARN, tr("Failed")),
    }[patch.state]


def number(n: int, one: str, many: str) -> str:
    """`1 photo`, `1,204 photos`: `one` and `many` hold `{0}`."""
    return (one if n == 1 else many).format(count(n))


def photos_words(n: int) -> str:
    """A number of photos."""
    return number(n, tr("{0} photo"), tr("{0} photos"))


def patches_words(n: int) -> str:
    """A number of patches."""
    return number(n, tr("{0} patch"), tr("{0} patches"))


def report_words(report: ImportReport) -> str:
    """What an import came to; numbers that are nought are left out, save the photos."""
    parts = [number(report.photos, tr("{0} photo added"), tr("{0} photos added"))]
    if report.photos:
        parts.append(patches_words(report.patches))
    for n, one, many in (
        (report.known, tr("{0} imported before"), tr("{0} imported before")),
        (report.removed, tr("{0} removed before"), tr("{0} removed before")),
        (report.duplicates, tr("{0} duplicate left out"), tr("{0} duplicates left out")),
        (report.near_duplicates, tr("{0} near duplicate"), tr("{0} near duplicates")),
        (report.content_poor, tr("{0} patch with little content held back"), tr("{0} patches with little content held back")),
        (report.assumed_category, tr("{0} taken as general mixed"), tr("{0} taken as general mixed")),
        (len(report.quarantined), tr("{0} not usable"), tr("{0} not usable")),
    ):  # fmt: skip
        if n:
            parts.append(number(n, one, many))
    return " · ".join(parts)
