"""What a model should run with: over many GPUs, with the sizes of the real models."""

from __future__ import annotations

import pytest

from ggt_studio.providers.local.folder import ComponentSize
from ggt_studio.providers.local.proposal import GB, WORKING_BYTES, Gpu, Machine, Proposal, propose
from ggt_studio.providers.local.settings import LocalSettings


def component(billions: float, blocks: int, outside: float = 0.02) -> ComponentSize:
    parameters = int(billions * 1e9)
    return ComponentSize(
        parameters, int(parameters * (1 - outside) / blocks), int(parameters * outside), 2 * parameters
    )


QWEN = {"transformer": component(20.4, 60, 0.003), "text_encoder": component(8.3, 28, 0.15), "vae": component(0.13, 20)}
FLUX2 = {
    "transformer": component(32.2, 56, 0.025),
    "text_encoder": component(24.0, 40, 0.06),
    "vae": component(0.08, 20),
}
KLEIN = {"transformer": component(3.9, 25), "text_encoder": component(4.0, 36, 0.1), "vae": component(0.08, 20)}
MODELS = {"qwen": QWEN, "flux2": FLUX2, "klein": KLEIN}


def gpu(gib: float, *, bf16: bool = True, device: str = "cuda:0") -> Gpu:
    total = int(gib * 2**30)
    return Gpu(device, f"GPU {gib:g}", total, int(total * 0.97), bf16)


def machine(gib: float, memory_gb: float = 128, **options: object) -> Machine:
    return Machine((gpu(gib),), int(memory_gb * GB), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "gib", "quantisation", "offload"),
    [
        ("qwen", 8, "none", "group"),
        ("qwen", 12, "none", "group"),
        ("qwen", 16, "nf4", "model"),
        ("qwen", 24, "nf4", "none"),
        ("qwen", 48, "none", "model"),
        ("qwen", 80, "none", "none"),
        ("qwen", 141, "none", "none"),
        ("flux2", 8, "int8", "group"),
        ("flux2", 16, "none", "group"),
        ("flux2", 24, "nf4", "model"),
        ("flux2", 48, "int8", "model"),
        ("flux2", 80, "none", "model"),
        ("flux2", 141, "none", "none"),
        ("klein", 8, "nf4", "model"),
        ("klein", 12, "int8", "model"),
        ("klein", 16, "none", "model"),
        ("klein", 24, "none", "none"),
    ],
)
def test_the_best_pictures_that_fit(model: str, gib: float, quantisation: str, offload: str) -> None:
    proposal = propose(machine(gib), MODELS[model])
    assert (proposal.quantisation, proposal.offload) == (quantisation, offload)
    assert proposal.fits
    assert proposal.dtype == "bf16"
    assert proposal.device == "cuda:0"
    assert WORKING_BYTES < proposal.gpu_bytes <= gib * 2**30
    assert f"GPU {gib:g} has" in proposal.why


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("gib", [6, 8, 12, 16, 24, 32, 48, 80, 96, 141])
@pytest.mark.parametrize("memory_gb", [16, 64, 256])
def test_what_fits_is_within_the_memory_and_can_be_set(model: str, gib: float, memory_gb: float) -> None:
    proposal = propose(machine(gib, memory_gb), MODELS[model])
    LocalSettings("x", dtype=proposal.dtype, offload=proposal.offload, quantisation=proposal.quantisation)
    if proposal.fits:
        assert proposal.gpu_bytes <= gib * 2**30
        assert proposal.memory_bytes <= memory_gb * GB
    else:
        assert "too large for this machine" in proposal.why


def test_offloading_needs_main_memory() -> None:
    assert propose(machine(12, 128), QWEN).offload == "group"
    assert propose(machine(12, 40), QWEN).quantisation == "int8"
    nothing = propose(machine(12, 16), QWEN)
    assert not nothing.fits
    assert "main memory" in nothing.why


def test_only_quantisations_that_are_installed() -> None:
    assert propose(machine(24, quantisations=("int8",)), QWEN).offload == "group"
    assert propose(machine(48, quantisations=()), FLUX2).quantisation == "none"


def test_an_older_gpu_computes_in_fp16() -> None:
    old = Machine((gpu(24, bf16=False),), 128 * GB)
    assert propose(old, KLEIN).dtype == "fp16"


def test_the_gpu_with_most_free_memory_is_taken() -> None:
    two = Machine((gpu(8), gpu(24, device="cuda:1")), 128 * GB)
    assert propose(two, KLEIN).device == "cuda:1"


def test_without_a_gpu() -> None:
    def on(memory_gb: float, sizes: dict[str, ComponentSize]) -> Proposal:
        return propose(Machine((), int(memory_gb * GB)), sizes)

    assert (on(128, KLEIN).dtype, on(24, KLEIN).dtype) == ("fp32", "bf16")
    assert (on(100, QWEN).dtype, on(100, QWEN).fits) == ("bf16", True)
    assert "very long" in on(128, QWEN).why
    small = on(16, QWEN)
    assert not small.fits
    assert "Use a hosted model" in small.why
    assert small.device == "cpu"


def test_what_was_saved_quantised_stays_so() -> None:
    packed = {"transformer": ComponentSize(10 * GB, GB // 5, GB // 10, 10 * GB), "vae": KLEIN["vae"]}
    proposal = propose(machine(16), packed)
    assert (proposal.quantisation, proposal.offload) == ("none", "none")
