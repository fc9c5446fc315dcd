"""The one decoder: every kind of file gives the same upright sRGB pixels, or a plain reason why not."""

from __future__ import annotations

import io
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
import skimage.data
import tifffile
from PIL import Image, ImageCms

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.images import MAX_PIXELS, DecodedPhoto, encode_png, load_photo

needs_permissions = pytest.mark.skipif(
    getattr(os, "geteuid", lambda: 0)() == 0, reason="needs an account that permissions hold back, unlike root"
)

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning:PIL")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:160, :200])


@pytest.fixture(scope="module", autouse=True)
def _heif() -> None:
    pillow_heif.register_heif_opener()


def saved(tmp_path: Path, image: Image.Image, name: str, **options: object) -> Path:
    path = tmp_path / name
    image.save(path, **options)
    return path


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.mean((a.astype(float) - b.astype(float)) ** 2))))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def png16(values: np.ndarray) -> bytes:
    """A 16-bit PNG of H x W or H x W x 2, 3, 4 values, made here because Pillow writes none in colour."""
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[1 if values.ndim == 2 else values.shape[2]]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png_file(values.shape[1], values.shape[0], 16, colour, rows)


# --- formats --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_lossless_formats_are_exact(tmp_path: Path, photo: np.ndarray, suffix: str) -> None:
    decoded = load_photo(saved(tmp_path, Image.fromarray(photo), f"photo.{suffix}"))
    assert decoded.pixels.dtype == np.uint8
    np.testing.assert_array_equal(decoded.pixels, photo)
    assert decoded.notes == ()
    assert (decoded.width, decoded.height, decoded.source_bit_depth, decoded.had_alpha) == (200, 160, 8, False)


@pytest.mark.parametrize(
    ("name", "format_name"),
    [("a.jpg", "JPEG"), ("a.webp", "WebP"), ("a.avif", "AVIF"), ("a.heic", "HEIC")],
)
def test_lossy_formats_are_close(tmp_path: Path, photo: np.ndarray, name: str, format_name: str) -> None:
    decoded = load_photo(saved(tmp_path, Image.fromarray(photo), name, quality=95))
    assert decoded.format == format_name
    assert psnr(decoded.pixels, photo) > 33


def test_content_decides_not_the_extension(tmp_path: Path, photo: np.ndarray) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(photo).save(path, "JPEG")
    assert load_photo(path).format == "JPEG"


def test_a_still_gif_is_a_palette_image(tmp_path: Path, photo: np.ndarray) -> None:
    assert psnr(load_photo(saved(tmp_path, Image.fromarray(photo), "a.gif")).pixels, photo) > 25


@pytest.mark.shared
def test_all_sample_photos_decode(shared_data: Path) -> None:
    decoded = {path.name: load_photo(path) for path in sorted((shared_data / "lq").glob("*/*"))}
    assert len(decoded) == 18
    assert decoded["1118.png"].format == "JPEG"
    assert (decoded["1118.png"].width, decoded["1118.png"].height) == (2720, 1528)
    assert decoded["tree_alpha_16bit.png"].source_bit_depth == 16
    assert decoded["tree_alpha_16bit.png"].had_alpha
    assert any("Adobe RGB" in note for note in decoded["tree_alpha_16bit.png"].notes)


# --- orientation ----------------------------------------------------------------------------------------------------

_STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.avif", "a.heic"])
def test_orientation_is_applied_once(tmp_path: Path, photo: np.ndarray, name: str, orientation: int) -> None:
    upright = Image.fromarray(photo)
    transpose = _STORED_AS[orientation]
    stored = upright if transpose is None else upright.transpose(transpose)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {} if name.endswith((".tif", ".png")) else {"quality": 90}
    decoded = load_photo(saved(tmp_path, stored, name, exif=exif.tobytes(), **options))
    assert decoded.pixels.shape == photo.shape
    assert psnr(decoded.pixels, photo) > 28


# --- depth ----------------------------------------------------------------------------------------------------------


def rounded(values: np.ndarray) -> np.ndarray:
    return np.floor(values / 257 + 0.5).astype(np.uint8)


@pytest.fixture(scope="module")
def deep() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 65536, (130, 140, 3), dtype=np.uint16)


