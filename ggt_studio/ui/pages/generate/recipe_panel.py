"""The panel of choices: generator, prompts, judge, how many patches, the budget; the prompt texts and the gates in words."""

from __future__ import annotations

import json
from collections.abc import Iterable

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.budget import Budget
from ggt_studio.pipeline.calls import require_prices
from ggt_studio.pipeline.readiness import Lack, place, service_of
from ggt_studio.pipeline.recipes import DEFAULT_GENERATOR, DEFAULT_JUDGE, DEFAULT_PROMPTS, MetricGate
from ggt_studio.providers.base import ProviderInfo
from ggt_studio.providers.catalogue import Place, Service
from ggt_studio.providers.presets import PresetPrompts, UnreadablePreset, own_copy, reread
from ggt_studio.providers.vlm.meta_prompts import meta_prompts_folder
from ggt_studio.providers.vlm.writer import AdaptivePrompts
from ggt_studio.settings import prompts_folder
from ggt_studio.store.named_recipes import Choice
from ggt_studio.ui import theme
from ggt_studio.ui.pages.generate.budget import BudgetChoice
from ggt_studio.ui.pages.generate.gates import GatesInWords
from ggt_studio.ui.pages.generate.prompt_texts import PromptTexts
from ggt_studio.ui.pages.generate.provider_choice import ProviderChoice
from ggt_studio.ui.pages.generate.recipe_names import RecipeNames
from ggt_studio.ui.pages.generate.sending import SendingNotice
from ggt_studio.ui.pages.generate.timing import Timing
from ggt_studio.ui.pages.generate.words import tr
from ggt_studio.ui.state.jobs import RunChoice
from ggt_studio.ui.state.workspace import Workspace
from ggt_studio.ui.theme import SPACE_4, SPACE_8, SPACE_16
from ggt_studio.ui.widgets.common import Segment, SegmentedControl
from ggt_studio.ui.widgets.common.choices import SpinBox
from ggt_studio.ui.widgets.fold import Fold


