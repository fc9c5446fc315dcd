"""What a pair is before it is packed: two files and a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class PairFiles:
    """A pair to pack: files of any kind that is imported; `lq` is None for a clean photo that is degraded as it is read.

    `about` is kept with it (JSON values), beside `name`, `lq_sha256` and `hq_sha256`.
    """

    name: str
    lq: Path | None
    hq: Path
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A pair that was left out, and why, in a person's words."""

    name: str
    why: str
