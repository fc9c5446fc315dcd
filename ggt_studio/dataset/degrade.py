"""Seeded synthetic degradations of a clean photo, one per category; runs in the worker.

The models are the customary ones: shot and read noise, the atmospheric scattering model for haze
(I = J t + A (1 - t), t = exp(-beta d)), screen-blended streaks and flakes for rain and snow. They stand in for real
photos in the demo and give evaluations a known truth; they are not a substitute for real low-quality photos.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image

from ggt_studio.core.words import Category

Array = np.ndarray
GAMMA = 2.2
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def degrade(image: Array, category: Category, seed: int, strength: float = 1.0) -> Array:
    """Degrade a clean photo the way its category names.

    `image` is uint8 RGB of shape (H, W, 3), both sides at least 16 px. `strength` is 1 for a clearly visible
    degradation, below for a milder and above for a harder one, in (0, 2]. The same arguments give the same pixels.
    Returns uint8 RGB of the same shape. Raises `ValueError` for other shapes, types or strengths.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 16:
        raise ValueError(f"expected uint8 of shape (H >= 16, W >= 16, 3), got {image.dtype} of shape {image.shape}")
    if not 0.0 < strength <= 2.0:
        raise ValueError(f"strength must be in (0, 2], got {strength}")
    rng = np.random.default_rng([seed, list(Category).index(category)])
    return _MODELS[category](image.astype(np.float32) / 255.0, rng, strength)


def general_mixed(image: Array, rng: Generator, strength: float) -> Array:
    """Defocus and camera shake, a lost resolution, sensor noise and strong JPEG compression."""
    height, width = image.shape[:2]
    image = _blur(image, strength * _unit(image) * rng.uniform(0.8, 1.4))
    shake = round(strength * _unit(image) * rng.uniform(3, 7))
    image = cv2.filter2D(image, -1, _line_kernel(shake, rng.uniform(0, 180)), borderType=cv2.BORDER_REFLECT_101)
    factor = 1.0 / (1.0 + 0.5 * strength)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    small = _sensor_noise(small, rng, shot=0.0035 * strength, read=0.022 * strength)
    image = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return _jpeg(image, round(np.clip(42 - 20 * strength + rng.uniform(-5, 5), 8, 90)))


def rain(image: Array, rng: Generator, strength: float) -> Array:
    """Streaks in three depths, the veil of distant rain, and drops on the lens."""
    height, width = image.shape[:2]
    veil = 0.22 * strength * (0.6 + 0.8 * _smooth_field(rng, height, width, 3))[..., None]
    wet = _desaturate(image, 0.25) * 0.86
    wet = wet * (1 - veil) + _rgb(0.66, 0.69, 0.72) * veil
    wet = _blur(wet, 0.5 * _unit(image))
    angle = 90 + rng.uniform(-16, 16)
    for density, length, coarse, brightness in (
        (0.012, 16, 1.0, 0.34),
        (0.005, 34, 1.6, 0.46),
        (0.0012, 64, 2.6, 0.40),
    ):
        layer = _streaks(rng, height, width, density * strength, length * _unit(image), coarse * _unit(image), angle)
        wet = _screen(wet, brightness * layer[..., None] * _rgb(0.95, 0.98, 1.0))
    for _ in range(rng.poisson(6 * strength)):
        _drop(wet, rng)
    return _jpeg(_sensor_noise(wet, rng, shot=0.0006, read=0.008), 72)


def haze(image: Array, rng: Generator, strength: float) -> Array:
    """Airlight that grows with distance: up the frame, in drifting banks, and through bright grey regions (sky)."""
    height, width = image.shape[:2]
    horizon = rng.uniform(0.25, 0.45)
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    ramp = np.clip((1 - rows) / (1 - horizon), 0, 1) ** 1.2
    sky = _blur(image.min(axis=2), 0.04 * min(height, width))
    depth = 0.25 + 1.1 * ramp + 0.35 * sky + 0.5 * (_smooth_field(rng, height, width, 3) - 0.5)
    transmission = np.exp(-1.15 * strength * np.clip(depth, 0.1, None))[..., None]
    airlight = _rgb(0.80, 0.815, 0.83) + rng.uniform(-0.04, 0.05)
    hazy = _blur(image, 0.4 * _unit(image)) * transmission + airlight * (1 - transmission)
    return _jpeg(_sensor_noise(hazy, rng, shot=0.0005, read=0.007), 78)


