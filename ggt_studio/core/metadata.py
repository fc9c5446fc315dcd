"""EXIF and XMP of a photo: read, without what a person wants stripped, and with a note of what was done to it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, MutableMapping
from enum import StrEnum
from typing import Any

from PIL import ExifTags, Image

_KEPT_TAGS = frozenset(
    {
        *(ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.XResolution),
        *(ExifTags.Base.YResolution, ExifTags.Base.ResolutionUnit, ExifTags.Base.Software, ExifTags.Base.DateTime),
        *(ExifTags.Base.Artist, ExifTags.Base.HostComputer, ExifTags.Base.Copyright, ExifTags.Base.Rating),
        *(ExifTags.Base.XPTitle, ExifTags.Base.XPComment, ExifTags.Base.XPAuthor, ExifTags.Base.XPKeywords),
        *(ExifTags.Base.XPSubject, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo),
    }
)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_WIDTH, _HEIGHT = ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight
_PREFIX = b"Exif\0\0"
_MAX_XMP_BYTES = 4 << 20

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_META = "adobe:ns:meta/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
NAMESPACE = "urn:ggt-studio:restored:1#"
"""The namespace of what this program notes in XMP."""

for _prefix, _uri in (
    ("x", _META),
    ("rdf", _RDF),
    ("xmp", _XMP),
    ("exif", _EXIF),
    ("Iptc4xmpExt", _IPTC),
    ("ggt", NAMESPACE),
):
    ET.register_namespace(_prefix, _uri)


class Strip(StrEnum):
    """What of a photo's metadata is left out of the restored one; the note of the restoration never is."""

    NOTHING = "nothing"
    GPS = "gps"
    ALL = "all"


class Source(StrEnum):
    """IPTC's digital source types: what kind of picture a restored photo is."""

    ENHANCED = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced"
    GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"


def read_exif(image: Image.Image) -> bytes:
    """What is worth keeping of an image's EXIF, upright, as JPEG files hold it; empty where there is none or it is damaged.

    The image must be loaded. What describes the file rather than the photo (strips, thumbnails) is left out.
    """
    try:
        exif = image.getexif()
        for tag in [tag for tag in exif if tag not in _KEPT_TAGS]:
            del exif[tag]
        return _with_prefix(exif) if len(exif) else b""
    except Exception:  # noqa: BLE001 - Pillow's parser raises anything on damaged EXIF; the photo is whole without
        return b""


def read_xmp(image: Image.Image) -> bytes:
    """An image's XMP packet; empty where there is none."""
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not found:
        tags = getattr(image, "tag_v2", {})
        found = tags.get(700, b"")
    data = found.encode("utf-8") if isinstance(found, str) else bytes(found)
    return data if len(data) <= _MAX_XMP_BYTES else b""


def loaded_exif(exif: bytes) -> Image.Exif:
    """What `read_exif` gave, as Pillow has it. Texts beyond ASCII, which it would write as question marks, are bytes as read."""
    loaded = Image.Exif()
    loaded.load(exif)
    _keep_texts(loaded)
    for tag in _DIRECTORIES:
        if tag in loaded:
            _keep_texts(loaded.get_ifd(tag))
    return loaded


def exif_tags(exif: bytes) -> dict[int, Any]:
    """The tags of what `read_exif` gave, by number; directories as dicts of tags, texts beyond ASCII as bytes."""
    loaded = loaded_exif(exif)
    return {tag: loaded.get_ifd(tag) if tag in _DIRECTORIES else value for tag, value in loaded.items()}


def exif_for(exif: bytes, strip: Strip, width: int, height: int) -> bytes:
    """The EXIF of a restored photo of `width` x `height` px; empty where nothing is left. Takes what `read_exif` gave."""
    if strip is Strip.ALL or not exif:
        return b""
    read = loaded_exif(exif)
    if strip is Strip.GPS and ExifTags.IFD.GPSInfo in read:
        del read[ExifTags.IFD.GPSInfo]
    if ExifTags.IFD.Exif in read:
        details = read.get_ifd(ExifTags.IFD.Exif)
        if _WIDTH in details:
            details[_WIDTH], details[_HEIGHT] = width, height
    return _with_prefix(read) if len(read) else b""


def xmp_for(xmp: bytes, strip: Strip, source: Source, note: Mapping[str, str]) -> bytes:
    """The XMP packet of a restored photo: the old one's content, unless stripped or unreadable, and the note.

    `note` are names (of XML) and texts, kept under `NAMESPACE`. A note of an earlier restoration is replaced.
    """
    root = None if strip is Strip.ALL else _parsed(xmp)
    if root is None:
        root = ET.Element(f"{{{_META}}}xmpmeta")
        ET.SubElement(root, f"{{{_RDF}}}RDF")
    rdf = root if root.tag == f"{{{_RDF}}}RDF" else root.find(f"{{{_RDF}}}RDF")
    if rdf is None:
        rdf = ET.SubElement(root, f"{{{_RDF}}}RDF")
    for description in rdf.findall(f"{{{_RDF}}}Description"):
        _remove(
            description, lambda name: name.startswith(f"{{{NAMESPACE}}}") or name == f"{{{_IPTC}}}DigitalSourceType"
        )
        if strip is Strip.GPS:
            _remove(description, lambda name: name.startswith(f"{{{_EXIF}}}GPS"))
        if not len(description) and set(description.attrib) <= {f"{{{_RDF}}}about"}:
            rdf.remove(description)
    added = ET.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    ET.SubElement(added, f"{{{_IPTC}}}DigitalSourceType").text = source.value
    for name, text in note.items():
        ET.SubElement(added, f"{{{NAMESPACE}}}{name}").text = text
    packet = ET.tostring(root, encoding="utf-8")
    # The customary frame, whose id every writer shares.
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + packet + b'<?xpacket end="w"?>'


def read_note(xmp: bytes) -> dict[str, str]:
    """The note of a restoration in an XMP packet; empty where there is none."""
    root = _parsed(xmp)
    if root is None:
        return {}
    found = (element for element in root.iter() if element.tag.startswith(f"{{{NAMESPACE}}}"))
    return {element.tag.partition("}")[2]: element.text or "" for element in found}


def _parsed(xmp: bytes) -> ET.Element | None:
    data = xmp.strip(b"\0 \r\n")
    # Document types may hold entities that unfold to gigabytes. XMP has none, and in photos it is UTF-8, without zeros.
    if not data or b"<!DOCTYPE" in data or b"<!ENTITY" in data or b"\0" in data:
        return None
    try:
        root = ET.fromstring(data)  # noqa: S314 - nothing that unfolds has come so far
    except (ET.ParseError, ValueError):
        return None
    return root if root.tag in (f"{{{_META}}}xmpmeta", f"{{{_RDF}}}RDF", f"{{{_META}}}xapmeta") else None


def _remove(description: ET.Element, unwanted: Callable[[str], bool]) -> None:
    for child in [child for child in description if unwanted(child.tag)]:
        description.remove(child)
    for name in [name for name in description.attrib if unwanted(name)]:
        del description.attrib[name]


def _with_prefix(exif: Image.Exif) -> bytes:
    for tag in _DIRECTORIES:
        if tag in exif:
            _keep_texts(exif.get_ifd(tag))
    _keep_texts(exif)
    data = exif.tobytes()
    return data if data.startswith(_PREFIX) else _PREFIX + data


def _keep_texts(tags: MutableMapping[int, Any]) -> None:
    for tag, value in list(tags.items()):
        if isinstance(value, str) and not value.isascii():
            tags[tag] = value.encode("latin-1", "replace")
