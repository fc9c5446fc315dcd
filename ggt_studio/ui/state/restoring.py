"""Photos that are restored in the window, whether a project is open or not: the model, the queue, and looks at a part."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import BaseMissing, StudioError, describe
from ggt_studio.core.restored import Output
from ggt_studio.core.words import Category
from ggt_studio.pipeline.offers import make_registry
from ggt_studio.pipeline.readiness import Lack
from ggt_studio.pipeline.restoring import (
    Bill,
    Classical,
    ModelSettings,
    Money,
    RestoreChoice,
    RestoreItem,
    RestoreQueue,
    Standing,
    named_model,
)
from ggt_studio.pipeline.restoring.generated import PROMPTS
from ggt_studio.pipeline.training import run_folders
from ggt_studio.providers.base import Generator, ProviderInfo
from ggt_studio.providers.keys import Keys
from ggt_studio.providers.offline import CLASSICAL
from ggt_studio.settings import Settings
from ggt_studio.training.job import checkpoints
from ggt_studio.ui.bridge import Tasks
from ggt_studio.ui.state.looks import Look, read_flat, read_whole
from ggt_studio.ui.state.offers import Offers

OUT = "restored"
"""The folder beside the photos, unless a person chooses another."""


class Restoring(QObject):
    """One queue, which outlives projects. `close` ends its worker."""

    changed = Signal()
    """Photos were added, moved on, or the work began, paused or ended."""
    model_changed = Signal()
    """See `model`, `about` and `problem`; or other models are offered."""
    bill_changed = Signal()
    """See `bill`."""
    looked = Signal(object)
    """`Look`"""
    failed = Signal(str)

    def __init__(self, tasks: Tasks, settings: Settings, keys: Keys | None = None) -> None:
        super().__init__()
        self._tasks = tasks
        self._registry, self.services, self._pool = make_registry(settings, keys or Keys(), processes=1)
        self.offers = Offers(self._registry, self.services, tasks)
        self.model = CLASSICAL.id
        """The path of a checkpoint, or the id of a generator."""
        self.about: dict[str, Any] = {}
        self.problem = ""
        self.trained: tuple[str, ...] = ()
        """The newest checkpoints of the open project's training runs."""
        self.base_missing = False
        """Whether the model is not found which the chosen one was trained into; see `choose_base`."""
        self.bases: dict[str, str] = {}
        """The base models' folders that were chosen, by the checkpoint's path."""
        self.queue = RestoreQueue(self._pool, RestoreChoice(Classical()), Path(), on_change=self.changed.emit)
        self.folder_chosen = False
        self.usual_budget_usd = settings.budget_usd
        """What a run may cost unless something else is chosen; 0: no limit."""
        self.bill: Bill | None = None
        """What restoring all photos would cost; None where nothing does, or until it is known."""
        self.budget_usd: float | None = None
        """What the run under way may spend."""
        self._billing: asyncio.Future[Any] | None = None
        self._run: asyncio.Future[Any] | None = None
        self._look: asyncio.Future[Any] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def running(self) -> bool:
        """Whether photos are being restored, paused or not."""
        return self._run is not None

    @property
    def looking(self) -> bool:
        """Whether a part is being restored to be looked at."""
        return self._look is not None

    def offer_runs(self, project: Path | None) -> None:
        """Offer the newest checkpoint of each training run of a project; none without a project."""

        def read() -> tuple[str, ...]:
            runs = [checkpoints(folder) for folder in run_folders(project)] if project is not None else []
            return tuple(str(found[-1].weights) for found in runs if found)

        def done(trained: tuple[str, ...]) -> None:
            if trained != self.trained:
                self.trained = trained
                self.model_changed.emit()

        self._tasks.spawn(asyncio.to_thread(read), done)

    # --- the model ------------------------------------------------------------------------------------------------

    @property
    def generators(self) -> Mapping[str, Generator]:
        """The models that are no checkpoints, by id."""
        return self._registry.generators

    @property
    def info(self) -> ProviderInfo | None:
        """What is known of the chosen generator; None of a checkpoint, which is free and stays here."""
        generator = self.generators.get(self.model)
        return generator.info if generator else None

    @property
    def paid(self) -> bool:
        """Whether photos cost with the chosen model."""
        return self.info is not None and self.info.paid

    @property
    def lack(self) -> Lack:
        """What the chosen generator has not got, as far as is known."""
        readiness = self.offers.readiness
        return readiness.lack(self.info)[0] if readiness and self.info else Lack.NOTHING

    def default_prompt(self, category: Category | None) -> str:
        """What a generator is told for photos of a category (None: general) unless a person says something else."""
        try:
            return self._registry.prompt_writer(PROMPTS).preset_texts()[category or Category.GENERAL_MIXED]
        except StudioError as error:
            return str(error)

    def use(self, settings: Settings) -> None:
        """Let models on this machine run with what a person chose for them by now."""
        if settings.local_models != self.services.local_models:
            self.offers.use_local_models(settings.local_models)
            self.model_changed.emit()

    @property
    def is_checkpoint(self) -> bool:
        """Whether the chosen model is the file of a restorer."""
        return self.model not in self.generators

    def choose_model(self, model: str) -> None:
        """Let photos be restored with this checkpoint or generator; of a checkpoint `about` says what it is, `problem` why it cannot
        be used."""
        self.model, self.about, self.problem, self.base_missing = model, {}, "", False
        self.model_changed.emit()
        if not self.is_checkpoint:
            return

        def told(about: dict[str, Any]) -> None:
            if self.model == model:
                self.about = about
                self.model_changed.emit()

        def failed(error: Exception) -> None:
            if self.model == model:
                self.problem, self.base_missing = describe(error), isinstance(error, BaseMissing)
                self.model_changed.emit()

        async def inspect() -> dict[str, Any]:
            return await named_model(model, self._settled(ModelSettings()), self._registry).ready(self._pool)

        self._tasks.spawn(inspect(), told, failed)

    def choose_base(self, folder: Path) -> None:
        """Look for the model that the chosen one was trained into in a folder."""
        self.bases[self.model] = str(folder)
        self.choose_model(self.model)

    def _settled(self, settings: ModelSettings) -> ModelSettings:
        return replace(settings, base=self.bases.get(self.model, ""))

    def choice(
        self, output: Output, settings: ModelSettings, category: Category | None, *, overwrite: bool
    ) -> RestoreChoice:
        """The chosen model with what is chosen for it. Raises StudioError where it is gone."""
        return RestoreChoice(
            named_model(self.model, self._settled(settings), self._registry), output, category, overwrite
        )

    def count_cost(self, choice: RestoreChoice | None) -> None:
        """Find out what restoring all photos will cost; `bill_changed` when it is known, and at once where nothing costs."""
        if self._billing is not None:
            self._billing.cancel()
        if choice is None or not choice.model.info.paid:
            self.bill = None
            self.bill_changed.emit()
            return

        def counted(bill: Bill) -> None:
            self.bill = bill
            self.bill_changed.emit()

        # Photos that cannot be read any more are told of when they are restored.
        self._billing = self._tasks.spawn(self.queue.bill(choice), counted)

    # --- photos ---------------------------------------------------------------------------------------------------

    def add(self, paths: Sequence[Path]) -> None:
        """Let these photos, and those in these folders, wait."""
        if not paths:
            return
        if not self.folder_chosen and not self.queue.items:
            first = paths[0].absolute()
            self.queue.folder = (first if first.is_dir() else first.parent) / OUT

        def found(items: list[RestoreItem]) -> None:
            known = {item.path for item in self.queue.items}
            self.queue.items += [item for item in items if item.path not in known]
            self.changed.emit()

        work = asyncio.to_thread(self.queue.find, list(paths))
        self._tasks.spawn(work, found, lambda error: self.failed.emit(describe(error)))

    def choose_folder(self, folder: Path) -> None:
        """Where restored photos go."""
        self.queue.folder, self.folder_chosen = folder, True
        self.changed.emit()

    def clear(self) -> None:
        """Take all photos off the list; their files stay."""
        if not self.running:
            self.queue.items.clear()
            self.changed.emit()

    # --- restoring ------------------------------------------------------------------------------------------------

    def repeat_uncertain(self, choice: RestoreChoice, budget_usd: float | None) -> None:
        """Ask again for photos that may have been charged before."""
        if self.running:
            return
        for item in self.queue.items:
            if item.standing is Standing.UNCERTAIN:
                item.wait()
        self.start(choice, Money(budget_usd, repeat_uncertain=True))

    def start(self, choice: RestoreChoice, money: Money) -> None:
        """Restore what waits, or everything again where nothing does. Does nothing while that is under way."""
        if self.running:
            return
        queue = self.queue
        self.budget_usd = money.budget_usd
        if choice != queue.choice or not queue.count(Standing.WAITING):
            queue.begin_anew()
        queue.choice = choice
        if queue.paused:
            queue.resume()

        def over(_: object = None) -> None:
            self._run = None
            self.changed.emit()
            if queue.halted:
                self.failed.emit(queue.halted)

        def failed(error: Exception) -> None:
            over()
            self.failed.emit(describe(error))

        self._run = self._tasks.spawn(queue.run(money), over, failed)
        self._run.add_done_callback(lambda done: over() if done.cancelled() else None)
        self.changed.emit()

    # --- looking --------------------------------------------------------------------------------------------------

    def show(self, item: RestoreItem) -> None:
        """Read a photo and, where there is one, its restored self; `looked` has them."""
        path, out = item.path, item.out

        async def read() -> Look:
            try:
                photo = await asyncio.to_thread(read_whole, path)
            except StudioError as error:
                return Look(path, None, None, str(error))
            try:
                return Look(path, photo, await asyncio.to_thread(read_whole, out) if out else None)
            except StudioError as error:
                return Look(path, photo, None, str(error))

        self._tasks.spawn(read(), self.looked.emit)

    def look_at(self, item: RestoreItem, choice: RestoreChoice, part: tuple[int, int, int, int], money: Money) -> None:
        """Restore a part (top, left, height, width in px) to be looked at; the earlier look is given up."""
        if self._look is not None:
            self._look.cancel()
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="ggt-studio-")
        places = {name: str(Path(self._scratch.name) / f"{name}.png") for name in ("lq_path", "out_path")}

        async def restore() -> Look:
            told = await self.queue.look(item, choice, {"box": list(part), **places}, money)
            lq, hq = await asyncio.to_thread(lambda: (read_flat(places["lq_path"]), read_flat(places["out_path"])))
            notes = tuple(told.get("notes", ()))
            return Look(item.path, lq, hq, part=part, seconds=float(told["seconds"]), notes=notes)

        def ended(done: Callable[[], None]) -> None:
            self._look = None
            self.changed.emit()
            done()

        self._look = self._tasks.spawn(
            restore(),
            lambda look: ended(lambda: self.looked.emit(look)),
            lambda error: ended(lambda: self.failed.emit(describe(error))),
        )
        self.changed.emit()

    def close(self) -> None:
        """End the work and its process."""
        self.queue.stop()
        self.services.clients.close()
        self._pool.close()
        if self._scratch is not None:
            self._scratch.cleanup()
