"""Camera RAW files: developed where rawpy is installed, and where it is not, the reason says what to install."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import tifffile

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.images import load_photo

_HAS_RAWPY = importlib.util.find_spec("rawpy") is not None
_XYZ_TO_SRGB = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570)


def write_dng(path: Path, photo: np.ndarray, exposure: float) -> None:
    """A minimal DNG: an RGGB mosaic of linear light from a camera whose colours are sRGB's, to be turned clockwise."""
    linear = np.rint((photo / 255.0) ** 2.2 * 60_000 * exposure).astype(np.uint16)
    mosaic = linear[..., 1].copy()
    mosaic[0::2, 0::2] = linear[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = linear[1::2, 1::2, 2]
    matrix = [number for value in _XYZ_TO_SRGB for number in (round(value * 10_000), 10_000)]
    tags = [
        (50706, "B", 4, bytes([1, 4, 0, 0])),
        (50707, "B", 4, bytes([1, 1, 0, 0])),
        (50708, "s", 0, "Plain Camera"),
        (33421, "H", 2, (2, 2)),
        (33422, "B", 4, bytes([0, 1, 1, 2])),
        (50721, "2i", 9, matrix),
        (50728, "2I", 3, [1, 1, 1, 1, 1, 1]),
        (50778, "H", 1, 21),
        (50714, "H", 1, 0),
        (50717, "I", 1, 60_000),
        (274, "H", 1, 6),
    ]
    extra = [(*tag, True) for tag in tags]
    tifffile.imwrite(path, mosaic, photometric=32803, extratags=extra, metadata=None, software=None)


@pytest.fixture
def photo() -> np.ndarray:
    return skimage.data.astronaut()[:256, :320]


@pytest.mark.skipif(not _HAS_RAWPY, reason="rawpy (the raw extra) is not installed")
def test_a_dng_is_developed_upright_and_as_exposed(tmp_path: Path, photo: np.ndarray) -> None:
    write_dng(tmp_path / "full.dng", photo, 1.0)
    write_dng(tmp_path / "dark.dng", photo, 0.1)
    full, dark = load_photo(tmp_path / "full.dng"), load_photo(tmp_path / "dark.dng")
    assert full.pixels.shape == (320, 256, 3)
    expected = np.rot90(photo, -1)[8:-8, 8:-8]
    assert np.abs(full.pixels[8:-8, 8:-8].mean(axis=(0, 1)) - expected.mean(axis=(0, 1))).max() < 20
    assert np.corrcoef(full.pixels[8:-8, 8:-8].ravel(), expected.ravel())[0, 1] > 0.9
    assert dark.pixels.mean() < 0.5 * full.pixels.mean()


@pytest.mark.skipif(not _HAS_RAWPY, reason="rawpy (the raw extra) is not installed")
@pytest.mark.parametrize("part", [0.01, 0.1, 0.6])
def test_a_cut_dng_is_refused(tmp_path: Path, photo: np.ndarray, part: float) -> None:
    path = tmp_path / "cut.dng"
    write_dng(path, photo, 1.0)
    data = path.read_bytes()
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(UnusableImage, match=r"cut\.dng"):
        load_photo(path)


@pytest.mark.skipif(_HAS_RAWPY, reason="rawpy is installed")
def test_without_rawpy_the_reason_says_what_to_install(tmp_path: Path, photo: np.ndarray) -> None:
    write_dng(tmp_path / "photo.dng", photo, 1.0)
    with pytest.raises(UnusableImage, match="raw` extra"):
        load_photo(tmp_path / "photo.dng")