def test_16_bit_colour_png_is_rounded_not_cut(tmp_path: Path, deep: np.ndarray) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(png16(deep))
    decoded = load_photo(path)
    np.testing.assert_array_equal(decoded.pixels, rounded(deep))
    assert decoded.source_bit_depth == 16


@pytest.mark.parametrize("alpha", [False, True])
def test_16_bit_grey_png(tmp_path: Path, deep: np.ndarray, alpha: bool) -> None:
    grey = deep[..., 0]
    opaque = np.stack([grey, np.full_like(grey, 65535)], axis=-1)
    path = tmp_path / "deep.png"
    path.write_bytes(png16(opaque if alpha else grey))
    decoded = load_photo(path)
    np.testing.assert_array_equal(decoded.pixels, np.repeat(rounded(grey)[..., None], 3, axis=-1))
    assert (decoded.source_bit_depth, decoded.had_alpha) == (16, alpha)


def test_16_bit_png_with_alpha_lies_on_white(tmp_path: Path, deep: np.ndarray) -> None:
    half = np.full(deep.shape[:2], 32768, dtype=np.uint16)
    path = tmp_path / "deep.png"
    path.write_bytes(png16(np.dstack([deep, half])))
    expected = rounded(deep).astype(float) * 128 / 255 + 255 * 127 / 255
    assert np.abs(load_photo(path).pixels - expected).max() <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_tiff(tmp_path: Path, deep: np.ndarray, order: str, compression: str | None) -> None:
    for name, values in (("rgb.tif", deep), ("grey.tif", deep[..., 0])):
        path = tmp_path / name
        tifffile.imwrite(
            path,
            values,
            byteorder=order,
            compression=compression,
            photometric="rgb" if values.ndim == 3 else "minisblack",
            metadata=None,
        )
        expected = rounded(values if values.ndim == 3 else np.repeat(values[..., None], 3, axis=-1))
        np.testing.assert_array_equal(load_photo(path).pixels, expected)


def test_16_bit_tiff_where_white_is_zero(tmp_path: Path, deep: np.ndarray) -> None:
    path = tmp_path / "negative.tif"
    tifffile.imwrite(path, deep[..., 0], photometric="miniswhite", metadata=None)
    np.testing.assert_array_equal(load_photo(path).pixels[..., 0], 255 - rounded(deep[..., 0]))


