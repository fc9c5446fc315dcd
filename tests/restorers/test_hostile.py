"""Checkpoints from strangers: none runs anything, and each refusal says what was found."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from fakes.tiny_restorers import save_tiny, tiny_weights
from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.checkpoint import read_checkpoint
from ggt_studio.restorers.files import UnusableCheckpoint
from ggt_studio.restorers.registry import detect
from ggt_studio.worker.client import WorkerPool

pytestmark = pytest.mark.ml


class _Calls:
    """Unpickles into a call of any function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


def _canary(folder: Path) -> Path:
    return folder / "canary"


def _touch(folder: Path) -> str:
    return f"touch {_canary(folder)}"


def _pickled(path: Path, content: Any) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


def _saved(path: Path, content: Any, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def _system(folder: Path) -> Path:
    return _saved(folder / "nafnet.pth", {"params": _Calls(os.system, _touch(folder))})


def _system_legacy(folder: Path) -> Path:
    return _saved(folder / "nafnet.pth", {"params": _Calls(os.system, _touch(folder))}, legacy=True)


def _evaluates(folder: Path) -> Path:
    return _pickled(folder / "model.pth", _Calls(eval, f"open({str(_canary(folder))!r}, 'w')"))


def _nested(folder: Path) -> Path:
    inner = pickle.dumps(_Calls(os.system, _touch(folder)))
    return _saved(folder / "model.ckpt", {"state_dict": {"a": torch.zeros(1)}, "extra": _Calls(pickle.loads, inner)})


def _torch_load_inside(folder: Path) -> Path:
    return _saved(folder / "outer.pth", {"params": _Calls(torch.load, str(_system(folder)))})


def _hides_behind_getattr(folder: Path) -> Path:
    command = _touch(folder).encode()
    os_module = b"c__builtin__\n__import__\n(X\x02\0\0\0ostR"
    system = b"c__builtin__\ngetattr\n(" + os_module + b"X\x06\0\0\0systemtR"
    path = folder / "model.pt"
    path.write_bytes(b"\x80\x02" + system + b"(X" + struct.pack("<I", len(command)) + command + b"tR.")
    return path


def _protocol_zero(folder: Path) -> Path:
    path = folder / "old.pth"
    path.write_bytes(pickle.dumps(_Calls(os.system, _touch(folder)), protocol=0))
    return path


def _renamed_pickle(folder: Path) -> Path:
    return _pickled(folder / "model.safetensors", _Calls(os.system, _touch(folder)))


def _script(folder: Path) -> Path:
    path = folder / "scripted.pt"
    torch.jit.save(torch.jit.script(torch.nn.Conv2d(3, 3, 3)), str(path))
    return path


def _bomb(folder: Path) -> Path:
    path = folder / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("bomb/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("bomb/data/0", bytes(100_000_000))
    return path


def _plain_zip(folder: Path) -> Path:
    path = folder / "photos.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", b"x")
    return path


def _cut_zip(folder: Path) -> Path:
    path = save_tiny(folder, "NAFNet")
    path.write_bytes(path.read_bytes()[:-500])
    return path


def _cut_legacy(folder: Path) -> Path:
    path = _saved(folder / "old.pth", tiny_weights("NAFNet"), legacy=True)
    path.write_bytes(path.read_bytes()[:-5000])
    return path


def _cut_safetensors(folder: Path) -> Path:
    path = folder / "cut.safetensors"
    save_file(tiny_weights("NAFNet"), path)
    path.write_bytes(path.read_bytes()[:-7])
    return path


def _huge_header(folder: Path) -> Path:
    path = folder / "huge.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 62) + b"{" + bytes(100))
    return path


def _long_header(folder: Path) -> Path:
    path = folder / "long.safetensors"
    path.write_bytes(struct.pack("<Q", 5000) + b"{" + bytes(100))
    return path


def _lying(folder: Path, entry: dict[str, Any], data: bytes = bytes(16)) -> Path:
    header = json.dumps({"w": entry}).encode()
    path = folder / "lying.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def _wrong_shape_in_header(folder: Path) -> Path:
    return _lying(folder, {"dtype": "F32", "shape": [1 << 40, 1 << 40], "data_offsets": [0, 16]})


def _wrong_dtype_in_header(folder: Path) -> Path:
    return _lying(folder, {"dtype": "F8_E4M3", "shape": [16], "data_offsets": [0, 16]})


def _overlapping(folder: Path) -> Path:
    header = {name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in "ab"}
    text = json.dumps(header).encode()
    path = folder / "overlapping.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(16))
    return path


def _expanded(folder: Path) -> Path:
    weights = {**tiny_weights("NAFNet"), "intro.weight": torch.zeros(1).expand(1 << 20, 1 << 20)}
    return _saved(folder / "expanded.pth", weights)


def _many_layers(folder: Path) -> Path:
    weights = tiny_weights("NAFNet")
    weights["middle_blks.99999999.beta"] = torch.zeros(1)
    return _saved(folder / "deep.pth", weights)


def _other_shape(folder: Path) -> Path:
    return _saved(folder / "odd.pth", {**tiny_weights("MPRNet"), "tail.weight": torch.zeros(3, 5, 3, 3)})


def _other_dtype(folder: Path) -> Path:
    weights = tiny_weights("MPRNet")
    return _saved(folder / "odd.pth", {**weights, "tail.weight": weights["tail.weight"].int()})


def _part_missing(folder: Path) -> Path:
    weights = tiny_weights("MPRNet")
    del weights["tail.weight"]
    return _saved(folder / "part.pth", weights)


def _not_numbers(folder: Path) -> Path:
    weights = tiny_weights("MPRNet")
    weights["tail.weight"][0, 0, 0, 0] = float("nan")
    return _saved(folder / "failed.pth", weights)


def _whole_module(folder: Path) -> Path:
    return _saved(folder / "module.pth", torch.nn.Conv2d(3, 3, 3))


def _link_to_nothing(folder: Path) -> Path:
    path = folder / "link.pth"
    path.symlink_to(folder / "nowhere.pth")
    return path


def _link_to_device(folder: Path) -> Path:
    path = folder / "zero.pth"
    path.symlink_to("/dev/zero")
    return path


def _bytes(name: str, data: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return write


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "os.system": (_system, r"would call (posix|nt)\.system"),
    "os.system, before 1.6": (_system_legacy, r"would call (posix|nt)\.system"),
    "eval": (_evaluates, r"would call \w+\.eval"),
    "nested pickle": (_nested, r"would call _?pickle\.loads"),
    "torch.load inside": (_torch_load_inside, r"torch\.serialization\.load"),
    "getattr": (_hides_behind_getattr, r"would call \w+\.getattr"),
    "protocol 0": (_protocol_zero, r"a text|known here"),
    "pickle named safetensors": (_renamed_pickle, r"would call (posix|nt)\.system"),
    "TorchScript": (_script, "TorchScript archive: a program"),
    "ZIP bomb": (_bomb, "compressed archive of .* would unpack to 100,"),
    "other ZIP": (_plain_zip, "a ZIP archive with 1 files"),
    "cut archive": (_cut_zip, "cut short or damaged"),
    "cut file, before 1.6": (_cut_legacy, "damaged"),
    "cut safetensors": (_cut_safetensors, "cut short: .* bytes are there"),
    "header of 2^62": (_huge_header, "claims a header of 4,611,686"),
    "header longer than the file": (_long_header, "cut short"),
    "impossible shape": (_wrong_shape_in_header, "do not fit together"),
    "unknown number format": (_wrong_dtype_in_header, "kind F8_E4M3"),
    "overlapping tensors": (_overlapping, "overlap"),
    "tensor of a terabyte in four bytes": (_expanded, "claims .* bytes of weights"),
    "a hundred million layers": (_many_layers, "names a layer that cannot be there"),
    "wrong shape": (_other_shape, r"is a MPRNet, but tail.weight is .*\[3, 5, 3, 3\]"),
    "wrong number format": (_other_dtype, "is a MPRNet, but tail.weight is torch.int32"),
    "part missing": (_part_missing, r"1 missing \(tail.weight\)"),
    "not finite": (_not_numbers, "tail.weight holds numbers that are not finite"),
    "whole module": (_whole_module, r"torch\.nn\.modules\.conv\.Conv2d"),
    "link to nothing": (_link_to_nothing, "a link to a file that is not there"),
    "link to a device": (_link_to_device, "a device or pipe"),
    "empty": (_bytes("empty.pth", b""), "is empty"),
    "text": (_bytes("notes.pth", b"Weights are on the shared drive.\n"), "but a text"),
    "web page": (_bytes("nafnet.pth", b"<!DOCTYPE html><html>404</html>"), "a web page"),
    "LFS pointer": (
        _bytes("big.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "Git LFS",
    ),
    "noise": (_bytes("noise.pth", bytes(range(255, 0, -1)) * 9), "not known here"),
    "photo": (_bytes("photo.pth", b"\xff\xd8\xff\xe0" + bytes(99)), "a JPEG image"),
    "no weights": (lambda folder: _saved(folder / "args.pth", {"epoch": 3, "lr": 0.1}), r"dictionary .* \(epoch, lr\)"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_is_refused_and_runs_nothing(what: str, tmp_path: Path) -> None:
    make, said = HOSTILE[what]
    path = make(tmp_path)
    with pytest.raises(UnusableCheckpoint, match=said) as refusal:
        detect(read_checkpoint(path))
    assert not _canary(tmp_path).exists()
    assert path.name in str(refusal.value)
    assert "Traceback" not in str(refusal.value)


def test_the_canary_sings_where_pickles_are_run(tmp_path: Path) -> None:
    torch.load(_system(tmp_path), weights_only=False)
    assert _canary(tmp_path).exists()


async def test_is_refused_in_the_worker_as_well(tmp_path: Path) -> None:
    pool = WorkerPool(1)
    try:
        for what in ("os.system", "eval", "TorchScript"):
            make, said = HOSTILE[what]
            with pytest.raises(StudioError, match=said):
                await pool.call("restorer_inspect", {"path": str(make(tmp_path))})
        assert not _canary(tmp_path).exists()
    finally:
        pool.close()


def test_says_of_a_stranger_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "lora.safetensors"
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(4, 4)}, path)
    with pytest.raises(UnusableCheckpoint, match="likely a LoRA"):
        detect(read_checkpoint(path))


@pytest.mark.parametrize(
    "wrap", ["params_ema", "state_dict", "lightning", "parallel", "averaged", "legacy", "safetensors"]
)
def test_finds_the_weights_where_trainings_put_them(wrap: str, tmp_path: Path) -> None:
    weights, path = tiny_weights("PromptIR"), tmp_path / "model.ckpt"
    match wrap:
        case "params_ema":
            _saved(path, {"params": tiny_weights("PromptIR", seed=1), "params_ema": weights})
        case "state_dict":
            _saved(
                path, {"epoch": 3, "state_dict": weights, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-4}]}}
            )
        case "lightning":
            state = {f"net.{name}": value for name, value in weights.items()}
            _saved(path, {"state_dict": state, "loops": {}, "hyper_parameters": {"lr": 1e-4}})
        case "parallel":
            _saved(path, {f"module.{name}": value for name, value in weights.items()})
        case "averaged":
            both = {f"ema_model.{name}": value for name, value in weights.items()}
            both |= {f"online_model.{name}": value + 1 for name, value in weights.items()}
            _saved(path, {"step": 9, "ema": {"initted": torch.tensor([True]), **both}})
        case "legacy":
            _saved(path, weights, legacy=True)
        case _:
            path = tmp_path / "model.safetensors"
            save_file(weights, path)
    found = detect(read_checkpoint(path))
    assert found.architecture.id == "PromptIR"
    assert torch.equal(found.network.state_dict()["output.weight"], weights["output.weight"])
