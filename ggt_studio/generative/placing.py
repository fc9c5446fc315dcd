"""Where a loaded model computes, and which of its parts wait in main memory meanwhile. Runs in the worker."""

from __future__ import annotations

import torch

from ggt_studio.core.errors import StudioError
from ggt_studio.generative.flow import FlowModel
from ggt_studio.generative.flux_control import FluxControl
from ggt_studio.providers.local.devices import describe_machine
from ggt_studio.providers.local.folder import ComponentSize, ModelFolder
from ggt_studio.providers.local.loading import place
from ggt_studio.providers.local.proposal import Gpu, Machine, propose
from ggt_studio.providers.local.settings import Dtype, Offload

DTYPES: dict[Dtype, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def put_on(model: FlowModel, base: ModelFolder, device: str, dtype: Dtype) -> Offload:
    """Let a model compute on a device in a number format; what was chosen to wait elsewhere, as little as fits. Raises StudioError
    where not even that does."""
    model.learnt.to(DTYPES[dtype])
    offload: Offload = "none"
    if device.startswith("cuda"):
        offload = _offload(model, base, device)
    if offload == "none":
        model.to(device)
    else:
        place(model.pipeline, device, offload)
        if isinstance(model, FluxControl):
            # It is small, and no part of the base's pipeline.
            model.learnt.to(device)
    model.computes_on = torch.device(device)
    return offload


def _offload(model: FlowModel, base: ModelFolder, device: str) -> Offload:
    told = describe_machine({})
    gpus = tuple(Gpu(**gpu) for gpu in told["gpus"] if gpu["device"] == device)
    components = {name: size for name, size in base.sizes.items() if getattr(model.pipeline, name, None) is not None}
    learnt = sum(parameter.numel() for parameter in model.learnt.parameters())
    if isinstance(model, FluxControl):
        components["controlnet"] = ComponentSize(learnt, learnt, 0, 2 * learnt)
    proposal = propose(Machine(gpus, told["free_memory_bytes"], ()), components)
    if not proposal.fits and proposal.gpu_bytes > gpus[0].free_bytes:
        raise StudioError(proposal.why)
    return proposal.offload
