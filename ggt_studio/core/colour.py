"""8-bit pixels of any mode -> opaque sRGB: ICC profiles, CMYK, Lab, palettes, grey and alpha."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
_SAME_LEVELS = 2
_WHITE = (255, 255, 255, 255)


def to_srgb(image: Image.Image, icc: bytes | None) -> tuple[Image.Image, bool, list[str]]:
    """A loaded 8-bit image as opaque RGB in sRGB, whether it had alpha, and notes for people.

    A profile is applied with the relative colorimetric intent and black-point compensation; one that is broken or of
    another colour space is ignored with a note, one that means sRGB leaves the pixels as they are. CMYK without a
    profile is converted by R = (1 - C)(1 - K). Alpha is dropped where everything is opaque; otherwise the photo is laid
    over white, as viewers and paper show it: the colours hidden under transparent pixels are often arbitrary.
    """
    notes: list[str] = []
    plain, alpha = split_alpha(image)
    rgb = _apply_profile(plain, icc, notes) if icc else None
    if rgb is None:
        rgb = _without_profile(plain, notes)
    if alpha is not None and alpha.getextrema() != (255, 255):
        rgba = rgb.copy()
        rgba.putalpha(alpha)
        rgb = Image.alpha_composite(Image.new("RGBA", rgb.size, _WHITE), rgba).convert("RGB")
        notes.append("its transparent parts were laid over white")
    return rgb, alpha is not None, notes


def split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """The image in a mode that profiles know (RGB, L, CMYK, LAB), and its alpha channel where it has one."""
    if image.mode in ("LA", "La"):
        grey_alpha = image.convert("LA")
        return grey_alpha.getchannel("L"), grey_alpha.getchannel("A")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode == "1":
        return image.convert("L"), None
    if image.mode in _SPACES:
        return image, None
    return image.convert("RGB"), None


def _without_profile(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.mode == "CMYK":
        notes.append("its CMYK colours have no profile and were converted by the plain formula")
    if image.mode == "LAB":
        return _convert(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    return image.convert("RGB")


def _apply_profile(image: Image.Image, icc: bytes, notes: list[str]) -> Image.Image | None:
    """The image in sRGB; None, with a note, where the profile cannot be used."""
    try:
        transform, name, same = _transform(icc, image.mode)
        if same:
            return image.convert("RGB")
        converted = ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        reason = str(error).strip() or "it cannot be read"
        notes.append(f"its colour profile was ignored ({reason})")
        return None
    if converted is None:
        return None
    notes.append(f"its colours were converted to sRGB from {name}")
    return converted


@lru_cache(maxsize=16)
def _transform(icc: bytes, mode: str) -> tuple[ImageCms.ImageCmsTransform, str, bool]:
    """The transform to sRGB, the profile's name, and whether it changes colours by no more than rounding."""
    profile = ImageCms.getOpenProfile(io.BytesIO(icc))
    space = getattr(profile.profile, "xcolor_space", "")
    if space != _SPACES[mode]:
        raise ValueError(f"it is for {space.strip()}, the image is {mode}")
    name = " ".join(ImageCms.getProfileDescription(profile).split()) or "an unnamed profile"
    transform = _build(profile, mode)
    return transform, name, mode == "RGB" and _is_identity(transform)


def _build(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _convert(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.applyTransform(image, _build(profile, image.mode))
    return image.convert("RGB") if converted is None else converted


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Tried on a lattice of 9 x 9 x 9 colours: a profile that means sRGB moves none of them by more than rounding."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    after = ImageCms.applyTransform(Image.fromarray(lattice), transform)
    return after is not None and int(np.abs(np.asarray(after).astype(int) - lattice).max()) <= _SAME_LEVELS
