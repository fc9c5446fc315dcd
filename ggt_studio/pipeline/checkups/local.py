"""What a person has put on this machine: weights of open models, plugins, entries and prompts of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.checkups.finding import Finding, absent, broken, works
from ggt_studio.providers.catalogue import Catalogue, Model
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.local.fetching import model_folder
from ggt_studio.providers.local.folder import ModelFolder, inspect_folder
from ggt_studio.providers.local.generator import family_of
from ggt_studio.providers.local.proposal import GB, Machine, propose
from ggt_studio.providers.local.registration import settings_of
from ggt_studio.providers.registry import Registry, find_plugins
from ggt_studio.settings import models_file

LOCAL, OWN = "Models on this machine", "Your own"


async def look_at_models(services: Services, machine: Machine | None) -> list[Finding]:
    """Each open model of the catalogue: whether its weights are here and whole, and whether they fit `machine`, which is None
    where torch does not work."""
    models = [m for m in services.catalogue.models.values() if services.catalogue.service_of(m).protocol == "diffusers"]
    return [await _model(model, services, machine) for model in models]


async def _model(model: Model, services: Services, machine: Machine | None) -> Finding:
    chosen = services.local_models.get(model.id, {})
    place = settings_of(model, chosen).model
    try:
        found = await asyncio.to_thread(_find, place, family_of(model).pipeline)
    except StudioError as error:
        return broken(LOCAL, model.label, str(error), model=model.id)
    if found is None:
        if chosen.get("model"):
            mend = "Connect its disk, or choose its folder again in Settings."
            return broken(LOCAL, model.label, f"{place}, which was chosen for it, is not there", mend, model=model.id)
        mend = f"Download {model.model} in Settings, or put its folder at {model_folder(model)}"
        return absent(LOCAL, model.label, "not on this machine", mend, model=model.id)
    facts = {"model": model.id, "folder": str(found.path), "bytes": found.file_bytes}
    here = f"complete in {found.path}, {found.file_bytes / GB:.1f} GB"
    if machine is None:
        return broken(
            LOCAL, model.label, f"{here}, but torch does not work", "See what is said of torch above.", **facts
        )
    proposal = propose(machine, found.sizes)
    if not proposal.fits:
        return broken(
            LOCAL, model.label, f"{here}. {proposal.why}", "Choose a smaller model, or a hosted one.", **facts
        )
    return works(LOCAL, model.label, f"{here}. {proposal.why}", **facts, fits=True, device=proposal.device)


def _find(place: str, pipeline: str) -> ModelFolder | None:
    """The folder of a model, or its copy in the hub's cache; None where there is neither. Raises StudioError for a broken one."""
    folder = Path(place).expanduser()
    if folder.exists():
        return inspect_folder(folder, pipeline)
    if place.count("/") != 1 or place.startswith((".", "/", "~")):
        return None
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        return inspect_folder(Path(snapshot_download(place, local_files_only=True)), pipeline)
    except (HFValidationError, LocalEntryNotFoundError):
        return None


def look_at_own(registry: Registry, catalogue: Catalogue, enabled: tuple[str, ...]) -> list[Finding]:
    """Plugins, the person's models.toml, and prompt presets."""
    return [*_plugins(registry, enabled), *_entries(catalogue), *_presets(registry)]


def _plugins(registry: Registry, enabled: tuple[str, ...]) -> list[Finding]:
    found = {plugin.id: plugin for plugin in find_plugins()}
    findings = []
    for name in sorted({*found, *enabled}):
        subject = f"Plugin {name}"
        problem = registry.problems.get(name, "")
        if name not in enabled:
            words = f"switched off. {found[name].problem}".rstrip(" .")
            findings.append(absent(OWN, subject, words, f"`ggt-studio plugins enable {name}` where you trust its code"))
        elif problem:
            mend = f"Correct it, or `ggt-studio plugins disable {name}`"
            findings.append(broken(OWN, subject, problem, mend))
        else:
            findings.append(works(OWN, subject, found[name].problem or "in use"))
    return findings


def _entries(catalogue: Catalogue) -> list[Finding]:
    path = models_file()
    if catalogue.problems:
        return [broken(OWN, "models.toml", problem, f"Correct {path}") for problem in catalogue.problems]
    if path.is_file():
        return [works(OWN, "models.toml", f"{path} is understood")]
    return [
        absent(OWN, "models.toml", "you have none", "`ggt-studio models --example` prints one for a server of your own")
    ]


def _presets(registry: Registry) -> list[Finding]:
    findings = []
    for writer in registry.prompt_writers.values():
        try:
            writer.preset_texts()
        except StudioError as error:
            findings.append(broken(OWN, f"Prompts {writer.info.id}", str(error)))
    return findings
