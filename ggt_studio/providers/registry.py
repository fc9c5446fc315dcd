"""The registry of providers: built-ins and enabled plugins, each taken whole or not at all."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from ggt_studio.core.errors import StudioError
from ggt_studio.core.recipe import Recipe
from ggt_studio.providers import offline, presets
from ggt_studio.providers.base import Generator, Judge, PromptWriter, ProviderInfo, Screener
from ggt_studio.providers.hooks import HookSpecs, Services
from ggt_studio.providers.hosted import registration as hosted
from ggt_studio.providers.local import registration as local
from ggt_studio.providers.local.generator import LocalGenerator
from ggt_studio.providers.vlm import registration as vlm
from ggt_studio.settings import data_folder

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin as its `plugin.toml` describes it; reading this runs none of its code."""

    id: str
    folder: Path
    label: str
    description: str
    problem: str = ""


@dataclass(slots=True)
class Registry:
    """All providers by id, and what went wrong with plugins (plugin id -> message)."""

    generators: dict[str, Generator] = field(default_factory=dict)
    prompt_writers: dict[str, PromptWriter] = field(default_factory=dict)
    judges: dict[str, Judge] = field(default_factory=dict)
    screeners: dict[str, Screener] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    services: Services | None = None

    def generator(self, provider_id: str) -> Generator:
        """The generator of this id. Raises StudioError naming those that there are."""
        return _pick(self.generators, provider_id, "generator")

    def prompt_writer(self, provider_id: str) -> PromptWriter:
        """The prompt strategy of this id."""
        return _pick(self.prompt_writers, provider_id, "prompt strategy")

    def judge(self, provider_id: str) -> Judge:
        """The judge of this id."""
        return _pick(self.judges, provider_id, "judge")

    def screener(self, provider_id: str) -> Screener:
        """The screener of this id."""
        return _pick(self.screeners, provider_id, "screener")

    def of(self, recipe: Recipe) -> tuple[PromptWriter, Generator, Judge]:
        """The providers of a recipe. Raises StudioError where one is not there."""
        return self.prompt_writer(recipe.prompts), self.generator(recipe.generator), self.judge(recipe.judge)

    async def check_ready(self, recipe: Recipe) -> None:
        """Raise StudioError where a provider of a recipe cannot begin: without its key, or without its model on this machine.

        Known before a run, this leaves its patches open, where each of them would fail.
        """
        for provider in self.of(recipe):
            await self.check_one(provider)

    async def check_one(self, provider: Generator | PromptWriter | Judge | Screener) -> None:
        """As `check_ready`, of one provider."""
        if self.services is not None and provider.info.key_service:
            service = self.services.catalogue.services[provider.info.key_service]
            await asyncio.to_thread(self.services.keys.require, service)
        if isinstance(provider, LocalGenerator):
            await provider.ready()


def _pick(providers: dict[str, Any], provider_id: str, kind: str) -> Any:
    try:
        return providers[provider_id]
    except KeyError as error:
        raise StudioError(
            f"There is no {kind} called {provider_id}. There are: {', '.join(sorted(providers))}."
        ) from error


def plugin_folders() -> list[Path]:
    """Where plugins are looked for: those that come with the program, then a person's own."""
    bundled = _PACKAGE / "bundled_plugins"
    return [bundled if bundled.is_dir() else _PACKAGE.parent / "plugins", data_folder() / "plugins"]


def find_plugins() -> list[PluginInfo]:
    """All plugins that are there, enabled or not, by id. A person's own takes the place of a bundled one."""
    found: dict[str, PluginInfo] = {}
    for folder in plugin_folders():
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if (path / "__init__.py").is_file():
                    found[path.name] = _describe(path)
    return [found[key] for key in sorted(found)]


def _describe(folder: Path) -> PluginInfo:
    try:
        data = tomllib.loads((folder / "plugin.toml").read_text("utf-8"))
        return PluginInfo(folder.name, folder, str(data["label"]), str(data["description"]))
    except FileNotFoundError:
        return PluginInfo(folder.name, folder, folder.name, "", "It has no plugin.toml that describes it.")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        return PluginInfo(folder.name, folder, folder.name, "", f"Its plugin.toml cannot be read: {error}.")


def build_registry(services: Services, enabled_plugins: Iterable[str] = ()) -> Registry:
    """Register the built-ins, then each enabled plugin. A broken plugin is named in `problems` and adds nothing."""
    registry = Registry(services=services)
    for module in (offline, presets, hosted, local, vlm):
        _register(registry, module, services)
    available = {plugin.id: plugin for plugin in find_plugins()}
    for plugin_id in enabled_plugins:
        plugin = available.get(plugin_id)
        if plugin is None:
            registry.problems[plugin_id] = "It is enabled, but its folder is gone."
            continue
        try:
            _register(registry, _load(plugin), services)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything; it is named and skipped
            registry.problems[plugin_id] = f"{type(error).__name__}: {error}"
    return registry


def _load(plugin: PluginInfo) -> ModuleType:
    name = f"ggt_studio_plugin_{plugin.id}"
    spec = importlib.util.spec_from_file_location(
        name, plugin.folder / "__init__.py", submodule_search_locations=[str(plugin.folder)]
    )
    if spec is None or spec.loader is None:
        raise StudioError("Its __init__.py cannot be loaded.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _register(registry: Registry, module: ModuleType, services: Services) -> None:
    """Take all that one module offers, or raise and take nothing."""
    manager = pluggy.PluginManager("ggt_studio")
    manager.add_hookspecs(HookSpecs)
    manager.register(module)
    manager.check_pending()
    offers: list[tuple[dict[str, Any], str, list[list[Any]]]] = [
        (registry.generators, "generate", manager.hook.generators(services=services)),
        (registry.prompt_writers, "write", manager.hook.prompt_writers(services=services)),
        (registry.judges, "judge", manager.hook.judges(services=services)),
        (registry.screeners, "screen", manager.hook.screeners(services=services)),
    ]
    accepted: list[tuple[dict[str, Any], str, Any]] = []
    for target, method, groups in offers:
        for provider in [p for group in groups for p in group]:
            _validate(provider, method)
            taken = {key for place, key, _ in accepted if place is target}
            if provider.info.id in target or provider.info.id in taken:
                raise StudioError(f"The id {provider.info.id} is taken already.")
            accepted.append((target, provider.info.id, provider))
    if not accepted:
        raise StudioError("It registers nothing: implement a hook with @hookimpl.")
    for target, key, provider in accepted:
        target[key] = provider


def _validate(provider: Any, method: str) -> None:
    if not isinstance(getattr(provider, "info", None), ProviderInfo):
        raise StudioError(f"{type(provider).__name__} has no `info` of type ProviderInfo.")
    if not inspect.iscoroutinefunction(getattr(provider, method, None)):
        raise StudioError(f"{type(provider).__name__} has no `async def {method}`.")
