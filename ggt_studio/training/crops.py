"""Training samples as pixels: what a mix draws, cut from the packs; runs in the worker and in its loading processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ggt_studio.core.errors import StudioError
from ggt_studio.dataset.degradations import Degradation, load_degradation
from ggt_studio.dataset.second_order import degrade_again
from ggt_studio.training.mixing import Draw, Mix, MixSet
from ggt_studio.training.pack import Pack
from ggt_studio.training.shuffle import number

Pixels = NDArray[np.uint8]

_MARGIN, _SHIFT = 8, 16


class Crops:
    """Random crops by number, as PyTorch's `DataLoader` takes them (with a sampler that says which numbers).

    `crops[k]` is LQ and HQ, uint8 sRGB of shape (size, size, 3), contiguous: crop, mirroring and turn of `mix.draw(k)`;
    without `augment`, only the crop. A side of a pair below `size` is taken whole and mirrored on below or to the right.
    Clean photos are degraded after cropping with the draw's seed, so that no two visits of a photo are alike and the
    same number always gives the same pixels. Safe in processes and threads. Raises `StudioError` for packs that are not
    those of the mix.
    """

    def __init__(self, mix: Mix, folder: Path, size: int, augment: bool = True) -> None:
        self.mix, self.size, self.augment = mix, size, augment
        self._packs = {one.pack: Pack(folder / one.pack) for source in mix.sources for one in source.sets}
        self._degradations: dict[str, Degradation] = {}
        for one in (one for source in mix.sources for one in source.sets):
            _require(self._packs[one.pack], one)
            if one.degradation:
                self._degradations[one.degradation] = load_degradation(one.degradation)

    def __getitem__(self, index: int) -> tuple[Pixels, Pixels]:
        draw = self.mix.draw(index)
        one = self.mix.set_of(draw)
        pack = self._packs[one.pack]
        if one.degradation:
            lq, hq = synthetic_crop(pack, draw, self.size, self._degradations[one.degradation])
        else:
            lq, hq = real_crop(pack, draw, self.size)
        return (turned(lq, draw), turned(hq, draw)) if self.augment else (lq, hq)

    def close(self) -> None:
        """Give the packs' files back."""
        for pack in self._packs.values():
            pack.close()


def real_crop(pack: Pack, draw: Draw, size: int) -> tuple[Pixels, Pixels]:
    """LQ and HQ, uint8 (size, size, 3): the draw's crop of a pair, mirrored on where the pair is smaller."""
    top, left, height, width = place(draw, *pack.size(draw.pair), size)
    lq, hq = pack.crop(draw.pair, top, left, height, width)
    return _filled(lq, size), _filled(hq, size)


def synthetic_crop(pack: Pack, draw: Draw, size: int, degradation: Degradation) -> tuple[Pixels, Pixels]:
    """As `real_crop`, of the HQ picture alone, degraded with the draw's seed.

    What surrounds the crop (8 to 23 px, where there is as much) is degraded with it and cut off: so blur does not know
    the crop's edges, and JPEG's blocks begin anywhere.
    """
    tall, wide = pack.size(draw.pair)
    top, left, height, width = place(draw, tall, wide, size)
    above = min(top, _MARGIN + number(draw.seed, 1) % _SHIFT)
    before = min(left, _MARGIN + number(draw.seed, 2) % _SHIFT)
    more_tall = above + height + min(_MARGIN, tall - top - height)
    more_wide = before + width + min(_MARGIN, wide - left - width)
    around = pack.clean_crop(draw.pair, top - above, left - before, more_tall, more_wide)
    if height < size or width < size:
        around = _mirrored(around, max(more_tall, above + size), max(more_wide, before + size))
    lq = degrade_again(around, degradation, draw.seed)
    inside = slice(above, above + size), slice(before, before + size)
    return np.ascontiguousarray(lq[inside]), np.ascontiguousarray(around[inside])


def place(draw: Draw, tall: int, wide: int, size: int) -> tuple[int, int, int, int]:
    """Top, left, height, width in px of the draw's crop of a picture; every place of the crop is equally likely."""
    height, width = min(size, tall), min(size, wide)
    return int(draw.at[0] * (tall - height + 1)), int(draw.at[1] * (wide - width + 1)), height, width


def turned(pixels: Pixels, draw: Draw) -> Pixels:
    """Mirrored and turned as the draw says; contiguous."""
    mirrored = pixels[:, ::-1] if draw.flip else pixels
    return np.ascontiguousarray(np.rot90(mirrored, draw.turns))


def _filled(pixels: Pixels, size: int) -> Pixels:
    return pixels if pixels.shape[:2] == (size, size) else _mirrored(pixels, size, size)


def _mirrored(pixels: Pixels, height: int, width: int) -> Pixels:
    """Mirrored on below and to the right, as often as it takes."""
    return np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0)), mode="symmetric")


def _require(pack: Pack, one: MixSet) -> None:
    if len(pack) != one.pairs:
        raise StudioError(
            f"The pack {pack.path} holds {len(pack)} pairs, but the mix speaks of {one.pairs} in {one.name}; "
            "it was exchanged. Prepare the training anew."
        )
    if pack.is_clean(0) != bool(one.degradation):
        raise StudioError(
            f"The set {one.name} holds clean photos only and needs a degradation."
            if pack.is_clean(0)
            else f"The set {one.name} holds pairs, so nothing is degraded in it; leave its degradation out."
        )
