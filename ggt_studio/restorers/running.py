"""A restorer over an image of any size: the tile that fits, less where memory runs out, and what was done, as facts."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ggt_studio.core.errors import StudioError
from ggt_studio.restorers.catalogue import Capability
from ggt_studio.restorers.memory import bytes_per_pixel, free_bytes, is_out_of_memory, release
from ggt_studio.restorers.plan import Plan, plan_tiles
from ggt_studio.restorers.reach import measure_margin
from ggt_studio.restorers.registry import Restorer
from ggt_studio.restorers.tiling import Call, pad_to, run_tiles

# Wide enough to meet what trained networks use of their receptive field, small enough for any GPU.
_MEASURED_SIDE = 512
_PROBE_SIDE = 96
_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Run:
    """What was done: tiles of at most `tile` px a side (0: the whole image at once), each with `margin` px of overlap.

    `enough`: whether that is all the overlap that the network needs; if not, the tiles were too small, and seams may show.
    `work`: px computed per px of the image. `halvings`: how often memory ran out and the tile was halved. `dtype`: fp32, fp16, bf16.
    """

    tile: int
    tiles: int
    margin: int
    enough: bool
    work: float
    halvings: int
    dtype: str
    device: str


class Runner:
    """Puts images through one restorer. `tile` 0 lets it choose; any other size is kept to, unless memory runs out.

    `progress(done, total)` hears of tiles; `check` is called before each layer. What either raises ends the run.
    """

    def __init__(
        self,
        restorer: Restorer,
        device: str = "cpu",
        dtype: str = "fp32",
        tile: int = 0,
        progress: Callable[[float, float], None] = lambda _done, _total: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._restorer, self._progress, self._check = restorer, progress, check
        self._device, self._dtype_name = torch.device(device), dtype
        self._tile, self._margin, self._asks, self._halvings = tile, -1, 0, 0
        self._dtype = torch.float32 if restorer.autocast else _DTYPES[dtype]
        network = restorer.network
        if self._dtype != torch.float32:
            # Of a copy: what rounding takes from the weights, nothing gives back.
            network = copy.deepcopy(network)
        self._network = network.to(self._device, self._dtype)
        self._plan: Plan | None = None
        self._passes = (0, 1)

    @property
    def run(self) -> Run:
        """What was done with the last image."""
        plan = self._plan
        assert plan is not None
        sides = [side for tile in plan.tiles for side in (tile.box.height, tile.box.width)]
        tile = 0 if plan.whole else max(sides)
        device, dtype = str(self._device), self._dtype_name
        enough = plan.whole or plan.margin >= self._margin
        return Run(tile, len(plan.tiles), plan.margin, enough, round(plan.work, 4), self._halvings, dtype, device)

    def restore(self, image: Tensor, seed: int = 0) -> Tensor:
        """An image (1, colours, H, W) of 0 to 1 in main memory -> (1, colours, H scale, W scale), float32, not clipped.

        Raises StudioError where even the smallest tiles do not fit, or the network gives numbers out of range.
        """
        height, width = image.shape[-2:]
        capability = self._restorer.capability
        padded = pad_to(image, capability.multiple, capability.padding)
        sampler = self._restorer.sampler
        layers = [layer for layer in self._network.modules() if not any(layer.children())]
        hooks = [layer.register_forward_pre_hook(lambda *_: self._check()) for layer in layers]
        try:
            result = sampler(padded, self._apply_denoiser, seed) if sampler else self._apply(self._network, padded)
        finally:
            for hook in hooks:
                hook.remove()
            if self._device.type == "cpu":
                release(self._device)
        result = result[..., : height * capability.scale, : width * capability.scale]
        if not torch.isfinite(result).all():
            raise StudioError(
                f"{self._restorer.checkpoint.name} gave numbers out of range instead of an image"
                + (". Turn half precision off." if self._dtype_name != "fp32" else ": it does not suit this photo.")
            )
        return result

    def _apply_denoiser(
        self, x: Tensor, denoise: Callable[[nn.Module, Tensor], Tensor], passes: tuple[int, int]
    ) -> Tensor:
        """One step of a sampler: `passes` says which of how many."""
        self._passes = passes
        return self._apply(lambda part: denoise(self._network, part), x)

    def _apply(self, function: Call, image: Tensor) -> Tensor:
        casts = self._restorer.autocast and self._dtype_name != "fp32"

        def call(part: Tensor) -> Tensor:
            with torch.no_grad(), torch.autocast(self._device.type, _DTYPES[self._dtype_name], enabled=casts):
                return function(part.to(self._device, self._dtype))

        while True:
            # Out of the handler before trying again: until then, what the error refers to cannot be freed.
            failed = ""
            try:
                return self._attempt(call, image)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                failed = str(error).split("\n", 1)[0]
            self._halve(image, failed)

    def _attempt(self, call: Call, image: Tensor) -> Tensor:
        capability = self._restorer.capability
        height, width = image.shape[-2:]
        if not self._tile:
            self._tile = self._choose(call, image)
        if self._margin < 0 and max(height, width) > self._tile:
            self._margin, self._asks = self._measure(call, image)
        plan = plan_tiles(height, width, self._tile, max(0, self._margin), capability.grid)
        self._plan = plan
        done_passes, passes = self._passes
        total = len(plan.tiles) * passes

        def done(tiles: float) -> None:
            self._progress(done_passes * len(plan.tiles) + tiles, total)

        return run_tiles(self._network, call, image, plan, capability.scale, self._asks, done)

    def _halve(self, image: Tensor, why: str) -> None:
        release(self._device)
        grid = self._restorer.capability.grid
        before = min(self._tile or max(image.shape[-2:]), max(image.shape[-2:]))
        self._tile = before // 2 // grid * grid
        self._halvings += 1
        if self._tile < 3 * grid:
            raise StudioError(
                f"There is not enough memory for this restorer, even in tiles of {before} px ({why}). Close other programs, "
                "turn half precision on, or use another device."
            )

    def _choose(self, call: Call, image: Tensor) -> int:
        """The largest tile that memory is likely to hold."""
        capability = self._restorer.capability
        side = math.ceil(_PROBE_SIDE / capability.multiple) * capability.multiple
        probe = pad_to(image[..., :side, :side], capability.multiple)
        each = bytes_per_pixel(self._network, call, probe)
        largest = int(math.sqrt(free_bytes(self._device) / max(each, 1.0)))
        return max(largest // capability.grid, 3) * capability.grid

    def _measure(self, call: Call, image: Tensor) -> tuple[int, int]:
        """The overlap that the network needs, on the middle of this image, and how often it asks for the whole."""
        capability = self._restorer.capability
        side = min(_MEASURED_SIDE, max(self._tile, 3 * capability.grid))
        part = image
        for dim in (-2, -1):
            length = min(image.shape[dim], side // capability.multiple * capability.multiple)
            start = (image.shape[dim] - length) // 2 // capability.grid * capability.grid
            part = part.narrow(dim, start, length)
        radius = capability.receptive_radius
        furthest = math.ceil((radius if radius is not None else side) / capability.grid) * capability.grid
        return measure_margin(self._network, call, part, capability.grid, capability.scale, furthest)


def usable_dtype(capability: Capability, device: str, half: bool) -> str:
    """The number format for a wish: fp16 on GPUs, bf16 elsewhere, fp32 where the network bears neither."""
    if not half:
        return "fp32"
    wanted = ("fp16", "bf16") if device.startswith("cuda") else ("bf16", "fp16")
    return next((name for name in wanted if name in capability.half), "fp32")
