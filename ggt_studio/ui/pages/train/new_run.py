"""A new run: what it is trained on and how, and what was found before its first step."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError
from ggt_studio.training.findings import Preflight
from ggt_studio.ui.pages.train.data_choice import DataPanel
from ggt_studio.ui.pages.train.findings_view import FindingsView
from ggt_studio.ui.pages.train.recipe_choice import RecipePanel
from ggt_studio.ui.pages.train.words import tr
from ggt_studio.ui.state.training import Preparing, Training, TrainingPlan
from ggt_studio.ui.theme import SPACE_8, SPACE_16, SPACE_24, SPACE_32
from ggt_studio.ui.widgets.common import Progress, ProgressStrip
from ggt_studio.ui.widgets.parts import heading

_COLUMN = 460


class NewRun(QWidget):
    """`changed` when a person chose something else."""

    changed = Signal()

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training = training
        self._named = ""
        self.doubtful = False
        """Whether what is chosen was looked at and found doubtful, and may begin all the same."""
        self.data, self.recipe = DataPanel(training), RecipePanel()
        self.findings = FindingsView()
        self.findings_heading = heading(tr("Before the first step"))
        self.strip = ProgressStrip()
        self.strip.pause_button.hide()
        self.strip.stop.connect(training.stop_preparing)
        self._lay_out()
        self.data.changed.connect(self._changed)
        self.data.counted.connect(self.changed)
        self.recipe.changed.connect(self._changed)
        self.recipe.recipe_changed.connect(self.propose_name)
        self.propose_name()
        self._forget()
        self.show_preparing(None)

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_8)
        column.addWidget(self.recipe)
        column.addSpacing(SPACE_8)
        column.addWidget(self.findings_heading)
        column.addWidget(self.findings)
        column.addStretch(1)
        left = QWidget()
        beside = QVBoxLayout(left)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.addWidget(self.data)
        beside.addStretch(1)
        for side in (left, right):
            side.setMaximumWidth(_COLUMN)
        inside = QWidget()
        across = QHBoxLayout(inside)
        across.setContentsMargins(0, 0, SPACE_16, 0)
        across.setSpacing(SPACE_32 + SPACE_8)
        across.addWidget(left, 1)
        across.addWidget(right, 1)
        across.addStretch(0)
        self.form = QScrollArea()
        self.form.setWidgetResizable(True)
        self.form.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.form.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.form.setWidget(inside)
        self._inside = inside
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_24 - SPACE_8)
        layout.addWidget(self.strip)
        layout.addWidget(self.form, 1)

    @property
    def problem(self) -> str:
        """Why it cannot begin; empty where it can."""
        return self.data.problem or self.recipe.problem

    def plan(self, *, elsewhere: bool = False) -> TrainingPlan:
        """What is chosen. Raises StudioError for what does not fit together."""
        if self.problem:
            raise StudioError(self.problem)
        recipe = self.recipe
        return TrainingPlan(
            recipe.name.text().strip(),
            self.data.choice(),
            recipe.recipe(),
            recipe.seed.value(),
            recipe.start.path,
            recipe.controller.path if not recipe.controller.isHidden() else None,
            recipe.base.path if not recipe.base.isHidden() else None,
            recipe.device.currentData(),
            elsewhere=elsewhere,
            anyway=self.doubtful,
        )

    def keep_name_free(self) -> None:
        """Propose another name where a run has this one by now."""
        if any(story.folder.name == self.recipe.name.text().strip() for story in self._training.stories):
            self.recipe.name.clear()
            self.propose_name()

    def propose_name(self) -> None:
        """A name that is free, unless a person gave one."""
        field = self.recipe.name
        if field.text().strip() in {"", self._named}:
            self._named = self._training.free_name(self.recipe.recipe_name)
            field.setText(self._named)

    def show_preparing(self, preparing: Preparing | None) -> None:
        """While it is prepared nothing can be chosen."""
        self._inside.setEnabled(preparing is None)
        self.strip.setVisible(preparing is not None)
        if preparing is not None:
            self.strip.set_progress(Progress(preparing.done, preparing.total, doing=preparing.what))

    def show_checked(self, found: Preflight) -> None:
        """What was found, where it was not begun."""
        self.findings.show_findings(found.findings)
        self.findings_heading.show()
        self.doubtful = found.can_begin
        self.form.ensureWidgetVisible(self.findings)
        self.changed.emit()

    def _changed(self) -> None:
        self._forget()
        self.changed.emit()

    def _forget(self) -> None:
        """What was found was of other choices."""
        self.doubtful = False
        self.findings.show_findings(())
        self.findings_heading.hide()
