"""The terms of the loss, against what they are by definition."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

import torch

from ggt_studio.training import losses
from ggt_studio.training.losses import loss_of
from ggt_studio.training.recipes import Loss

pytestmark = pytest.mark.ml


def images() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, 16, 16, generator=generator)
    return (target + 0.1 * torch.randn(target.shape, generator=generator)), target


def value(kind: str, restored: torch.Tensor, target: torch.Tensor, weight: float = 1.0) -> float:
    return loss_of([Loss(kind=kind, weight=weight)], restored, target).item()  # type: ignore[arg-type]


def test_by_definition() -> None:
    restored, target = images()
    difference = restored - target
    assert value("l1", restored, target) == pytest.approx(difference.abs().mean().item())
    assert value("l2", restored, target) == pytest.approx(difference.square().mean().item())
    assert value("charbonnier", restored, target) == pytest.approx((difference**2 + 1e-6).sqrt().mean().item())
    psnr = [-10 * torch.log10(one.square().mean()).item() for one in difference]
    assert value("psnr", restored, target) == pytest.approx(-sum(psnr) / 2, rel=1e-4)
    spectrum = torch.fft.rfft2(difference)
    wanted = (spectrum.real.abs().mean() + spectrum.imag.abs().mean()).item() / 2
    assert value("frequency", restored, target) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("kind", ["l1", "l2", "charbonnier", "psnr", "edge", "frequency"])
def test_is_least_for_the_target_itself_and_has_a_gradient(kind: str) -> None:
    restored, target = images()
    restored.requires_grad_(True)
    loss = loss_of([Loss(kind=kind)], restored, target)  # type: ignore[arg-type]
    assert loss.item() > value(kind, target, target)
    loss.backward()
    assert restored.grad is not None
    assert torch.isfinite(restored.grad).all()


def test_edges_do_not_mind_a_change_of_brightness() -> None:
    _, target = images()
    inside = (..., slice(4, -4), slice(4, -4))
    moved = losses._laplacian(target + 0.2)[inside] - losses._laplacian(target)[inside]
    assert moved.abs().max().item() < 1e-5
    assert value("edge", target.flip(-1), target) > 0.05


def test_terms_are_weighted_and_added() -> None:
    restored, target = images()
    both = loss_of([Loss(kind="l1"), Loss(kind="l2", weight=0.5)], restored, target).item()
    assert both == pytest.approx(value("l1", restored, target) + 0.5 * value("l2", restored, target))
