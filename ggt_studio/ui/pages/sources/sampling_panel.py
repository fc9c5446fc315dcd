"""The sampling panel: open patches by graded quality, and how many of each level take part in runs."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from ggt_studio.core.words import Hold, QualityLevel, State
from ggt_studio.dataset.sampling import SampleReport
from ggt_studio.store.status import Status
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.sources.words import level_name, patches_words
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.common.choices import SpinBox

RATIO = (1, 2, 3)
SAMPLE_HOLDS = (Hold.NOT_SAMPLED, Hold.NEAR_DUPLICATE)
"""What a sample holds back, and releasing it lets go; patches with little content are neither."""


@dataclass(frozen=True, slots=True)
class SampleChoice:
    """What a person asks for; `total` None is as many as the ratio allows."""

    ratio: tuple[int, int, int]
    total: int | None
    seed: int
    near_duplicates: bool


class SamplingPanel(QWidget):
    """`sample_requested` carries a `SampleChoice`; `release_requested` lets all held patches take part again."""

    sample_requested = Signal(object)
    release_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.setAccessibleName(self.tr("Sampling"))
        self.about = QLabel(
            self.tr(
                "A sample holds back all open patches but some, so that the harder ones are in the majority. Nothing is"
                " deleted; sample again, or release, at any time."
            )
        )
        self.about.setWordWrap(True)
        theme.set_text(self.about, Text.SMALL, muted=True)
        self.counts: dict[QualityLevel, QLabel] = {}
        self.shares: dict[QualityLevel, QSpinBox] = {}
        for level, share in zip(QualityLevel, RATIO, strict=True):
            self.counts[level] = QLabel()
            theme.set_text(self.counts[level], Text.SMALL, muted=True)
            box = self.shares[level] = SpinBox()
            box.setRange(0, 99)
            box.setValue(share)
            box.setAccessibleName(self.tr("Share of {0} quality").format(level_name(level)))
        self.total = SpinBox()
        self.total.setRange(0, 10_000_000)
        self.total.setGroupSeparatorShown(True)
        self.total.setSpecialValueText(self.tr("As many as possible"))
        self.total.setAccessibleName(self.tr("Patches in the sample"))
        self.seed = SpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setAccessibleName(self.tr("Seed"))
        self.seed.setToolTip(self.tr("The same seed draws the same sample."))
        self.near = QCheckBox(self.tr("Take near duplicates, too"))
        self.go = QPushButton(self.tr("Sample"))
        self.go.clicked.connect(lambda: self.sample_requested.emit(self.choice))
        self.release = QPushButton(self.tr("Release all"))
        self.release.setToolTip(
            self.tr("Let all that the sample left out take part again; patches with little content stay held.")
        )
        self.release.clicked.connect(self.release_requested)
        self.result = QLabel()
        self.result.setWordWrap(True)
        self._lay_out()

    def _lay_out(self) -> None:
        fields = QGridLayout()
        fields.setHorizontalSpacing(SPACE_16)
        fields.setVerticalSpacing(SPACE_4)
        column = 0
        for level, box in self.shares.items():
            fields.addWidget(_caption(level_name(level), box), 0, column)
            fields.addWidget(box, 1, column)
            fields.addWidget(self.counts[level], 2, column)
            column += 1
        for word, field in ((self.tr("Patches in all"), self.total), (self.tr("Seed"), self.seed)):
            fields.addWidget(_caption(word, field), 0, column)
            fields.addWidget(field, 1, column)
            column += 1
        fields.setColumnStretch(column, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_8)
        buttons.addWidget(self.near)
        buttons.addSpacing(SPACE_24)
        buttons.addWidget(self.result, 1)
        buttons.addWidget(self.release)
        buttons.addWidget(self.go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_12, SPACE_16, SPACE_12)
        layout.setSpacing(SPACE_12)
        layout.addWidget(self.about)
        layout.addLayout(fields)
        layout.addLayout(buttons)

    @property
    def choice(self) -> SampleChoice:
        """What is asked for."""
        high, medium, low = (box.value() for box in self.shares.values())
        return SampleChoice((high, medium, low), self.total.value() or None, self.seed.value(), self.near.isChecked())

    def show_status(self, status: Status, forbidden: str = "") -> None:
        """How many open patches of each level there are; `forbidden` is why nothing can be changed, empty when it can."""
        for level, label in self.counts.items():
            takes_part = status.count(state=State.OPEN, level=level, held=False)
            there = takes_part + sum(status.count(state=State.OPEN, level=level, hold=hold) for hold in SAMPLE_HOLDS)
            label.setText(self.tr("{0} of {1}").format(count(takes_part), count(there)))
            label.setToolTip(self.tr("{0} of {1} open patches take part in runs").format(takes_part, there))
        self.go.setEnabled(not forbidden and status.count(state=State.OPEN) > 0)
        self.release.setEnabled(not forbidden and any(status.count(hold=hold) for hold in SAMPLE_HOLDS))
        if forbidden:
            self.go.setToolTip(forbidden)
            self.release.setToolTip(forbidden)

    def show_sampled(self, report: SampleReport) -> None:
        """What the sample came to."""
        parts = [
            self.tr("{0} of {1} {2}").format(
                count(report.taken[level]), count(report.available[level]), level_name(level).lower()
            )
            for level in QualityLevel
        ]
        taken = patches_words(sum(report.taken.values()))
        self._tell(self.tr("{0} take part: {1}").format(taken, ", ".join(parts)))

    def show_released(self, released: int) -> None:
        """How many were released."""
        self._tell(self.tr("{0} released").format(patches_words(released)))

    def _tell(self, words: str) -> None:
        self.result.setText(words)
        self.result.setAccessibleName(words)


def _caption(word: str, field: QWidget) -> QLabel:
    label = QLabel(word)
    theme.set_text(label, Text.SMALL, muted=True)
    label.setBuddy(field)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
    return label
