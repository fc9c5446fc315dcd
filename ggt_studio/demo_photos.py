"""The demo's low-quality photos: clean public-domain photos out of scikit-image, degraded; written by the worker."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from ggt_studio.core.words import Category
from ggt_studio.dataset.degrade import degrade

Colour = tuple[float, float, float]

SOURCES = {
    "astronaut": "Eileen Collins, by NASA; public domain",
    "brick": "brick wall, from CC0Textures (Bricks25); CC0 1.0",
    "camera": "photographer in a park, by Lav Varshney; CC0 1.0",
    "chelsea": "the cat Chelsea, by Stefan van der Walt; CC0 1.0",
    "coffee": "cup of coffee, by Rachel Michetti, courtesy of Pikolo Espresso Bar; CC0 1.0",
    "rocket": "Falcon 9 with DSCOVR on the launch pad, by SpaceX; public domain",
}


@dataclass(frozen=True, slots=True)
class DemoPhoto:
    """How one demo photo is made: a box (left, top, right, bottom in px) of a source, enlarged, then degraded.

    `tints` are the colours (RGB factors) by which the top and the bottom of a grey source are multiplied.
    """

    name: str
    category: Category
    source: str
    box: tuple[int, int, int, int]
    size: tuple[int, int]
    strength: float = 1.0
    mirrored: bool = False
    tints: tuple[Colour, Colour] | None = None


BRICK: tuple[Colour, Colour] = ((1.25, 0.86, 0.70), (1.20, 0.82, 0.66))
PARK: tuple[Colour, Colour] = ((0.93, 0.98, 1.06), (0.90, 0.98, 0.74))
WINTER: tuple[Colour, Colour] = ((0.94, 0.98, 1.04), (0.95, 0.98, 0.88))

# The two whose long side is 1920 px are cut into two patches each. Some are beyond what the classical restoration can do
# (strong blur, lamps in the rain, worn prints): the demo shows what quality control turns away, too.
PHOTOS = (
    DemoPhoto("cup and saucer.jpg", Category.GENERAL_MIXED, "coffee", (0, 0, 600, 400), (1920, 1280), 0.8),
    DemoPhoto("cat.jpg", Category.GENERAL_MIXED, "chelsea", (60, 0, 391, 300), (720, 652)),
    DemoPhoto("helmet.jpg", Category.GENERAL_MIXED, "astronaut", (236, 250, 512, 512), (276, 262), 1.2),
    DemoPhoto("launch pad.jpg", Category.RAIN, "rocket", (0, 0, 640, 427), (960, 640), mirrored=True),
    DemoPhoto("brick wall.png", Category.RAIN, "brick", (40, 60, 480, 390), (760, 570), tints=BRICK),
    DemoPhoto("park.jpg", Category.HAZE, "camera", (170, 70, 512, 330), (900, 684), 0.9, tints=PARK),
    DemoPhoto("towers.jpg", Category.HAZE, "rocket", (0, 90, 270, 427), (620, 774), 0.8),
    DemoPhoto("winter park.jpg", Category.SNOW, "camera", (60, 60, 512, 400), (852, 641), mirrored=True, tints=WINTER),
    DemoPhoto("cat outdoors.jpg", Category.SNOW, "chelsea", (0, 20, 451, 300), (870, 540), 0.9, mirrored=True),
    DemoPhoto("spoon.jpg", Category.LOW_LIGHT, "coffee", (280, 130, 600, 380), (1056, 825)),
    DemoPhoto("portrait.jpg", Category.LOW_LIGHT, "astronaut", (90, 0, 370, 240), (630, 540), 0.9),
    DemoPhoto("night launch.jpg", Category.LOW_LIGHT, "rocket", (230, 100, 480, 427), (500, 654), 0.7),
    DemoPhoto("photographer.jpg", Category.OLD_PHOTO, "camera", (60, 0, 332, 512), (1020, 1920)),
    DemoPhoto("pilot.jpg", Category.OLD_PHOTO, "astronaut", (60, 0, 400, 512), (640, 964)),
)

DUPLICATE = "general-mixed/cat (copy).jpg"
NEAR_DUPLICATE = "rain/launch pad (saved again).jpg"
DAMAGED = "haze/broken download.jpg"
EMPTY = "general-mixed/empty sky.jpg"


def write_demo_photos(params: dict[str, Any]) -> dict[str, Any]:
    """Write the demo photos and `SOURCES.txt` under `params["folder"]`, one folder per category.

    Fourteen photos of which no two resemble each other, and four that an import should notice: an exact duplicate, a near
    duplicate, a damaged file and a photo with nearly no content. The same bytes each time. Returns
    `{"files": [path, ...]}`, the photos in order of writing.
    """
    folder = Path(params["folder"])
    contents = {f"{photo.category}/{photo.name}": _encode(_picture(photo), photo.name) for photo in PHOTOS}
    contents[DUPLICATE] = contents["general-mixed/cat.jpg"]
    contents[NEAR_DUPLICATE] = _saved_again(contents["rain/launch pad.jpg"])
    contents[DAMAGED] = contents["haze/towers.jpg"][: len(contents["haze/towers.jpg"]) * 2 // 5]
    contents[EMPTY] = _encode(_empty_sky(), EMPTY)
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "SOURCES.txt").write_text(_sources_text(), encoding="utf-8")
    return {"files": [str(folder / name) for name in contents]}


def _picture(photo: DemoPhoto) -> np.ndarray:
    clean = Image.fromarray(getattr(data, photo.source)()).convert("RGB").crop(photo.box)
    if photo.mirrored:
        clean = clean.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.asarray(clean.resize(photo.size, Image.Resampling.LANCZOS))
    if photo.tints:
        pixels = _tinted(pixels, *photo.tints)
    return degrade(pixels, photo.category, PHOTOS.index(photo), photo.strength)


def _tinted(pixels: np.ndarray, top: Colour, bottom: Colour) -> np.ndarray:
    down = np.linspace(0, 1, pixels.shape[0])[:, None, None]
    return np.clip(pixels * (np.array(top) * (1 - down) + np.array(bottom) * down), 0, 255).astype(np.uint8)


def _empty_sky() -> np.ndarray:
    down = np.linspace(0, 1, 600)[:, None, None]
    sky = np.array([112, 156, 204]) * (1 - down) + np.array([158, 190, 220]) * down
    noise = np.random.default_rng(0).normal(0, 1.2, (600, 900, 3))
    return np.clip(sky + noise, 0, 255).astype(np.uint8)


def _encode(pixels: np.ndarray, name: str) -> bytes:
    content = io.BytesIO()
    if name.endswith(".png"):
        Image.fromarray(pixels).save(content, "PNG")
    else:
        Image.fromarray(pixels).save(content, "JPEG", quality=92)
    return content.getvalue()


def _saved_again(content: bytes) -> bytes:
    """The same picture as a person might get it back from a messenger: smaller and compressed once more."""
    photo = Image.open(io.BytesIO(content))
    smaller = photo.resize((photo.width * 4 // 5, photo.height * 4 // 5), Image.Resampling.LANCZOS)
    saved = io.BytesIO()
    smaller.save(saved, "JPEG", quality=70)
    return saved.getvalue()


def _sources_text() -> str:
    lines = [
        "These photos were made for the demo of GGT Studio: boxes of clean photos that ship with scikit-image,",
        "enlarged and degraded by software. They show how the application works and measure nothing.",
        "",
        "Sources (as stated in scikit-image's documentation of skimage.data):",
        *(f"  {name}: {credit}" for name, credit in SOURCES.items()),
        "",
        "Photos:",
        *(f"  {photo.category}/{photo.name}: {photo.source}" for photo in PHOTOS),
        f"  {DUPLICATE}: the bytes of general-mixed/cat.jpg, on purpose",
        f"  {NEAR_DUPLICATE}: rain/launch pad.jpg, smaller and compressed again, on purpose",
        f"  {DAMAGED}: the first part of haze/towers.jpg, on purpose",
        f"  {EMPTY}: computed; nearly no content, on purpose",
        "",
    ]
    return "\n".join(lines)
