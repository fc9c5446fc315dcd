"""Finds the files that may be photos under what a person chose, and reads categories from folder names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.core.sniff import RAW_SUFFIXES
from ggt_studio.core.words import Category

PHOTO_SUFFIXES = RAW_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".tif", ".tiff", ".webp"),
    *(".bmp", ".dib", ".gif", ".avif", ".heic", ".heif", ".hif"),
}
"""Files with these suffixes, in any case, are taken for photos; whether they are, the decoder says."""

_SKIPPED_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})

_CATEGORY_WORDS = {
    Category.RAIN: "rain rainy raindrop raindrops rainstreak rainstreaks derain deraining",
    Category.HAZE: "haze hazy fog foggy mist misty dehaze dehazing",
    Category.SNOW: "snow snowy snowfall desnow desnowing",
    Category.LOW_LIGHT: "lowlight lowlights lolight underexposed dark darkness night nighttime",
    Category.OLD_PHOTO: "oldphoto oldphotos oldphotograph oldphotographs oldpicture oldpictures vintage",
    Category.GENERAL_MIXED: "general generalmixed mixed mixture generic noise noisy denoise blur blurry deblur "
    "motionblur defocus jpeg compression compressed",
}
_CATEGORY_BY_WORD = {word: category for category, words in _CATEGORY_WORDS.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a photo, and the folder or file that the person chose and under which it lies."""

    path: Path
    root: Path


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder that cannot be taken; `path` is fit to be stored and shown, `reason` is for people."""

    path: str
    reason: str


def discover(paths: Iterable[Path], exclude: Iterable[Path] = ()) -> Iterator[Found | Problem]:
    """All that may be photos under `paths` (files or folders), each once, in natural order folder by folder.

    Nothing in an `exclude` folder (the project itself) is taken, and no hidden files nor what operating systems strew.
    Links to folders are followed; each real folder is visited once, so loops end. A chosen file is taken whatever its
    suffix is. What cannot be read or stored becomes a `Problem`. Raises `StudioError` for a path that does not exist.
    """
    chosen = {os.path.abspath(path): path for path in paths}  # noqa: PTH100 - Path.absolute keeps ".."
    for path in chosen.values():
        if not os.path.lexists(path):
            raise StudioError(f"{storable(path)} does not exist. Check the path, or whether its disk is connected.")
    excluded = {identity for path in exclude if (identity := _identity(path)) is not None}
    files = {key for key, path in chosen.items() if not path.is_dir()}
    visited = set(excluded)
    for key, root in chosen.items():
        if any(_identity(folder) in excluded for folder in (root, *root.resolve().parents)):
            yield Problem(storable(root), "It lies in the project's own folder, which is never imported.")
        elif key in files:
            yield _storable_or_problem(Found(root, root))
        else:
            for item in _walk(root, visited):
                if not isinstance(item, Path):
                    yield item
                elif not files or os.path.abspath(item) not in files:  # noqa: PTH100
                    yield _storable_or_problem(Found(item, root))


def category_of(path: Path, root: Path) -> Category | None:
    """The category that the nearest folder names, from the file's own up to `root` (which counts, too); else None.

    Case, spaces, underscores and hyphens do not matter, synonyms count, and so does a word inside a longer name
    (`Rainy_Days_2019`). A name that speaks of two categories says nothing.
    """
    folder = path.parent
    last = root if root != path else root.parent
    while True:
        category = _category_of_name(folder.name)
        if category is not None:
            return category
        if folder in (last, folder.parent):
            return None
        folder = folder.parent


def storable(path: Path) -> str:
    """The path as text; bytes that are not UTF-8 become U+FFFD, so it may no longer lead to the file."""
    return os.fsencode(path).decode("utf-8", "replace")


def _category_of_name(name: str) -> Category | None:
    words = [word for word in re.split(r"[\W_]+|\d+", name.casefold()) if word]
    pairs = [first + second for first, second in pairwise(words)]
    whole = _CATEGORY_BY_WORD.get("".join(words))
    if whole is not None:
        return whole
    named = {_CATEGORY_BY_WORD[word] for word in (*words, *pairs) if word in _CATEGORY_BY_WORD}
    specific = named - {Category.GENERAL_MIXED} or named
    return specific.pop() if len(specific) == 1 else None


def _walk(folder: Path, visited: set[tuple[int, int]]) -> Iterator[Path | Problem]:
    """Depth first with a stack of its own: folders may be nested deeper than Python may recurse."""
    stack = [folder]
    while stack:
        current = stack.pop()
        identity = _identity(current)
        if identity in visited:
            continue
        if identity is not None:
            visited.add(identity)
        try:
            with os.scandir(current) as entries:
                listed = sorted(entries, key=lambda entry: _natural(entry.name))
        except OSError as error:
            yield Problem(storable(current), f"The folder cannot be read: {error.strerror or error}.")
            continue
        folders = []
        for entry in listed:
            if entry.name.startswith(".") or entry.name.casefold() in _SKIPPED_NAMES:
                continue
            path = Path(entry.path)
            if _is_folder(entry):
                folders.append(path)
            elif path.suffix.lower() in PHOTO_SUFFIXES:
                yield path
        stack.extend(reversed(folders))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(folder: Path) -> tuple[int, int] | None:
    """What makes two paths the same folder; None where the system does not say."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts IMG_2 before IMG_10; the same on every system."""
    parts = [part for part in re.split(r"([0-9]+)", name.casefold()) if part]
    keys = [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts]
    return keys, name


def _storable_or_problem(found: Found) -> Found | Problem:
    try:
        str(found.path).encode("utf-8")
    except UnicodeEncodeError:
        return Problem(storable(found.path), "Its path holds bytes that are not UTF-8; rename it to import it.")
    return found
