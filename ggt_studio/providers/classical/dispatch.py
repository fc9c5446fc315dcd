"""Restore one patch by its category: the entry point and the worker's method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ggt_studio.core.words import Aspect, Category
from ggt_studio.providers.classical.colour import is_grey, lock_colour, to_bytes
from ggt_studio.providers.classical.general import restore_general
from ggt_studio.providers.classical.haze import restore_haze
from ggt_studio.providers.classical.low_light import restore_low_light
from ggt_studio.providers.classical.old_photo import restore_old_photo
from ggt_studio.providers.classical.rain import restore_rain
from ggt_studio.providers.classical.snow import restore_snow
from ggt_studio.providers.classical.strength import strengths

_METHODS = {
    Category.GENERAL_MIXED: restore_general,
    Category.HAZE: restore_haze,
    Category.LOW_LIGHT: restore_low_light,
    Category.OLD_PHOTO: restore_old_photo,
    Category.RAIN: restore_rain,
    Category.SNOW: restore_snow,
}
_TONE_CHANGES = (Category.HAZE, Category.LOW_LIGHT)


def restore(image: np.ndarray, category: Category, aspects: frozenset[Aspect], seed: int) -> np.ndarray:
    """The restored photo: uint8 (H, W, 3) sRGB in and out, same size and geometry, both sides at least 32 px.

    `aspects` are those that an earlier judge found wanting (paper section 3.3); `seed` makes another attempt another
    sample. Equal arguments give equal bytes. A grey photo stays exactly grey.
    """
    return to_bytes(restore_values(image.astype(np.float32), category, aspects, seed))


def restore_values(image: np.ndarray, category: Category, aspects: frozenset[Aspect], seed: int) -> np.ndarray:
    """As `restore`, of float32 (H, W, 3) in grey levels of 0 to 255, which may lie between whole ones; the result is not clipped."""
    chosen = strengths(aspects, seed)
    restored = _METHODS[category](image, chosen)
    if chosen.lock_colour:
        restored = lock_colour(restored, image, tone=category not in _TONE_CHANGES)
    return np.repeat(restored[..., 1:2], 3, axis=-1) if is_grey(image) else restored


def restore_file(params: dict[str, Any]) -> dict[str, Any]:
    """Worker method: restore the PNG `lq_path` (8-bit RGB) into the PNG `out_path`.

    `params`: `lq_path`, `out_path`, `category` (value of `Category`), `aspects` (values of `Aspect`), `seed` (int).
    Returns `width` and `height` in pixels. Raises OSError where a file cannot be read or written.
    """
    with Image.open(params["lq_path"]) as file:
        lq = np.asarray(file.convert("RGB"))
    aspects = frozenset(Aspect(value) for value in params["aspects"])
    restored = restore(lq, Category(params["category"]), aspects, int(params["seed"]))
    Image.fromarray(restored).save(Path(params["out_path"]), format="PNG", compress_level=3)
    return {"width": restored.shape[1], "height": restored.shape[0]}
