"""The head of the sources page: how much there is, what is shown, and the one primary action."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from ggt_studio.store.status import Status
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.sources.words import photos_words
from ggt_studio.ui.theme import SPACE_8, SPACE_12, Text
from ggt_studio.ui.widgets.common import ElidedLabel, PageTitle, PrimaryButton, Segment, SegmentedControl


def set_aside(status: Status) -> int:
    """How many files were left out or removed."""
    return status.quarantined + status.duplicates + status.removed


class Header(QWidget):
    """Title, counts, patches or what was set aside, screening, sampling, "Add photos"."""

    add_requested = Signal()
    sampling_toggled = Signal(bool)
    screening_toggled = Signal(bool)
    tab_chosen = Signal(object)

    def __init__(self, forbidden: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._forbidden = forbidden
        self._dragged_over = False
        title = PageTitle(self.tr("Sources"))
        self.summary = ElidedLabel()
        theme.set_text(self.summary, Text.BODY, muted=True)
        self.tabs = SegmentedControl(
            [Segment("patches", self.tr("Patches")), Segment("aside", self.tr("Set aside"))],
            self.tr("What is shown"),
        )
        self.tabs.changed.connect(self.tab_chosen)
        self.sampling_button = QPushButton(self.tr("Sampling"))
        self.sampling_button.setIcon(theme.icon("mdi6.chart-bar"))
        self.sampling_button.setCheckable(True)
        self.sampling_button.setToolTip(self.tr("Choose by graded quality which patches take part in runs"))
        self.sampling_button.toggled.connect(self.sampling_toggled)
        self.screening_button = QPushButton(self.tr("Screening"))
        self.screening_button.setIcon(theme.icon("mdi6.eye-outline"))
        self.screening_button.setCheckable(True)
        self.screening_button.setToolTip(
            self.tr("Have a model look at the patches, and hold back what is not worth it")
        )
        self.screening_button.toggled.connect(self.screening_toggled)
        # One of the two panels at a time: the patches are what the page is for.
        self.sampling_button.toggled.connect(lambda on: on and self.screening_button.setChecked(False))
        self.screening_button.toggled.connect(lambda on: on and self.sampling_button.setChecked(False))
        self.add_button = PrimaryButton(self.tr("Add photos …"), "mdi6.plus")
        self.add_button.clicked.connect(self.add_requested)
        self._offering = self._importing = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_8)
        layout.addWidget(title)
        layout.addSpacing(SPACE_8)
        layout.addWidget(self.summary, 1)
        layout.addWidget(self.tabs)
        layout.addSpacing(SPACE_12)
        layout.addWidget(self.screening_button)
        layout.addWidget(self.sampling_button)
        layout.addWidget(self.add_button)
        self._enable()

    def show_status(self, status: Status) -> None:
        """How much there is."""
        parts = [photos_words(status.photos)] if status.photos else []
        held = status.count(held=True)
        if held:
            parts.append(self.tr("{0} held back").format(count(held)))
        self.summary.setText(" · ".join(parts))
        for value, word, n in (
            ("patches", self.tr("Patches"), status.patches),
            ("aside", self.tr("Set aside"), set_aside(status)),
        ):
            button = self.tabs.button(value)
            button.setText(f"{word}  {count(n)}")
            button.setAccessibleName(button.text())
        self.tabs.button("aside").setToolTip(
            self.tr("Files that could not be used, exact duplicates, and photos that were removed")
        )

    def set_filled(self, filled: bool) -> None:
        """Whether there is anything to look at; before that, only photos can be added."""
        self.tabs.setVisible(filled)
        self.sampling_button.setVisible(filled)
        self.screening_button.setVisible(filled)

    def set_offering(self, offering: bool) -> None:
        """While the import panel is open, its button is the primary one."""
        self._offering = offering
        self._enable()

    def set_importing(self, importing: bool) -> None:
        """One import at a time."""
        self._importing = importing
        self._enable()

    def _enable(self) -> None:
        self.add_button.setVisible(not self._offering)
        self.add_button.setEnabled(not self._forbidden and not self._importing)
        self.add_button.setToolTip(
            self._forbidden
            or (self.tr("An import is under way.") if self._importing else self.tr("Import photos or folders (Ctrl+I)"))
        )

    @property
    def on_aside(self) -> bool:
        """Whether the list of what was set aside is asked for."""
        return self.tabs.value == "aside"

    def choose_aside(self) -> None:
        """Bring the list of what was set aside to the front."""
        self.tabs.set_value("aside")

    def set_dragged_over(self, over: bool) -> None:
        """A line says that what is dragged over the page can be dropped."""
        self._dragged_over = over
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line while something is dragged over the page."""
        if self._dragged_over:
            painter = QPainter(self)
            painter.setPen(QPen(theme.tokens().colour("accent"), 2))
            painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)
            painter.end()
