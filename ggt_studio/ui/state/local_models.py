"""The models on this machine: what of them is here, their download, and the settings that fit what there is to compute with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import StudioError, describe
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.local.fetching import Download, download, download_size, model_folder
from ggt_studio.providers.local.folder import ModelFolder, inspect_folder
from ggt_studio.providers.local.generator import family_of, find_machine
from ggt_studio.providers.local.proposal import Machine, Proposal, propose
from ggt_studio.providers.local.registration import settings_of
from ggt_studio.providers.local.settings import LocalSettings
from ggt_studio.ui.state.project import OpenProject


@dataclass(frozen=True, slots=True)
class Arriving:
    """How far a download is, in bytes; `total` 0 while it is not known."""

    done: float
    total: float


class LocalModels(QObject):
    """Nothing is downloaded unless a person asks for it. What they chose for a model, by id, is told by `chosen_changed`."""

    changed = Signal(str)
    """Something else is known of a model: its id."""
    chosen_changed = Signal(object)
    """All that is chosen, by model."""

    def __init__(self, project: OpenProject, chosen: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self._project = project
        self.chosen = {key: dict(options) for key, options in chosen.items()}
        self.models: dict[str, Model] = {
            model.id: model
            for model in project.offers.catalogue.models.values()
            if "generator" in model.roles and project.offers.catalogue.service_of(model).protocol == "diffusers"
        }
        self.found: dict[str, ModelFolder | str] = {}
        """What is in a model's folder, or why it cannot be used."""
        self.sizes: dict[str, Download] = {}
        self.arriving: dict[str, Arriving] = {}
        self.problems: dict[str, str] = {}
        self.proposals: dict[str, Proposal] = {}
        self._machine: Machine | None = None
        self._downloads: dict[str, asyncio.Future[Any]] = {}

    def settings(self, model_id: str) -> LocalSettings:
        """What a model runs with."""
        return settings_of(self.models[model_id], self.chosen.get(model_id, {}))

    def look(self) -> None:
        """Look into the folders of all models."""
        for model_id in self.models:
            self._look(model_id)

    def _look(self, model_id: str) -> None:
        folder = Path(self.settings(model_id).model).expanduser()
        pipeline = family_of(self.models[model_id]).pipeline

        async def look() -> ModelFolder | str:
            if not await asyncio.to_thread(folder.is_dir):
                return ""
            try:
                return await asyncio.to_thread(inspect_folder, folder, pipeline)
            except StudioError as error:
                return str(error)

        def looked(found: ModelFolder | str) -> None:
            self.found[model_id] = found
            self.changed.emit(model_id)

        self._project.tasks.spawn(look(), looked)

    # --- choosing --------------------------------------------------------------------------------------------------

    def choose(self, model_id: str, **options: Any) -> str:
        """Change what a model runs with; returns why that cannot be, in words, or an empty text."""
        wanted = {**self.chosen.get(model_id, {}), **options}
        kept = {key: value for key, value in wanted.items() if value not in (None, "")}
        try:
            LocalSettings.from_options({"model": self.models[model_id].model, **kept})
        except (StudioError, TypeError) as error:
            return str(error)
        if kept:
            self.chosen[model_id] = kept
        else:
            self.chosen.pop(model_id, None)
        self.chosen_changed.emit({key: dict(value) for key, value in self.chosen.items()})
        self._project.offers.use_local_models(self.chosen)
        if "model" in options:
            self._look(model_id)
        self.changed.emit(model_id)
        return ""

    def propose(self, model_id: str) -> None:
        """Work out what fits this machine; `changed` when `proposals` knows, `problems` says why not."""
        found = self.found.get(model_id)
        if not isinstance(found, ModelFolder):
            return

        async def work_out() -> Proposal:
            if self._machine is None:
                self._machine = await find_machine(self._project.session.pool)
            return propose(self._machine, found.sizes)

        def done(proposal: Proposal) -> None:
            self.proposals[model_id] = proposal
            self.changed.emit(model_id)

        self._spawn(model_id, work_out(), done)

    def use_proposal(self, model_id: str) -> None:
        """Let a model run with what was proposed."""
        proposal = self.proposals[model_id]
        self.choose(
            model_id,
            dtype=proposal.dtype,
            offload=proposal.offload,
            quantisation=proposal.quantisation,
            device=proposal.device,
        )

    # --- downloading ---------------------------------------------------------------------------------------------

    def ask_size(self, model_id: str, token: str) -> None:
        """Find out what a download would bring; `sizes` knows then."""
        model = self.models[model_id]

        def done(size: Download) -> None:
            self.sizes[model_id] = size
            self.changed.emit(model_id)

        work = download_size(self._project.session.pool, model, model_folder(model), token=token)
        self._spawn(model_id, work, done)

    def download(self, model_id: str, token: str) -> None:
        """Bring a model to this machine; what arrived before stays, and so it goes on where it stopped."""
        if model_id in self._downloads:
            return
        model, folder = self.models[model_id], model_folder(self.models[model_id])
        size = self.sizes.get(model_id)
        self.arriving[model_id] = Arriving(size.bytes - size.missing_bytes if size else 0, size.bytes if size else 0)

        def moved(progress: Any) -> None:
            self.arriving[model_id] = Arriving(progress.done, progress.total)
            self.changed.emit(model_id)

        def done(brought: Download) -> None:
            self._over(model_id)
            self.sizes.pop(model_id, None)
            self.choose(model_id, model=str(folder), fingerprint=brought.fingerprint)

        work = download(self._project.session.pool, model, folder, token=token, on_progress=moved)
        task = self._downloads[model_id] = self._spawn(model_id, work, done)
        task.add_done_callback(lambda task: self._over(model_id))
        self.changed.emit(model_id)

    def cancel(self, model_id: str) -> None:
        """Stop a download; what has arrived stays."""
        if task := self._downloads.get(model_id):
            task.cancel()

    def _over(self, model_id: str) -> None:
        self._downloads.pop(model_id, None)
        self.arriving.pop(model_id, None)
        self.changed.emit(model_id)

    def _spawn(self, model_id: str, work: Any, done: Callable[[Any], None]) -> asyncio.Future[Any]:
        self.problems.pop(model_id, None)

        def failed(error: Exception) -> None:
            self.problems[model_id] = describe(error)
            self.changed.emit(model_id)

        return self._project.tasks.spawn(work, done, failed)
