"""The attempts of a patch as a list: what rejected the earlier ones, and which of them is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from ggt_studio.store.details import Attempt
from ggt_studio.ui.pages.review.commands import KEYS, Command, key_text
from ggt_studio.ui.pages.review.parts import heading, small
from ggt_studio.ui.pages.review.words import rejected_by, tr
from ggt_studio.ui.theme import SPACE_4, SPACE_8
from ggt_studio.ui.widgets.common import ElidedLabel

MOST_ROWS = 3


class AttemptsSection(QWidget):
    """The last attempts, at most three; `chosen` carries the index of one among all of them."""

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.count = small()
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(heading(tr("Attempts")))
        top.addWidget(self.count, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addSpacing(SPACE_4)
        self._first = 0
        self._group = QButtonGroup(self)
        self._rows: list[tuple[QToolButton, ElidedLabel, QWidget]] = []
        for row in range(MOST_ROWS):
            layout.addWidget(self._row(row))
        self._group.idClicked.connect(lambda row: self.chosen.emit(self._first + row))

    def _row(self, row: int) -> QWidget:
        button = QToolButton()
        button.setProperty("quiet", True)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        keys = [key_text(KEYS[command][0]) for command in (Command.EARLIER_ATTEMPT, Command.LATER_ATTEMPT)]
        button.setToolTip(tr("Show this attempt's candidate ({0} and {1} go through them)").format(*keys))
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._group.addButton(button, row)
        label = ElidedLabel()
        label.setFont(small().font())
        line = QWidget()
        across = QHBoxLayout(line)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(SPACE_8)
        across.addWidget(button)
        across.addWidget(label, 1)
        self._rows.append((button, label, line))
        return line

    def show_attempts(self, attempts: Sequence[Attempt], current: Attempt | None, shown: int) -> None:
        """List the attempts; `current` is the one the patch's state rests on, `shown` the index of the one in view."""
        self._first = max(0, min(shown, len(attempts) - MOST_ROWS))
        self.count.setText(tr("{0} of {1} shown").format(MOST_ROWS, len(attempts)) if len(attempts) > MOST_ROWS else "")
        several_rounds = bool(attempts) and attempts[-1].round > 1
        for row, (button, label, line) in enumerate(self._rows):
            index = self._first + row
            line.setVisible(index < len(attempts))
            if index >= len(attempts):
                continue
            attempt = attempts[index]
            number = f"{attempt.generated.attempt}"
            button.setText(f"{attempt.round}.{number}" if several_rounds else number)
            button.setChecked(index == shown)
            told, why = _outcome(attempt, attempt is current)
            label.setText(told)
            label.setToolTip(why or told)
            button.setAccessibleName(tr("Attempt {0}: {1}").format(button.text(), told))


def _outcome(attempt: Attempt, current: bool) -> tuple[str, str]:
    rejected = rejected_by(attempt)
    if rejected:
        return tr("Rejected: {0}").format(rejected[0]), rejected[1]
    if attempt.judged is not None and attempt.judged.verdict.decision is not attempt.judged.ruled:
        return tr("Judge and rule differ: you decide"), ""
    if attempt.judged is not None:
        return (tr("Passed: the candidate you decide about") if current else tr("Passed")), ""
    return tr("Not judged"), ""
