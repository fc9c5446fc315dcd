"""The things of the project as frozen dataclasses: photo, patch, geometry, alignment, verdict, usage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ggt_studio.core.words import PATCH_SIZE, Aspect, Category, Decision, Hold, Origin, QualityLevel, Stage, State


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a patch was cut from its photo; invertible.

    The photo, upright (EXIF orientation applied), is `photo_width` x `photo_height` px. It is resized to
    `resized_width` x `resized_height` px (the same size where it is only cropped), then the box with corner
    (`left`, `top`) and size `width` x `height` px is taken.
    """

    photo_width: int
    photo_height: int
    resized_width: int
    resized_height: int
    left: int
    top: int
    width: int
    height: int

    @property
    def small(self) -> bool:
        """Whether the patch is smaller than 1024 x 1024 px, because its photo is."""
        return self.width < PATCH_SIZE or self.height < PATCH_SIZE


@dataclass(frozen=True, slots=True)
class Photo:
    """An imported original; referenced by path, never altered."""

    id: int
    path: str
    sha256: str
    perceptual_hash: int
    width: int
    height: int
    category: Category
    category_source: str
    origin: Origin
    licence: str
    near_duplicate_of: int | None
    notes: tuple[str, ...]
    imported_at: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A normalised LQ crop with its derived state. `lq_path` is a PNG; `hq_path` the candidate that the state rests on.

    `hold_words` is why a person held it back, where they said so.
    """

    id: int
    photo_id: int
    sha256: str
    geometry: Geometry
    category: Category
    content: float
    quality: float
    level: QualityLevel
    hold: Hold | None
    state: State
    stage: Stage
    attempts: int
    decided_by: str
    lq_path: Path
    hq_sha256: str | None
    hq_path: Path | None
    hold_words: str = ""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How HQ lies over LQ: a point of LQ at p (px, from the centre) is found in HQ at scale * R(rotation) * p + (dx, dy).

    `dx`, `dy` in LQ pixels, `rotation_deg` anticlockwise in degrees, `correlation` of the aligned images in [-1, 1].
    """

    dx: float
    dy: float
    scale: float
    rotation_deg: float
    correlation: float


@dataclass(frozen=True, slots=True)
class Registration:
    """How a received image was laid over its patch before it became the target; this much was corrected.

    `case`: `same-size`, `resized`, `stretched`, `letterboxed` or `cropped`, of what was sent. The rest is what was left
    after undoing that and the canvas: a point of the patch at p (patch px, from the centre) was found at (`scale_x` p_x
    + `dx`, `scale_y` p_y + `dy`); `rotation_deg`, anticlockwise, is not corrected. `correlation` of the structures
    once laid over each other, -1..1; `filled` the share of the target that the image did not show, 0..1.
    """

    case: str
    received_width: int
    received_height: int
    dx: float
    dy: float
    scale_x: float
    scale_y: float
    rotation_deg: float
    correlation: float
    filled: float


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate's answer: what decided it (a metric's name, `shift`, ...) and why, in words."""

    passed: bool
    decided_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AspectScore:
    """One aspect of a verdict: 0-100 and the judge's reason."""

    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge said: five scored aspects and its own decision; `raw` is its unchanged reply."""

    aspects: dict[Aspect, AspectScore]
    decision: Decision
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider reported of a call: tokens read, tokens written (those of images apart), images made."""

    input_tokens: int = 0
    output_tokens: int = 0
    image_tokens: int = 0
    images: int = 0

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.input_tokens + self.output_tokens + self.image_tokens
