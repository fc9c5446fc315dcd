"""The train page: runs at the left, a new run or one that is looked at beside them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QMessageBox,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.preview import Member, selected
from ggt_studio.training.findings import Preflight
from ggt_studio.training.story import Story
from ggt_studio.ui import theme
from ggt_studio.ui.format import count
from ggt_studio.ui.pages.base import Page
from ggt_studio.ui.pages.dataset.counting import read_members
from ggt_studio.ui.pages.train.header import TrainHeader
from ggt_studio.ui.pages.train.new_run import NewRun
from ggt_studio.ui.pages.train.run_list import RunList
from ggt_studio.ui.pages.train.run_view import RunView
from ggt_studio.ui.pages.train.words import standing_words, tr
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_8, SPACE_16
from ggt_studio.ui.widgets.common import Banner, Severity
from ggt_studio.ui.widgets.parts import show_dialog

_LIST_WIDTH = 208


class TrainPage(Page):
    """`restorer_chosen` carries the weights of a checkpoint that photos are to be restored with."""

    title = "Train"
    icon_name = "mdi6.school-outline"
    restorer_chosen = Signal(str)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(workspace, parent)
        self.training = workspace.training
        self._chosen: Path | None = None
        self._build()
        self.training.changed.connect(self._show_all)
        self.training.checked.connect(self._take_checked)
        self.training.begun.connect(self._begun)
        self.training.told.connect(lambda words: self.banner.tell(Severity.INFO, words))
        self.training.failed.connect(lambda words: self.banner.tell(Severity.ERROR, words))
        self.new.changed.connect(self._show_all)
        workspace.patches_changed.connect(self._count)
        workspace.status_changed.connect(lambda _: self._count())
        self._counting = False
        self._count()
        self._show_all()

    # --- building -------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.header = TrainHeader()
        self.primary, self.sentence = self.header.primary, self.header.sentence
        self.primary.clicked.connect(self.go_on)
        QShortcut(QKeySequence("Ctrl+Return"), self).activated.connect(self.primary.click)
        self.header.elsewhere.clicked.connect(lambda: self._start(elsewhere=True))
        self.menu = QMenu(self.header.more)
        self.open_action = self.menu.addAction(tr("Open the run's folder"), self._open_folder)
        self.again_action = self.menu.addAction(tr("Another run from its last checkpoint"), self._train_on)
        self.base_action = self.menu.addAction(tr("Its base model is elsewhere …"), self._ask_for_base)
        self.away_action = self.menu.addAction(tr("Move the run to the bin …"), self._ask_to_throw_away)
        self.header.more.setMenu(self.menu)
        self.banner = Banner()
        self.runs = RunList()
        self.runs.chosen.connect(self.look_at)
        self.new_button = QPushButton(tr("New run"))
        self.new_button.setCheckable(True)
        self.new_button.clicked.connect(lambda: self.look_at(None))
        self.back_button = QPushButton(tr("Add a run from elsewhere …"))
        self.back_button.setToolTip(tr("A run's folder that was trained on another machine, with all that it learnt"))
        self.back_button.clicked.connect(self._ask_for_run)
        left = QWidget()
        left.setFixedWidth(_LIST_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_8)
        column.addWidget(self.new_button)
        column.addWidget(self.runs, 1)
        column.addWidget(self.back_button)
        self.new = NewRun(self.training)
        self.run = RunView(self.training, self)
        self.run.used.connect(self.restorer_chosen)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.new)
        self._stack.addWidget(self.run)
        body = QHBoxLayout()
        body.setSpacing(SPACE_16)
        body.addWidget(left)
        body.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_16)
        layout.setSpacing(SPACE_16)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addLayout(body, 1)

    # --- the page's life ------------------------------------------------------------------------------------------

    def activated(self) -> None:
        """Watch the runs."""
        self.training.watch(True)
        self._count()

    def deactivated(self) -> None:
        """Nobody sees them."""
        self.training.watch(False)

    def _count(self) -> None:
        """Count the pairs that each choice takes, where somebody looks."""
        if self._counting or not self.isVisible():
            return
        self._counting = True

        def counted(members: list[Member]) -> None:
            self._counting = False
            self.new.data.show_counts({one: len(selected(members, one)) for one in Include})

        self.workspace.tasks.spawn(read_members(self.workspace), counted)

    # --- doing ----------------------------------------------------------------------------------------------------

    def look_at(self, folder: Path | None) -> None:
        """Look at a run, or at a new one."""
        self._chosen = folder
        if folder is None:
            self.new.propose_name()
        self._show_all()

    def go_on(self) -> None:
        """What is to be done next: start, go on or pause."""
        story = self.training.story(self._chosen)
        if story is None:
            self._start(elsewhere=False)
        elif story.state == "running":
            self.training.pause(story.folder)
        else:
            self.banner.hide()
            self.training.resume(story.folder, "cpu" if story.device == "cpu" else "auto")

    def _start(self, *, elsewhere: bool) -> None:
        self.banner.hide()
        try:
            plan = self.new.plan(elsewhere=elsewhere)
        except StudioError as error:
            self.banner.tell_error(error)
            return
        self.training.start(plan)

    def _take_checked(self, found: Preflight) -> None:
        self.new.show_checked(found)
        severity = Severity.WARNING if found.can_begin else Severity.ERROR
        words = tr("Look at what was found before the first step, then start all the same or change something.")
        if not found.can_begin:
            words = tr("Training cannot begin like this; see below why.")
        self.banner.tell(severity, " ".join((words, *self.training.remarks)))

    def _begun(self, folder: Path) -> None:
        self._chosen = folder
        self.training.look()

    def _train_on(self) -> None:
        story = self.training.story(self._chosen)
        if story is not None and story.checkpoints:
            self.look_at(None)
            self.new.recipe.go_on_from(story)

    def _ask_for_base(self) -> None:
        folder = self._chosen
        if folder is None:
            return
        dialog = QFileDialog(self, tr("The folder of the model that the run is trained into"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.training.resume(folder, base=Path(name)))
        show_dialog(dialog)

    def _open_folder(self) -> None:
        if self._chosen is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._chosen)))

    def _ask_to_throw_away(self) -> None:
        folder = self._chosen
        if folder is None:
            return
        words = tr("Move {0} with all its checkpoints to the bin?").format(folder.name)
        box = QMessageBox(QMessageBox.Icon.Question, tr("Move to the bin"), words, parent=self)
        box.addButton(QMessageBox.StandardButton.Cancel)
        away = box.addButton(tr("Move to the bin"), QMessageBox.ButtonRole.DestructiveRole)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.buttonClicked.connect(lambda pressed: self.throw_away(folder) if pressed is away else None)
        box.open()

    def throw_away(self, folder: Path) -> None:
        """Move a run to the bin."""
        self.training.throw_away(folder)
        self.look_at(None)

    def _ask_for_run(self) -> None:
        dialog = QFileDialog(self, tr("The folder of a run that was trained elsewhere"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.training.bring_back(Path(name)))
        show_dialog(dialog)

    # --- showing --------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        training = self.training
        story = training.story(self._chosen)
        if self._chosen is not None and story is None and training.looked and training.at_work != self._chosen:
            # It was thrown away, or is only just being written.
            self._chosen = self._chosen if (self._chosen / "job.json").exists() else None
        self.runs.show_runs(training.stories, self._chosen, training.at_work)
        self.new_button.setChecked(story is None)
        self._stack.setCurrentIndex(0 if story is None else 1)
        if story is None and not training.busy:
            self.new.keep_name_free()
        if story is None:
            self.new.show_preparing(training.preparing)
        else:
            self.run.show_run(story)
        self.sentence.setText(self._sentence(story))
        self._show_buttons(story)

    def _sentence(self, story: Story | None) -> str:
        if story is not None and story.state == "new" and story.folder == self.training.at_work:
            return tr("Beginning: the network is made and the data opened.")
        if story is not None and story.folder in self.training.pausing:
            return tr("Step {0}: a checkpoint is written, then it rests.").format(count(story.step))
        if story is not None:
            return standing_words(story)
        if self.workspace.read_only:
            return tr("The project is open read-only: runs can be looked at, and none can be begun.")
        return self.new.problem or tr("Train a restorer on pairs, then restore your own photos with it.")

    def _show_buttons(self, story: Story | None) -> None:
        training, free = self.training, not self.training.busy and not self.workspace.read_only
        self.header.elsewhere.setVisible(story is None)
        self.header.elsewhere.setEnabled(free and not self.new.problem)
        self.header.more.setVisible(story is not None)
        self.again_action.setEnabled(bool(story and story.checkpoints and self.new.recipe.offers(story)))
        resting = story is not None and story.state != "running" and story.folder != training.at_work
        self.away_action.setEnabled(resting and not self.workspace.read_only)
        self.base_action.setEnabled(free)
        self.base_action.setVisible(
            bool(story and story.job.recipe.generative and story.state not in {"running", "done"})
        )
        self.back_button.setEnabled(not self.workspace.read_only)
        words, icon, enabled, why = tr("Start training"), "mdi6.play", free and not self.new.problem, self.new.problem
        if story is None and self.new.doubtful:
            words = tr("Start anyway")
        elif story is not None and story.state == "running":
            words, icon, enabled, why = tr("Pause"), "mdi6.pause", True, tr("Write a checkpoint and rest")
            if story.folder in training.pausing:
                words, enabled = tr("Pausing …"), False
        elif story is not None:
            words = tr("Train here") if story.state == "new" else tr("Go on")
            enabled, why = free and story.state != "done", ""
            if story.folder == training.at_work:
                words, icon = tr("Beginning …"), "mdi6.progress-clock"
        if training.busy and story is not None and story.folder != training.at_work and story.state != "running":
            why = tr("Another run is under way; one is trained at a time.")
        self.primary.setVisible(story is None or story.state != "done")
        self.primary.setText(words)
        self.primary.setIcon(theme.icon(icon, "on_accent"))
        self.primary.setEnabled(enabled)
        self.primary.setToolTip(why)
