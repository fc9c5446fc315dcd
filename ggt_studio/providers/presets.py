"""Prompt strategies read from preset files: one text per category."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category, Outcome
from ggt_studio.providers.base import PromptRequest, PromptWriter, ProviderError, ProviderInfo, WrittenPrompt
from ggt_studio.providers.hooks import Services, hookimpl
from ggt_studio.providers.vlm.writer import AdaptivePrompts
from ggt_studio.settings import prompts_folder


class PresetPrompts:
    """A fixed text per category, from a TOML file named after the strategy's id."""

    def __init__(self, strategy: str, source: str, content: str) -> None:
        try:
            data = tomllib.loads(content)
            texts = {str(Category(name)): str(text) for name, text in data["texts"].items()}
            label, description = str(data["label"]), str(data["description"])
        except (tomllib.TOMLDecodeError, KeyError, ValueError, AttributeError) as error:
            raise StudioError(f"The prompt preset {source} cannot be read ({error}). Correct or remove it.") from error
        if missing := [c for c in Category if not texts.get(c, "").strip()]:
            raise StudioError(f"The prompt preset {source} has no text for {', '.join(missing)}. Add it.")
        self.info = ProviderInfo(id=strategy, label=label, description=description, concurrency=64)
        self._texts = texts

    def preset_texts(self) -> dict[str, str]:
        """The texts per category."""
        return dict(self._texts)

    async def write(self, request: PromptRequest) -> WrittenPrompt:
        """The text of the patch's category."""
        try:
            return WrittenPrompt(self._texts[request.category])
        except KeyError as error:
            raise ProviderError(Outcome.MALFORMED, f"{self.info.label} has no text for {request.category}.") from error


class UnreadablePreset:
    """Stands for a preset file that cannot be read: it can be seen, and says what is wrong when it is chosen."""

    def __init__(self, strategy: str, problem: StudioError) -> None:
        self.info = ProviderInfo(id=strategy, label=f"{strategy} (cannot be read)", description=str(problem))
        self._problem = problem

    def preset_texts(self) -> dict[str, str]:
        """Raises the StudioError that says what is wrong with the file."""
        raise self._problem

    async def write(self, request: PromptRequest) -> WrittenPrompt:
        """Raises ProviderError."""
        raise ProviderError(Outcome.MALFORMED, str(self._problem))


def preset_files() -> dict[str, tuple[str, str | StudioError]]:
    """Strategy id -> (where it is from, its content, or why it cannot be read).

    A person's file takes the place of ours of the same name. Raises OSError where their folder cannot be listed.
    """
    files: dict[str, tuple[str, str | StudioError]] = {}
    for entry in sorted(resources.files("ggt_studio.resources").joinpath("prompts").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            files[Path(entry.name).stem] = (entry.name, entry.read_text("utf-8"))
    folder = prompts_folder()
    if folder.is_dir():
        for path in sorted(folder.glob("*.toml")):
            files[path.stem] = (str(path), _content(path))
    return files


def _content(path: Path) -> str | StudioError:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return StudioError(f"The prompt preset {path} is not in UTF-8. Save it in that encoding, or remove it.")
    except OSError as error:
        return StudioError(f"The prompt preset {path} cannot be read ({error.strerror}). Mend or remove it.")


@hookimpl
def prompt_writers(services: Services) -> list[PromptWriter]:
    """One strategy per preset file."""
    return [_read(strategy, source, content) for strategy, (source, content) in preset_files().items()]


def _read(strategy: str, source: str, content: str | StudioError) -> PromptWriter:
    if isinstance(content, StudioError):
        return UnreadablePreset(strategy, content)
    try:
        return PresetPrompts(strategy, source, content)
    except StudioError as error:
        return UnreadablePreset(strategy, error)


def reread(writers: dict[str, PromptWriter]) -> None:
    """Read the preset files again, which a person may have edited, and renew their strategies in `writers`.

    Adaptive strategies read their meta prompts again; those of other kinds are left as they are.
    Raises StudioError where their folder cannot be listed.
    """
    try:
        files = preset_files()
    except OSError as error:
        raise StudioError(f"The prompt presets in {prompts_folder()} cannot be read: {error}.") from error
    for writer in writers.values():
        if isinstance(writer, AdaptivePrompts):
            writer.reread()
    ours = {key for key, writer in writers.items() if isinstance(writer, PresetPrompts | UnreadablePreset)}
    for key in ours - files.keys():
        del writers[key]
    for key, (source, content) in files.items():
        if key in ours or key not in writers:
            writers[key] = _read(key, source, content)


def own_copy(strategy: str) -> Path:
    """The person's own file of a preset, made from ours where there is none yet.

    Raises StudioError for a strategy that no preset file makes, or when the file cannot be read or written.
    """
    path = prompts_folder() / f"{strategy}.toml"
    if path.is_file():
        return path
    if strategy not in (files := preset_files()):
        raise StudioError(f"The prompts of {strategy} come from a plugin and have no file to edit.")
    content = files[strategy][1]
    if isinstance(content, StudioError):
        raise content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    except OSError as error:
        raise StudioError(f"Cannot write {path}: {error.strerror}.") from error
    return path
