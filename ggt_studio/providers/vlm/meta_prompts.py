"""Meta prompts: what a vision language model is asked per category when it writes prompts; files that people may replace."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category
from ggt_studio.settings import prompts_folder

_SHARED = "adaptive"


@dataclass(frozen=True, slots=True)
class MetaPrompts:
    """The whole text per category; `version` is the file's own count of its changes."""

    version: int
    texts: dict[str, str]


def meta_prompts_folder() -> Path:
    """Where a person's own meta prompts live."""
    return prompts_folder() / "meta_prompts"


def read_meta_prompts(strategy: str) -> MetaPrompts:
    """The meta prompts of a strategy: a person's of its name, else a person's for all, else ours.

    Raises StudioError that says what is wrong with the file.
    """
    for path in _own_files(strategy):
        if path.exists():
            try:
                return _parsed(path.read_text("utf-8"), str(path))
            except UnicodeDecodeError as error:
                raise StudioError(
                    f"The meta prompts in {path} are not in UTF-8. Save them so, or remove it."
                ) from error
            except OSError as error:
                raise StudioError(f"The meta prompts in {path} cannot be read ({error.strerror}).") from error
    return _parsed(_ours(), f"{_SHARED}.toml")


def has_own_meta_prompts(strategy: str) -> bool:
    """Whether a person's file counts for a strategy."""
    return any(path.exists() for path in _own_files(strategy))


def own_meta_prompts(strategy: str) -> Path:
    """The person's own file that counts for a strategy, made from ours where there is none. Raises StudioError."""
    for path in _own_files(strategy):
        if path.exists():
            return path
    path = _own_files(strategy)[-1]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_ours(), "utf-8")
    except OSError as error:
        raise StudioError(f"Cannot write {path}: {error.strerror}.") from error
    return path


def _own_files(strategy: str) -> list[Path]:
    return [meta_prompts_folder() / f"{name}.toml" for name in dict.fromkeys((strategy, _SHARED))]


def _ours() -> str:
    return resources.files("ggt_studio.resources").joinpath("meta_prompts", f"{_SHARED}.toml").read_text("utf-8")


def _parsed(content: str, source: str) -> MetaPrompts:
    try:
        data = tomllib.loads(content)
        texts = {str(category): _composed(data, data["categories"][category]) for category in Category}
        return MetaPrompts(int(data["version"]), texts)
    except KeyError as error:
        raise StudioError(
            f"The meta prompts in {source} have no {error.args[0]}. Add it, or remove the file."
        ) from error
    except (tomllib.TOMLDecodeError, TypeError, ValueError, AttributeError) as error:
        raise StudioError(
            f"The meta prompts in {source} cannot be read ({error}). Correct or remove the file."
        ) from error


def _composed(data: dict[str, Any], category: dict[str, Any]) -> str:
    name = str(category["name"])
    analysis = "\n".join(f"{number}. {line}" for number, line in enumerate(_lines(data["analysis"]), 1))
    common, own = ("\n".join(f"- {line}" for line in _lines(of["constraints"])) for of in (data, category))
    parts = (
        str(data["task"]).strip(),
        f"First analyse the photo:\n{analysis}",
        f"Hard constraints, which the instruction has to carry over:\n{common}",
        f"For {{name}} in particular:\n{own}",
        str(data["answer"]).strip(),
    )
    return "\n\n".join(parts).replace("{name}", name)


def _lines(value: object) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(line, str) and line.strip() for line in value):
        raise ValueError("constraints and analysis are lists of lines")
    return [line.strip() for line in value]
