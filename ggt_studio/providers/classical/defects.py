"""Small defects over a picture: how far each pixel stands out, which specks are kept, and what lies beneath."""

from __future__ import annotations

import cv2
import numpy as np

from ggt_studio.providers.classical.filters import blur


def disc(radius: int) -> np.ndarray:
    """A round structuring element of `radius` pixels, uint8."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def prominence(plane: np.ndarray, top_hat: np.ndarray, radius: int) -> np.ndarray:
    """How many times its surroundings' spread a bright speck's height `top_hat` is: float32, 0 and up.

    The spread is taken of what is darker than the local median, which bright specks leave alone: a speck counts for more
    before a flat wall than among leaves. All in grey levels; `radius` in pixels is the largest speck's.
    """
    middle = cv2.medianBlur(np.clip(plane, 0, 255).astype(np.uint8), 4 * radius + 1).astype(np.float32)
    darker = np.minimum(plane - middle, 0.0)
    share = blur((darker < 0).astype(np.float32), 3.0 * radius) + 0.05
    return top_hat / (np.sqrt(blur(darker * darker, 3.0 * radius) / share) + 4.0)


def keep_components(mask: np.ndarray, keep_if: tuple[int, int], most_elongated: float) -> np.ndarray:
    """The connected specks of a bool mask with an area within `keep_if` px and no longer than `most_elongated` widths."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    area = statistics[:, cv2.CC_STAT_AREA].astype(np.float64)
    width, height = statistics[:, cv2.CC_STAT_WIDTH], statistics[:, cv2.CC_STAT_HEIGHT]
    span = np.hypot(width, height)
    elongation = span * span / np.maximum(area, 1.0)
    chosen = (area >= keep_if[0]) & (area <= keep_if[1]) & (elongation <= most_elongated)
    chosen[0] = False
    return chosen[np.asarray(labels, np.intp)] if count > 1 else np.zeros_like(mask)


def fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The float32 image (H, W) or (H, W, C) with the pixels of a bool mask made of their clean surroundings.

    Pull and push (after Gortler and others): holes are seen from ever smaller images, until they close, and filled smoothly
    from there; near the rim the closest pixels count.
    """
    holes = mask.astype(bool)
    if not holes.any() or holes.all():
        return image
    planes = image if image.ndim == 3 else image[..., None]
    result = planes.copy()
    result[holes] = _pulled(planes, (~holes).astype(np.float32))[holes]
    return result.reshape(image.shape)


def _pulled(planes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W, C) with each pixel as far as it is not `known` (0 to 1) taken from a half-size version of the image."""
    height, width = known.shape
    if float(known.min()) > 0.99 or max(height, width) == 1:
        return planes
    size = ((width + 1) // 2, (height + 1) // 2)
    share = cv2.resize(blur(known, 0.8), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(blur(planes * known[..., None], 0.8), size, interpolation=cv2.INTER_AREA)
    coarse = total.reshape(*share.shape, -1) / np.maximum(share, 1e-6)[..., None]
    coarse = _pulled(coarse, np.minimum(1.0, 4.0 * share))
    spread = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR).reshape(planes.shape)
    return spread + known[..., None] * (planes - spread)


def replace_softly(image: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """The image with `share` (at most 1) of the masked specks replaced by what surrounds them, with a soft rim."""
    if not mask.any():
        return image
    alpha = np.clip(share, 0.0, 1.0) * np.maximum(blur(mask.astype(np.float32), 0.7), mask)
    wide = alpha > 0.05
    return image + alpha.reshape(alpha.shape + (1,) * (image.ndim - 2)) * (fill(image, wide) - image)
