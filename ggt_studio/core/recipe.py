"""The recipe: everything that determines what a run does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from ggt_studio.core.words import Category


@dataclass(frozen=True, slots=True)
class MetricRule:
    """Gate on one no-reference metric: the gain from LQ to HQ, signed so that more is better, must reach `min_gain`.

    `lower_better` is the metric's direction; `min_gain` is in the metric's own units and may be negative (a tolerated loss).
    `categories` are those that the rule holds for; empty: all.
    """

    metric: str
    lower_better: bool
    min_gain: float
    categories: tuple[Category, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRule:
    """Largest PSNR between LQ and HQ in dB: a target that is nearer to its photo than that restores nothing that shows."""

    max_psnr_db: float = 38.0


@dataclass(frozen=True, slots=True)
class AlignmentRule:
    """Largest tolerated misalignment, and the correlation under which an image counts as not registrable."""

    max_shift_px: float = 3.0
    max_scale_error: float = 0.01
    max_rotation_deg: float = 0.5
    min_correlation: float = 0.3


@dataclass(frozen=True, slots=True)
class JudgeRule:
    """Accept only if every aspect is at least `min_score` and consistency at least `min_consistency` (paper section 3.3)."""

    min_score: float = 60.0
    min_consistency: float = 90.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """Generator x prompt strategy x gates x judge, frozen; `hash` is its identity. A run applies it to patches.

    `prompt_texts` are the strategy's texts per category as they were when the recipe was made: the prompts themselves, or
    what an adaptive strategy asks its model; `judge_text` is what the judge is told. `models` are the exact names of the
    models behind `generator`, `prompts` and `judge`, where they have such.
    `metric_files` are the SHA-256 of the parameter files that metrics read, by metric.
    """

    generator: str
    prompts: str
    judge: str
    prompt_texts: dict[str, str] = field(default_factory=dict)
    judge_text: str = ""
    models: dict[str, str] = field(default_factory=dict)
    generator_options: dict[str, Any] = field(default_factory=dict)
    metric_rules: tuple[MetricRule, ...] = ()
    change_rule: ChangeRule | None = None
    metric_files: dict[str, str] = field(default_factory=dict)
    alignment_rule: AlignmentRule = AlignmentRule()
    judge_rule: JudgeRule = JudgeRule()
    max_attempts: int = 3
    seed: int = 0

    def canonical_json(self) -> str:
        """The recipe as JSON with sorted keys: equal recipes give equal text."""
        return _canonical(asdict(self))

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, hexadecimal."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ScreeningRecipe:
    """What determines a screening: who looks, the exact model, what it is told, and whether its levels are taken over."""

    screener: str
    model: str
    instruction: str
    grade: bool

    def canonical_json(self) -> str:
        """As `Recipe.canonical_json`."""
        return _canonical(asdict(self))

    @property
    def hash(self) -> str:
        """As `Recipe.hash`."""
        return hashlib.sha256(self.canonical_json().encode()).hexdigest()


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
