"""What a model folder holds, and what people are told of one that cannot be used; no torch is needed for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.local.folder import inspect_folder

KLEIN = "Flux2KleinPipeline"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline folder in the layout of diffusers: a transformer of two shards, two further models, two parts without weights."""
    base = tmp_path / "model"
    index: dict[str, object] = {"_class_name": KLEIN, "_diffusers_version": "0.42.1", "is_distilled": True}
    for part in ("transformer", "text_encoder", "vae", "scheduler", "tokenizer"):
        index[part] = ["diffusers", "Something"]
        (base / part).mkdir(parents=True)
        (base / part / "config.json").write_text(json.dumps({"_class_name": part}))
    (base / "model_index.json").write_text(json.dumps(index))
    shards = {
        "a.safetensors": {"proj": np.zeros((4, 5), np.float16), "blocks.0.q": np.zeros((10, 10), np.float16)},
        "b.safetensors": {"blocks.1.q": np.zeros((10, 10), np.float16), "blocks.1.k": np.zeros((10, 3), np.float16)},
    }
    for name, tensors in shards.items():
        save_file(tensors, base / "transformer" / name)
    weight_map = {tensor: name for name, tensors in shards.items() for tensor in tensors}
    listing = base / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    listing.write_text(json.dumps({"weight_map": weight_map}))
    save_file({"embed": np.zeros(7, np.float32)}, base / "text_encoder" / "model.safetensors")
    save_file({"conv": np.zeros(3, np.float32)}, base / "vae" / "diffusion_pytorch_model.safetensors")
    return base


def test_sizes_come_from_the_headers(folder: Path) -> None:
    found = inspect_folder(folder, KLEIN)
    transformer = found.sizes["transformer"]
    assert (transformer.parameters, transformer.largest_block, transformer.outside_blocks) == (250, 130, 20)
    assert found.sizes["text_encoder"].parameters == 7
    files = folder.rglob("*.safetensors")
    assert found.file_bytes == sum(file.stat().st_size for file in files)
    assert found.family.pipeline == KLEIN


def test_the_fingerprint_follows_what_is_there(folder: Path) -> None:
    first = inspect_folder(folder).fingerprint
    (folder / "notes.txt").write_text("mine")
    assert inspect_folder(folder).fingerprint == first
    (folder / "scheduler" / "config.json").write_text('{"shift": 3}')
    second = inspect_folder(folder).fingerprint
    assert second != first
    save_file({"conv": np.zeros(4, np.float32)}, folder / "vae" / "diffusion_pytorch_model.safetensors")
    assert inspect_folder(folder).fingerprint not in {first, second}


def _drop_index(folder: Path) -> Path:
    (folder / "model_index.json").unlink()
    return folder


def _single_model(folder: Path) -> Path:
    (folder / "config.json").write_text(json.dumps({"architectures": ["Qwen3ForCausalLM"]}))
    return _drop_index(folder)


def _change_index(**changes: object) -> Callable[[Path], Path]:
    def change(folder: Path) -> Path:
        path = folder / "model_index.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
        return folder

    return change


def _truncate(folder: Path) -> Path:
    path = folder / "text_encoder" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])
    return folder


def _lose_shard(folder: Path) -> Path:
    (folder / "transformer" / "b.safetensors").unlink()
    return folder


def _as_pickle(folder: Path) -> Path:
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_suffix(".bin"))
    return folder


def _no_weights(folder: Path) -> Path:
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    return folder


def _spoil(folder: Path) -> Path:
    (folder / "model_index.json").write_text("{")
    return folder


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: folder / "absent", r"There is no folder .*absent\. Download the model"),
        (lambda folder: folder / "model_index.json", r"is a single file\. A whole pipeline is needed"),
        (lambda folder: folder / "vae", r"no model_index\.json\. It is a part of the pipeline in"),
        (lambda folder: folder.parent, r"There are pipelines in it: model\."),
        (_drop_index, r"is no pipeline folder: it has no model_index\.json"),
        (_single_model, r"It holds a single Qwen3ForCausalLM\."),
        (_spoil, r"model_index\.json cannot be read"),
        (
            _change_index(_class_name="FluxPipeline"),
            r"holds a FluxPipeline; here QwenImageEditPlusPipeline, .* can be used",
        ),
        (_change_index(_class_name=["custom", "Pipeline"]), r"here QwenImageEditPlusPipeline"),
        (_change_index(_class_name="Flux2Pipeline"), rf"holds a Flux2Pipeline, but this model is a {KLEIN}"),
        (_change_index(vae=[None, None]), r"has no vae: the folder is incomplete"),
        (_lose_shard, r"lacks 1 of 2 weight files \(b\.safetensors"),
        (_truncate, r"The weights in .*model\.safetensors are not whole \(it has \d+ bytes of \d+\)"),
        (_as_pickle, r"a format that can hold code and is not read"),
        (_no_weights, r"holds no weights: the download is incomplete"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, spoil: Callable[[Path], Path], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        inspect_folder(spoil(folder), KLEIN)


def test_the_window_s_process_stays_light() -> None:
    code = (
        "import sys\n"
        "import ggt_studio.providers.local.generator, ggt_studio.providers.local.folder\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'huggingface_hub', 'safetensors'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
