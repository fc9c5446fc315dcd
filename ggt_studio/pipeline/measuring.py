"""Calls of worker methods for a patch: what can go wrong with them becomes an outcome."""

from __future__ import annotations

import math
from typing import Any

from ggt_studio.core.errors import MlExtraMissing, StudioError, WorkerCrashed, WriteError
from ggt_studio.core.words import Outcome
from ggt_studio.providers.base import ProviderError
from ggt_studio.worker.client import WorkerError, WorkerPool

_TIMEOUT_S = 600.0


async def measure(pool: WorkerPool, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The answer of a worker method, all of whose numbers are finite.

    Raises ProviderError with its outcome; MlExtraMissing where the method needs the ml extra, and WriteError where a file cannot
    be written.
    """
    try:
        answer = await pool.call(method, params, timeout_s=_TIMEOUT_S)
    except (MlExtraMissing, WriteError):
        raise
    except WorkerCrashed as error:
        raise ProviderError(Outcome.CRASHED, str(error)) from error
    except TimeoutError as error:
        raise ProviderError(Outcome.CRASHED, f"{method} took longer than {_TIMEOUT_S:.0f} s.") from error
    except WorkerError as error:
        raise ProviderError(Outcome.CRASHED, f"A defect of the program: {error}") from error
    except StudioError as error:
        raise ProviderError(Outcome.MALFORMED, str(error)) from error
    _require_finite(answer)
    return answer


def _require_finite(value: object) -> None:
    if isinstance(value, dict):
        for part in value.values():
            _require_finite(part)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ProviderError(Outcome.MALFORMED, "A measurement gave no finite number.")
