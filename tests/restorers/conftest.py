"""Without the ml extra there is nothing to test here; pytest's header says so."""

from __future__ import annotations

import importlib.util

_MISSING = [name for name in ("torch", "spandrel", "greenlet", "safetensors") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if _MISSING else []


def pytest_report_header() -> list[str]:
    return [f"restorers: not tested, for want of {', '.join(_MISSING)} (the ml extra)"] if _MISSING else []
