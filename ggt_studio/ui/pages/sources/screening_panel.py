"""The screening panel: a model looks at the patches before anything is generated, and those not worth restoring are held back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.budget import Budget
from ggt_studio.pipeline.calls import require_prices
from ggt_studio.pipeline.readiness import Lack
from ggt_studio.pipeline.screening import ScreeningCost, ScreenReport
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.budget import BudgetChoice
from ggt_studio.ui.pages.generate.provider_choice import ProviderChoice
from ggt_studio.ui.pages.sources.screening_results import ScreenedList
from ggt_studio.ui.pages.sources.screening_words import button_words, report_words, screening_progress
from ggt_studio.ui.pages.sources.words import tr
from ggt_studio.ui.state.screening import ScreeningChoice
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_12, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.common import Banner, ProgressStrip, Segment, SegmentedControl, Severity
from ggt_studio.ui.widgets.common.choices import SpinBox

if TYPE_CHECKING:
    from ggt_studio.ui.state.workspace import Workspace

_META = "window.screening"
_DEFAULT = "gemini"
_SETTLE_MS = 150
_MODEL_WIDTH = 400


class ScreeningPanel(QWidget):
    """`release_chosen` carries ids of patches; `held_asked` that the held ones are to be shown; `models_asked` the settings."""

    release_chosen = Signal(list)
    held_asked = Signal()
    models_asked = Signal()

    def __init__(self, workspace: Workspace, forbidden: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self.setAccessibleName(tr("Screening"))
        self._workspace, self._forbidden = workspace, forbidden
        self._screening = workspace.screening
        self._registry = workspace.session.registry
        self._cost: ScreeningCost | None = None
        self._asked = 0
        self._report = ""
        self._build()
        self._lay_out()
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._work_out)
        self._connect()
        self.model.set_providers(self._registry.screeners, _DEFAULT)
        workspace.ask(lambda project: project.meta(_META), self._recall)
        self._show()

    def _build(self) -> None:
        self.about = QLabel(
            tr(
                "A model that reads looks at each open patch without a candidate. What has little content, is beyond restoring, or"
                " does not show the degradation of its category is held back, with its reason. Nothing is deleted; a patch that the"
                " model has seen is not shown, and not paid for, again."
            )
        )
        self.about.setWordWrap(True)
        theme.set_text(self.about, Text.SMALL, muted=True)
        self.model = ProviderChoice(tr("Model"), tr("patch"), self._workspace.offers, self._workspace.session.services)
        self.model.setFixedWidth(_MODEL_WIDTH)
        self.grade = QCheckBox(tr("Let its quality levels take the place of the measured ones"))
        self.grade.setToolTip(tr("High, medium or low of each patch it looks at, as sampling goes by them"))
        self.limited = SegmentedControl([Segment(False, tr("All open")), Segment(True, tr("At most"))], tr("Patches"))
        self.limit = SpinBox()
        self.limit.setRange(1, 10_000_000)
        self.limit.setValue(100)
        self.limit.setGroupSeparatorShown(True)
        self.limit.setAccessibleName(tr("Most patches to look at"))
        self.budget = BudgetChoice(self._workspace.session.settings.budget_usd)
        self.go = QPushButton(tr("Screen"))
        self.go.clicked.connect(self.start)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.banner = Banner()
        self.strip = ProgressStrip()
        self.results = ScreenedList()

    def _lay_out(self) -> None:
        patches = QLabel(tr("Patches"))
        patches.setFont(theme.font(strong=True))
        limit_row = QHBoxLayout()
        limit_row.setSpacing(SPACE_8)
        limit_row.addWidget(self.limited)
        limit_row.addWidget(self.limit)
        limit_row.addStretch(1)
        limiting = QVBoxLayout()
        limiting.setSpacing(SPACE_4)
        limiting.addWidget(patches)
        limiting.addLayout(limit_row)
        right = QVBoxLayout()
        right.setSpacing(SPACE_12)
        right.addLayout(limiting)
        right.addWidget(self.budget)
        right.addWidget(self.grade)
        right.addStretch(1)
        self._choices = QWidget()
        choices = QHBoxLayout(self._choices)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(SPACE_24)
        choices.addWidget(self.model, 0, Qt.AlignmentFlag.AlignTop)
        choices.addLayout(right, 1)
        bottom = QHBoxLayout()
        bottom.setSpacing(SPACE_16)
        bottom.addWidget(self.sentence, 1)
        bottom.addWidget(self.go, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_12, SPACE_16, SPACE_12)
        layout.setSpacing(SPACE_12)
        for part in (self.about, self._choices, self.banner):
            layout.addWidget(part)
        layout.addLayout(bottom)
        layout.addWidget(self.strip)
        layout.addWidget(self.results)

    def _connect(self) -> None:
        for changed in (self.model.changed, self.limited.changed, self.limit.valueChanged, self.budget.changed):
            changed.connect(lambda *_: self._choice_changed())
        self.grade.toggled.connect(lambda _: self._remember())
        self.model.models_asked.connect(self.models_asked)
        self.results.release_chosen.connect(self.release_chosen)
        self.results.shown.connect(self.held_asked)
        self.strip.pause.connect(self._screening.pause)
        self.strip.resume.connect(self._screening.resume)
        self.strip.stop.connect(self._screening.stop)
        self._screening.changed.connect(self._show)
        self._screening.found_changed.connect(lambda: self.results.show_found(self._screening.found))
        self._screening.done.connect(self._done)
        self._screening.problem.connect(lambda words: self.banner.tell(Severity.ERROR, words))
        self._workspace.offers.changed.connect(self._show)
        self._workspace.work_changed.connect(self._show)
        self._workspace.batching.changed.connect(self._show)
        self._workspace.trying.changed.connect(self._show)
        self._workspace.patches_changed.connect(self.read)
        self._workspace.status_changed.connect(lambda _: self._settle.start())

    # --- the choice ----------------------------------------------------------------------------------------------

    @property
    def choice(self) -> ScreeningChoice:
        """What is chosen."""
        limit = self.limit.value() if self.limited.value else None
        paid = self.model.info is not None and self.model.info.paid
        return ScreeningChoice(self.model.value, self.grade.isChecked(), limit, self.budget.value if paid else None)

    @property
    def problem(self) -> str:
        """Why nothing can be screened now, in words; empty when it can."""
        if self._forbidden:
            return self._forbidden
        info = self.model.info
        if info is None:
            return tr("There is no model that can screen. Add one in Settings.")
        match self.model.lacking:
            case Lack.KEY:
                return tr("{0} needs a key: enter it above.").format(info.label)
            case Lack.REFUSED:
                return tr("The key for {0} was refused: replace it above.").format(info.label)
        try:
            require_prices(Budget(self.choice.budget_usd), [info])
        except StudioError as error:
            return str(error)
        if self._workspace.engaged:
            return tr("A run is under way; a screening begins after it.")
        if self._cost is not None and not self._cost.patches:
            return tr("There is no open patch without a candidate that this model has not seen.")
        return ""

    def read(self) -> None:
        """Read what was found, and what a screening would take, as long as somebody sees it."""
        if self.isVisible():
            self._screening.read()
            self._settle.start()

    def setVisible(self, visible: bool) -> None:
        """Find out when it comes into view."""
        super().setVisible(visible)
        if visible:
            # Servers may have been added meanwhile.
            self.model.set_providers(self._registry.screeners, _DEFAULT)
            self._workspace.offers.look()
            self.read()

    def _recall(self, text: str) -> None:
        try:
            kept = json.loads(text) if text else {}
            self.model.set_value(str(kept.get("model", self.model.value)))
            self.grade.setChecked(bool(kept.get("grade", False)))
        except (ValueError, AttributeError):
            return
        self._show()

    def _remember(self) -> None:
        if not self._workspace.read_only:
            text = json.dumps({"model": self.model.value, "grade": self.grade.isChecked()})
            self._workspace.ask(lambda project: project.set_meta(_META, text), lambda _: None)

    def _choice_changed(self) -> None:
        self._cost = None
        self._settle.start()
        self._remember()
        self._show()

    def _work_out(self) -> None:
        if not self.isVisible() or self.model.info is None:
            return
        self._asked += 1
        number = self._asked

        def take(cost: ScreeningCost) -> None:
            if number == self._asked:
                self._cost = cost
                self._show()

        self._screening.work_out(self.choice, take)

    # --- screening -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, where that can be."""
        if self.problem:
            return
        self.banner.dismiss()
        self._report = ""
        try:
            self._screening.start(self.choice)
        except StudioError as error:
            self.banner.tell_error(error)

    def _done(self, report: ScreenReport) -> None:
        self._report = report_words(report)
        if report.ended == "halted":
            self.banner.tell(Severity.WARNING, report.message)
        self._show()

    def _show(self) -> None:
        running = self._screening.running
        info, problem = self.model.info, self.problem
        self._choices.setEnabled(not running and not self._forbidden)
        self.budget.setVisible(info is not None and info.paid)
        self.limit.setVisible(self.limited.value)
        self.go.setVisible(not running)
        self.go.setEnabled(not problem)
        self.go.setText(button_words(self._cost, self.choice.budget_usd))
        self.go.setToolTip(problem)
        self.sentence.setText("" if running else " ".join(part for part in (self._report, problem) if part))
        self.sentence.setAccessibleName(self.sentence.text())
        self.strip.setVisible(running)
        self.results.set_enabled(not self._forbidden and not running)
        if running:
            self.strip.set_paused(self._screening.paused)
            self.strip.set_progress(screening_progress(self._screening.progress))
