"""Photos keep what they have: all bits, alpha, profile, orientation and EXIF, into every format that can hold it."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.full_photo import load_full_photo, read_full_photo
from ggt_studio.core.metadata import Source, Strip, exif_for, read_note, xmp_for
from ggt_studio.core.photo_files import FileFormat, encode_photo
from ggt_studio.core.restored import Output, as_floats, finish, format_for
from ggt_studio.core.sniff import Kind

MAKE = "写真 Cäm"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LOSSLESS = (FileFormat.PNG, FileFormat.TIFF)


def exif(orientation: int = 1) -> bytes:
    made = Image.Exif()
    made[ExifTags.Base.Make], made[ExifTags.Base.Orientation] = MAKE.encode(), orientation
    made[ExifTags.Base.StripOffsets] = 99
    made[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2020:02:03 04:05:06", ExifTags.Base.ExifImageWidth: 9}
    made[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (52.0, 30.0, 1.5)}
    return b"Exif\0\0" + made.tobytes().removeprefix(b"Exif\0\0")


def noise(height: int, width: int, channels: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(7).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, endpoint=True)


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("file_format", list(FileFormat))
def test_what_a_format_holds_comes_back(file_format: FileFormat, dtype: type, channels: int) -> None:
    pixels = noise(37, 53, channels, dtype)
    xmp = xmp_for(b"", Strip.NOTHING, Source.ENHANCED, {"Model": "a <b> & c"})
    icc = SRGB if channels > 2 else None
    if (dtype is np.uint16 and not file_format.deep) or (channels in (2, 4) and not file_format.transparent):
        with pytest.raises(ValueError, match="cannot hold"):
            encode_photo(pixels, file_format)
        return
    photo = read_full_photo(encode_photo(pixels, file_format, icc=icc, exif=exif(), xmp=xmp), Path("x"))
    assert photo.pixels.dtype == dtype
    assert photo.icc == icc
    assert read_note(photo.xmp) == {"Model": "a <b> & c"}
    assert b"2020:02:03" in photo.exif
    assert MAKE.encode() in photo.exif
    assert (photo.alpha is not None) == (channels in (2, 4))
    if file_format in LOSSLESS:
        assert np.array_equal(photo.pixels, pixels[..., :1].repeat(3, -1) if channels < 3 else pixels[..., :3])
        if channels in (2, 4):
            assert np.array_equal(photo.alpha, pixels[..., -1])


@pytest.mark.parametrize("file_format", LOSSLESS)
def test_sixteen_bits_are_read_by_others(file_format: FileFormat, tmp_path: Path) -> None:
    pixels = noise(300, 401, 3, np.uint16)
    path = tmp_path / f"x{file_format.suffix}"
    path.write_bytes(encode_photo(pixels, file_format, icc=SRGB, exif=exif()))
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1], pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_orientation_is_applied_once(orientation: int, dtype: type) -> None:
    pixels = noise(11, 7, 3, dtype)
    photo = read_full_photo(encode_photo(pixels, FileFormat.PNG, exif=exif(orientation)), Path("x.png"))
    plain = read_full_photo(encode_photo(pixels >> (8 if dtype is np.uint16 else 0), FileFormat.PNG), Path("x.png"))
    image = Image.fromarray(plain.pixels.astype(np.uint8))
    image.getexif()[ExifTags.Base.Orientation] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(photo.pixels >> (8 if dtype is np.uint16 else 0), expected)
    again = opened(finish(photo, as_floats(photo), Output(), Source.ENHANCED, {}).data)
    assert again.getexif().get(ExifTags.Base.Orientation, 1) == 1
    assert again.size == (expected.shape[1], expected.shape[0])


def test_metadata_are_kept_and_stripped_on_request() -> None:
    pixels = noise(16, 24, 3)
    photo = read_full_photo(encode_photo(pixels, FileFormat.JPEG, icc=SRGB, exif=exif(6)), Path("x.jpg"))
    kept = opened(finish(photo, as_floats(photo), Output(), Source.ENHANCED, {"Model": "m"}).data).getexif()
    assert kept[ExifTags.Base.Make].encode("latin-1").decode() == MAKE, "Pillow reads these texts as Latin-1"
    assert ExifTags.Base.StripOffsets not in kept
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (52.0, 30.0, 1.5)
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExifImageWidth] == 16
    no_gps = opened(finish(photo, as_floats(photo), Output(strip=Strip.GPS), Source.ENHANCED, {}).data).getexif()
    assert ExifTags.Base.Make in no_gps
    assert not no_gps.get_ifd(ExifTags.IFD.GPSInfo)
    bare = finish(photo, as_floats(photo), Output(strip=Strip.ALL), Source.ENHANCED, {"Model": "m"}).data
    assert len(opened(bare).getexif()) == 0
    assert read_note(read_full_photo(bare, Path("x")).xmp)["Model"] == "m", "that it was restored is always told"
    assert exif_for(b"", Strip.NOTHING, 1, 1) == b""


def test_xmp_of_the_photo_stays_beside_the_note() -> None:
    about = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmp:Rating="4" '
        b'exif:GPSLatitude="52,30N"/></rdf:RDF></x:xmpmeta>'
    )
    once = xmp_for(about, Strip.GPS, Source.ENHANCED, {"Model": "one"})
    assert b'Rating="4"' in once
    assert b"GPSLatitude" not in once
    twice = xmp_for(once, Strip.NOTHING, Source.GENERATED, {"Model": "two"})
    assert read_note(twice) == {"Model": "two"}
    assert twice.count(b"DigitalSourceType>") == 2, "one element: the later restoration's"
    assert b"compositeWithTrainedAlgorithmicMedia" in twice
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + about
    for broken in (bomb, b"<x", about.decode().encode("utf-16")):
        assert read_note(xmp_for(broken, Strip.NOTHING, Source.ENHANCED, {"Model": "m"})) == {"Model": "m"}


def test_strength_lock_and_shift() -> None:
    pixels = np.full((64, 96, 3), 100, np.uint8)
    photo = read_full_photo(encode_photo(pixels, FileFormat.PNG), Path("x.png"))
    warm = as_floats(photo) + np.array([0.2, 0, -0.1], np.float32)
    none = finish(photo, warm.copy(), Output(strength=0), Source.ENHANCED, {})
    assert np.array_equal(read_full_photo(none.data, Path("x")).pixels, pixels)
    half = finish(photo, warm.copy(), Output(strength=0.5), Source.ENHANCED, {})
    assert read_full_photo(half.data, Path("x")).pixels[5, 5].tolist() == [126, 100, 87]
    moved = finish(photo, warm.copy(), Output(), Source.ENHANCED, {})
    assert moved.colour_shift > 20
    locked = finish(photo, warm.copy(), Output(lock_colour=True), Source.ENHANCED, {})
    assert locked.colour_shift == 0
    assert np.array_equal(read_full_photo(locked.data, Path("x")).pixels, pixels)
    doubled = finish(photo, np.repeat(np.repeat(warm, 2, 0), 2, 1), Output(lock_colour=True), Source.ENHANCED, {})
    assert (doubled.width, doubled.height, doubled.colour_shift) == (192, 128, 0)


def test_what_a_format_cannot_hold_is_told() -> None:
    pixels = noise(16, 24, 4, np.uint16)
    photo = read_full_photo(encode_photo(pixels, FileFormat.PNG), Path("x.png"))
    kept = finish(photo, as_floats(photo), Output(), Source.ENHANCED, {})
    assert (kept.file_format, kept.bits, kept.notes) == (FileFormat.PNG, 16, ())
    assert np.array_equal(read_full_photo(kept.data, Path("x")).pixels, photo.pixels)
    assert np.array_equal(read_full_photo(kept.data, Path("x")).alpha, photo.alpha)
    told = finish(photo, as_floats(photo), Output(FileFormat.JPEG), Source.ENHANCED, {})
    assert "no transparency" in told.notes[0]
    assert "8 bits" in told.notes[1]


def test_formats_that_are_not_written_have_a_customary_one() -> None:
    assert [format_for(kind, alpha=False) for kind in (Kind.HEIC, Kind.RAW, Kind.BMP, Kind.AVIF)] == [
        *(FileFormat.JPEG, FileFormat.TIFF, FileFormat.PNG, FileFormat.AVIF)
    ]
    assert format_for(Kind.HEIC, alpha=True) is FileFormat.PNG


def test_grey_stays_grey_and_other_colours_become_srgb(tmp_path: Path) -> None:
    grey = read_full_photo(encode_photo(noise(9, 9, 1), FileFormat.TIFF), Path("x.tif"))
    assert opened(finish(grey, as_floats(grey), Output(), Source.ENHANCED, {}).data).mode == "L"
    path = tmp_path / "cmyk.jpg"
    Image.fromarray(noise(16, 16, 4), "CMYK").save(path)
    cmyk = load_full_photo(path)
    assert cmyk.icc is None
    assert cmyk.pixels.shape == (16, 16, 3)
    assert any("CMYK" in note for note in cmyk.notes)
    (tmp_path / "bad.png").write_bytes(path.read_bytes()[:40])
    with pytest.raises(UnusableImage, match=r"bad\.png"):
        load_full_photo(tmp_path / "bad.png")