def test_16_bit_planes_are_refused_rather_than_garbled(tmp_path: Path, deep: np.ndarray) -> None:
    path = tmp_path / "planes.tif"
    tifffile.imwrite(path, deep.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", metadata=None)
    with pytest.raises(UnusableImage, match="separate planes"):
        load_photo(path)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_float_tiff_is_read_by_its_range(tmp_path: Path, photo: np.ndarray, top: float) -> None:
    path = tmp_path / "float.tif"
    grey = photo[..., 0]
    tifffile.imwrite(path, (grey / 255 * top).astype(np.float32), metadata=None)
    decoded = load_photo(path)
    np.testing.assert_array_equal(decoded.pixels[..., 0], grey)
    assert any("floating-point" in note for note in decoded.notes)


@pytest.mark.parametrize("odd", [-5.0, np.nan, 1e9])
def test_float_values_without_meaning_are_refused(tmp_path: Path, odd: float) -> None:
    values = np.full((140, 140), 0.5, dtype=np.float32)
    values[3, 4] = odd
    tifffile.imwrite(tmp_path / "float.tif", values, metadata=None)
    with pytest.raises(UnusableImage, match=r"float\.tif: its pixel values"):
        load_photo(tmp_path / "float.tif")


# --- modes, alpha, colour -------------------------------------------------------------------------------------------


def test_grey_palette_and_bilevel_become_rgb(tmp_path: Path, photo: np.ndarray) -> None:
    image = Image.fromarray(photo)
    grey = np.asarray(image.convert("L"))
    decoded = load_photo(saved(tmp_path, image.convert("L"), "grey.png"))
    np.testing.assert_array_equal(decoded.pixels, np.repeat(grey[..., None], 3, axis=-1))
    palette = image.quantize(64)
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(load_photo(saved(tmp_path, palette, "palette.png")).pixels, expected)
    bilevel = load_photo(saved(tmp_path, image.convert("1"), "fax.tif"))
    assert bilevel.source_bit_depth == 1
    assert set(np.unique(bilevel.pixels)) == {0, 255}


def test_opaque_alpha_is_dropped_without_a_word(tmp_path: Path, photo: np.ndarray) -> None:
    decoded = load_photo(saved(tmp_path, Image.fromarray(photo).convert("RGBA"), "opaque.png"))
    np.testing.assert_array_equal(decoded.pixels, photo)
    assert decoded.had_alpha
    assert decoded.notes == ()


def test_transparent_parts_lie_on_white(tmp_path: Path, photo: np.ndarray) -> None:
    alpha = np.full(photo.shape[:2], 255, dtype=np.uint8)
    alpha[:, :50] = 0
    decoded = load_photo(saved(tmp_path, Image.fromarray(np.dstack([photo, alpha])), "holes.png"))
    assert (decoded.pixels[:, :50] == 255).all()
    np.testing.assert_array_equal(decoded.pixels[:, 50:], photo[:, 50:])
    assert decoded.notes == ("its transparent parts were laid over white",)


def test_cmyk_jpeg(tmp_path: Path, photo: np.ndarray) -> None:
    decoded = load_photo(saved(tmp_path, Image.fromarray(photo).convert("CMYK"), "print.jpg", quality=95))
    assert psnr(decoded.pixels, photo) > 25
    assert any("CMYK" in note for note in decoded.notes)


def test_lab_tiff(tmp_path: Path, photo: np.ndarray) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    stored = ImageCms.profileToProfile(Image.fromarray(photo), srgb, lab, outputMode="LAB")
    assert stored is not None
    assert psnr(load_photo(saved(tmp_path, stored, "lab.tif")).pixels, photo) > 33


def linear_profile() -> bytes:
    """sRGB's primaries with a linear curve: a valid profile that visibly is not sRGB, made from Pillow's own sRGB."""
    srgb = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * int.from_bytes(srgb[128:132], "big"), 12):
        name, offset = bytes(srgb[at : at + 4]), int.from_bytes(srgb[at + 4 : at + 8], "big")
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            # A parametric curve of type 0, y = x ** g, with g = 1 (s15Fixed16).
            srgb[offset + 8 : offset + 16] = b"\0\0\0\0" + (1 << 16).to_bytes(4, "big")
    return bytes(srgb)


def test_a_profile_is_applied(tmp_path: Path, photo: np.ndarray) -> None:
    linear = (photo / 255.0) ** 2.2
    stored = Image.fromarray(np.rint(linear * 255).astype(np.uint8))
    decoded = load_photo(saved(tmp_path, stored, "linear.png", icc_profile=linear_profile()))
    assert psnr(decoded.pixels, photo) > 30
    assert any("converted to sRGB" in note for note in decoded.notes)


def test_an_srgb_profile_leaves_pixels_alone(tmp_path: Path, photo: np.ndarray) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    decoded = load_photo(saved(tmp_path, Image.fromarray(photo), "srgb.png", icc_profile=srgb))
    np.testing.assert_array_equal(decoded.pixels, photo)
    assert decoded.notes == ()


@pytest.mark.parametrize("broken", [b"not a profile", linear_profile()[:300], b"\0" * 200])
def test_a_broken_profile_is_ignored_with_a_note(tmp_path: Path, photo: np.ndarray, broken: bytes) -> None:
    decoded = load_photo(saved(tmp_path, Image.fromarray(photo), "a.png", icc_profile=broken))
    np.testing.assert_array_equal(decoded.pixels, photo)
    assert any("profile was ignored" in note for note in decoded.notes)


def test_a_profile_of_another_colour_space_is_ignored(tmp_path: Path, photo: np.ndarray) -> None:
    grey = Image.fromarray(photo).convert("L")
    decoded = load_photo(saved(tmp_path, grey, "grey.png", icc_profile=linear_profile()))
    np.testing.assert_array_equal(decoded.pixels[..., 0], np.asarray(grey))
    assert any("profile was ignored" in note for note in decoded.notes)


def test_damaged_exif_is_no_reason_to_refuse(tmp_path: Path, photo: np.ndarray) -> None:
    path = saved(tmp_path, Image.fromarray(photo), "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff", quality=95)
    assert psnr(load_photo(path).pixels, photo) > 30


# --- refusals -------------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(UnusableImage) as told:
        load_photo(path)
    assert str(told.value).startswith(f"{path.name}: ")
    return str(told.value)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp", "a.webp", "a.avif", "a.heic"])
