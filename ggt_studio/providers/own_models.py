"""Add a server of one's own to a person's `models.toml`: entries are put at its end, what is there stays as it is."""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import write_error
from ggt_studio.providers.catalogue import Catalogue, Model, Role, Service
from ggt_studio.settings import models_file


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server that speaks chat completions, and one model that it serves; `key_variable` only where it wants a key."""

    label: str
    base_url: str
    model: str
    roles: tuple[Role, ...] = ("prompts", "judge")
    key_variable: str = ""
    max_side: int = 1024


def add_server(server: OwnServer, catalogue: Catalogue) -> str:
    """Append the entries of a server; returns the id of its model, as runs take it.

    Raises StudioError for words that cannot be, a file that holds something else than TOML, and one that cannot be written.
    """
    entries = _entries(server, catalogue)
    path = models_file()
    text = _present(path)
    if text and not text.endswith("\n"):
        text += "\n"
    _replace(path, f"{text}\n{tomli_w.dumps(entries)}" if text else tomli_w.dumps(entries))
    return entries["model"][0]["id"]


def _entries(server: OwnServer, catalogue: Catalogue) -> dict[str, list[dict[str, Any]]]:
    label, model = server.label.strip(), server.model.strip()
    if not label or not model:
        raise StudioError("A server needs a name for you to know it by, and the name of the model that it serves.")
    service_id = _free(_slug(label), catalogue.services)
    service: dict[str, Any] = {
        "id": service_id,
        "label": label,
        "protocol": "openai-compatible",
        "base_url": server.base_url.strip().rstrip("/"),
    }
    if server.key_variable.strip():
        service["key_variables"] = [server.key_variable.strip()]
    entry: dict[str, Any] = {
        "id": _free(_slug(model.rpartition("/")[2]), catalogue.models),
        "label": f"{model.rpartition('/')[2]} ({label})",
        "service": service_id,
        "model": model,
        "roles": list(server.roles),
        "sizes": {"max_side": server.max_side},
    }
    try:
        Service.model_validate(service)
        Model.model_validate(entry)
    except ValidationError as error:
        raise StudioError(f"That cannot be added: {error.errors()[0]['msg']}.") from error
    return {"service": [service], "model": [entry]}


def _present(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
        tomllib.loads(text)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise StudioError(f"{path} cannot be read ({error}). Correct it first; nothing was added.") from error
    return text


def _replace(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".models-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise write_error(path, error) from error


def _slug(words: str) -> str:
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.") or "server"


def _free(wanted: str, taken: Collection[str]) -> str:
    number, free = 1, wanted
    while free in taken or free in ("classical", "measured", "fix", "fix-nc"):
        number += 1
        free = f"{wanted}-{number}"
    return free