def snow(image: Array, rng: Generator, strength: float) -> Array:
    """Falling flakes from fine and sharp (far) to large and out of focus (near), in a cold veil."""
    height, width = image.shape[:2]
    veil = 0.24 * strength * (0.5 + _smooth_field(rng, height, width, 4))[..., None]
    cold = _desaturate(image, 0.35) * _rgb(0.95, 0.98, 1.02)
    cold = cold * (1 - veil) + _rgb(0.83, 0.86, 0.90) * veil
    angle = 90 + rng.uniform(-35, 35)
    for per_megapixel, radius, travel, opacity in (
        (5200, 0.9, 3, 0.75),
        (1500, 1.8, 5, 0.85),
        (260, 3.6, 9, 0.80),
        (36, 9.0, 14, 0.42),
    ):
        layer = _flakes(rng, height, width, per_megapixel * strength, radius * _unit(image))
        layer = cv2.filter2D(layer, -1, _line_kernel(round(travel * _unit(image)), angle))
        cold = cold * (1 - opacity * layer[..., None]) + _rgb(0.96, 0.97, 0.99) * opacity * layer[..., None]
    return _jpeg(_sensor_noise(cold, rng, shot=0.0005, read=0.008), 75)


def low_light(image: Array, rng: Generator, strength: float) -> Array:
    """Too few photons: linear light scaled down, uneven illumination, shot and read noise, no change of hue."""
    height, width = image.shape[:2]
    linear = image**GAMMA
    exposure = rng.uniform(0.085, 0.12) / strength
    illumination = 0.55 + 0.9 * _smooth_field(rng, height, width, 2)[..., None]
    noisy = _sensor_noise(linear * exposure * illumination, rng, shot=0.0011 * strength, read=0.0032 * strength)
    coarse = rng.normal(0, 0.0022 * strength, (height // 3 + 1, width // 3 + 1, 3)).astype(np.float32)
    noisy += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return _jpeg(np.clip(noisy, 0, 1) ** (1 / GAMMA), 70)


def old_photo(image: Array, rng: Generator, strength: float) -> Array:
    """A faded grey or sepia print: soft, grainy, stained, with scratches, dust and worn edges."""
    height, width = image.shape[:2]
    unit = _unit(image)
    grey = _blur(image @ LUMA, 0.9 * unit * strength)
    grain = _blur(rng.normal(0, 1, (height, width)).astype(np.float32), 0.7 * unit)
    grey = grey + 0.045 * strength * grain / max(float(grain.std()), 1e-6)
    fade = 0.30 * strength
    grey = grey * (1 - fade) + fade * (0.55 + 0.12 * _smooth_field(rng, height, width, 3))
    stain = np.clip(_smooth_field(rng, height, width, 4) - 0.62, 0, 1) * 0.5 * strength
    grey = grey * (1 - stain)
    edge = _edge_distance(height, width) / (0.05 * min(height, width))
    worn = np.clip(1 - edge + 1.2 * (_smooth_field(rng, height, width, 14) - 0.5), 0, 1) * 0.5 * strength
    grey = grey * (1 - worn) + 0.86 * worn
    damage = _damage(rng, height, width, unit, strength)
    grey = np.where(damage > 0, grey + (0.93 - grey) * damage, grey * (1 + 0.8 * damage))
    warmth = 1.0 if rng.random() < 0.7 else 0.2
    tone = 1 + warmth * _rgb(0.07, -0.02, -0.17)
    toned = np.clip(grey, 0, 1)[..., None] * tone + warmth * _rgb(0.025, 0.012, 0.0)
    return _jpeg(toned, 68)


_MODELS: dict[Category, Callable[[Array, Generator, float], Array]] = {
    Category.GENERAL_MIXED: general_mixed,
    Category.RAIN: rain,
    Category.HAZE: haze,
    Category.SNOW: snow,
    Category.LOW_LIGHT: low_light,
    Category.OLD_PHOTO: old_photo,
}


def _rgb(red: float, green: float, blue: float) -> Array:
    return np.array([red, green, blue], np.float32)


def _unit(image: Array) -> float:
    """How many pixels correspond to one pixel of a photo with a short side of 512 px."""
    return max(min(image.shape[:2]) / 512.0, 0.5)


def _blur(image: Array, sigma: float) -> Array:
    return cv2.GaussianBlur(image, (0, 0), max(sigma, 0.05), borderType=cv2.BORDER_REFLECT_101)


def _smooth_field(rng: Generator, height: int, width: int, cells: int) -> Array:
    """A smooth random field in [0, 1] with about `cells` waves along each side."""
    coarse = rng.random((cells + 3, cells + 3), dtype=np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(field, 0, 1)


def _line_kernel(length: int, angle_deg: float) -> Array:
    """A normalised motion-blur kernel: a line of `length` px at an angle, anticlockwise from the x axis."""
    length = max(length, 1)
    size = length | 1
    kernel = np.zeros((size, size), np.float32)
    kernel[size // 2, (size - length) // 2 : (size - length) // 2 + length] = 1.0
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), angle_deg, 1.0)
    kernel = cv2.warpAffine(kernel, turn, (size, size))
    return kernel / max(float(kernel.sum()), 1e-6)


def _sensor_noise(image: Array, rng: Generator, shot: float, read: float) -> Array:
    """Noise whose variance is shot x signal + read^2, independent per channel."""
    deviation = np.sqrt(shot * np.clip(image, 0, 1) + read**2)
    return image + deviation * rng.standard_normal(image.shape, dtype=np.float32)


def _jpeg(image: Array, quality: int) -> Array:
    """Round to uint8 and compress once."""
    pixels = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return np.array(Image.open(data))


def _desaturate(image: Array, amount: float) -> Array:
    return image * (1 - amount) + (image @ LUMA)[..., None] * amount


def _screen(image: Array, light: Array) -> Array:
    return 1 - (1 - image) * (1 - light)


def _streaks(
    rng: Generator, height: int, width: int, density: float, length: float, thickness: float, angle_deg: float
) -> Array:
    """Rain streaks in [0, 1]: sparse points, as thick as wanted, drawn out along the fall."""
    rows, columns = max(round(height / thickness), 8), max(round(width / thickness), 8)
    hits = (rng.random((rows, columns)) < density).astype(np.float32)
    points = hits * rng.uniform(0.4, 1.0, hits.shape).astype(np.float32)
    points = cv2.resize(points, (width, height), interpolation=cv2.INTER_LINEAR)
    kernel = _line_kernel(round(length), angle_deg + rng.uniform(-3, 3))
    drawn = cv2.filter2D(points, -1, kernel, borderType=cv2.BORDER_REFLECT_101) * min(length, 22) / max(thickness, 1)
    return np.clip(drawn, 0, 1)


def _flakes(rng: Generator, height: int, width: int, per_megapixel: float, radius: float) -> Array:
    """Soft round flakes in [0, 1] of varied size and brightness."""
    layer = np.zeros((height, width), np.float32)
    for _ in range(rng.poisson(per_megapixel * height * width / 1e6)):
        x, y, size = rng.uniform(0, width), rng.uniform(0, height), radius * rng.uniform(0.6, 1.4)
        centre = (round(x * 16), round(y * 16))
        cv2.circle(layer, centre, max(round(size * 16), 8), rng.uniform(0.5, 1.0), -1, cv2.LINE_AA, 4)
    return _blur(layer, 0.35 * radius)


def _drop(image: Array, rng: Generator) -> None:
    """Lay one drop on the lens, in place: it shows a small inverted picture of its surroundings, with a dark rim."""
    height, width = image.shape[:2]
    radius = round(min(height, width) * rng.uniform(0.012, 0.035)) + 2
    y, x = int(rng.integers(radius, height - radius)), int(rng.integers(radius, width - radius))
    reach = 3 * radius
    around = image[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach]
    size = 2 * radius
    seen = _blur(cv2.resize(around, (size, size), interpolation=cv2.INTER_AREA)[::-1, ::-1], 0.12 * radius)
    grid_y, grid_x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    wobble = 1 + 0.12 * np.sin(2 * np.arctan2(grid_y, grid_x) + rng.uniform(0, 6.3))
    distance = np.hypot(grid_x, grid_y * rng.uniform(0.8, 1.0)) / 0.85 * wobble
    inside = np.clip((1 - distance) * radius / 2, 0, 1)[..., None]
    shade = 1.08 - 0.35 * np.clip(distance, 0, 1)[..., None] ** 3
    glint = np.exp(-((grid_x + 0.3) ** 2 + (grid_y + 0.35) ** 2) / 0.03)[..., None]
    drop = np.clip(seen * shade + 0.35 * glint, 0, 1)
    target = image[y - radius : y + radius, x - radius : x + radius]
    target[:] = target * (1 - inside) + drop * inside


def _edge_distance(height: int, width: int) -> Array:
    """The distance of each pixel from the nearest edge of the frame, in px."""
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    across = np.minimum(columns, columns[::-1])[None, :]
    return np.minimum(np.minimum(rows, rows[::-1])[:, None], across)


def _damage(rng: Generator, height: int, width: int, unit: float, strength: float) -> Array:
    """Scratches, hairs and dust in [-1, 1]: positive where the print is lost (light), negative where it is dirty."""
    damage = np.zeros((height, width), np.float32)
    for _ in range(rng.poisson(7 * strength)):
        steps = int(rng.integers(6, 16))
        walk = np.cumsum(rng.normal(0, 1.3, steps)) * unit
        start, length = rng.uniform(0, height), rng.uniform(0.12, 0.9) * height
        points = np.stack([rng.uniform(0, width) + walk, np.linspace(start, start + length, steps)], axis=1)
        value = rng.uniform(0.45, 0.9) * (1 if rng.random() < 0.75 else -0.7)
        thickness = max(1, round(unit * rng.uniform(0.6, 1.5)))
        cv2.polylines(damage, [np.round(points * 16).astype(np.int32)], False, value, thickness, cv2.LINE_AA, 4)
    for _ in range(rng.poisson(55 * strength)):
        centre = (round(rng.uniform(0, width) * 16), round(rng.uniform(0, height) * 16))
        axes = tuple(max(round(unit * rng.gamma(1.6, 0.8) * 16), 8) for _ in range(2))
        value = rng.uniform(0.4, 0.95) * (1 if rng.random() < 0.6 else -0.8)
        cv2.ellipse(damage, (*centre,), axes, rng.uniform(0, 180), 0, 360, value, -1, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(damage, (0, 0), 0.5 * unit)
