"""A generator in thirty lines: an unsharp mask. Copy this folder to write your own."""

from __future__ import annotations

import asyncio
import io

from PIL import Image, ImageFilter

from ggt_studio.providers.base import GeneratedImage, GenerateRequest, Generator, ProviderInfo
from ggt_studio.providers.hooks import Services, hookimpl


class UnsharpGenerator:
    """Sharpens the patch. Another seed gives another strength, so that another attempt is another sample."""

    info = ProviderInfo(
        id="unsharp-example",
        label="Unsharp mask (example plugin)",
        description="Sharpens with Pillow on this machine.",
        concurrency=2,
    )

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        """Return the sharpened patch as PNG."""
        return GeneratedImage(await asyncio.to_thread(_sharpen, request), "image/png")


def _sharpen(request: GenerateRequest) -> bytes:
    strength = 80 + request.seed % 80
    with Image.open(request.lq_path) as image:
        sharpened = image.filter(ImageFilter.UnsharpMask(radius=1.5, percent=strength, threshold=2))
    buffer = io.BytesIO()
    sharpened.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


@hookimpl
def generators(services: Services) -> list[Generator]:
    """Offer the generator."""
    return [UnsharpGenerator()]
