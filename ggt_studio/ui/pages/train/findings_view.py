"""What was found before the first step, each with a mark."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from ggt_studio.training.findings import Answer, Finding
from ggt_studio.ui import theme
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.theme import SPACE_8

_ICONS: dict[Answer, tuple[str, theme.ColourRole]] = {
    Answer.YES: ("mdi6.check-circle", "good"),
    Answer.DOUBT: ("mdi6.alert-outline", "warn"),
    Answer.NO: ("mdi6.alert-octagon-outline", "bad"),
}
_SIZE = 18


class FindingsView(QWidget):
    """Hidden while there are none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE_8)
        self._grid.setColumnStretch(1, 1)
        self._findings: tuple[Finding, ...] = ()
        self.hide()

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show these; what speaks against it comes first."""
        order = (Answer.NO, Answer.DOUBT, Answer.YES)
        self._findings = tuple(sorted(findings, key=lambda one: order.index(one.answer)))
        while item := self._grid.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        for row, finding in enumerate(self._findings):
            icon = QLabel()
            icon.setPixmap(theme.icon(*_ICONS[finding.answer]).pixmap(_SIZE, _SIZE))
            words = QLabel(finding.words)
            words.setWordWrap(True)
            words.setTextFormat(Qt.TextFormat.PlainText)
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            meant = {Answer.YES: tr("In order"), Answer.DOUBT: tr("Doubtful"), Answer.NO: tr("Speaks against it")}
            icon.setAccessibleName(meant[finding.answer])
            self._grid.addWidget(icon, row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(words, row, 1)
        self.setVisible(bool(self._findings))

    def changeEvent(self, event: QEvent) -> None:
        """The icons take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and getattr(self, "_findings", ()):
            self.show_findings(self._findings)
