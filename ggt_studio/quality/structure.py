"""Maps of a photo's structure that survive changes of brightness, contrast and veil."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]

_FINE_SIGMA_PX, _COARSE_SIGMA_PX, _NEIGHBOURHOOD_SIGMA_PX = 0.8, 6.0, 10.0


def luminance(image: npt.NDArray[np.uint8]) -> Plane:
    """Rec. 601 luma of a uint8 H x W x 3 RGB image: float32, H x W, 0..1."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)


def blur(plane: Plane, sigma_px: float) -> Plane:
    """Gaussian blur with mirrored borders."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101), np.float32)


def structure_map(plane: Plane) -> Plane:
    """Band-passed luminance divided by its local contrast: float32, H x W, roughly within -3..3.

    Where local contrast is under half of the photo's average the division is held back, so that the noise of an even
    sky is not raised to the rank of structure.
    """
    band = np.asarray(blur(plane, _FINE_SIGMA_PX) - blur(plane, _COARSE_SIGMA_PX), np.float32)
    contrast = np.sqrt(blur(np.square(band), _NEIGHBOURHOOD_SIGMA_PX))
    floor = 0.5 * float(contrast.mean()) + 1e-4
    return (band / np.sqrt(contrast * contrast + np.float32(floor * floor))).astype(np.float32)
