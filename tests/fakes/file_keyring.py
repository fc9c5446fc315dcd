"""A keyring in a file, which processes share: PYTHON_KEYRING_BACKEND=fakes.file_keyring.FileKeyring, FILE_KEYRING=path."""

from __future__ import annotations

import json
import os
from pathlib import Path

import keyring.errors
from keyring.backend import KeyringBackend

TESTS = Path(__file__).resolve().parents[1]


def environment(path: Path) -> dict[str, str]:
    """What a process needs to find this keyring, kept in `path`."""
    return {
        "PYTHON_KEYRING_BACKEND": "fakes.file_keyring.FileKeyring",
        "FILE_KEYRING": str(path),
        "PYTHONPATH": str(TESTS),
    }


class FileKeyring(KeyringBackend):
    """Keeps passwords as they are: nothing for a person's own."""

    priority = 1  # type: ignore[assignment]
    name = "file keyring"

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service}/{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        if kept.pop(f"{service}/{username}", None) is None:
            raise keyring.errors.PasswordDeleteError("not found")
        self._write(kept)

    @property
    def _path(self) -> Path:
        return Path(os.environ["FILE_KEYRING"])

    def _read(self) -> dict[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def _write(self, kept: dict[str, str]) -> None:
        self._path.write_text(json.dumps(kept))
