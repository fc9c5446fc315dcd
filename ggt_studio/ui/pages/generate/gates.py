"""What decides about a candidate, gate by gate, in words."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from ggt_studio.pipeline.recipes import MetricGate
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import gates_in_words
from ggt_studio.ui.theme import SPACE_4, Text


class GatesInWords(QWidget):
    """Headings and sentences; `show_gates` says them anew for another metric gate."""

    def __init__(self, niqe_parameters: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._niqe_parameters = niqe_parameters
        self._shown: list[tuple[str, list[str]]] = []
        self._lines = QVBoxLayout(self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(SPACE_4)

    def show_gates(self, metric_gate: MetricGate) -> None:
        """Say what a candidate has to pass."""
        gates = gates_in_words(self._niqe_parameters, metric_gate)
        if gates == self._shown:
            return
        self._shown = gates
        while item := self._lines.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for heading, sentences in gates:
            self._add(heading, muted=True)
            for sentence in sentences:
                self._add(sentence, muted=False)

    def words(self) -> str:
        """What is shown, as text."""
        return "\n".join("\n".join((heading, *sentences)) for heading, sentences in self._shown)

    def _add(self, words: str, *, muted: bool) -> None:
        label = QLabel(words)
        label.setWordWrap(True)
        theme.set_text(label, Text.SMALL, muted=muted)
        self._lines.addWidget(label)
