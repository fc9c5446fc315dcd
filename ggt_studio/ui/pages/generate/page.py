"""The generate page: press Run and watch the funnel."""

from __future__ import annotations

import json
from dataclasses import asdict

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import State
from ggt_studio.pipeline.engine import RunReport
from ggt_studio.pipeline.estimate import Estimate
from ggt_studio.quality.metrics import ML_EXTRA_COMMAND
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.status import Status
from ggt_studio.ui import theme
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.pages.generate.body import GenerateBody
from ggt_studio.ui.pages.generate.estimating import Estimating
from ggt_studio.ui.pages.generate.head_words import head_of, order_progress, run_progress, running_sentence
from ggt_studio.ui.pages.generate.header import GenerateHeader
from ggt_studio.ui.pages.generate.naming import Naming
from ggt_studio.ui.pages.generate.next_action import Action, Next, next_action
from ggt_studio.ui.pages.generate.ordering import Ordering
from ggt_studio.ui.pages.generate.recipe_panel import recalled_choice
from ggt_studio.ui.pages.generate.run_words import (
    outcomes_words,
    report_words,
    waiting_for_extra_words,
)
from ggt_studio.ui.pages.generate.subviews import Subviews
from ggt_studio.ui.pages.generate.summary import SummaryRow
from ggt_studio.ui.state.recipes import NamedRecipes
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_16, Text
from ggt_studio.ui.widgets.common import Banner, EmptyState, ProgressStrip, Severity, Toast

_META, _TOLD = "generate.choice", "generate.told"