class RecipePanel(QWidget):
    """`changed` when a person chose something else; `problem_found` carries a sentence when a preset cannot be copied.

    `models_asked` when the settings of models on this machine are wanted; `told_of` carries a service of which a person knows now
    that it gets photos.
    """

    changed = Signal()
    problem_found = Signal(str)
    models_asked = Signal()
    told_of = Signal(str)

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        session = workspace.session
        self._registry = session.registry
        self._told: set[str] | None = None
        offers, services = workspace.offers, session.services
        self.names = RecipeNames()
        self.generator = ProviderChoice(tr("Generator"), tr("image"), offers, services)
        self.prompts = ProviderChoice(tr("Prompts"), tr("prompt"), offers, services)
        self.judge = ProviderChoice(tr("Judge"), tr("verdict"), offers, services)
        self.notice = SendingNotice()
        self.notice.understood.connect(self.tell_no_more)
        self.budget = BudgetChoice(session.settings.budget_usd)
        self.texts = PromptTexts()
        self.gates = GatesInWords(session.settings.niqe_parameters)
        self.metric_gate = SegmentedControl(
            [Segment(MetricGate.DEFAULT, tr("On")), Segment(MetricGate.NONE, tr("Off"))], tr("Metric filter")
        )
        self.timing = Timing(workspace.batching)
        self.limited = SegmentedControl([Segment(False, tr("All open")), Segment(True, tr("At most"))], tr("Patches"))
        self.limit = SpinBox()
        self.limit.setRange(1, 10_000_000)
        self.limit.setValue(100)
        self.limit.setGroupSeparatorShown(True)
        self.limit.setAccessibleName(tr("Most patches to take"))
        limit_row = QHBoxLayout()
        limit_row.setSpacing(SPACE_8)
        limit_row.addWidget(self.limited)
        limit_row.addWidget(self.limit)
        limit_row.addStretch(1)
        gate_row = QHBoxLayout()
        gate_row.addWidget(self.metric_gate)
        gate_row.addStretch(1)
        self._choices = QWidget()
        choices = QVBoxLayout(self._choices)
        choices.setContentsMargins(0, 0, 0, 0)
        choices.setSpacing(SPACE_16)
        for widget in (self.names, self.notice, self.generator, self.timing, self.prompts, self.judge):
            choices.addWidget(widget)
        for words, row in ((tr("Metric filter"), gate_row), (tr("Patches"), limit_row)):
            heading = QLabel(words)
            heading.setFont(theme.font(strong=True))
            part = QVBoxLayout()
            part.setSpacing(SPACE_4)
            part.addWidget(heading)
            part.addLayout(row)
            choices.addLayout(part)
        choices.addWidget(self.budget)
        self.prompt_fold = Fold(tr("Prompt texts"), self.texts)
        self.gates_fold = Fold(tr("What decides"), self.gates)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_16)
        layout.addWidget(self._choices)
        folds = QVBoxLayout()
        folds.setSpacing(SPACE_8)
        folds.addWidget(self.prompt_fold)
        folds.addWidget(self.gates_fold)
        layout.addLayout(folds)
        layout.addStretch(1)
        for choice in (self.generator, self.prompts, self.judge):
            choice.changed.connect(self._changed)
            choice.models_asked.connect(self.models_asked)
        self.budget.changed.connect(self._changed)
        self.timing.changed.connect(self._changed)
        self.metric_gate.changed.connect(self._changed)
        self.limited.changed.connect(self._changed)
        self.limit.valueChanged.connect(self._changed)
        self.texts.edit_requested.connect(self._edit)
        self.show_registry()

    # --- the choice ----------------------------------------------------------------------------------------------

    @property
    def choice(self) -> RunChoice:
        """What is chosen."""
        limit = self.limit.value() if self.limited.value else None
        kept = self.recipe
        gate = MetricGate(kept.metric_gate)
        return RunChoice(
            kept.generator, kept.prompts, kept.judge, limit, gate, self.budget.value, in_batch=self.timing.in_batch
        )

    @property
    def recipe(self) -> Choice:
        """What is chosen of the recipe alone: what can be kept under a name."""
        return Choice(self.generator.value, self.prompts.value, self.judge.value, self.metric_gate.value)

    def set_recipe(self, recipe: Choice) -> None:
        """Choose a recipe, `changed`; what is not there any more leaves that choice as it is."""
        self.generator.set_value(recipe.generator)
        self.prompts.set_value(recipe.prompts)
        self.judge.set_value(recipe.judge)
        self.metric_gate.set_value(MetricGate(recipe.metric_gate))
        self._changed()

    def set_choice(self, choice: RunChoice) -> None:
        """Choose without `changed`; what is not there any more leaves that choice as it is."""
        self.generator.set_value(choice.generator)
        self.prompts.set_value(choice.prompts)
        self.judge.set_value(choice.judge)
        self.metric_gate.set_value(choice.metric_gate)
        self.limited.set_value(choice.limit is not None)
        self.limit.blockSignals(True)
        self.limit.setValue(choice.limit or self.limit.value())
        self.limit.blockSignals(False)
        self.budget.set_value(choice.budget_usd)
        self.timing.set_wanted(choice.in_batch)
        self._tell()

    @property
    def infos(self) -> list[ProviderInfo]:
        """The chosen generator, prompt strategy and judge."""
        return [part.info for part in (self.generator, self.prompts, self.judge) if part.info is not None]

    @property
    def problem(self) -> str:
        """Why the chosen recipe cannot be run, in words; empty when it can."""
        writer = self._registry.prompt_writers.get(self.prompts.value)
        if not (self.generator.value and self.judge.value and writer):
            return tr("There is no generator, prompt strategy or judge to choose. Enable a plugin in Settings.")
        for part in (self.generator, self.prompts, self.judge):
            if part.info is not None and part.lacking is Lack.KEY:
                return tr("{0} needs a key: enter it in the recipe.").format(part.info.label)
            if part.info is not None and part.lacking is Lack.REFUSED:
                return tr("The key for {0} was refused: replace it in the recipe.").format(part.info.label)
            if part.info is not None and part.lacking is not Lack.NOTHING:
                return tr("{0} is not on this machine yet: see in the recipe.").format(part.info.label)
        try:
            writer.preset_texts()
            require_prices(Budget(self.budget.value), self.infos)
        except StudioError as error:
            return str(error)
        return ""

    def set_locked(self, locked: bool) -> None:
        """While a run is under way its recipe is frozen."""
        self._choices.setEnabled(not locked)
        self.texts.edit.setEnabled(not locked)

    # --- where photos go -------------------------------------------------------------------------------------------

    def set_told(self, services: Iterable[str]) -> None:
        """Of which services a person was told in this project that they get photos."""
        self._told = set(services)
        self._tell()

    @property
    def told(self) -> list[str]:
        """Those services."""
        return sorted(self._told or ())

    def tell_no_more(self, service_id: str = "") -> None:
        """A person knows of this service, or of all that are chosen."""
        services = [service_id] if service_id else [service.id for service, _ in self._receivers()]
        if self._told is not None and not self._told.issuperset(services):
            self._told.update(services)
            self.told_of.emit(service_id)
        self._tell()

    def _receivers(self) -> list[tuple[Service, str]]:
        """The services elsewhere that the chosen providers send photos to."""
        services = self._registry.services
        found: dict[str, tuple[Service, str]] = {}
        for info in self.infos:
            where, to = place(services, info)
            service = service_of(services, info) if services else None
            if where is Place.ELSEWHERE and service is not None:
                found[service.id] = (service, to)
        return list(found.values())

    # --- prompts ---------------------------------------------------------------------------------------------------

    def show_registry(self) -> None:
        """Offer what the registry holds now."""
        self.generator.set_providers(self._registry.generators, DEFAULT_GENERATOR)
        self.prompts.set_providers(self._registry.prompt_writers, DEFAULT_PROMPTS)
        self.judge.set_providers(self._registry.judges, DEFAULT_JUDGE)
        self._tell()

    def read_presets_again(self) -> None:
        """Take up what a person changed in the preset files meanwhile."""
        try:
            reread(self._registry.prompt_writers)
        except StudioError as error:
            self.problem_found.emit(str(error))
        self.show_registry()

    def _edit(self) -> None:
        try:
            writer = self._registry.prompt_writers.get(self.prompts.value)
            path = writer.own_copy() if isinstance(writer, AdaptivePrompts) else own_copy(self.prompts.value)
        except StudioError as error:
            self.problem_found.emit(str(error))
            return
        self.read_presets_again()
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path))):
            self.problem_found.emit(tr("No program opens {0} by itself. Edit it with any text editor.").format(path))

    def _changed(self, *_: object) -> None:
        self._tell()
        self.changed.emit()

    def _tell(self) -> None:
        untold = [
            receiver for receiver in self._receivers() if self._told is not None and receiver[0].id not in self._told
        ]
        self.notice.tell(*(untold[0] if untold else (None, "")))
        self.names.show_named(self.names.named, self.recipe)
        self.timing.show_generator(self.generator.info)
        self.budget.setVisible(any(info.paid for info in self.infos))
        self.limit.setVisible(self.limited.value)
        self.gates.show_gates(self.metric_gate.value)
        strategy = self.prompts.value
        writer = self._registry.prompt_writers.get(strategy)
        is_preset = isinstance(writer, PresetPrompts | UnreadablePreset | AdaptivePrompts)
        try:
            texts = writer.preset_texts() if writer else {}
        except StudioError:
            texts = {}
        if isinstance(writer, AdaptivePrompts):
            own, folder = writer.is_own, meta_prompts_folder()
        else:
            own, folder = (prompts_folder() / f"{strategy}.toml").is_file(), prompts_folder()
        self.texts.show_texts(texts, editable=is_preset, own=own, folder=folder)


def recalled_choice(remembered: str) -> RunChoice:
    """The choice whose `dataclasses.asdict` was kept as JSON. Raises ValueError, TypeError or KeyError for other text."""
    content = json.loads(remembered)
    return RunChoice(**{**content, "metric_gate": MetricGate(content["metric_gate"])})
