"""The compare view's small toolbar: modes, gain of the difference, zoom."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, SPACE_8
from ggt_studio.ui.widgets.common.choices import Slider
from ggt_studio.ui.widgets.common.segmented import Segment, SegmentedControl
from ggt_studio.ui.widgets.compare import modes
from ggt_studio.ui.widgets.compare.modes import Mode

GAINS = (1, 2, 4, 8, 16, 32)
DEFAULT_GAIN = 4


class CompareToolbar(QWidget):
    """Says what a person wants; the view decides. `names` are what the sides are called, LQ and HQ otherwise."""

    mode_chosen = Signal(object)
    gain_chosen = Signal(int)
    zoom_in = Signal()
    zoom_out = Signal()
    fit = Signal()
    actual = Signal()

    def __init__(self, names: tuple[str, str] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = words = {mode: modes.word(mode) for mode in Mode}
        if names is not None:
            words[Mode.LQ], words[Mode.HQ] = names
        segments = [Segment(mode, words[mode], modes.ICONS[mode], modes.help_text(mode)) for mode in Mode]
        self.modes = SegmentedControl(segments, self.tr("Way of comparing"))
        self.modes.changed.connect(self.mode_chosen)
        self._widths: tuple[int, int] | None = None
        self._gain_word = QLabel(self.tr("Gain"))
        theme.set_text(self._gain_word, theme.Text.SMALL, muted=True)
        self.gain = Slider(Qt.Orientation.Horizontal)
        self.gain.setRange(0, len(GAINS) - 1)
        self.gain.setPageStep(1)
        self.gain.setFixedWidth(88)
        self.gain.setAccessibleName(self.tr("Gain of the difference"))
        self.gain.setToolTip(self.tr("How much the difference is amplified ([ and ])"))
        self.gain_value = _number("×32")
        self.gain.valueChanged.connect(lambda step: self._gain_moved(GAINS[step]))
        self.percent = _number("1600 %")
        self.percent.setAccessibleName(self.tr("Zoom"))
        self.percent.setToolTip(self.tr("Zoom: screen pixels per image pixel"))

        self._row = layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.modes)
        layout.addStretch(1)
        for widget in (self._gain_word, self.gain, self.gain_value):
            layout.addWidget(widget)
        layout.addSpacing(SPACE_8)
        layout.addWidget(self._button("mdi6.minus", self.tr("Zoom out"), "−", self.zoom_out))
        layout.addWidget(self.percent)
        layout.addWidget(self._button("mdi6.plus", self.tr("Zoom in"), "+", self.zoom_in))
        layout.addWidget(self._button(self.tr("Fit"), self.tr("Show the whole image"), "0", self.fit))
        layout.addWidget(self._button(self.tr("1:1"), self.tr("One image pixel per screen pixel"), "9", self.actual))
        self.set_gain(DEFAULT_GAIN)
        self.show_gain(False)

    def _button(self, shown: str, name: str, key: str, signal: SignalInstance) -> QToolButton:
        button = QToolButton(self)
        if shown.startswith("mdi6."):
            button.setIcon(theme.icon(shown))
        else:
            button.setText(shown)
        button.setAccessibleName(name)
        button.setToolTip(f"{name} ({key})")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setProperty("quiet", True)
        button.clicked.connect(lambda: signal.emit())
        return button

    def _gain_moved(self, gain: int) -> None:
        self.gain_value.setText(f"×{gain}")
        self.gain_chosen.emit(gain)

    def set_gain(self, gain: int) -> None:
        """Show a gain, one of `GAINS`."""
        self.gain.setValue(GAINS.index(gain))
        self.gain_value.setText(f"×{gain}")

    def show_gain(self, shown: bool) -> None:
        """The gain is there only where a difference is shown."""
        for widget in (self._gain_word, self.gain, self.gain_value):
            widget.setVisible(shown)
        self._settle()

    def set_zoom(self, zoom: float | None) -> None:
        """Show the zoom (1.0 is 100 %); nothing without an image."""
        self.percent.setText("" if zoom is None else f"{zoom * 100:.0f} %")

    def minimumSizeHint(self) -> QSize:
        """The width with icons only."""
        least = super().minimumSizeHint()
        return QSize(least.width() - self.modes.sizeHint().width() + self._mode_widths()[1], least.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Words where there is room, icons where there is not."""
        super().resizeEvent(event)
        self._settle()

    def changeEvent(self, event: QEvent) -> None:
        """Another font or style takes another width."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._widths = None

    def _settle(self) -> None:
        rest = self._row.sizeHint().width() - self.modes.sizeHint().width()
        self.modes.set_compact(self.width() < self._mode_widths()[0] + rest)

    def _mode_widths(self) -> tuple[int, int]:
        if self._widths is None:
            self._widths = self.modes.width_with(words=True), self.modes.width_with(words=False)
        return self._widths


def _number(widest: str) -> QLabel:
    label = QLabel(widest)
    label.setFont(theme.font(theme.Text.SMALL))
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    label.setMinimumWidth(QFontMetrics(label.font()).horizontalAdvance(widest) + SPACE_4)
    return label
