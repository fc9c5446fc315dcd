"""What is to be tried: how many patches and which, which recipes, and what all of it may cost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.core.model import Patch
from ggt_studio.pipeline.estimate import Estimate
from ggt_studio.pipeline.readiness import Lack
from ggt_studio.pipeline.trying import estimate_tryout
from ggt_studio.store import patches, tryouts
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project
from ggt_studio.store.tryouts import MOST_PATCHES, MOST_RECIPES
from ggt_studio.ui import theme
from ggt_studio.ui.format import money
from ggt_studio.ui.pages.generate.budget import BudgetChoice
from ggt_studio.ui.pages.tryout.words import tr
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16, SPACE_24, Text
from ggt_studio.ui.widgets.common.choices import SpinBox

PRESENT = ""
"""The name under which the choice on the generate page stands here, where it has none."""
_SETTLE_MS = 150


class SetupPanel(QWidget):
    """`patches_changed` when other patches are to be tried, and whether a person asked for them; `changed` when anything else is."""

    patches_changed = Signal(bool)
    changed = Signal()

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.patches: list[Patch] = []
        self.estimates: dict[str, Estimate] = {}
        self.problem = ""
        self._choices: dict[str, Choice] = {}
        self._asked = 0
        self.boxes: dict[str, QCheckBox] = {}
        self._prices: dict[str, QLabel] = {}
        self.count = SpinBox()
        self.count.setRange(1, MOST_PATCHES)
        self.count.setValue(4)
        self.count.setAccessibleName(tr("How many patches to try"))
        self.count.valueChanged.connect(lambda _: self.pick())
        self.others = QPushButton(tr("Pick others"))
        self.others.setToolTip(tr("Other patches at random, from all categories"))
        self.others.clicked.connect(lambda: self.pick(anew=True))
        self._seed = random.randrange(2**31)
        row = QHBoxLayout()
        row.setSpacing(SPACE_8)
        row.addWidget(self.count)
        row.addWidget(self.others)
        row.addStretch(1)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE_8)
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        theme.set_text(self.hint, Text.SMALL, muted=True)
        self.budget = BudgetChoice(workspace.session.settings.budget_usd)
        self.budget.changed.connect(self.changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_16)
        for words, part in ((tr("Patches"), row), (tr("Recipes, two to four"), self._rows)):
            heading = QLabel(words)
            heading.setFont(theme.font(strong=True))
            group = QVBoxLayout()
            group.setSpacing(SPACE_4)
            group.addWidget(heading)
            group.addLayout(part)
            layout.addLayout(group)
        layout.addWidget(self.hint)
        layout.addWidget(self.budget)
        layout.addStretch(1)
        self._timer = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._timer.timeout.connect(self._estimate)
        workspace.offers.changed.connect(self._settle)

    # --- patches -------------------------------------------------------------------------------------------------

    def pick(self, *, anew: bool = False, asked: bool = True) -> None:
        """Pick patches at random: as before for another number, or others. `asked`: a person wants them."""
        if anew:
            self._seed = random.randrange(2**31)
        number, seed = self.count.value(), self._seed

        def read(project: Project) -> list[Patch]:
            return patches.by_ids(project, tryouts.pick(project, number, seed))

        self._workspace.ask(read, lambda found: self._take_patches(found, asked=asked))

    def take(self, patch_ids: Sequence[int]) -> None:
        """Take these patches, which a person selected."""
        wanted = list(patch_ids)[:MOST_PATCHES]
        with QSignalBlocker(self.count):
            self.count.setValue(len(wanted))
        self._workspace.ask(
            lambda project: patches.by_ids(project, wanted), lambda found: self._take_patches(found, asked=True)
        )

    def _take_patches(self, found: list[Patch], *, asked: bool) -> None:
        self.patches = found
        self.patches_changed.emit(asked)
        self._settle()

    # --- recipes -------------------------------------------------------------------------------------------------

    def offer(self, named: Mapping[str, Choice], present: Choice) -> None:
        """Offer the named recipes, and the present choice where it has no name; what was ticked stays so."""
        choices = dict(named)
        if present not in choices.values():
            choices = {PRESENT: present, **choices}
        if choices == self._choices:
            return
        ticked = {key for key, box in self.boxes.items() if box.isChecked()}
        self._choices = choices
        while item := self._rows.takeAt(0):
            if widget := item.widget():
                widget.deleteLater()
        self.boxes, self._prices = {}, {}
        for key, choice in choices.items():
            self._rows.addWidget(self._row(key, choice, key in ticked or (not ticked and choice == present)))
        self._settle()

    def _row(self, key: str, choice: Choice, ticked: bool) -> QWidget:
        box = self.boxes[key] = QCheckBox(key or tr("Present choice"))
        box.setChecked(ticked)
        box.toggled.connect(lambda _: self._settle())
        registry = self._workspace.session.registry
        names = [
            provider.info.label
            for provider in (
                registry.generators.get(choice.generator),
                registry.prompt_writers.get(choice.prompts),
                registry.judges.get(choice.judge),
            )
            if provider is not None
        ]
        about, price = QLabel(" · ".join(names)), QLabel()
        for label in (about, price):
            label.setWordWrap(True)
            theme.set_text(label, Text.SMALL, muted=True)
        self._prices[key] = price
        row = QWidget()
        layout = QVBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(box)
        below = QVBoxLayout()
        below.setContentsMargins(SPACE_24, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(about)
        below.addWidget(price)
        layout.addLayout(below)
        return row

    @property
    def chosen(self) -> list[tuple[str, Choice]]:
        """The ticked recipes with their names."""
        keys = [key for key, box in self.boxes.items() if box.isChecked()]
        return [(key or tr("Present choice"), self._choices[key]) for key in keys]

    @property
    def expected_usd(self) -> float:
        """What the ticked recipes will probably cost together."""
        return sum(of.expected_usd for of in self._ticked())

    @property
    def paid(self) -> bool:
        """Whether any of it costs money."""
        return any(of.paid for of in self._ticked())

    def _ticked(self) -> list[Estimate]:
        return [self.estimates[key] for key, box in self.boxes.items() if box.isChecked() and key in self.estimates]

    # --- what stands in the way ----------------------------------------------------------------------------------

    def _settle(self) -> None:
        full = sum(box.isChecked() for box in self.boxes.values()) >= MOST_RECIPES
        for box in self.boxes.values():
            box.setEnabled(box.isChecked() or not full)
        self.problem = self._lacking()
        if len(self._choices) < 2:
            self.hint.setText(
                tr(
                    "To compare recipes, save the present choice under a name in Generate, choose another one there, and come back."
                )
            )
        self.hint.setVisible(len(self._choices) < 2)
        self.budget.setVisible(self.paid)
        self._timer.start()
        self.changed.emit()

    def _lacking(self) -> str:
        if not self.patches:
            return tr("There is no patch to try recipes on.")
        if not self.chosen:
            return tr("Tick the recipes to try.")
        readiness, registry = self._workspace.offers.readiness, self._workspace.session.registry
        for name, choice in self.chosen:
            try:
                infos = [
                    registry.generator(choice.generator).info,
                    registry.prompt_writer(choice.prompts).info,
                    registry.judge(choice.judge).info,
                ]
            except StudioError as error:
                return describe(error)
            for info in infos:
                lack = readiness.lack(info)[0] if readiness else Lack.NOTHING
                if lack is Lack.KEY:
                    return tr("{0}: {1} needs a key. Enter it in Generate or in Settings.").format(name, info.label)
                if lack is Lack.REFUSED:
                    return tr("{0}: the key for {1} was refused. Replace it in Generate or in Settings.").format(
                        name, info.label
                    )
                if lack is not Lack.NOTHING:
                    return tr("{0}: {1} is not on this machine yet. See Settings.").format(name, info.label)
        return ""

    def _estimate(self) -> None:
        self._asked += 1
        choices, ids = dict(self._choices), [patch.id for patch in self.patches]
        if ids and choices:
            self._workspace.tasks.spawn(self._work_out(choices, ids, self._asked), self._take_estimates)

    async def _work_out(
        self, choices: dict[str, Choice], ids: list[int], number: int
    ) -> tuple[int, dict[str, Estimate]]:
        found: dict[str, Estimate] = {}
        for key, choice in choices.items():
            try:
                found[key] = (await estimate_tryout(self._workspace.session, [choice], ids))[0]
            except StudioError:
                continue
            await asyncio.sleep(0)
        return number, found

    def _take_estimates(self, found: tuple[int, dict[str, Estimate]]) -> None:
        number, estimates = found
        if number != self._asked:
            return
        self.estimates = estimates
        for key, label in self._prices.items():
            of = estimates.get(key)
            words = "" if of is None else tr("about {0}").format(money(of.expected_usd)) if of.paid else tr("no charge")
            if of is not None and of.unpriced:
                words = tr("what {0} costs is not known").format(", ".join(of.unpriced))
            label.setText(words)
        self.budget.setVisible(self.paid)
        self.changed.emit()

    def set_locked(self, locked: bool) -> None:
        """While a try-out is under way nothing can be chosen."""
        self.setEnabled(not locked)
        self.setCursor(Qt.CursorShape.ArrowCursor)
