"""Thumbnails as files: decoding a photo small, and a folder of small JPEG files that never outgrows its limit."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from PySide6.QtCore import QIODevice, QSaveFile, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QImageWriter

JPEG_QUALITY = 88
PRUNE_TO = 0.8


def decode(path: Path, side: int) -> tuple[QImage | None, str]:
    """The image upright, opaque and at most `side` px on its longer side; or None and the reason in words."""
    if not path.is_file():
        return None, f"{path.name} is missing. It was moved or deleted."
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    full = reader.size()
    if full.isValid() and max(full.width(), full.height()) > side:
        reader.setScaledSize(full.scaled(QSize(side, side), Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1)))
    image = reader.read()
    if image.isNull():
        return None, f"{path.name} cannot be shown: {reader.errorString().rstrip('.')}."
    if max(image.width(), image.height()) > side:
        smooth = Qt.TransformationMode.SmoothTransformation
        image = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smooth)
    return image.convertToFormat(QImage.Format.Format_RGB32), ""


class ThumbnailFolder:
    """Small JPEG files named by the SHA-256 of the photo's content. Used from several threads; rebuildable at any time."""

    def __init__(self, folder: Path, side: int, limit_bytes: int) -> None:
        self._folder, self._side, self._limit = folder, side, limit_bytes
        self._lock = threading.Lock()
        self._held_bytes: int | None = None

    def load(self, sha256: str) -> QImage | None:
        """The thumbnail, or None when it is not there or damaged."""
        path = self._path(sha256)
        if not path.is_file():
            return None
        image = QImage(str(path))
        return None if image.isNull() else image.convertToFormat(QImage.Format.Format_RGB32)

    def save(self, sha256: str, image: QImage) -> bool:
        """Keep a thumbnail; False when the disk does not take it, which costs time later and nothing else."""
        path = self._path(sha256)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            return False
        file = QSaveFile(str(path))
        if not file.open(QIODevice.OpenModeFlag.WriteOnly):
            return False
        writer = QImageWriter(file, b"jpg")
        writer.setQuality(JPEG_QUALITY)
        if not writer.write(image) or not file.commit():
            return False
        self._account(path.stat().st_size)
        return True

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}-{self._side}.jpg"

    def _account(self, added: int) -> None:
        with self._lock:
            if self._held_bytes is None:
                self._held_bytes = sum(entry.stat().st_size for entry in self._files())
            else:
                self._held_bytes += added
            if self._held_bytes > self._limit:
                self._prune()

    def _prune(self) -> None:
        files = sorted(((entry.stat(), entry.path) for entry in self._files()), key=lambda file: file[0].st_mtime_ns)
        held = sum(stat.st_size for stat, _ in files)
        for stat, path in files:
            if held <= self._limit * PRUNE_TO:
                break
            Path(path).unlink(missing_ok=True)
            held -= stat.st_size
        self._held_bytes = held

    def _files(self) -> list[os.DirEntry[str]]:
        if not self._folder.is_dir():
            return []
        shards = [entry.path for entry in os.scandir(self._folder) if entry.is_dir()]
        return [file for shard in shards for file in os.scandir(shard) if file.name.endswith(".jpg")]
