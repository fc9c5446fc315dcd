"""When candidates are made: at once, or in a batch for less; shown where the generator's vendor takes batches."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.providers.base import ProviderInfo
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.batch_words import price_of_batches
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.state.batching import Batching
from ggt_studio.ui.theme import SPACE_4, Text
from ggt_studio.ui.widgets.common import Segment, SegmentedControl


class Timing(QWidget):
    """`changed` when a person chose the other. What was wanted is kept for the next generator that offers it."""

    changed = Signal()

    def __init__(self, batching: Batching, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._batching = batching
        self._offered = False
        heading = QLabel(tr("When"))
        heading.setFont(theme.font(strong=True))
        self.choice = SegmentedControl(
            [
                Segment(False, tr("At once")),
                Segment(True, tr("In a batch"), tooltip=tr("Order now for less, collect within a day or so")),
            ],
            tr("When candidates are made"),
        )
        self.choice.changed.connect(lambda _: self._chosen())
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        theme.set_text(self.words, Text.SMALL, muted=True)
        self._price = ""
        row = QHBoxLayout()
        row.addWidget(self.choice)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_4)
        layout.addWidget(heading)
        layout.addLayout(row)
        layout.addWidget(self.words)
        self.hide()

    @property
    def in_batch(self) -> bool:
        """Whether candidates are ordered in a batch."""
        return self._offered and bool(self.choice.value)

    def set_wanted(self, in_batch: bool) -> None:
        """Choose without `changed`."""
        self.choice.set_value(in_batch)
        self._tell()

    def show_generator(self, info: ProviderInfo | None) -> None:
        """Offer what the vendor of this generator takes."""
        batched = self._batching.info_of(info.id) if info is not None else None
        self._offered = batched is not None
        self._price = price_of_batches(info, batched) if info is not None and batched is not None else ""
        self.setVisible(self._offered)
        self._tell()

    def _chosen(self) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        told = self._price
        if self.in_batch:
            told = tr("{0} Press Collect on this page then; the program may be closed meanwhile.").format(self._price)
        self.words.setText(told)
