"""Curves over the steps of a run: the values, a smoothed line, and what to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.theme import SPACE_4, Text

_SMOOTHED_OVER = 20
_FEW = 40


class Curve(QWidget):
    """One curve with its name above; the pointer shows the value at a step."""

    def __init__(self, name: str, unit: str, digits: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._unit, self._digits = name, unit, digits
        self._steps = np.empty(0)
        self._values = np.empty(0)
        self.label = QLabel(name)
        self.label.setFont(theme.font(strong=True))
        self.value = QLabel()
        theme.set_text(self.value, Text.SMALL, muted=True)
        self.plot = pg.PlotWidget()
        self.plot.setMouseEnabled(False, False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setMinimumHeight(96)
        self.plot.setAccessibleName(name)
        self._raw = self.plot.plot(antialias=True)
        self._smooth = self.plot.plot(antialias=True)
        self._beat = pg.InfiniteLine(angle=0)
        self._beat.hide()
        self._cursor = pg.InfiniteLine(angle=90)
        self._cursor.hide()
        box = self.plot.getViewBox()
        box.addItem(self._beat)
        box.addItem(self._cursor, ignoreBounds=True)
        self._moves = pg.SignalProxy(self._raw.scene().sigMouseMoved, slot=lambda moved: self._point(moved[0]))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(self.label)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.value)
        self._paint()
        self.show_curve((), ())

    def show_curve(self, steps: Sequence[float], values: Sequence[float], *, beat: float | None = None) -> None:
        """Show values at steps; `beat`: a dashed line, what the values should get past."""
        self._steps, self._values = np.asarray(steps, float), np.asarray(values, float)
        for side in ("bottom", "left"):
            self.plot.showAxis(side, bool(steps))
        few = len(self._steps) <= _FEW
        if steps:
            self.plot.getViewBox().setXRange(0, max(steps), padding=0.02)
        self._raw.setData(self._steps, self._values)
        self._raw.setSymbol("o" if few else None)
        smooth = self._values if few else smoothed(self._values)
        self._smooth.setData(self._steps, smooth)
        self._beat.setVisible(beat is not None)
        if beat is not None:
            self._beat.setValue(beat)
        self._tell(len(self._steps) - 1)

    def _tell(self, index: int) -> None:
        if not 0 <= index < len(self._steps):
            self.value.setText(self.tr("Nothing yet"))
            return
        value = f"{self._values[index]:.{self._digits}f}{self._unit}"
        self.value.setText(self.tr("Step {0}: {1}").format(f"{int(self._steps[index]):,}", value))
        self.plot.setAccessibleDescription(self.value.text())

    def _point(self, place: QPointF) -> None:
        box = self.plot.getViewBox()
        inside = box.sceneBoundingRect().contains(place)
        shown = bool(inside and len(self._steps))
        self._cursor.setVisible(shown)
        index = len(self._steps) - 1
        if shown:
            at = box.mapSceneToView(place).x()
            index = int(np.abs(self._steps - at).argmin())
            self._cursor.setValue(self._steps[index])
        self._tell(index)

    def leaveEvent(self, event: QEvent) -> None:
        """Back to the latest value."""
        self._cursor.hide()
        self._tell(len(self._steps) - 1)
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """The colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_cursor"):
            self._paint()

    def _paint(self) -> None:
        look = theme.tokens()
        self.plot.setBackground(look.panel)
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.setPen(look.line)
            axis.setTextPen(look.muted)
            axis.setStyle(tickFont=theme.font(Text.SMALL), tickLength=-SPACE_4, maxTickLevel=1)
            axis.enableAutoSIPrefix(False)
        self.plot.showGrid(x=False, y=True, alpha=0.15)
        faint = look.colour("accent")
        faint.setAlpha(110)
        self._raw.setPen(pg.mkPen(faint, width=1))
        self._raw.setSymbolBrush(look.accent)
        self._raw.setSymbolPen(look.accent)
        self._raw.setSymbolSize(5)
        self._smooth.setPen(pg.mkPen(look.accent, width=2))
        self._beat.setPen(pg.mkPen(look.muted, width=1, style=Qt.PenStyle.DashLine))
        self._cursor.setPen(pg.mkPen(look.border, width=1))
        self.plot.setContentsMargins(0, 0, 0, 0)


def smoothed(values: np.ndarray) -> np.ndarray:
    """The mean of each value and those before it, weighted so that those of long ago count less; as long as `values`, (N,)."""
    decay = 1 - 1 / _SMOOTHED_OVER
    out, mean, weight = np.empty_like(values), 0.0, 0.0
    for index, value in enumerate(values):
        mean, weight = decay * mean + (1 - decay) * value, decay * weight + 1 - decay
        out[index] = mean / weight
    return out
