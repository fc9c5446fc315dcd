"""A folder for the files that a provider and the worker hand each other."""

from __future__ import annotations

import tempfile

from ggt_studio.core.files import write_error


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder, to be used with `with`. Raises WriteError where there can be none."""
    try:
        return tempfile.TemporaryDirectory(prefix="ggt-studio-")
    except OSError as error:
        raise write_error("the folder for temporary files", error) from error
