"""The batches under way, with what can be done about each; and the candidates that came of batches and wait to be judged."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.ui import theme
from ggt_studio.ui.format import count, counted
from ggt_studio.ui.pages.generate.batch_words import batch_facts, batch_state, batch_title
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.state.batching import OpenBatch
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, Text
from ggt_studio.ui.widgets.common import Progress, ProgressStrip


class BatchesPanel(QWidget):
    """Hidden while there is nothing to say. `cancel_asked` carries a batch's name."""

    collect_asked = Signal()
    judge_asked = Signal()
    cancel_asked = Signal(str)
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heading = QLabel()
        theme.set_text(self.heading, Text.HEADING)
        self.judge_button = QPushButton()
        self.judge_button.setToolTip(
            tr("Aligns, measures and judges the candidates that are there; makes no further ones")
        )
        self.judge_button.clicked.connect(lambda: self.judge_asked.emit())
        self.collect_button = QPushButton(tr("Collect"))
        self.collect_button.setToolTip(tr("Asks how far the batches are, and takes what is done; costs nothing more"))
        self.collect_button.clicked.connect(lambda: self.collect_asked.emit())
        self.about = _line(muted=True)
        self.report = _line()
        self.strip = ProgressStrip()
        self.strip.pause_button.hide()
        self.strip.stop.connect(self.stop_asked)
        self.strip.hide()
        self.rows: dict[str, BatchRow] = {}
        top = QHBoxLayout()
        top.setSpacing(SPACE_8)
        top.addWidget(self.heading)
        top.addStretch(1)
        top.addWidget(self.judge_button)
        top.addWidget(self.collect_button)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE_12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, SPACE_16)
        layout.setSpacing(SPACE_8)
        layout.addLayout(top)
        for part in (self.about, self.strip, self.report):
            layout.addWidget(part)
        layout.addLayout(self._rows)
        self._enabled = True
        self._without = (False, False)
        self.tell("")
        self.show_batches((), 0, "")

    def tell(self, words: str) -> None:
        """What came of the latest order, look or cancellation; empty before the first."""
        self.report.setText(words)
        self.report.setAccessibleName(words)
        self.report.setVisible(bool(words))

    def show_batches(self, batches: Sequence[OpenBatch], unjudged: int, price: str) -> None:
        """Show these batches, and so many candidates that wait to be judged at `price` (in words, empty: at no charge)."""
        patches = sum(batch.job.open_items for batch in batches)
        self.heading.setText(tr("Batches") if not batches else f"{tr('Batches')}  {count(len(batches))}")
        self.about.setText(
            counted(
                patches,
                tr("1 patch waits in a batch. Runs leave it alone until its batch is collected."),
                tr("{0} patches wait in batches. Runs leave them alone until their batch is collected."),
            )
        )
        self.about.setVisible(bool(patches))
        for name in self.rows.keys() - {batch.job.name for batch in batches}:
            self.rows.pop(name).deleteLater()
        for batch in batches:
            row = self.rows.get(batch.job.name)
            if row is None:
                row = self.rows[batch.job.name] = BatchRow(batch.job.name)
                row.cancel_asked.connect(self.cancel_asked)
                self._rows.addWidget(row)
            row.show_batch(batch)
            row.set_enabled(self._enabled)
        self.collect_button.setVisible(bool(batches) and not self._without[0])
        self.judge_button.setVisible(bool(unjudged) and not self._without[1])
        words = tr("Measure and judge {0}").format(count(unjudged))
        self.judge_button.setText(f"{words} · {price}" if price else words)
        self.setVisible(bool(batches or unjudged or self.report.text()))

    def leave_out(self, *, collect: bool, judge: bool) -> None:
        """Offer neither of these buttons from the next `show_batches` on: the page's primary one does it."""
        self._without = collect, judge

    def show_work(self, doing: str, progress: tuple[int, int], *, may_judge: bool, may_change: bool) -> None:
        """What is under way with batches (see `Batching.doing`), and what can be done now."""
        done, total = progress
        words = {
            "collect": tr("Collecting") if total else tr("Asking the service …"),
            "cancel": tr("Asking for the batch's end …"),
        }.get(doing, "")
        self.strip.setVisible(bool(words))
        if words:
            self.strip.set_progress(Progress(done, total, doing=words))
        self._enabled = may_change and not doing
        self.collect_button.setEnabled(self._enabled)
        self.judge_button.setEnabled(may_judge and self._enabled)
        for row in self.rows.values():
            row.set_enabled(self._enabled)


class BatchRow(QWidget):
    """One batch. Its end is asked for only after a second press: what is done by then is charged."""

    cancel_asked = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.title = QLabel()
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setWordWrap(True)
        self.title.setFont(theme.font(strong=True))
        self.facts, self.state = _line(Text.SMALL, muted=True), _line(Text.SMALL)
        self.cancel = QPushButton(tr("Cancel …"))
        self.cancel.clicked.connect(lambda: self._ask(asking=True))
        self.question = _line(Text.SMALL)
        self.question.setText(tr("Cancel it? What is done by now is charged, and can be collected."))
        self.yes = QPushButton(tr("Cancel the batch"))
        self.yes.clicked.connect(self._cancel)
        self.no = QPushButton(tr("Keep it"))
        self.no.setProperty("quiet", True)
        self.no.clicked.connect(lambda: self._ask(asking=False))
        told = QVBoxLayout()
        told.setSpacing(0)
        for line in (self.title, self.facts, self.state):
            told.addWidget(line)
        across = QHBoxLayout()
        across.setSpacing(SPACE_16)
        across.addLayout(told, 1)
        across.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignTop)
        self._question_row = QWidget()
        asked = QHBoxLayout(self._question_row)
        asked.setContentsMargins(0, SPACE_4, 0, 0)
        asked.setSpacing(SPACE_8)
        asked.addWidget(self.question, 1)
        asked.addWidget(self.yes)
        asked.addWidget(self.no)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(across)
        layout.addWidget(self._question_row)
        self._question_row.hide()

    def show_batch(self, batch: OpenBatch) -> None:
        """Show how it stands."""
        self.title.setText(batch_title(batch))
        self.facts.setText(batch_facts(batch))
        self.state.setText(batch_state(batch.job))
        self.setAccessibleName(self.title.text())
        self.setAccessibleDescription(f"{self.facts.text()}. {self.state.text()}")
        for button in (self.cancel, self.yes):
            button.setAccessibleDescription(self.title.text())

    def set_enabled(self, enabled: bool) -> None:
        """Whether its end can be asked for now."""
        self.cancel.setEnabled(enabled)
        self.yes.setEnabled(enabled)

    def _ask(self, *, asking: bool) -> None:
        self._question_row.setVisible(asking)
        self.cancel.setVisible(not asking)
        (self.no if asking else self.cancel).setFocus()

    def _cancel(self) -> None:
        self._ask(asking=False)
        self.cancel_asked.emit(self._name)


def _line(size: Text = Text.BODY, *, muted: bool = False) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    theme.set_text(label, size, muted=muted)
    return label
