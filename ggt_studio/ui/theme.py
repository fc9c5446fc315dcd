"""The look: colours, spacing, text sizes and icons of the dark and light theme, and the one call that applies them."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from string import Template
from typing import Literal, cast

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from ggt_studio.settings import Theme

ColourRole = Literal["text", "muted", "accent", "on_accent", "good", "warn", "bad"]

SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, SPACE_32 = 4, 8, 12, 16, 24, 32
RADIUS = 4
ICON_SIZE = 16

_THEME_PROPERTY = "ggtTheme"
_LOADING_PROPERTY = "ggtLoadingGlyphs"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Every colour of a theme as `#rrggbb`; the surfaces and lines are neutral greys (R = G = B).

    Three surfaces: `window` (chrome), `panel` (lists, fields), `raised` (controls, chips). `surround` lies behind photos.
    `border` outlines controls, `line` separates quietly. `good`, `warn`, `bad` are for verdicts only.
    """

    name: Literal["dark", "light"]
    window: str
    panel: str
    raised: str
    hover: str
    surround: str
    line: str
    border: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    good: str
    warn: str
    bad: str

    def colour(self, role: str) -> QColor:
        """The colour of a token by its name."""
        return QColor(getattr(self, role))


DARK = Tokens(
    name="dark", window="#262626", panel="#2f2f2f", raised="#3b3b3b", hover="#434343", surround="#363636",
    line="#404040", border="#808080", text="#ececec", muted="#b6b6b6", disabled="#7c7c7c",
    accent="#6cb2ff", on_accent="#101010", good="#6cc985", warn="#e8b04a", bad="#ff9188",
)  # fmt: skip
LIGHT = Tokens(
    name="light", window="#ebebeb", panel="#f7f7f7", raised="#ffffff", hover="#dedede", surround="#c9c9c9",
    line="#d2d2d2", border="#858585", text="#1c1c1c", muted="#505050", disabled="#949494",
    accent="#0b5cad", on_accent="#ffffff", good="#17692f", warn="#7d4a00", bad="#a8201a",
)  # fmt: skip
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def text_pairs(tokens: Tokens) -> list[tuple[str, str]]:
    """The (text, background) pairs in use, as token names; each has a WCAG contrast of at least 4.5."""
    pairs = [(fore, back) for fore in ("text", "muted") for back in ("window", "panel", "raised", "hover", "surround")]
    pairs += [(fore, back) for fore in ("accent", "good", "warn", "bad") for back in ("window", "panel", "raised")]
    return [*pairs, ("on_accent", "accent")]


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two `#rrggbb` colours, in [1, 21]."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# --- text ---------------------------------------------------------------------------------------------------------


class Text(StrEnum):
    """The four text sizes, as multiples of the system font."""

    SMALL = "small"
    BODY = "body"
    HEADING = "heading"
    TITLE = "title"


_SCALE = {Text.SMALL: 0.88, Text.BODY: 1.0, Text.HEADING: 1.22, Text.TITLE: 1.6}


def base_points() -> float:
    """Size of the system font in points."""
    return QFontInfo(QGuiApplication.font()).pointSizeF()


def font(text: Text = Text.BODY, *, strong: bool = False) -> QFont:
    """The system font in one of the four sizes, with digits of equal width; `strong` is semi-bold."""
    result = QFont(QGuiApplication.font())
    result.setPointSizeF(base_points() * _SCALE[text])
    result.setFeature(QFont.Tag("tnum"), 1)
    if strong or text in (Text.HEADING, Text.TITLE):
        result.setWeight(QFont.Weight.DemiBold)
    return result


def set_text(widget: QWidget, text: Text, *, muted: bool = False) -> None:
    """Give a label one of the four text sizes, `muted` for what supports and does not lead."""
    widget.setProperty("muted", muted)
    widget.setFont(font(text))
    widget.style().unpolish(widget)
    widget.style().polish(widget)


# --- applying -----------------------------------------------------------------------------------------------------


def tokens() -> Tokens:
    """The theme in use; the dark one until `apply_theme` was called."""
    app = QCoreApplication.instance()
    return THEMES.get(cast(str, app.property(_THEME_PROPERTY)) if app else "dark", DARK)


