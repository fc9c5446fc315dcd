"""The generate page below its header: the funnel, the latest candidates, counts, what failed, and the recipe beside them."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from ggt_studio.core.model import Patch
from ggt_studio.core.words import Stage, State
from ggt_studio.store.outcomes import Decided, decided, latest_candidates
from ggt_studio.store.patches import runnable
from ggt_studio.store.project import Project
from ggt_studio.store.status import Status
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.batches import BatchesPanel
from ggt_studio.ui.pages.generate.category_table import CategoryTable
from ggt_studio.ui.pages.generate.latest import MOST, LatestStrip
from ggt_studio.ui.pages.generate.outcomes import OutcomeList
from ggt_studio.ui.pages.generate.recipe_panel import RecipePanel
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_8, SPACE_16, SPACE_24, SPACE_32, Text
from ggt_studio.ui.widgets.funnel import FunnelCounts, FunnelView

_PANEL_WIDTH = 320
_SIDE_BY_SIDE = 840
_LATEST_MS, _OUTCOMES_MS, _OUTCOMES_RUNNING_MS = 800, 300, 5000


class GenerateBody(QScrollArea):
    """Reads what it shows by itself, seldom enough that a run is not slowed down."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.funnel = FunnelView()
        self.batches = BatchesPanel()
        self.latest_heading = QLabel()
        self.latest = LatestStrip(workspace.thumbnails)
        self.table = CategoryTable()
        self.failed = OutcomeList(
            self.tr("Failed"),
            self.tr("Retry all"),
            self.tr("The next run goes on with them where they failed"),
            self.tr("Retry these {0}"),
        )
        self.failed.triggered.connect(lambda: workspace.retry_failed())
        self.failed.one_triggered.connect(workspace.retry_failed)
        self.rejected = OutcomeList(
            self.tr("Rejected"),
            self.tr("Start rejected afresh"),
            self.tr("The next run makes new candidates for them; the earlier ones stay on record"),
        )
        self.rejected.triggered.connect(workspace.reopen_rejected)
        self.panel = RecipePanel(workspace)
        self._lay_out()
        self._latest_timer = QTimer(self, singleShot=True, interval=_LATEST_MS)
        self._latest_timer.timeout.connect(self._read_latest)
        self._outcomes_timer = QTimer(self, singleShot=True)
        self._outcomes_timer.timeout.connect(self._read_outcomes)
        workspace.status_changed.connect(self._status_changed)
        workspace.patches_changed.connect(self.read_soon)
        workspace.patch_changed.connect(lambda _: self.read_soon())

    def _lay_out(self) -> None:
        self._latest_part = QWidget()
        latest = QVBoxLayout(self._latest_part)
        latest.setContentsMargins(0, 0, 0, SPACE_16)
        latest.setSpacing(SPACE_8)
        latest.addWidget(self.latest_heading)
        latest.addWidget(self.latest)
        self._latest_part.hide()
        table_heading = QLabel(self.tr("By category"))
        for heading in (self.latest_heading, table_heading):
            theme.set_text(heading, Text.HEADING)
        main = QVBoxLayout()
        main.setSpacing(SPACE_8)
        main.addWidget(self.batches)
        main.addWidget(self._latest_part)
        main.addWidget(table_heading)
        main.addWidget(self.table)
        main.addSpacing(SPACE_16)
        main.addWidget(self.failed)
        main.addWidget(self.rejected)
        main.addStretch(1)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(SPACE_32)
        self._columns.addLayout(main, 1)
        self._columns.addWidget(self.panel)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, SPACE_16, SPACE_24)
        layout.setSpacing(SPACE_24)
        layout.addWidget(self.funnel)
        layout.addLayout(self._columns, 1)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The recipe goes below the rest where there is no room beside it."""
        beside = event.size().width() >= _SIDE_BY_SIDE
        direction = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        self._columns.setDirection(direction)
        self.panel.setMinimumWidth(_PANEL_WIDTH if beside else 0)
        self.panel.setMaximumWidth(_PANEL_WIDTH if beside else 16_777_215)
        super().resizeEvent(event)

    def show_panel(self, shown: bool) -> None:
        """Fold the recipe away, or bring it into view."""
        self.panel.setVisible(shown)
        if shown:
            QTimer.singleShot(0, self.panel, lambda: self.ensureWidgetVisible(self.panel.generator))

    def show_status(self, status: Status) -> None:
        """Show these counts."""
        self.table.show_status(status)
        self.funnel.set_counts(
            FunnelCounts(
                patches=status.patches,
                generated=status.count(stage_at_least=Stage.GENERATED),
                passed_metrics=status.count(stage_at_least=Stage.PASSED_METRICS),
                passed_judge=status.count(stage_at_least=Stage.PASSED_JUDGE),
                waiting=status.count(state=State.WAITING),
                verified=status.count(state=State.VERIFIED),
                rejected=status.count(state=State.REJECTED),
                failed=status.count(state=State.FAILED),
            )
        )

    def show_running(self, running: bool) -> None:
        """While a run is under way its recipe is frozen, and patches at rest stay where they are."""
        self.panel.set_locked(running)
        for outcomes in (self.failed, self.rejected):
            outcomes.set_enabled(not running and not self._workspace.read_only)

    # --- reading -------------------------------------------------------------------------------------------------

    def read_soon(self) -> None:
        """Read candidates and outcomes again in a moment."""
        self._latest_timer.start()
        self._outcomes_timer.start(_OUTCOMES_MS)

    def _status_changed(self, _: Status) -> None:
        if not self._latest_timer.isActive():
            self._latest_timer.start()
        if not self._outcomes_timer.isActive():
            self._outcomes_timer.start(_OUTCOMES_RUNNING_MS if self._workspace.running else _OUTCOMES_MS)

    def _read_latest(self) -> None:
        if self.isVisible():
            self._workspace.ask(_latest_or_next, self._take_latest)

    def _take_latest(self, patches: list[Patch]) -> None:
        made = any(patch.hq_sha256 is not None for patch in patches)
        self.latest_heading.setText(self.tr("Latest candidates") if made else self.tr("First in the next run"))
        self.latest.show_patches(patches)
        self._latest_part.setVisible(bool(patches))

    def _read_outcomes(self) -> None:
        if self.isVisible():
            self._workspace.ask(
                lambda project: (decided(project, State.FAILED), decided(project, State.REJECTED)), self._take_outcomes
            )

    def _take_outcomes(self, groups: tuple[list[Decided], list[Decided]]) -> None:
        for shown, found in zip((self.failed, self.rejected), groups, strict=True):
            shown.show_decided(found)


def _latest_or_next(project: Project) -> list[Patch]:
    """The latest candidates; before there are any, the patches that a run would take first."""
    return latest_candidates(project, MOST) or runnable(project, limit=MOST)
