"""Blur kernels: sums, shapes, and the ringing of the sinc filter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import j1

from ggt_studio.dataset.kernels import _bessel_j1, gaussian_kernel, plateau_kernel, sinc_kernel


@pytest.mark.parametrize("size", [7, 21])
@pytest.mark.parametrize("sigmas", [(0.2, 0.2), (3.0, 3.0), (3.0, 0.4)])
@pytest.mark.parametrize("beta", [0.5, 1.0, 4.0])
def test_kernels_sum_to_one_and_are_symmetric_about_their_centre(
    size: int, sigmas: tuple[float, float], beta: float
) -> None:
    for kernel in (gaussian_kernel(size, sigmas, 0.7, beta), plateau_kernel(size, sigmas, 0.7, beta)):
        assert kernel.shape == (size, size)
        assert kernel.dtype == np.float32
        assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
        assert np.allclose(kernel, kernel[::-1, ::-1], atol=1e-7)
        assert kernel.min() >= 0
        assert kernel.max() == kernel[size // 2, size // 2]


def test_a_gaussian_has_its_sigmas_along_its_axes() -> None:
    kernel = gaussian_kernel(41, (4.0, 1.5), math.radians(30))
    offsets = np.arange(41) - 20
    x, y = np.meshgrid(offsets, offsets)
    moments = np.array([[(kernel * a * b).sum() for a in (x, y)] for b in (x, y)])
    values, vectors = np.linalg.eigh(moments)
    assert np.sqrt(values) == pytest.approx([1.5, 4.0], rel=0.02)
    assert abs(math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])) % 180 - 30) < 1


def test_a_round_kernel_is_the_same_along_and_across_and_beta_shapes_its_peak() -> None:
    usual = gaussian_kernel(21, (2.0, 2.0), 0.0)
    assert np.allclose(usual, usual.T)
    peaked = gaussian_kernel(21, (2.0, 2.0), 0.0, beta=0.5)
    assert peaked[10, 11] / peaked[10, 10] < usual[10, 11] / usual[10, 10]
    assert peaked[10, 18] > usual[10, 18]
    plateau = plateau_kernel(21, (3.0, 3.0), 0.0, beta=4.0)
    assert plateau[10, 11] > 0.99 * plateau[10, 10]
    assert plateau[10, 10] / plateau[10, 16] > 100


def test_the_bessel_function_is_right_over_all_of_a_kernel() -> None:
    x = np.linspace(0, 120, 2000)
    assert np.abs(_bessel_j1(x) - j1(x)).max() < 1e-12


@pytest.mark.parametrize("cutoff", [math.pi / 3, math.pi / 2])
def test_the_sinc_filter_rings_at_edges_and_keeps_flat_areas(cutoff: float) -> None:
    kernel = sinc_kernel(21, cutoff)
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-5)
    assert kernel.min() < 0
    edge = np.zeros(64)
    edge[32:] = 1
    line = kernel.sum(axis=0)
    response = np.convolve(np.pad(edge, 10, mode="edge"), line, mode="valid")
    assert response.max() > 1.03
    assert response.min() < -0.03
    assert response[5] == pytest.approx(0, abs=1e-5)
    # What lies above the cutoff is damped, what lies well below passes.
    wave = np.abs(np.fft.fft2(kernel, (128, 128)))[0]
    passed = wave[: int(128 * cutoff / (2 * math.pi) * 0.5)]
    assert np.all(np.abs(passed - 1) < 0.15)
    assert wave[64] < 0.15
