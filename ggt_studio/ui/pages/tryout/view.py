"""The try-out's view within the generate page: set it up, watch it, compare side by side, choose a recipe or adopt results."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.core.model import Patch
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.tryouts import Result
from ggt_studio.ui import theme
from ggt_studio.ui.format import counted, money
from ggt_studio.ui.pages.generate.run_words import outcomes_words, spent_words
from ggt_studio.ui.pages.tryout.card import ResultCard
from ggt_studio.ui.pages.tryout.panes import LockedPanes, PaneImage
from ggt_studio.ui.pages.tryout.pictures import Pictures
from ggt_studio.ui.pages.tryout.setup import SetupPanel
from ggt_studio.ui.pages.tryout.strip import PatchStrip
from ggt_studio.ui.pages.tryout.words import total_words, tr
from ggt_studio.ui.state.recipes import NamedRecipes
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, SPACE_24, Text
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import Banner, PageTitle, PrimaryButton, Progress, ProgressStrip, Severity, Toast
from ggt_studio.ui.widgets.common.buttons import quiet_button

_SETUP_WIDTH = 288


class TryoutView(QWidget):
    """`closed` when a person goes back, `recipe_chosen` with the `Choice` that is to be the recipe of the next run."""

    closed = Signal()
    recipe_chosen = Signal(object)

    def __init__(self, workspace: Workspace, recipes: NamedRecipes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace, self._recipes, self._trying = workspace, recipes, workspace.trying
        self._present = Choice("", "", "")
        self._fresh = False
        self._pictures = Pictures(workspace.tasks, self)
        self._pictures.ready.connect(self._show_images)
        self.cards: list[ResultCard] = []
        self._build()
        recipes.changed.connect(lambda: self.setup.offer(recipes.named, self._present))
        self.setup.patches_changed.connect(self._patches_picked)
        self.setup.changed.connect(self._setup_changed)
        self._trying.changed.connect(self._tell)
        self._trying.shown_changed.connect(self._show_tryout)
        self._trying.problem.connect(lambda words: self.banner.tell(Severity.ERROR, words))
        workspace.patches_changed.connect(self._trying.read_again)
        workspace.work_changed.connect(self._tell)

    def _build(self) -> None:
        self.back = quiet_button("mdi6.arrow-left", tr("Back to Generate"), key="Esc")
        self.back.clicked.connect(lambda: self.closed.emit())
        title = PageTitle(tr("Try out"))
        self.setup_button = quiet_button("mdi6.tune-variant", tr("What to try"), key="F9", text=tr("Set-up"))
        self.setup_button.setCheckable(True)
        self.setup_button.setChecked(True)
        self.primary = PrimaryButton(tr("Try"), "mdi6.flask-outline")
        self.primary.clicked.connect(self._start)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.banner = Banner()
        self.strip = ProgressStrip()
        self.strip.pause_button.hide()
        self.strip.stop.connect(self._trying.stop)
        self.ended = QLabel()
        theme.set_text(self.ended, Text.SMALL, muted=True)
        self.film = PatchStrip(self._workspace.thumbnails)
        self.film.chosen.connect(lambda _: self._show_patch())
        self.about = QLabel()
        theme.set_text(self.about, Text.SMALL, muted=True)
        self.panes = LockedPanes()
        self.setup = SetupPanel(self._workspace)
        self._lq_words = QLabel()
        self._lq_words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lq_words.setWordWrap(True)
        theme.set_text(self._lq_words, Text.SMALL, muted=True)
        self._lay_out(title)
        self.toast = Toast(self)
        for keys, act in (
            (Qt.Key.Key_F9, self.setup_button.toggle),
            (Qt.Key.Key_Escape, lambda: self.closed.emit()),
            (Qt.Key.Key_PageDown, lambda: self.film.choose(self.film.index + 1)),
            (Qt.Key.Key_PageUp, lambda: self.film.choose(self.film.index - 1)),
        ):
            QShortcut(QKeySequence(keys), self, act)
        QShortcut(QKeySequence("Ctrl+Return"), self, self.primary.click)

    def _lay_out(self, title: QLabel) -> None:
        header = QHBoxLayout()
        header.setSpacing(SPACE_8)
        header.addWidget(self.back)
        header.addWidget(title)
        header.addStretch(1)
        header.addWidget(self.setup_button)
        header.addWidget(self.primary)
        film = QHBoxLayout()
        film.setSpacing(SPACE_16)
        film.addWidget(self.film, 1)
        film.addWidget(self.about, 0, Qt.AlignmentFlag.AlignBottom)
        main = QVBoxLayout()
        main.setSpacing(SPACE_8)
        main.addLayout(film)
        main.addWidget(self.panes, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, SPACE_16, SPACE_16)
        column.addWidget(self.setup)
        scroll.setWidget(inside)
        scroll.setFixedWidth(_SETUP_WIDTH)
        self.setup_button.toggled.connect(scroll.setVisible)
        body = QHBoxLayout()
        body.setSpacing(SPACE_24)
        body.addLayout(main, 1)
        body.addWidget(scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        layout.setSpacing(SPACE_8)
        layout.addLayout(header)
        layout.addWidget(self.sentence)
        for widget in (self.banner, self.strip, self.ended):
            layout.addWidget(widget)
        layout.addSpacing(SPACE_4)
        layout.addLayout(body, 1)

    # --- coming and going ------------------------------------------------------------------------------------------

    def open(self, present: Choice) -> None:
        """Come into view with the choice that stands on the generate page."""
        self._present = present
        self.setup.offer(self._recipes.named, present)
        if self._trying.wanted:
            self.setup.take(self._trying.wanted)
            self._trying.wanted = []
        elif not self.setup.patches:
            self.setup.pick(asked=False)
        if self._trying.shown is None:
            self._trying.show_latest()
        else:
            self._show_tryout()
        self._tell()
        self.film.setFocus()

    # --- running -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self._trying.running or not self.primary.isEnabled():
            return
        self.banner.dismiss()
        try:
            self._trying.start(
                self.setup.chosen,
                [patch.id for patch in self.setup.patches],
                self.setup.budget.value if self.setup.paid else None,
            )
        except StudioError as error:
            self.banner.tell_error(error)
        self._fresh = False
        self._tell()

    def _tell(self) -> None:
        running, other = self._trying.running, self._workspace.engaged
        self.setup.set_locked(running)
        self.strip.setVisible(running)
        self.primary.setVisible(not running)
        recipes, patches = len(self.setup.chosen), len(self.setup.patches)
        label = tr("Try {0} with {1}").format(
            counted(patches, tr("1 patch"), tr("{0} patches")), counted(recipes, tr("1 recipe"), tr("{0} recipes"))
        )
        if self.setup.paid:
            label += " · " + tr("about {0}").format(money(self.setup.expected_usd))
        self.primary.setText(label)
        problem = (
            tr("Other paid work is under way (a run, an order, a screening or prompts); a try-out begins after it.")
            if other
            else self.setup.problem
        )
        problem = tr("The project is open read-only.") if self._workspace.read_only else problem
        self.primary.setEnabled(not problem)
        self.primary.setToolTip(problem or f"{label} ({QKeySequence('Ctrl+Return').toString()})")
        self.sentence.setText(self._sentence(problem))
        progress = self._trying.progress
        self.ended.setText(outcomes_words(progress.outcomes) if progress is not None else "")
        self.ended.setVisible(bool(self.ended.text()))
        if running:
            if progress is None:
                self.strip.set_progress(Progress(0, 0, doing=tr("Starting …")))
            else:
                self.strip.set_progress(
                    Progress(
                        progress.done,
                        progress.total,
                        cost=spent_words(progress, self.setup.paid),
                        doing=tr("Trying out"),
                    )
                )

    def _sentence(self, problem: str) -> str:
        report = self._trying.report
        if self._trying.running:
            return tr("The patches themselves stay as they are. What is paid for is kept.")
        if report is not None and not self._fresh:
            ended = {"stopped": tr("Stopped"), "halted": tr("Ended early")}.get(report.ended, tr("Done"))
            told = tr("{0}: {1} of {2} results passed").format(ended, report.passed, report.made)
            spent = tr("{0} spent").format(money(report.cost_usd)) if report.cost_usd else tr("no charge")
            return f"{told}, {spent}. {report.message}".strip()
        return problem or tr("Compare recipes on a few patches before you spend on all. The patches stay as they are.")

    # --- what is shown -------------------------------------------------------------------------------------------------

    def _patches_picked(self, asked: bool) -> None:
        """Other patches are to be tried: they are shown, without results. What was tried last is, until a person picks."""
        shown = self._trying.shown
        same = shown is not None and [p.id for p in shown.patches] == [p.id for p in self.setup.patches]
        self._fresh = not same and (asked or self._fresh)
        if self._fresh or shown is None:
            self.film.show_patches(self.setup.patches)
            self._make_cards([name for name, _ in self.setup.chosen])
            self._show_patch()
        self._tell()

    def _setup_changed(self) -> None:
        if self._fresh or self._trying.shown is None:
            names = [name for name, _ in self.setup.chosen]
            if names != [card.name.text() for card in self.cards]:
                self._make_cards(names)
                self._show_patch()
        self._tell()

    def _show_tryout(self) -> None:
        shown = self._trying.shown
        if shown is None or self._fresh:
            return
        self.film.show_patches(shown.patches)
        self._make_cards([entry.name for entry in shown.tryout.entries])
        self._show_patch()

    def _make_cards(self, names: list[str]) -> None:
        if [card.name.text() for card in self.cards] == names and self.cards:
            return
        for card in self.cards:
            card.deleteLater()
        self.cards = [ResultCard(name) for name in names]
        for index, card in enumerate(self.cards):
            card.use_asked.connect(lambda index=index: self._use(index))
            card.adopt_asked.connect(lambda index=index: self._adopt(index))
        self.panes.set_below([self._lq_words, *self.cards])

    def _patch(self) -> Patch | None:
        return self.film.patches[self.film.index] if self.film.patches else None

    def _results(self, patch: Patch) -> list[Result | None]:
        shown = self._trying.shown
        if shown is None or self._fresh:
            return [None] * len(self.cards)
        return [shown.results.get((entry.run_id, patch.id)) for entry in shown.tryout.entries]

    def _show_patch(self) -> None:
        patch = self._patch()
        if patch is None:
            return
        self.about.setText(
            tr("#{0} · {1} · {2} of {3}").format(
                patch.id, category_name(patch.category), self.film.index + 1, len(self.film.patches)
            )
        )
        self._lq_words.setText(tr("The photo as it is."))
        shown = self._trying.shown
        for index, (card, result) in enumerate(zip(self.cards, self._results(patch), strict=False)):
            total = ""
            if shown is not None and not self._fresh:
                run_id = shown.tryout.entries[index].run_id
                of = [found for (run, _), found in shown.results.items() if run == run_id and found.facts]
                total = total_words(of, len(shown.patches)) if of else ""
            adopted = result is not None and result.hq_path is not None and patch.hq_path == result.hq_path
            card.show_result(result, total, adopted=adopted, may_change=not self._workspace.read_only)
            card.use.setVisible(not self._fresh and shown is not None)
        self._pictures.want([patch.lq_path, *(result.hq_path if result else None for result in self._results(patch))])

    def _show_images(self, images: list[QImage | None]) -> None:
        labels = [tr("LQ"), *(card.name.text() for card in self.cards)]
        missing = tr("In work …") if self._trying.running and not self._fresh else tr("No image")
        self.panes.show_images([PaneImage(label, image, missing) for label, image in zip(labels, images, strict=False)])

    # --- choosing ------------------------------------------------------------------------------------------------------

    def _use(self, index: int) -> None:
        shown = self._trying.shown
        if shown is not None:
            self.recipe_chosen.emit(shown.tryout.entries[index].choice)

    def _adopt(self, index: int) -> None:
        shown, patch = self._trying.shown, self._patch()
        if shown is None or patch is None:
            return
        run_id = shown.tryout.entries[index].run_id
        self._workspace.tasks.spawn(
            self._trying.adopt(run_id, patch.id),
            lambda _: self.toast.tell(tr("It is the candidate of #{0} now and waits in Review.").format(patch.id)),
            lambda error: self.banner.tell(Severity.ERROR, describe(error)),
        )