@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_cut_files_are_refused(tmp_path: Path, photo: np.ndarray, name: str, part: float) -> None:
    path = saved(tmp_path, Image.fromarray(photo), name)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    refused(path)


def test_a_jpeg_whose_end_was_never_written_is_refused(tmp_path: Path, photo: np.ndarray) -> None:
    """An interrupted copy may leave a file of full size whose end is zeros; libjpeg decodes that without complaint."""
    path = saved(tmp_path, Image.fromarray(photo), "a.jpg")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    assert "cut short" in refused(path)
    path.write_bytes(data + bytes(4096))
    assert psnr(load_photo(path).pixels, photo) > 25, "zeros after the photo's end are only padding"


def test_a_flipped_byte_in_a_png_is_found(tmp_path: Path, photo: np.ndarray) -> None:
    path = saved(tmp_path, Image.fromarray(photo), "a.png")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    assert "damaged" in refused(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear diary,\nno photo today.", "text"),
        (b"<!doctype html><title>404</title>", "text"),
        (bytes(range(128, 256)) * 8, "not an image"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF"),
        (b"8BPS\0\1" + bytes(40), "Photoshop"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", "video"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "cut short|damaged"),
    ],
)
def test_what_is_no_photo_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(UnusableImage, match=reason):
        load_photo(path)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.avif"])
def test_several_frames_are_refused(tmp_path: Path, photo: np.ndarray, name: str) -> None:
    frames = [Image.fromarray(np.roll(photo, 9 * k, axis=1)) for k in range(3)]
    path = saved(tmp_path, frames[0], name, save_all=True, append_images=frames[1:])
    assert "3 pages" in refused(path) if name == "a.tif" else "animated (3 frames)" in refused(path)


def test_a_tiff_with_a_thumbnail_is_one_photo(tmp_path: Path, photo: np.ndarray) -> None:
    path = tmp_path / "scan.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(photo, photometric="rgb", metadata=None)
        file.write(np.ascontiguousarray(photo[::4, ::4]), photometric="rgb", subfiletype=1, metadata=None)
    decoded = load_photo(path)
    np.testing.assert_array_equal(decoded.pixels, photo)
    assert any("smaller versions" in note for note in decoded.notes)


def test_a_decompression_bomb_is_refused_from_its_header(tmp_path: Path) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    (tmp_path / "bomb.png").write_bytes(png_file(side, side, 1, 0, bytes(side * (side // 8 + 1))))
    assert "megapixels" in refused(tmp_path / "bomb.png")
    (tmp_path / "huge.png").write_bytes(png_file(60_000, 60_000, 8, 2, b""))
    assert "megapixels" in refused(tmp_path / "huge.png")


def test_a_header_that_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "claims.png").write_bytes(png_file(12_000, 12_000, 8, 2, bytes(100)))
    assert "holds only" in refused(tmp_path / "claims.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_folders_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    assert "folder" in refused(tmp_path / "folder.png")
    os.mkfifo(tmp_path / "pipe.png")
    outcome: list[str] = []
    thread = threading.Thread(target=lambda: outcome.append(refused(tmp_path / "pipe.png")), daemon=True)
    thread.start()
    thread.join(5)
    assert outcome, "reading a pipe hangs"
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    assert "device" in refused(tmp_path / "zero.png")


def test_missing_files_and_undecodable_names_are_told(tmp_path: Path) -> None:
    assert "no longer there" in refused(tmp_path / "gone.png")
    with pytest.raises(UnusableImage) as told:
        load_photo(tmp_path / os.fsdecode(b"caf\xe9.png"))
    str(told.value).encode("utf-8")


@needs_permissions
def test_unreadable_files_are_told(tmp_path: Path, photo: np.ndarray) -> None:
    path = saved(tmp_path, Image.fromarray(photo), "a.png")
    path.chmod(0)
    assert "may not read" in refused(path)


# --- PNG ------------------------------------------------------------------------------------------------------------


def test_encode_png_round_trips_and_repeats(tmp_path: Path, photo: np.ndarray) -> None:
    data = encode_png(photo)
    assert data == encode_png(photo.copy())
    assert data == encode_png(np.asfortranarray(photo))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), photo)
    (tmp_path / "again.png").write_bytes(data)
    assert isinstance(load_photo(tmp_path / "again.png"), DecodedPhoto)
