"""Where exports go by default."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from platformdirs import user_documents_path

from ggt_studio.dataset.exported import exports_folder


def test_exports_go_into_the_project(tmp_path: Path) -> None:
    assert exports_folder(tmp_path) == tmp_path / "exports"
    (tmp_path / "exports").mkdir()
    assert exports_folder(tmp_path) == tmp_path / "exports"


@pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="needs an account that permissions hold back, unlike root"
)
def test_exports_of_a_project_that_cannot_be_written_go_to_the_documents(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    exports.chmod(0o555)
    try:
        assert exports_folder(tmp_path) == user_documents_path()
    finally:
        exports.chmod(0o755)
    exports.rmdir()
    tmp_path.chmod(0o555)
    try:
        assert exports_folder(tmp_path) == user_documents_path()
    finally:
        tmp_path.chmod(0o755)
