"""Stands for the worker processes where a test or a bench is about something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class InstantPool:
    """Measures nothing and answers at once: all is aligned, gains by ten, and lies over its patch as it was received."""

    size = 2

    async def call(self, method: str, params: dict[str, Any], *, timeout_s: float | None = None) -> dict[str, Any]:
        match method:
            case "align":
                return {"dx": 0.0, "dy": 0.0, "scale": 1.0, "rotation_deg": 0.0, "correlation": 1.0}
            case "register":
                return {"sha256": Path(params["path"]).stem, "registration": None, "refused": None}
            case _:
                return {"lq": {"piqe": 40.0}, "hq": {"piqe": 30.0}, "between": {}, "provenance": {}}
