"""Joins the project's batches to the generate page: what a person asks for there, and what is told of it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.batch_results import Collected
from ggt_studio.pipeline.batch_runs import Submission
from ggt_studio.store.batch_jobs import BatchJob
from ggt_studio.ui.pages.generate.batch_words import cancelled_words, collected_words, ordered_words
from ggt_studio.ui.pages.generate.batches import BatchesPanel
from ggt_studio.ui.pages.generate.estimating import Estimating, cost_words
from ggt_studio.ui.pages.generate.next_action import Action
from ggt_studio.ui.pages.generate.recipe_panel import RecipePanel
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.widgets.common import Banner, Severity


class Ordering(QObject):
    """Lives as long as the page."""

    def __init__(
        self,
        workspace: Workspace,
        panel: RecipePanel,
        batches: BatchesPanel,
        estimating: Estimating,
        banner: Banner,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._panel, self._batches = workspace, panel, batches
        self._estimating, self._banner = estimating, banner
        self.batching = workspace.batching
        self.batching.changed.connect(self.show_all)
        self.batching.ordered.connect(self._ordered)
        self.batching.collected.connect(self._collected)
        self.batching.cancelled.connect(self._cancelled)
        self.batching.problem.connect(lambda words: banner.tell(Severity.ERROR, words))
        workspace.status_changed.connect(lambda _: self.read())
        workspace.patches_changed.connect(self.read)
        batches.collect_asked.connect(self.collect)
        batches.judge_asked.connect(self.judge)
        batches.cancel_asked.connect(self._cancel)
        batches.stop_asked.connect(self.batching.stop)

    def read(self) -> None:
        """Read which batches are under way."""
        if not self._workspace.running:
            self.batching.read()

    # --- what a person asks for ------------------------------------------------------------------------------------

    def order(self) -> None:
        """Order candidates with the current choice."""
        self._begin()
        self._panel.tell_no_more()
        try:
            self.batching.order(self._panel.choice)
        except StudioError as error:
            self._banner.tell_error(error)

    def collect(self) -> None:
        """Take what is done."""
        self._begin()
        self.batching.collect()

    def judge(self) -> None:
        """Measure and judge the candidates that are there, and make no further ones."""
        self._begin()
        self._panel.tell_no_more()
        choice = self._panel.choice
        try:
            self._workspace.start_run(replace(choice, limit=None), generate=False)
        except StudioError as error:
            self._banner.tell_error(error)

    def _cancel(self, name: str) -> None:
        self._begin()
        self.batching.cancel(name)

    def _begin(self) -> None:
        self._banner.dismiss()
        self._batches.tell("")

    # --- what is told of it ----------------------------------------------------------------------------------------

    def _ordered(self, done: Submission) -> None:
        if done.message:
            self._banner.tell(Severity.WARNING, done.message)
        self._tell(ordered_words(done))

    def _collected(self, done: Collected) -> None:
        self._tell(collected_words(done))

    def _cancelled(self, job: BatchJob) -> None:
        self._tell(cancelled_words(job))

    def _tell(self, words: str) -> None:
        self._batches.tell(words)
        self._estimating.soon()
        self.show_all()

    def show_all(self) -> None:
        """Show the batches, and what is under way with them."""
        batching, judging = self.batching, self._estimating.judging
        price = cost_words(judging, self._panel.choice.budget_usd) if judging is not None else ""
        self._batches.show_batches(batching.open, batching.unjudged, price)
        self._batches.show_work(
            batching.doing,
            batching.progress,
            may_judge=not self._workspace.engaged and not self._panel.problem,
            may_change=not self._workspace.read_only,
        )

    def show_next(self, action: Action) -> None:
        """What the page's primary button does is offered there alone."""
        self._batches.leave_out(collect=action is Action.COLLECT, judge=action is Action.JUDGE)
