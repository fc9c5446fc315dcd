"""Overlapping 8x8 block DCTs over a whole plane, as two matrix products per shift."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

BLOCK = 8

Plane = np.ndarray
"""A float32 array of shape (H, W) in grey levels [0, 255]."""


def _basis() -> np.ndarray:
    k = np.arange(BLOCK)[:, None]
    n = np.arange(BLOCK)[None, :]
    basis = np.cos(np.pi * (2 * n + 1) * k / (2 * BLOCK)) * np.sqrt(2.0 / BLOCK)
    basis[0] /= np.sqrt(2.0)
    return basis.astype(np.float32)


BASIS = _basis()
FREQUENCY = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
"""(8, 8) int: i + j of each coefficient; 0 is the block's mean."""


def forward(blocks: Plane) -> np.ndarray:
    """Orthonormal DCT of a plane whose sides are multiples of 8: (H, W) -> (H/8, 8, W/8, 8) coefficients, float32."""
    height, width = blocks.shape
    rows = np.matmul(BASIS, blocks.reshape(height // BLOCK, BLOCK, width))
    return (rows.reshape(-1, BLOCK) @ BASIS.T).reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK)


def inverse(coefficients: np.ndarray) -> Plane:
    """The plane (H, W) of `forward`'s coefficients, float32."""
    down, _, across, _ = coefficients.shape
    columns = (coefficients.reshape(-1, BLOCK) @ BASIS).reshape(down, BLOCK, across * BLOCK)
    return np.matmul(BASIS.T, columns).reshape(down * BLOCK, across * BLOCK)


class Padded:
    """A plane mirrored at its border, so that every pixel is covered by whole blocks at every shift."""

    def __init__(self, plane: Plane) -> None:
        self.height, self.width = plane.shape
        bottom = BLOCK + (-self.height) % BLOCK
        right = BLOCK + (-self.width) % BLOCK
        self.plane = cv2.copyMakeBorder(plane, BLOCK, bottom, BLOCK, right, cv2.BORDER_REFLECT_101)

    def shifted(self, down: int, across: int) -> Plane:
        """The plane whose blocks start `down` and `across` px (0-7) past the border's corner."""
        height = self.plane.shape[0] - BLOCK
        width = self.plane.shape[1] - BLOCK
        return np.ascontiguousarray(self.plane[down : down + height, across : across + width])

    def cut(self, total: Plane) -> Plane:
        """The original area of an array laid out like `plane`."""
        return total[BLOCK : BLOCK + self.height, BLOCK : BLOCK + self.width]


def shifts(step: int) -> Iterator[tuple[int, int]]:
    """The block origins (down, across) of a lattice with `step` px between them; odd rows are staggered."""
    for row, down in enumerate(range(0, BLOCK, step)):
        for across in range(0, BLOCK, step):
            yield down, (across + (step // 2) * (row % 2)) % BLOCK
