"""Develops camera RAW files through rawpy, where the `raw` extra is installed."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.extras import install_command


def develop(data: bytes, name: str, check_size: Callable[[int, int], None], bits: int = 8) -> NDArray[Any]:
    """The photo as H x W x 3, sRGB, upright: uint8, or uint16 where `bits` is 16.

    White balance as the camera set it; brightness is left as exposed, since lifting it would undo what makes a photo a
    low-light one. `check_size(width, height)` may refuse it before it is developed. Raises `UnusableImage` where rawpy
    is not installed, or LibRaw cannot read the file.
    """
    try:
        import rawpy  # type: ignore[import-not-found, unused-ignore]
    except ImportError as error:
        advice = f"install the `raw` extra: {install_command('raw')}"
        raise UnusableImage(f"{name}: it is a camera RAW file; to read those, {advice}.") from error
    library: Any = rawpy
    try:
        with library.imread(io.BytesIO(data)) as raw:
            check_size(raw.sizes.width, raw.sizes.height)
            return raw.postprocess(
                use_camera_wb=True, no_auto_bright=True, output_bps=bits, output_color=library.ColorSpace.sRGB
            )
    except library.LibRawError as error:
        reason = str(error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error)
        raise UnusableImage(f"{name}: the camera RAW file is damaged or of an unknown kind ({reason}).") from error