def apply_theme(app: QApplication, choice: Theme = "system") -> Tokens:
    """Give the whole application its palette and style sheet; `system` follows the desktop, also when it changes."""
    hints = app.styleHints()
    follower = app.findChild(_Follower)
    if follower is None:
        follower = _Follower(app)
        hints.colorSchemeChanged.connect(follower.scheme_changed)
    follower.following = False
    if choice == "system":
        hints.unsetColorScheme()
        chosen = LIGHT if hints.colorScheme() == Qt.ColorScheme.Light else DARK
        follower.following = True
    else:
        chosen = THEMES[choice]
        hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)
    _wear(app, chosen)
    return chosen


class _Follower(QObject):
    """Changes the theme along with the desktop while `following`."""

    following = False

    def scheme_changed(self, scheme: Qt.ColorScheme) -> None:
        app = self.parent()
        if self.following and isinstance(app, QApplication):
            _wear(app, LIGHT if scheme == Qt.ColorScheme.Light else DARK)


def _wear(app: QApplication, theme: Tokens) -> None:
    if app.style().name() != "fusion":
        app.setStyle("Fusion")
    app.setProperty(_THEME_PROPERTY, theme.name)
    app.setPalette(palette(theme))
    app.setFont(font())
    app.setStyleSheet(style_sheet(theme))


def palette(theme: Tokens) -> QPalette:
    """The Qt palette of a theme."""
    result = QPalette()
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window, role.WindowText: theme.text, role.Base: theme.panel, role.AlternateBase: theme.window,
        role.Text: theme.text, role.PlaceholderText: theme.muted, role.Button: theme.raised, role.ButtonText: theme.text,
        role.BrightText: theme.bad, role.ToolTipBase: theme.raised, role.ToolTipText: theme.text,
        role.Highlight: theme.accent, role.HighlightedText: theme.on_accent, role.Accent: theme.accent,
        role.Link: theme.accent, role.LinkVisited: theme.accent, role.Light: theme.hover, role.Midlight: theme.raised,
        role.Mid: theme.line, role.Dark: theme.border, role.Shadow: theme.line,
    }  # fmt: skip
    for key, value in colours.items():
        result.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, key, QColor(theme.disabled))
    result.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(theme.line))
    return result


def style_sheet(theme: Tokens) -> str:
    """The one style sheet with the theme's colours filled in."""
    folder = resources.files("ggt_studio.ui") / "style"
    values = asdict(theme) | {"radius": f"{RADIUS}px", "style": str(folder).replace("\\", "/")}
    return Template((folder / "studio.qss").read_text("utf-8")).substitute(values)


# --- icons --------------------------------------------------------------------------------------------------------


class _IconEngine(QIconEngine):
    """Draws a glyph in the colours of the theme in use, so that icons follow it without being made anew."""

    def __init__(self, name: str, role: ColourRole) -> None:
        super().__init__()
        self._name = name
        self._role: ColourRole = role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        if not _glyphs_are_loaded():
            return
        theme = tokens()
        colour = theme.disabled if mode == QIcon.Mode.Disabled else getattr(theme, self._role)
        _glyph(self._name, colour).paint(painter, rect)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _IconEngine(self._name, self._role)


def _glyphs_are_loaded() -> bool:
    """Whether glyphs can be drawn. The icon font takes as long to load as all else: the window paints once before it."""
    if "qtawesome" in sys.modules:
        return True
    app = QApplication.instance()
    if isinstance(app, QApplication) and not app.property(_LOADING_PROPERTY):
        app.setProperty(_LOADING_PROPERTY, True)
        QTimer.singleShot(0, _load_glyphs)
    return False


def _load_glyphs() -> None:
    import qtawesome  # noqa: F401 - from now on glyphs can be drawn

    app = QApplication.instance()
    if isinstance(app, QApplication):
        for widget in app.allWidgets():
            # What keeps a picture of an icon makes a new one, as it does when the theme changes.
            app.sendEvent(widget, QEvent(QEvent.Type.PaletteChange))
            widget.update()


@lru_cache(maxsize=512)
def _glyph(name: str, colour: str) -> QIcon:
    import qtawesome

    return cast(QIcon, qtawesome.icon(name, color=colour))


def icon(name: str, role: ColourRole = "text") -> QIcon:
    """An icon of Material Design Icons by its qtawesome name (`mdi6.image-outline`), in the colour of the theme."""
    return QIcon(_IconEngine(name, role))
