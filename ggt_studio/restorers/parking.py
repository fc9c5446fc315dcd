"""Where what a waiting tile holds is kept, so that memory need not hold all tiles of an image at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from ggt_studio.restorers.memory import is_short, release

_WORTH_BYTES = 1 << 20
_IN_FILE = "_lies_in_file"
# Where a system keeps a folder of temporary files in memory, this one is on disk.
_ON_DISK = Path("/var/tmp")  # noqa: S108 - files are made by tempfile

TakeBack = Callable[[], None]


class InMainMemory:
    """For tiles that compute on a GPU."""

    apart = True
    """Whether each tile needs an answer of its own: what one of them holds is moved away while another computes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def park(self, frame: FrameType | None) -> TakeBack:
        """Move away what the functions under way in a waiting tile hold; what is returned brings it back."""
        moved = []
        for tensor in _held(frame):
            if tensor.device.type == "cuda":
                moved.append((tensor, tensor.device))
                tensor.data = tensor.data.cpu()

        def take_back() -> None:
            for tensor, device in moved:
                tensor.data = tensor.data.to(device)

        return take_back


class InFiles:
    """For tiles that compute in main memory: while that is short, what a tile holds is written to a file and read from there when it
    is used, as the system sees fit. Where the disk has no room it stays in memory."""

    apart = False

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files, self._works = 0, True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def park(self, frame: FrameType | None) -> TakeBack:
        """Move away what the functions under way in a waiting tile hold, where memory is short."""
        if self._works and is_short():
            try:
                for tensor in _held(frame):
                    size = tensor.numel() * tensor.element_size()
                    if tensor.device.type == "cpu" and size >= _WORTH_BYTES and not hasattr(tensor, _IN_FILE):
                        self._write(tensor)
            except (OSError, RuntimeError):
                # No room; or, as torch says it, a file that cannot be mapped. Trying again with each tile would only fill the disk.
                self._works = False
            release(torch.device("cpu"))
        return lambda: None

    def _write(self, tensor: Tensor) -> None:
        if self._folder is None:
            place = _ON_DISK if os.access(_ON_DISK, os.W_OK) else None
            self._folder = tempfile.TemporaryDirectory(prefix="ggt-studio-", dir=place, ignore_cleanup_errors=True)
        self._files += 1
        path = Path(self._folder.name) / str(self._files)
        try:
            flat = tensor.detach().contiguous().view(-1)
            with path.open("wb") as file:
                flat.view(torch.uint8).numpy().tofile(file)
            mapped = torch.from_file(str(path), shared=False, size=flat.numel(), dtype=tensor.dtype)
            tensor.data = mapped.view(tensor.shape)
            setattr(tensor, _IN_FILE, True)
        finally:
            # Its name is not needed any more; some systems keep it until nothing is mapped.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _held(frame: FrameType | None) -> Iterator[Tensor]:
    """What the functions under way refer to, but for weights."""
    while frame is not None:
        for value in list(frame.f_locals.values()):
            yield from _tensors(value)
        frame = frame.f_back


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor) and not isinstance(value, torch.nn.Parameter):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
