"""Haze: airlight and transmission by the dark channel prior, refined along edges; sky and bright objects spared."""

from __future__ import annotations

import cv2
import numpy as np

from ggt_studio.providers.classical.colour import luma_of
from ggt_studio.providers.classical.denoise import denoise
from ggt_studio.providers.classical.filters import blur, guided
from ggt_studio.providers.classical.general import sharpened
from ggt_studio.providers.classical.strength import Strengths

_OMEGA = 0.93
_RELIGHT = 0.3
_LEAST_TRANSMISSION = 0.22
_WORK_SIDE = 512
_AIRLIGHT_TINT = 0.35


def restore_haze(image: np.ndarray, strengths: Strengths) -> np.ndarray:
    """Take haze off an (H, W, 3) float32 RGB image in grey levels; same shape, not clipped."""
    clear = dehaze(image, min(0.97, _OMEGA * strengths.enhance**0.5), relight=_RELIGHT / max(1.0, strengths.enhance))
    clean, noise = denoise(clear, strengths.denoise)
    return sharpened(clean, strengths.sharpen, noise)


def dehaze(image: np.ndarray, omega: float, relight: float) -> np.ndarray:
    """The image without the share `omega` in (0, 1) of its haze, after He, Sun and Tang.

    `relight` in [0, 1] is how much of the darkening that comes with it is taken back in the mid-tones.
    """
    small = _shrunk(image) / 255.0
    airlight = _airlight(small)
    transmission = _transmission(small, airlight, omega)
    height, width = image.shape[:2]
    spread = cv2.resize(transmission, (width, height), interpolation=cv2.INTER_LINEAR)
    guide = luma_of(image) / 255.0
    radius = max(8, min(height, width) // 20)
    fine = np.clip(guided(spread, guide, radius, 0.002), _LEAST_TRANSMISSION, 1.0)[..., None]
    light = (255.0 * airlight).astype(np.float32)
    return _relit((image - light) / fine + light, image, relight)


def _shrunk(image: np.ndarray) -> np.ndarray:
    """The image at no more than 512 px on its shorter side: haze is smooth."""
    height, width = image.shape[:2]
    scale = _WORK_SIDE / min(height, width)
    if scale >= 1.0:
        return image
    return cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)


def _dark_channel(image: np.ndarray, side: int) -> np.ndarray:
    """The darkest channel in the `side` x `side` px around each pixel."""
    return cv2.erode(image.min(axis=-1), np.ones((side, side), np.uint8))


def _airlight(image: np.ndarray) -> np.ndarray:
    """(3,) float32 colour of the haze in [0, 1]: the median of the haziest pixels.

    A wide dark channel looks past lamps and white objects smaller than a sixteenth of the frame; of what is left the
    smoothest, least colourful pixels count. Its tint is drawn towards grey, as haze has little colour.
    """
    side = max(7, min(image.shape[:2]) // 16) | 1
    dark = blur(_dark_channel(image, side), side / 4)
    value = luma_of(image)
    texture = blur(np.abs(value - blur(value, 2.0)), side / 4)
    colourful = image.max(axis=-1) - image.min(axis=-1)
    score = dark - 2.0 * texture - 0.3 * colourful
    chosen = image[score >= np.quantile(score, 0.995)]
    colour = np.median(chosen, axis=0)
    grey = float(colour @ np.array([0.299, 0.587, 0.114]))
    tinted = grey + (1.0 - _AIRLIGHT_TINT) * (colour - grey)
    return np.clip(tinted, 0.3, 1.0).astype(np.float32)


def _transmission(image: np.ndarray, airlight: np.ndarray, omega: float) -> np.ndarray:
    """(H, W) float32 share of light that reaches the camera, in [0.22, 1]; smooth sky is held nearer 1.

    The prior fails for what is as bright as the airlight itself (sky, white walls): there the transmission is raised with
    the pixel's nearness to the airlight, where little detail is to be gained and noise would be.
    """
    side = max(5, min(image.shape[:2]) // 40) | 1
    dark = _dark_channel(image / airlight, side)
    rough = 1.0 - omega * np.clip(dark, 0.0, 1.0)
    distance = np.abs(image - airlight).max(axis=-1)
    value = luma_of(image)
    texture = blur(np.abs(value - blur(value, 1.5)), side)
    bright = np.clip(value / float(airlight.mean()), 0.0, 1.0) ** 4
    sky = np.exp(-((distance / 0.12) ** 2)) * np.exp(-((texture / 0.012) ** 2)) * bright
    held = rough + (0.75 - rough) * np.clip(blur(sky.astype(np.float32), side / 2), 0.0, 1.0) * (rough < 0.75)
    return np.clip(held, _LEAST_TRANSMISSION, 1.0).astype(np.float32)


def _relit(clear: np.ndarray, hazy: np.ndarray, share: float) -> np.ndarray:
    """The image with a gamma that takes back `share` of the loss of mean brightness; black and white stay."""
    unit = np.clip(clear / 255.0, 0.0, 1.0)
    mean, goal = float(luma_of(unit).mean()), float(luma_of(hazy).mean()) / 255.0
    wanted = mean + share * max(0.0, goal - mean)
    gamma = 1.0
    for _ in range(8):
        reached = float(luma_of(unit**gamma).mean())
        gamma = float(np.clip(gamma * np.log(max(wanted, 0.02)) / np.log(np.clip(reached, 0.02, 0.98)), 0.55, 1.0))
    return 255.0 * unit**gamma
