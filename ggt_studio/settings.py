"""A person's preferences, kept in one versioned file outside any project."""

from __future__ import annotations

import getpass
import json
import math
import os
import tempfile
import traceback
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from platformdirs import user_config_path, user_data_path

VERSION = 1
Theme = Literal["dark", "light", "system"]
_RECENT = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """Preferences. `niqe_parameters` is a path or empty; `reviewer` signs decisions; `local_models` holds what was chosen for
    models on this machine, by id.

    `budget_usd` is what a run in the window may cost at most unless something else is chosen for it; 0: no limit. `limits` are a
    person's own, by service or model: `requests_per_minute`, `images_per_minute`, `tokens_per_minute`, `concurrency`.
    `restoring` is what photos were last restored with.
    """

    theme: Theme = "dark"
    recent: tuple[str, ...] = ()
    enabled_plugins: tuple[str, ...] = ()
    reviewer: str = ""
    niqe_parameters: str = ""
    worker_processes: int = 0
    local_models: dict[str, dict[str, Any]] = field(default_factory=dict)
    budget_usd: float = 20.0
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    restoring: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)

    def with_recent(self, folder: Path) -> Settings:
        """The settings with `folder` first among the recent projects."""
        others = tuple(p for p in self.recent if p != str(folder))
        return replace(self, recent=(str(folder), *others)[:_RECENT])


def home() -> Path | None:
    """`GGT_STUDIO_HOME`, a folder that then holds settings and data together; None when it is not set."""
    value = os.environ.get("GGT_STUDIO_HOME")
    return Path(value) if value else None


def settings_file() -> Path:
    """Where the preferences are kept."""
    return (home() or user_config_path("ggt-studio", appauthor=False)) / "settings.json"


def data_folder() -> Path:
    """Where a person's plugins and the demo project live."""
    return home() or user_data_path("ggt-studio", appauthor=False)


def write_report(error: BaseException) -> str:
    """Keep the traceback of an error that nobody expected, in the place of the one before; a sentence that says where."""
    path = data_folder() / "last-error.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), "utf-8")
    except OSError:
        return "Its details could not be written."
    return f"Details: {path}"


def prompts_folder() -> Path:
    """Where a person's own prompt presets live."""
    return settings_file().parent / "prompts"


def models_file() -> Path:
    """Where a person's own models and services are described."""
    return settings_file().parent / "models.toml"


def load() -> Settings:
    """The preferences; those of the first start when there are none or the file is unreadable (it is then kept aside)."""
    path = settings_file()
    try:
        data = json.loads(path.read_text("utf-8"))
        if not isinstance(data, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError):
        try:
            path.replace(path.with_suffix(".unreadable.json"))
        except OSError:
            return Settings()
        return Settings()
    data.pop("version", None)
    known = {name: data.pop(name) for name in list(data) if name in Settings.__slots__ and name != "unknown"}
    understood: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in known.items()
        if _is_understood(name, value)
    }
    # What a newer version wrote is kept for it.
    return Settings(**understood, unknown=data)


def _is_understood(name: str, value: object) -> bool:
    """Whether a value as read can stand in the field; the default stands there otherwise."""
    match name:
        case "theme":
            return value in get_args(Theme)
        case "recent" | "enabled_plugins":
            return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        case "local_models" | "limits":
            return isinstance(value, dict) and all(isinstance(entry, dict) for entry in value.values())
        case "restoring":
            return isinstance(value, dict)
        case "budget_usd":
            return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value) and value >= 0
        case "worker_processes":
            return type(value) is int and value >= 0
        case _:
            return isinstance(value, str)


def account_name() -> str:
    """The name of the account that runs the program; empty where the system has none for it, as in a container."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def reviewer_name(settings: Settings) -> str:
    """Who signs decisions: the person named in the preferences, else the account; empty where neither has a name."""
    return settings.reviewer or account_name()


def save(settings: Settings) -> None:
    """Write the preferences; the file is replaced as a whole."""
    path = settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    content = asdict(settings)
    content = {"version": VERSION, **content.pop("unknown"), **content}
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".settings-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
