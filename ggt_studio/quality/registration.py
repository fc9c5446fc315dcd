"""Lay a received image over the patch it was made of, whatever size it came in, and resample it once. Runs in the worker."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.errors import NotRegistrable
from ggt_studio.core.files import hash_file, write_content_addressed
from ggt_studio.core.images import Pixels, encode_png, load_photo
from ggt_studio.core.model import Registration
from ggt_studio.quality.alignment import measure
from ggt_studio.quality.overlay import Matrix, Overlay, Placement

MAX_SHIFT_PX, MAX_SCALE_ERROR, MAX_ROTATION_DEG, MAX_SHEAR = 32.0, 0.05, 3.0, 0.03
MIN_CORRELATION = 0.3
MAX_STRIP = 0.02
_CONVINCING = 0.5
_NEGLIGIBLE_PX = 0.1
_NOT_EARNED = 0.002
_SAME_ASPECT = 0.005
_AS_GOOD = 0.01
_AS_IT_IS = Placement(1.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Found:
    """One reading of what the provider did: its case, the placement that follows from it, and the affine transform
    about the patch's centre (patch px, 2 x 3) that was left, with the correlation it gives."""

    case: str
    nominal: Placement
    residual: Matrix
    correlation: float


def register(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: make the target of a received image.

    `params`: `path` of the received file, `lq_path` of the patch, `canvas` (the fields of `Canvas`; None: the patch was sent
    as it is), `folder` (content-addressed) for the target. Returns `sha256`, `bytes` and `suffix` of the target, which is
    as large as the patch: the received file itself where that fits as it is, or else a PNG. `registration` holds the fields
    of `Registration`. Where the image cannot be laid over the patch that is None; `refused` then is {"decided_by", "reason",
    "alignment"} (the words of `GateResult`, the fields of `Alignment`), and the target the received image merely brought to
    the patch's size, so that people can see it. Raises UnusableImage when a file cannot be decoded, WriteError when the
    target cannot be written.
    """
    path = Path(params["path"])
    received, lq = load_photo(path).pixels, load_photo(Path(params["lq_path"])).pixels
    height, width = lq.shape[:2]
    canvas = Canvas(**params["canvas"]) if params["canvas"] else Canvas.whole(width, height)
    try:
        registration, placement = find(received, lq, canvas)
        refusal = None
    except NotRegistrable as error:
        registration, refusal = None, error
        _, placement = nominal_placements(canvas, received.shape[1], received.shape[0])[0]
    kept = received.shape == lq.shape and placement == _AS_IT_IS
    target = received if kept else resample(received, placement, width, height)
    answer: dict[str, Any] = {"registration": asdict(registration) if registration else None, "refused": None}
    if refusal is not None:
        answer["refused"] = {
            "decided_by": refusal.decided_by,
            "reason": str(refusal),
            "alignment": asdict(measure(lq, target)),
        }
    if kept:
        return {"sha256": hash_file(path), "bytes": path.stat().st_size, "suffix": path.suffix, **answer}
    data = encode_png(target)
    sha256 = write_content_addressed(Path(params["folder"]), data, ".png")
    return {"sha256": sha256, "bytes": len(data), "suffix": ".png", **answer}


def find(received: Pixels, lq: Pixels, canvas: Canvas) -> tuple[Registration, Placement]:
    """How `received` lies over the patch `lq` that was sent in `canvas`, and where each patch pixel is found in it.

    Both are uint8, H x W x 3, RGB. What is left counts as nothing where it moves no point of the patch by 0.1 px, or where
    undoing it makes the structures agree no better. Raises `NotRegistrable` where they do not agree, where more than the
    size has changed, or where too much of the patch is missing.
    """
    height, width = received.shape[:2]
    overlay = Overlay(lq, received)
    nominal = nominal_placements(canvas, width, height)
    # First from where each reading says; while none convinces, from where the whole images agree best.
    readings = [_Found(*reading, *overlay.refine(reading[1])) for reading in nominal]
    for reading in nominal:
        if any(found.correlation >= _CONVINCING and not _objection(found) for found in readings):
            break
        readings.append(_Found(*reading, *overlay.search(reading[1])))
    found = _likeliest(readings, lq)
    if objection := _objection(found):
        raise objection
    (a, b, dx), (c, d, dy) = found.residual.tolist()
    rotation, correlation = math.degrees(math.atan2(b - c, a + d)), found.correlation
    as_supposed = overlay.correlation(found.nominal)
    if _displacement(found.residual, lq) < _NEGLIGIBLE_PX or as_supposed >= correlation - _NOT_EARNED:
        a, d, dx, dy, correlation = 1.0, 1.0, 0.0, 0.0, as_supposed
    placement = found.nominal.after(a, d, dx, dy, lq.shape[1], lq.shape[0])
    strip, filled = placement.missing(lq.shape[1], lq.shape[0], width, height)
    if strip > MAX_STRIP:
        raise NotRegistrable(
            f"What came back lacks {100 * strip:.1f} % of the photo at one side (at most {100 * MAX_STRIP:g} %): it was cropped "
            "or shifted.",
            "border",
        )
    return Registration(found.case, width, height, dx, dy, a, d, rotation, correlation, filled), placement


def nominal_placements(canvas: Canvas, width: int, height: int) -> list[tuple[str, Placement]]:
    """What a provider may have done that returns `width` x `height` px, the likeliest first, and where the patch then lies.

    The same aspect leaves one reading; another may have been stretched to, filled up with bars, or cropped to.
    """
    across, down = width / canvas.sent_width, height / canvas.sent_height
    if (width, height) == (canvas.sent_width, canvas.sent_height):
        return [("same-size", _placed(canvas, 1.0, 1.0, width, height))]
    if abs(across / down - 1.0) <= _SAME_ASPECT:
        return [("resized", _placed(canvas, across, down, width, height))]
    fit, cover = min(across, down), max(across, down)
    return [
        ("stretched", _placed(canvas, across, down, width, height)),
        ("letterboxed", _placed(canvas, fit, fit, width, height)),
        ("cropped", _placed(canvas, cover, cover, width, height)),
    ]


def resample(received: Pixels, placement: Placement, width: int, height: int) -> Pixels:
    """The target, uint8 height x width x 3: one Lanczos resampling, with antialiasing, of the placed part of `received`.

    What lies beyond its edges is filled by reflection.
    """
    left, top, right, bottom = placement.box(width, height)
    beyond = (-left, -top, right - received.shape[1], bottom - received.shape[0])
    before_x, before_y, after_x, after_y = (max(0, math.ceil(side)) for side in beyond)
    if any((before_x, before_y, after_x, after_y)):
        received = np.pad(received, ((before_y, after_y), (before_x, after_x), (0, 0)), mode="reflect")
    box = (left + before_x, top + before_y, right + before_x, bottom + before_y)
    return np.asarray(Image.fromarray(received).resize((width, height), Image.Resampling.LANCZOS, box=box))


def _placed(canvas: Canvas, across: float, down: float, width: int, height: int) -> Placement:
    """The patch's place where what was sent is scaled and lies in the middle of `width` x `height` px."""
    return Placement(
        across * canvas.width / canvas.patch_width,
        down * canvas.height / canvas.patch_height,
        across * canvas.left + (width - across * canvas.sent_width) / 2,
        down * canvas.top + (height - down * canvas.sent_height) / 2,
    )


def _displacement(residual: Matrix, lq: npt.NDArray[Any]) -> float:
    """The furthest that scale and shift, which are corrected, move any point of the patch, in px."""
    (a, _, dx), (_, d, dy) = residual.tolist()
    return math.hypot(abs(a - 1) * lq.shape[1] / 2 + abs(dx), abs(d - 1) * lq.shape[0] / 2 + abs(dy))


def _likeliest(readings: list[_Found], lq: npt.NDArray[Any]) -> _Found:
    """Of the readings that nothing speaks against, or else of all, that with the best correlation; of several that come
    to the same, the one that leaves least."""
    possible = [reading for reading in readings if not _objection(reading)] or readings
    best = max(reading.correlation for reading in possible)
    as_good = [reading for reading in possible if reading.correlation >= best - _AS_GOOD]
    return min(as_good, key=lambda reading: _displacement(reading.residual, lq))


def _objection(found: _Found) -> NotRegistrable | None:
    """What speaks against a reading; None when nothing does."""
    (a, b, dx), (c, d, dy) = found.residual.tolist()
    rotation, shear, shift = math.degrees(math.atan2(b - c, a + d)), abs(b + c), math.hypot(dx, dy)
    furthest = max(a, d, key=lambda scale: abs(scale - 1))
    # Where the provider cropped, or where its bars lie, only decides how much is missing.
    free = found.case in ("letterboxed", "cropped")
    if found.correlation < MIN_CORRELATION:
        return NotRegistrable(
            f"What came back could not be laid over the photo: their structures correlate by {found.correlation:.2f}, at "
            f"least {MIN_CORRELATION:.2f} is needed. It seems to show something else.",
            "correlation",
        )
    if abs(rotation) > MAX_ROTATION_DEG or shear > MAX_SHEAR:
        return NotRegistrable(
            f"What came back is turned by {rotation:.1f}° (at most {MAX_ROTATION_DEG:g}°) and sheared by {100 * shear:.1f} % "
            f"(at most {100 * MAX_SHEAR:g} %) against the photo: it is not laid out alike.",
            "rotation",
        )
    if abs(furthest - 1) > MAX_SCALE_ERROR:
        return NotRegistrable(
            f"What came back shows the photo at a scale that is off by {100 * (furthest - 1):+.1f} % (at most "
            f"±{100 * MAX_SCALE_ERROR:g} %): it is not laid out alike.",
            "scale",
        )
    if shift > MAX_SHIFT_PX and not free:
        return NotRegistrable(
            f"What came back is shifted by {shift:.0f} px against the photo (at most {MAX_SHIFT_PX:g} px): it is not laid "
            "out alike.",
            "shift",
        )
    return None
