"""What a checkpoint file is by its bytes, before anything is loaded; and in words what was found where that is no checkpoint.

Checkpoints come from strangers. Nothing here runs, imports or unpacks what a file holds: headers are parsed, pickles are only
listed, and sizes are compared with the file's.
"""

from __future__ import annotations

import io
import json
import math
import os
import pickletools
import stat
import struct
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

from ggt_studio.core.errors import StudioError
from ggt_studio.core.sniff import display_name


class Container(StrEnum):
    """How a file keeps its tensors, named for people."""

    SAFETENSORS = "safetensors"
    ZIP = "PyTorch archive"
    LEGACY = "PyTorch file (before 1.6)"


_MAX_HEADER = 100_000_000
_MAX_PICKLE = 64_000_000
_DTYPE_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_OTHERS = (
    (b"\x89HDF", "an HDF5 (Keras) file"),
    (b"GGUF", "a GGUF language model"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


class UnusableCheckpoint(StudioError):
    """A file that no restorer can be loaded from; the message says what was found."""


def inspect_file(path: Path) -> Container:
    """What kind of checkpoint a file is. Raises UnusableCheckpoint, saying what was found, for everything else."""
    name = display_name(path)
    try:
        about = path.stat()
    except FileNotFoundError as error:
        what = "a link to a file that is not there" if path.is_symlink() else "not there"
        raise UnusableCheckpoint(f"{name} is {what}. Choose the checkpoint again.") from error
    except OSError as error:
        raise UnusableCheckpoint(
            f"{name} cannot be looked at: {error.strerror}. Choose the checkpoint again."
        ) from error
    if stat.S_ISDIR(about.st_mode):
        raise UnusableCheckpoint(f"{name} is a folder. Choose the checkpoint file in it.")
    if not stat.S_ISREG(about.st_mode):
        raise UnusableCheckpoint(f"{name} is a device or pipe, not a file. Choose a checkpoint file.")
    if not about.st_size:
        raise UnusableCheckpoint(f"{name} is empty: the download has failed. Download it again.")
    try:
        with path.open("rb") as file:
            return _inspect(file, about.st_size, name)
    except PermissionError as error:
        raise UnusableCheckpoint(f"{name} may not be read by this account. Change the file's permissions.") from error


def _inspect(file: IO[bytes], size: int, name: str) -> Container:
    head = file.read(512)
    if head.startswith(b"PK\x03\x04"):
        _check_archive(file, size, name)
        return Container.ZIP
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise _found(name, what)
    if len(head) > 8 and head[8:9] == b"{":
        _check_safetensors(file, size, name)
        return Container.SAFETENSORS
    if head[:1] == b"\x80":
        file.seek(0)
        _check_legacy(file, name)
        return Container.LEGACY
    if head[257:262] == b"ustar":
        raise _found(name, "a tar archive")
    if (text := _as_text(head)) is not None:
        raise _found(name, text)
    raise _found(name, "a file of a kind that is not known here")


def _found(name: str, what: str) -> UnusableCheckpoint:
    return UnusableCheckpoint(f"{name} is no checkpoint but {what}. Choose a .safetensors or .pth file of a restorer.")


def _as_text(head: bytes) -> str | None:
    """What a text seems to be; None where it is none."""
    try:
        text = head.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return None
        text = head[: error.start].decode("utf-8")
    if "\0" in text:
        return None
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        return "a web page, likely an error or a sign-in page saved in its place; download the file itself"
    if start.startswith("version https://git-lfs"):
        return "a Git LFS pointer; fetch the file itself with git lfs pull"
    if start.startswith(("{", "[")):
        return "a JSON text"
    if start.startswith("<"):
        return "an XML text"
    return "a text"


def _check_safetensors(file: IO[bytes], size: int, name: str) -> None:
    """Compare header and file. Raises UnusableCheckpoint where they do not fit together."""
    file.seek(0)
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _MAX_HEADER:
        raise UnusableCheckpoint(f"{name} claims a header of {length:,} bytes, which no real file has. Do not use it.")
    if length > size - 8:
        raise _cut_short(name, size, 8 + length)
    try:
        entries = json.loads(file.read(length))
        entries.pop("__metadata__", None)
        spans = []
        for tensor, entry in entries.items():
            dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            if dtype not in _DTYPE_BYTES:
                raise UnusableCheckpoint(
                    f"{name}: {tensor} holds numbers of the kind {dtype}, which restorers are not stored in."
                )
            if end - start != math.prod(shape) * _DTYPE_BYTES[dtype] or min(shape, default=0) < 0:
                raise UnusableCheckpoint(
                    f"{name}: {tensor} claims the shape {shape} in {end - start:,} bytes, which do not fit together. "
                    "The file is damaged or was tampered with; get it from its authors again."
                )
            spans.append((start, end))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableCheckpoint(f"{name}: its safetensors header cannot be read. Download it again.") from error
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise UnusableCheckpoint(f"{name}: its tensors overlap or leave gaps. Download it again.")
        end = stop
    if 8 + length + end != size:
        raise _cut_short(name, size, 8 + length + end)


def _cut_short(name: str, size: int, wanted: int) -> UnusableCheckpoint:
    if wanted > size:
        return UnusableCheckpoint(f"{name} is cut short: {size:,} of {wanted:,} bytes are there. Download it again.")
    return UnusableCheckpoint(f"{name} has {size - wanted:,} bytes too many at its end. Download it again.")


def _check_archive(file: IO[bytes], size: int, name: str) -> None:
    """Raises UnusableCheckpoint for archives that are no plain `torch.save`: programs, compressed or tampered ones."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if any(part == "constants.pkl" or "/code/" in f"/{part}" for part in (n.split("/", 1)[-1] for n in names)):
                raise UnusableCheckpoint(
                    f"{name} is a TorchScript archive: a program with its weights. Programs from files are not run; get the "
                    "weights alone (a state dict)."
                )
            pickles = [entry for entry in entries if entry.filename.split("/", 1)[-1] == "data.pkl"]
            if len(pickles) != 1:
                arrays = any(n.endswith(".npy") for n in names)
                raise _found(name, "a NumPy archive" if arrays else f"a ZIP archive with {len(entries)} files")
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                claimed = sum(entry.file_size for entry in entries)
                raise UnusableCheckpoint(
                    f"{name} is a compressed archive of {size:,} bytes that would unpack to {claimed:,}. PyTorch does not "
                    "compress; the file was tampered with. Get it from its authors again."
                )
            if sum(entry.file_size for entry in entries) > size or pickles[0].file_size > _MAX_PICKLE:
                raise UnusableCheckpoint(f"{name} claims more than it holds. Get it from its authors again.")
            with archive.open(pickles[0]) as stream:
                _check_pickle(stream.read(), name)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, struct.error, ValueError) as error:
        raise UnusableCheckpoint(
            f"{name} is cut short or damaged: its archive is not whole. Download it again."
        ) from error


def _check_legacy(file: IO[bytes], name: str) -> None:
    """Raises UnusableCheckpoint for pickles that torch did not write, and for those that want to run something."""
    data = file.read(_MAX_PICKLE)
    stream = io.BytesIO(data)
    numbers = []
    try:
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name in {"LONG1", "LONG4"}:
                numbers.append(argument)
    except (ValueError, IndexError, struct.error, EOFError):
        pass
    if numbers != [_LEGACY_MAGIC]:
        _check_pickle(data, name)
        raise _found(name, "a Python pickle that PyTorch did not write")
    # Magic number, protocol version, system information, and then what was saved.
    for _ in range(3):
        rest = stream.tell()
        _check_pickle(data[rest:], name)
        if not _skip(stream):
            raise UnusableCheckpoint(f"{name} is cut short. Download it again.")


def _skip(stream: io.BytesIO) -> bool:
    try:
        for _ in pickletools.genops(stream):
            pass
    except (ValueError, IndexError, struct.error, EOFError):
        return False
    return True


def _check_pickle(data: bytes, name: str) -> None:
    """Raises UnusableCheckpoint, naming it, where a pickle asks for a function that has no place in weights."""
    for module, function in wanted_names(data):
        if module not in _HARMLESS and f"{module}.{function}" not in _HARMLESS:
            raise UnusableCheckpoint(
                f"{name} holds more than weights: loading it would call {module}.{function}. It was not loaded. Get the "
                "weights as .safetensors, or as a plain state dict from someone you trust."
            )


# Where weights' pickles look for names. What of these may be called is up to PyTorch, which knows them one by one.
_HARMLESS = frozenset(
    {
        "torch",
        "torch._utils",
        "torch._tensor",
        "torch.storage",
        "torch.nn.parameter",
        "collections",
        "numpy",
        "numpy.core.multiarray",
        "numpy._core.multiarray",
        "numpy.dtypes",
        "_codecs.encode",
        "builtins.set",
        "__builtin__.set",
        "builtins.bytearray",
        "__builtin__.bytearray",
        "argparse.Namespace",
        "typing.OrderedDict",
    }
)


def wanted_names(data: bytes) -> Iterator[tuple[str, str]]:
    """The (module, name) that a pickle asks for, as far as it can be read; nothing is loaded."""
    strings: list[str] = []
    memo: dict[int, str] = {}
    try:
        for opcode, argument, _ in pickletools.genops(data):
            match opcode.name:
                case "GLOBAL" | "INST":
                    module, _, function = str(argument).partition(" ")
                    yield module, function
                case "STACK_GLOBAL":
                    yield (strings[-2], strings[-1]) if len(strings) > 1 else ("?", "?")
                case "SHORT_BINUNICODE" | "BINUNICODE" | "UNICODE" | "BINUNICODE8":
                    strings.append(str(argument))
                case "MEMOIZE":
                    memo[len(memo)] = strings[-1] if strings else ""
                case "BINPUT" | "LONG_BINPUT" | "PUT":
                    memo[int(argument or 0)] = strings[-1] if strings else ""
                case "BINGET" | "LONG_BINGET" | "GET":
                    strings.append(memo.get(int(argument or 0), ""))
                case _:
                    pass
    except (ValueError, IndexError, struct.error, EOFError, UnicodeDecodeError):
        return


def file_bytes(path: Path) -> int:
    """The file's size."""
    return os.stat(path).st_size  # noqa: PTH116 - follows links, as the reading does