class GeneratePage(Page):
    """Choose a recipe, run it over the open patches, see what becomes of them."""

    title = "Generate"
    icon_name = "mdi6.auto-fix"

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self._next: Next = next_action(None, read_only=workspace.read_only)
        self._chosen_before = False
        self._start_when_ready = False
        self._build()
        self._build_recipes()
        workspace.status_changed.connect(self._status_changed)
        workspace.work_changed.connect(self._work_changed)
        workspace.run_done.connect(self._run_done)
        workspace.noticed.connect(lambda words: self.banner.tell(Severity.WARNING, words))
        workspace.offers.changed.connect(self._show_all)
        workspace.ask(lambda project: (project.meta(_META), project.meta(_TOLD)), self._recall)
        self._show_all()

    # --- building --------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._main = QWidget()
        self.body = GenerateBody(self.workspace)
        self.panel = self.body.panel
        self.panel.changed.connect(self._choice_changed)
        self.panel.problem_found.connect(lambda words: self.banner.tell(Severity.ERROR, words))
        self.header = GenerateHeader()
        self.primary, self.sentence = self.header.primary, self.header.sentence
        self.recipe_button = self.header.recipe_button
        self.recipe_button.toggled.connect(self.body.show_panel)
        QShortcut(QKeySequence(Qt.Key.Key_F9), self._main, self.recipe_button.toggle)
        self.primary.clicked.connect(self._primary_pressed)
        self.strip = ProgressStrip()
        self.strip.pause.connect(self.workspace.pause_run)
        self.strip.resume.connect(self.workspace.resume_run)
        self.strip.stop.connect(self._stop)
        self.ended = QLabel()
        self.ended.setWordWrap(True)
        theme.set_text(self.ended, Text.SMALL, muted=True)
        self.banner = Banner()
        self.extra_banner = Banner()
        self.extra_banner.triggered.connect(self._copy_command)
        self._summary_row = SummaryRow()
        self.summary, self.review_button = self._summary_row.summary, self._summary_row.review_button
        self.review_button.clicked.connect(lambda: self.page_requested.emit(Action.REVIEW.value))

        self.empty = EmptyState("mdi6.image-plus-outline", "")
        self.empty.triggered.connect(lambda: self.page_requested.emit(Action.SOURCES.value))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.body)
        layout = QVBoxLayout(self._main)
        layout.setContentsMargins(SPACE_16, SPACE_16, 0, 0)
        layout.setSpacing(SPACE_16)
        top = QVBoxLayout()
        top.setContentsMargins(0, 0, SPACE_16, 0)
        top.setSpacing(SPACE_16)
        top.addWidget(self.header)
        for widget in (self.banner, self.extra_banner, self.strip, self.ended, self._summary_row):
            top.addWidget(widget)
        layout.addLayout(top)
        layout.addWidget(self._stack, 1)
        self.toast = Toast(self)
        self.setFocusProxy(self.primary)
        run = QShortcut(QKeySequence("Ctrl+Return"), self._main)
        run.activated.connect(self.primary.click)

    def _build_recipes(self) -> None:
        self.recipes = NamedRecipes(self.workspace)
        self.recipes.problem.connect(lambda words: self.banner.tell(Severity.ERROR, words))
        self._naming = Naming(self.recipes, self.panel, self.toast, self)
        self.views = Subviews(self.workspace, self.recipes, self.panel, self._main, self)
        self.views.came_back.connect(self._came_back)
        self.views.recipe_chosen.connect(self._use_tried)
        self.header.tryout_button.clicked.connect(self.views.open_tryout)
        self.panel.texts.prompts_requested.connect(self.views.open_prompts)
        self.panel.models_asked.connect(lambda: self.page_requested.emit("settings"))
        self.panel.told_of.connect(lambda _: self._remember(_TOLD, self.panel.told))
        self.estimating = Estimating(self.workspace, lambda: self.panel.choice, self)
        self.estimating.changed.connect(self._show_all)
        self.ordering = Ordering(
            self.workspace, self.panel, self.body.batches, self.estimating, self.banner, parent=self
        )
        self.workspace.batching.changed.connect(self._work_changed)

    def _came_back(self) -> None:
        self.header.tryout_button.setFocus()
        self.estimating.soon()

    def _use_tried(self, choice: Choice) -> None:
        self.panel.set_recipe(choice)
        self.views.close()
        name = self.panel.names.name
        self.toast.tell(
            self.tr("The next run uses {0}").format(name) if name else self.tr("The next run uses this recipe")
        )

    # --- the page's life ---------------------------------------------------------------------------------------------

    def activated(self) -> None:
        """Read what may have changed meanwhile."""
        self._take_up_presets()
        self.body.read_soon()
        self.workspace.offers.look()
        self.estimating.soon()
        self.ordering.read()
        self._show_all()
        if self.workspace.trying.wanted:
            self.views.open_tryout()

    def event(self, event: QEvent) -> bool:
        """Back from an editor, the presets may say something else."""
        if event.type() == QEvent.Type.WindowActivate:
            self._take_up_presets()
        return super().event(event)

    def _take_up_presets(self) -> None:
        # A run under way has frozen its prompts; they must not change beneath it.
        if not self.workspace.engaged:
            self.panel.read_presets_again()
            self._show_all()

    # --- the choice ----------------------------------------------------------------------------------------------------

    def _recall(self, found: tuple[str, str]) -> None:
        remembered, told = found
        self.panel.set_told(json.loads(told) if told else ())
        if remembered:
            try:
                self.panel.set_choice(recalled_choice(remembered))
            except (ValueError, TypeError, KeyError):
                self.banner.tell(
                    Severity.WARNING, self.tr("The recipe chosen last could not be read; the usual one is shown.")
                )
        self._chosen_before = True
        self.estimating.soon()
        self._show_all()
        if self._start_when_ready:
            self.start()

    def _choice_changed(self) -> None:
        self._remember(_META, asdict(self.panel.choice))
        self.estimating.soon()
        self._show_all()

    def _remember(self, key: str, value: object) -> None:
        if not self.workspace.read_only:
            text = json.dumps(value)
            self.workspace.ask(lambda project: project.set_meta(key, text), lambda _: None)

    # --- running -------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a run with the current choice, as soon as the project has been read; nothing when none can be started."""
        if not self._chosen_before or self.workspace.status is None:
            self._start_when_ready = True
            return
        self._start_when_ready = False
        if self.workspace.engaged or self._next.action is not Action.RUN or not self._next.enabled:
            return
        self.banner.dismiss()
        self.extra_banner.dismiss()
        self.summary.clear()
        self.panel.tell_no_more()
        try:
            self.workspace.start_run(self.panel.choice)
        except StudioError as error:
            self.banner.tell_error(error)
        self._show_all()

    def _primary_pressed(self) -> None:
        self.summary.clear()
        match self._next.action:
            case Action.RUN:
                self.start()
            case Action.ORDER:
                self.ordering.order()
            case Action.JUDGE:
                self.ordering.judge()
            case Action.COLLECT:
                self.ordering.collect()
            case page:
                self.page_requested.emit(page.value)

    def _stop(self) -> None:
        if self.workspace.batching.ordering:
            self.workspace.batching.stop()
        else:
            self.workspace.stop_run()

    def _run_done(self, report: RunReport) -> None:
        self.summary.setText(report_words(report))
        if report.waiting_for_extra:
            command = self.tr("Copy the command")
            self.extra_banner.tell(Severity.WARNING, waiting_for_extra_words(report), command)
        elif report.ended == "halted":
            self.banner.tell(Severity.WARNING, report.message)
        self.estimating.soon()
        self.body.read_soon()
        self._show_all()

    def _copy_command(self) -> None:
        QGuiApplication.clipboard().setText(ML_EXTRA_COMMAND)
        self.toast.tell(self.tr("Copied: {0}").format(ML_EXTRA_COMMAND))

    # --- showing -------------------------------------------------------------------------------------------------------

    def _status_changed(self, _: Status) -> None:
        self.estimating.soon()
        self._show_all()
        if self._start_when_ready:
            self.start()

    def _work_changed(self) -> None:
        if self.workspace.running or self.workspace.batching.ordering:
            self._show_work()
        else:
            self._show_all()

    def _show_all(self) -> None:
        status = self.workspace.status
        problem = self.panel.problem or self._other_work
        self._next = next_action(
            status,
            read_only=self.workspace.read_only,
            problem=problem,
            left_off=self.workspace.left_off,
            in_batch=self.panel.choice.in_batch,
            unjudged=self.workspace.batching.unjudged,
        )
        if status is not None:
            self.body.show_status(status)
        nothing = status is not None and status.patches == 0 and not self.workspace.running
        if nothing:
            self.empty.set(
                "mdi6.image-plus-outline",
                self.tr("No patches yet"),
                self.tr("Import low-quality photos first: they are cut into patches, and runs make targets for those."),
                self.tr("Go to Sources"),
            )
        self._stack.setCurrentIndex(0 if nothing else 1)
        self.ordering.show_next(self._next.action)
        self.ordering.show_all()
        self._show_work()

    def _show_work(self) -> None:
        ordering = self.workspace.batching.ordering
        running = self.workspace.running or ordering
        status = self.workspace.status
        nothing = status is not None and status.patches == 0
        self.strip.setVisible(running)
        self.strip.pause_button.setVisible(not ordering)
        self.primary.setVisible(not running and not nothing)
        self.recipe_button.setVisible(not nothing or running)
        self.header.tryout_button.setVisible(not nothing and not running)
        self.body.show_running(running)
        self._summary_row.setVisible(bool(self.summary.text()) and not running)
        waiting = status.count(state=State.WAITING) if status else 0
        self.review_button.setVisible(bool(waiting) and self._next.action is not Action.REVIEW)
        head = head_of(self._next, None if self.workspace.engaged else self._value, self.panel.choice.budget_usd)
        self.primary.setText(head.label)
        self.primary.setIcon(theme.icon(head.icon, "on_accent"))
        self.primary.setEnabled(head.enabled and not self.workspace.batching.doing)
        self.primary.setToolTip(f"{self._next.sentence} ({QKeySequence('Ctrl+Return').toString()})")
        self.sentence.setText("" if nothing else running_sentence(self.workspace) if running else head.sentence)
        self.sentence.setVisible(bool(self.sentence.text()))
        self.ended.setVisible(running)
        self.header.show_assumptions(head.assumptions)
        if ordering:
            self.strip.set_progress(order_progress(self.workspace))
        elif running:
            self.strip.set_paused(self.workspace.run_paused)
            self.strip.set_progress(run_progress(self.workspace, paid=any(info.paid for info in self.panel.infos)))
            now = self.workspace.run_progress
            self.ended.setText(outcomes_words(now.outcomes) if now is not None else "")

    @property
    def _other_work(self) -> str:
        """What a run waits for, besides a run; empty without."""
        if self.workspace.screening.running:
            return self.tr("A screening is under way in Sources; a run begins after it.")
        return self.tr("A try-out is under way; a run begins after it.") if self.workspace.trying.running else ""

    @property
    def _value(self) -> Estimate | None:
        """The estimate of what the primary button does."""
        return self.estimating.judging if self._next.action is Action.JUDGE else self.estimating.value
