"""The ways of comparing: what each is called, its key and its icon."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QCoreApplication, Qt


class Side(StrEnum):
    """One of the two images."""

    LQ = "lq"
    HQ = "hq"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.HQ if self is Side.LQ else Side.LQ


class Mode(StrEnum):
    """How LQ and HQ are shown."""

    SIDE_BY_SIDE = "side-by-side"
    SWIPE = "swipe"
    FLICKER = "flicker"
    DIFFERENCE = "difference"
    PERCEPTUAL = "perceptual"
    LQ = "lq"
    HQ = "hq"

    @property
    def is_difference(self) -> bool:
        """Whether the picture shown is computed from both images."""
        return self in (Mode.DIFFERENCE, Mode.PERCEPTUAL)


KEYS: dict[Mode, Qt.Key] = {
    Mode.SIDE_BY_SIDE: Qt.Key.Key_1,
    Mode.SWIPE: Qt.Key.Key_2,
    Mode.DIFFERENCE: Qt.Key.Key_3,
    Mode.PERCEPTUAL: Qt.Key.Key_4,
    Mode.LQ: Qt.Key.Key_5,
    Mode.HQ: Qt.Key.Key_6,
    Mode.FLICKER: Qt.Key.Key_F,
}

ICONS: dict[Mode, str] = {
    Mode.SIDE_BY_SIDE: "mdi6.view-column-outline",
    Mode.SWIPE: "mdi6.compare",
    Mode.FLICKER: "mdi6.swap-horizontal",
    Mode.DIFFERENCE: "mdi6.vector-difference",
    Mode.PERCEPTUAL: "mdi6.eye-outline",
    Mode.LQ: "mdi6.circle-outline",
    Mode.HQ: "mdi6.circle",
}


def word(mode: Mode) -> str:
    """The mode's short name in the person's language."""
    tr = QCoreApplication.translate
    return {
        Mode.SIDE_BY_SIDE: tr("Mode", "Side by side"),
        Mode.SWIPE: tr("Mode", "Swipe"),
        Mode.FLICKER: tr("Mode", "Flicker"),
        Mode.DIFFERENCE: tr("Mode", "Difference"),
        Mode.PERCEPTUAL: tr("Mode", "Perceived"),
        Mode.LQ: tr("Mode", "LQ"),
        Mode.HQ: tr("Mode", "HQ"),
    }[mode]


def help_text(mode: Mode) -> str:
    """What the mode does and its key, for a tooltip."""
    tr = QCoreApplication.translate
    told = {
        Mode.SIDE_BY_SIDE: tr("Mode", "Both images side by side, zoomed and moved together"),
        Mode.SWIPE: tr("Mode", "One over the other; drag the divider, or move it with [ and ]"),
        Mode.FLICKER: tr("Mode", "Switch between both in place; hold F to peek, tap F or click to stay"),
        Mode.DIFFERENCE: tr("Mode", "Absolute difference of each colour channel, amplified"),
        Mode.PERCEPTUAL: tr("Mode", "Difference as people perceive it (ΔE in CIELAB), amplified"),
        Mode.LQ: tr("Mode", "Only the low-quality image"),
        Mode.HQ: tr("Mode", "Only the high-quality image"),
    }[mode]
    return f"{told} ({chr(KEYS[mode])})"
