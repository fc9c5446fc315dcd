"""The scores of LQ and HQ per metric: which way each went, and which of them decided the gate."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from ggt_studio.core.facts import Scored
from ggt_studio.quality.catalogue import METRICS
from ggt_studio.ui import theme
from ggt_studio.ui.pages.review.parts import ClampedText, heading, small
from ggt_studio.ui.pages.review.words import metric_label, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_12, Text

_COLUMNS = 5


class ScoresSection(QWidget):
    """A row per no-reference metric (LQ, HQ, better or worse), then the full-reference ones in short."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACE_12)
        self._grid.setVerticalSpacing(SPACE_4 // 2)
        self._grid.setColumnStretch(3, 1)
        for column, word in enumerate((tr("Scores"), tr("LQ"), tr("HQ"))):
            label = heading(word)
            if column:
                label.setAlignment(small(right=True).alignment())
            self._grid.addWidget(label, 0, column)
        self._rows: list[list[QLabel]] = []
        self._between = ClampedText(2)
        self._gate = ClampedText(2, muted=True)

    def show_scores(self, scored: Scored | None) -> None:
        """Show the scores of one attempt; None where it was not scored."""
        names = [name for name in scored.lq if name in scored.hq] if scored else []
        while len(self._rows) < len(names):
            self._add_row()
        for index, row in enumerate(self._rows):
            for label in row:
                label.setVisible(index < len(names))
        for row, name in zip(self._rows, names, strict=False):
            assert scored is not None
            self._fill(row, name, scored)
        last = len(self._rows) + 1
        for offset, text in enumerate((self._between, self._gate)):
            self._grid.removeWidget(text)
            self._grid.addWidget(text, last + offset, 0, 1, _COLUMNS)
        between = scored.between if scored else {}
        told = " · ".join(f"{metric_label(name)} {number(value)}" for name, value in between.items())
        self._between.set_text(tr("LQ to HQ: {0}").format(told) if told else "")
        self._between.setVisible(bool(told))
        self._gate.set_text(scored.gate.reason if scored else tr("Not scored: it did not get that far."))

    def _add_row(self) -> None:
        row = [small(muted=False), small(muted=False, right=True), small(muted=False, right=True), small(), small()]
        for column, label in enumerate(row):
            self._grid.addWidget(label, len(self._rows) + 1, column)
        self._rows.append(row)

    def _fill(self, row: list[QLabel], name: str, scored: Scored) -> None:
        lq, hq = scored.lq[name], scored.hq[name]
        info = METRICS.get(name)
        name_label, lq_label, hq_label, trend, decided = row
        name_label.setText(metric_label(name))
        lq_label.setText(number(lq))
        hq_label.setText(number(hq))
        trend.setText(_trend(lq, hq, info.lower_better if info else None))
        if info:
            better = tr("lower is better") if info.lower_better else tr("higher is better")
            name_label.setToolTip(f"{info.label}: {better}. {info.variant}")
            trend.setToolTip(better)
        deciding = scored.gate.decided_by == name
        decided.setText((tr("decided: pass") if scored.gate.passed else tr("decided: fail")) if deciding else "")
        decided.setToolTip(scored.gate.reason if deciding else "")
        for label in (name_label, decided):
            label.setFont(theme.font(Text.SMALL, strong=deciding))
        summary = f"{metric_label(name)}: {tr('LQ')} {number(lq)}, {tr('HQ')} {number(hq)}, {trend.text()}"
        name_label.setAccessibleName(summary)


def number(value: float) -> str:
    """A score with as many digits as say something."""
    if not math.isfinite(value):
        return "-"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"


def _trend(lq: float, hq: float, lower_better: bool | None) -> str:
    if number(lq) == number(hq):
        return tr("= same")
    arrow = "↑" if hq > lq else "↓"
    if lower_better is None or not math.isfinite(hq - lq):
        return arrow
    return f"{arrow} " + (tr("better") if (hq < lq) == lower_better else tr("worse"))
