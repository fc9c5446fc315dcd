"""Prompts before a run: have those of the next patches written, read them, and put them into one's own words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.core.facts import Prompted
from ggt_studio.core.model import Patch
from ggt_studio.core.prompts import serving_prompt, standing_edit
from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline.prompts import edit_prompt, take_back_edit, write_prompts
from ggt_studio.store import patches
from ggt_studio.store.project import Project
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.words import tr, unit_price
from ggt_studio.ui.pages.review.pairs import Picture, read_picture
from ggt_studio.ui.pages.tryout.panes import LockedPanes, PaneImage
from ggt_studio.ui.pages.tryout.strip import PatchStrip
from ggt_studio.ui.state.jobs import RunChoice
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, SPACE_24, Text
from ggt_studio.ui.vocabulary import category_name
from ggt_studio.ui.widgets.common import Banner, PageTitle, PrimaryButton, Severity, Toast
from ggt_studio.ui.widgets.common.buttons import quiet_button

SHOWN = 12


@dataclass(frozen=True, slots=True)
class _Row:
    """A patch of the next run with the prompt that would be used for it, if there is one."""

    patch: Patch
    prompt: Prompted | None
    edited: bool


class PromptsView(QWidget):
    """`closed` when a person goes back to the generate page."""

    closed = Signal()

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._recipe: Recipe | None = None
        self._price_usd = 0.0
        self._budget_usd: float | None = None
        self._rows: list[_Row] = []
        back = quiet_button("mdi6.arrow-left", tr("Back to Generate"), key="Esc")
        back.clicked.connect(lambda: self.closed.emit())
        title = PageTitle(tr("Prompts"))
        self.primary = PrimaryButton("", "mdi6.pencil-outline")
        self.primary.clicked.connect(self._write)
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        theme.set_text(self.sentence, Text.BODY, muted=True)
        self.banner = Banner()
        self.film = PatchStrip(workspace.thumbnails)
        self.film.setAccessibleName(tr("Patches of the next run"))
        self.film.chosen.connect(lambda _: self._show())
        self.about = QLabel()
        theme.set_text(self.about, Text.SMALL, muted=True)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName(tr("Prompt of the patch"))
        self.text.textChanged.connect(self._tell)
        self.save = QPushButton(tr("Use my words"))
        self.save.clicked.connect(self._save)
        self.take_back = QPushButton(tr("Back to the written one"))
        self.take_back.clicked.connect(self._take_back)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_4)
        buttons.addWidget(self.save)
        buttons.addWidget(self.take_back)
        buttons.addStretch(1)
        header = QHBoxLayout()
        header.setSpacing(SPACE_8)
        header.addWidget(back)
        header.addWidget(title)
        header.addStretch(1)
        header.addWidget(self.primary)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_16, SPACE_16, SPACE_16, SPACE_24)
        layout.setSpacing(SPACE_8)
        layout.addLayout(header)
        for widget in (self.sentence, self.banner, self.film, self.about):
            layout.addWidget(widget)
        # The photo is what a prompt is about: it has the room.
        self.photo = LockedPanes()
        beside = QVBoxLayout()
        beside.setSpacing(SPACE_8)
        beside.addWidget(self.text, 1)
        beside.addLayout(buttons)
        body = QHBoxLayout()
        body.setSpacing(SPACE_16)
        body.addWidget(self.photo, 3)
        body.addLayout(beside, 2)
        layout.addLayout(body, 1)
        self.toast = Toast(self)
        workspace.work_changed.connect(self._tell)
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self, lambda: self.closed.emit())

    def open(self, choice: RunChoice) -> None:
        """Come into view with the choice that stands on the generate page."""
        session = self._workspace.session
        self.banner.dismiss()
        try:
            self._recipe = session.recipe(choice.generator, choice.prompts, choice.judge)
            self._budget_usd = choice.budget_usd
            self._price_usd = session.registry.prompt_writer(choice.prompts).info.price_usd
        except StudioError as error:
            self._recipe = None
            self.banner.tell_error(error)
        self._read()
        self.film.setFocus()

    def _read(self) -> None:
        recipe = self._recipe
        if recipe is None:
            return

        def read(project: Project) -> list[_Row]:
            found = patches.runnable(project, limit=SHOWN)
            facts = patches.facts_of(project, [patch.id for patch in found])
            rows = []
            for patch in found:
                prompts = [fact for fact in facts[patch.id] if isinstance(fact, Prompted)]
                serving = serving_prompt(prompts, recipe, patch.category)
                rows.append(_Row(patch, serving, standing_edit(prompts) is not None))
            return rows

        self._workspace.ask(read, self._take)

    def _take(self, rows: list[_Row]) -> None:
        self._rows = rows
        self.film.show_patches([row.patch for row in rows])
        self._show()

    @property
    def row(self) -> _Row | None:
        """The patch in view."""
        return self._rows[self.film.index] if self._rows else None

    @property
    def unwritten(self) -> list[int]:
        """Those of the shown patches that have no prompt yet."""
        return [row.patch.id for row in self._rows if row.prompt is None]

    def _show(self) -> None:
        row = self.row
        if row is not None:
            kind = tr("your words") if row.edited else row.prompt.strategy if row.prompt else tr("not written yet")
            self.about.setText(f"#{row.patch.id} · {category_name(row.patch.category)} · {kind}")
            self.text.setPlainText(row.prompt.text if row.prompt else "")
            self._workspace.tasks.spawn(asyncio.to_thread(read_picture, row.patch.lq_path), self._show_photo)
            self.text.setPlaceholderText(tr("No prompt yet. Have it written, or write your own here."))
        self._tell()

    def _show_photo(self, picture: Picture) -> None:
        if self.row is not None and picture.path == self.row.patch.lq_path:
            self.photo.show_images([PaneImage(tr("LQ"), picture.image, picture.problem)])

    @property
    def writing(self) -> bool:
        """Whether prompts are being written."""
        return self._workspace.writing_prompts

    def _set_writing(self, writing: bool) -> None:
        self._workspace.writing_prompts = writing
        self._workspace.work_changed.emit()

    def _tell(self) -> None:
        row, missing = self.row, len(self.unwritten)
        words = tr("Write {0} prompts").format(missing)
        cost = missing * self._price_usd
        self.primary.setText(f"{words} · {tr('about {0}').format(unit_price(cost))}" if cost else words)
        busy = self.writing or self._workspace.engaged
        self.primary.setVisible(bool(missing) and self._recipe is not None)
        self.primary.setEnabled(not busy and not self._workspace.read_only)
        self.sentence.setText(
            tr("Writing …")
            if self.writing
            else tr(
                "The first patches of the next run. A prompt is written, and paid for, once for each patch; your words go first."
            )
        )
        changed = row is not None and self.text.toPlainText().strip() != (row.prompt.text if row.prompt else "")
        may = not busy and not self._workspace.read_only
        self.save.setEnabled(may and changed and bool(self.text.toPlainText().strip()))
        self.take_back.setVisible(row is not None and row.edited)
        self.take_back.setEnabled(may)
        self.text.setReadOnly(row is None or not may)

    def _write(self) -> None:
        recipe, session = self._recipe, self._workspace.session
        if recipe is None or self._workspace.engaged:
            return
        self._set_writing(True)
        wanted = self.unwritten

        async def write() -> int:
            await session.registry.check_ready(recipe)
            written = await write_prompts(
                session.store, session.pool, session.registry, recipe, wanted, session.limiters, self._budget_usd
            )
            return len(wanted) - len(written)

        self._workspace.tasks.spawn(write(), self._written, self._failed)
        self._tell()

    def _written(self, missing: int) -> None:
        self._set_writing(False)
        if missing:
            self.banner.tell(
                Severity.WARNING, tr("{0} prompts could not be written; see Failed on Generate.").format(missing)
            )
        self._workspace.patches_changed.emit()
        self._workspace.refresh()
        self._read()

    def _failed(self, error: Exception) -> None:
        self._set_writing(False)
        self.banner.tell(Severity.ERROR, describe(error))
        # Some may have been written before.
        self._read()

    def _save(self) -> None:
        row, words = self.row, self.text.toPlainText()
        if row is not None:
            self._edit(lambda project: edit_prompt(project, row.patch.id, words), tr("Your words are used for #{0}"))

    def _take_back(self) -> None:
        row = self.row
        if row is not None:
            self._edit(lambda project: take_back_edit(project, row.patch.id), tr("The written prompt is used for #{0}"))

    def _edit(self, edit: Callable[[Project], object], told: str) -> None:
        row = self.row
        number = row.patch.id if row is not None else 0

        def edited(_: object) -> None:
            self.toast.tell(told.format(number))
            self._read()

        self._workspace.tasks.spawn(self._workspace.query(edit), edited, self._failed)
