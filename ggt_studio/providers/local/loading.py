"""Load a pipeline from a folder as its settings say: number format, quantisation, LoRA, device, offload. Runs in the worker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import hash_file
from ggt_studio.providers.local import libraries
from ggt_studio.providers.local.devices import choose_device, choose_dtype
from ggt_studio.providers.local.folder import ModelFolder, inspect_folder
from ggt_studio.providers.local.settings import Dtype, LocalSettings, Offload, Quantisation

_QUANTISED = ("transformer", "text_encoder")


@dataclass(frozen=True, slots=True)
class LoadKey:
    """All that makes a loaded pipeline differ from another one."""

    folder: Path
    fingerprint: str
    device: str
    dtype: Dtype
    offload: Offload
    quantisation: Quantisation
    lora: str
    lora_sha256: str
    lora_scale: float


def find_model(settings: LocalSettings, pipeline: str) -> ModelFolder:
    """The folder of a model: as it is given, or of a hub id in the hub's cache. Raises StudioError; never downloads."""
    folder = Path(settings.model).expanduser()
    if not folder.exists() and settings.model.count("/") == 1 and not settings.model.startswith((".", "/", "~")):
        libraries.diffusers()
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            folder = Path(snapshot_download(settings.model, local_files_only=True))
        except LocalEntryNotFoundError as error:
            raise StudioError(
                f"{settings.model} is not on this machine. Download it, or choose the folder that holds it."
            ) from error
    found = inspect_folder(folder, pipeline)
    if settings.fingerprint and settings.fingerprint != found.fingerprint:
        raise StudioError(
            f"The model in {folder} is not the one that the recipe was made with. Put that one back, or make a new recipe."
        )
    return found


def load_key(settings: LocalSettings, model: ModelFolder) -> LoadKey:
    """What to load for settings on this machine. Raises StudioError for what cannot be had here."""
    device = choose_device(settings.device)
    libraries.require_quantisation(settings.quantisation)
    if settings.quantisation == "nf4" and not device.startswith("cuda"):
        raise StudioError("nf4 quantisation needs an NVIDIA GPU, which is not here. Choose int8, or none.")
    lora_sha256 = ""
    if settings.lora:
        lora = Path(settings.lora).expanduser()
        if not lora.is_file():
            raise StudioError(f"There is no LoRA {lora}. Choose its .safetensors file.")
        lora_sha256 = hash_file(lora)
        if settings.lora_sha256 not in {"", lora_sha256}:
            raise StudioError(
                f"The LoRA {lora} has changed since the recipe was made. Put it back, or make a new recipe."
            )
    return LoadKey(
        model.path.resolve(),
        model.fingerprint,
        device,
        choose_dtype(settings.dtype, device),
        # Without a GPU of its own memory there is nothing to save.
        settings.offload if device.startswith("cuda") else "none",
        settings.quantisation,
        settings.lora,
        lora_sha256,
        settings.lora_scale,
    )


def load_pipeline(key: LoadKey, model: ModelFolder) -> Any:
    """The pipeline, ready to be called. Raises StudioError where diffusers cannot make it of the folder."""
    diffusers, torch = libraries.diffusers(), libraries.torch()
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[key.dtype]
    options: dict[str, Any] = {"dtype": dtype, "local_files_only": True, "use_safetensors": True}
    if key.quantisation != "none":
        options["quantization_config"] = _quantisation(key.quantisation, dtype)
    try:
        pipeline = getattr(diffusers, model.family.pipeline).from_pretrained(key.folder, **options)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise StudioError(
            f"The model in {key.folder} cannot be loaded: {_first_line(error)} Download it again, or choose another folder."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    if key.lora:
        _load_lora(pipeline, key)
    place(pipeline, key.device, key.offload)
    return pipeline


def _quantisation(name: Quantisation, dtype: Any) -> Any:
    """The quantisation of transformer and text encoder, each in its own library's words."""
    diffusers = libraries.diffusers()
    import transformers

    if name == "nf4":
        words = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": dtype}
        mapping = {
            "transformer": diffusers.BitsAndBytesConfig(**words),
            "text_encoder": transformers.BitsAndBytesConfig(**words),
        }
    else:
        from torchao.quantization import Int8WeightOnlyConfig

        mapping = {
            "transformer": diffusers.TorchAoConfig(Int8WeightOnlyConfig()),
            "text_encoder": transformers.TorchAoConfig(Int8WeightOnlyConfig()),
        }
    return diffusers.PipelineQuantizationConfig(quant_mapping={part: mapping[part] for part in _QUANTISED})


def _load_lora(pipeline: Any, key: LoadKey) -> None:
    from safetensors import SafetensorError

    path = Path(key.lora).expanduser()
    try:
        pipeline.load_lora_weights(
            str(path.parent), weight_name=path.name, adapter_name="lora", local_files_only=True, use_safetensors=True
        )
        pipeline.set_adapters(["lora"], [key.lora_scale])
    except (ValueError, OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise StudioError(
            f"The LoRA {path} does not fit {type(pipeline).__name__}: {_first_line(error)} Choose one made for this model."
        ) from error
    if not pipeline.get_list_adapters():
        raise StudioError(
            f"The LoRA {path} changes nothing in {type(pipeline).__name__}. Choose one made for this model."
        )


def place(pipeline: Any, device: str, offload: Offload) -> None:
    """Let a pipeline compute on a device, with parts of it waiting in main memory as `offload` says."""
    torch = libraries.torch()
    match offload:
        case "none":
            pipeline.to(device)
        case "model":
            pipeline.enable_model_cpu_offload(device=device)
        case "group":
            # Pinned as it is moved: pinning all of it at once would double what main memory has to hold.
            pipeline.enable_group_offload(
                torch.device(device), offload_type="leaf_level", use_stream=True, low_cpu_mem_usage=True
            )
        case "sequential":
            pipeline.enable_sequential_cpu_offload(device=device)


def _first_line(error: BaseException) -> str:
    line = str(error).strip().split("\n", 1)[0].rstrip(".:")
    return f"{line or type(error).__name__}."
