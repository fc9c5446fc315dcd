"""What networks are asked: by definition, answerable, and so that all that is to be trained is."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="needs the ml extra")

import torch
from torch import Tensor, nn

from ggt_studio.restorers.networks.experts import Experts, Routed
from ggt_studio.restorers.networks.foundir import ResidualDiffusion
from ggt_studio.restorers.networks.irsde import MeanReversion
from ggt_studio.training.losses import loss_of, whole_loss
from ggt_studio.training.networks import build
from ggt_studio.training.objectives.asking import Asked, Objective
from ggt_studio.training.objectives.balance import imbalance
from ggt_studio.training.recipes import SMOKE, Loss, TrainingRecipe, load_recipe, recipe_names

pytestmark = pytest.mark.ml

SMOKE_SIZES = [name for name in recipe_names() if name.endswith(SMOKE) and not load_recipe(name).generative]
DRAWS_NOTHING = ["nafnet-smoke", "x-restormer-smoke", "promptir-smoke", "mprnet-smoke"]


def batch(count: int = 4, side: int = 32) -> tuple[Tensor, Tensor]:
    """LQ and HQ: darker and noisier."""
    generator = torch.Generator().manual_seed(0)
    small = torch.rand(count, 3, 4, 4, generator=generator)
    hq = nn.functional.interpolate(small, (side, side), mode="bilinear")
    return (0.6 * hq + 0.03 * torch.randn(hq.shape, generator=generator)).clamp(0, 1), hq


def ask(recipe: TrainingRecipe, objective: Objective, lq: Tensor, hq: Tensor, seed: int = 0) -> Tensor:
    torch.manual_seed(seed)
    return whole_loss(recipe.loss, objective(lq, hq))


class Says(nn.Module):
    """Keeps what it was asked, and answers what it was told to."""

    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer
        self.asked: tuple[Tensor, ...] = ()

    def forward(self, *asked: Tensor) -> Tensor:
        self.asked = asked
        return self.answer

    def seen(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        return photos.mean((1, 2, 3)), photos.amax((1, 2, 3))


@pytest.mark.parametrize("name", SMOKE_SIZES)
def test_one_batch_is_learnt_and_nothing_that_is_to_be_trained_is_forgotten(name: str) -> None:
    recipe, (lq, hq) = load_recipe(name), batch()
    objective = build(recipe, 0)
    before = {key: value.clone() for key, value in objective.named_parameters()}
    optimiser = torch.optim.Adam([one for one in objective.parameters() if one.requires_grad], 2e-3)
    first = ask(recipe, objective, lq, hq).item()
    # A transformer that adds nothing at first makes DA-CLIP slow to begin.
    for step in range(36 if recipe.network == "DA-CLIP" else 12):
        optimiser.zero_grad()
        ask(recipe, objective, lq, hq).backward()
        missing = [key for key, one in objective.named_parameters() if one.requires_grad and one.grad is None]
        assert not missing, f"several processes could not train it at step {step}"
        optimiser.step()
    last = ask(recipe, objective, lq, hq).item()
    assert last < first - 1 if recipe.loss[0].kind == "psnr" else last < 0.9 * first
    same = {key for key, one in objective.named_parameters() if torch.equal(one, before[key])}
    frozen = {key for key, one in objective.named_parameters() if not one.requires_grad}
    # What CLIP tells DA-CLIP is a single token: whatever is asked of it, the answer is the same.
    idle = {key for key in before if "attn2.to_q" in key or "attn2.to_k" in key or ".norm2." in key}
    assert frozen <= same <= frozen | (idle if recipe.network == "DA-CLIP" else set())


@pytest.mark.parametrize("name", ["mprnet-smoke", "moce-ir-smoke", "foundir-smoke", "da-clip-smoke"])
def test_what_is_drawn_is_a_function_of_the_seed_alone(name: str) -> None:
    recipe, (lq, hq) = load_recipe(name), batch()
    objective = build(recipe, 0)
    if recipe.network == "DA-CLIP":
        with torch.no_grad():
            objective.network.get_parameter("final_conv.weight").mul_(10)
    one, again, other = (ask(recipe, objective, lq, hq, seed).item() for seed in (1, 1, 2))
    assert one == again
    assert (one == other) == (name in DRAWS_NOTHING)


@pytest.mark.parametrize("name", DRAWS_NOTHING)
def test_parts_of_a_batch_give_what_the_whole_gives(name: str) -> None:
    recipe, (lq, hq) = load_recipe(name), batch()
    objective = build(recipe, 0)
    whole = ask(recipe, objective, lq, hq)
    halves = [ask(recipe, objective, *part) for part in zip(lq.split(2), hq.split(2), strict=True)]
    assert (sum(halves) / 2).item() == pytest.approx(whole.item(), rel=1e-4)


def test_each_stage_of_mprnet_gives_an_image_of_its_own() -> None:
    recipe, (lq, hq) = load_recipe("mprnet-smoke"), batch()
    objective = build(recipe, 0)
    asked = objective(lq, hq)
    assert len(asked.pairs) == 3
    assert all(said.shape == hq.shape and wanted is hq for said, wanted in asked.pairs)
    images = [said for said, _ in asked.pairs]
    assert torch.equal(images[0], objective.network(lq))
    assert all((one - other).abs().max() > 1e-3 for one, other in zip(images, [*images[1:], images[0]], strict=True))
    # The first stage never saw more than a quarter: a change below leaves the half above as it was.
    changed = lq.clone()
    changed[..., 16:, :] = 0.5
    _, _, (first, _) = objective(changed, hq).pairs
    assert torch.allclose(first[..., :16, :], images[2][..., :16, :], atol=1e-6)
    wanted = sum(loss_of(recipe.loss, said, hq) for said in images)
    assert whole_loss(recipe.loss, asked).item() == pytest.approx(wanted.item())  # type: ignore[union-attr]


def test_balance_prefers_simple_experts_and_an_even_load() -> None:
    def of(scores: list[list[float]], complexity: list[float]) -> float:
        given = torch.tensor(scores)
        best = given.topk(1).indices
        return imbalance(Routed(given, given, 0.5, best), torch.tensor(complexity)).item()

    even = [[3.0, 0.0], [0.0, 3.0]]
    assert of(even, [1, 1]) == pytest.approx(0, abs=1e-6)
    assert of([[3.0, 0.0], [3.0, 0.0]], [1, 1]) > 0.5
    # Where the second costs more, the first is the one to be wanted.
    assert of([[0.7, 0.0]], [0.5, 1]) < of([[0.7, 0.0]], [1, 1]) < of([[0.0, 0.7]], [0.5, 1])
    # By definition, for one image: the coefficients of variation of what is wanted, and of the chances to be chosen.
    wanted = torch.tensor([0.7, 0.0]).softmax(-1) * torch.tensor([0.5, 1])
    chances = torch.distributions.Normal(0, 1).cdf((torch.tensor([0.7, 0.0]) - 0.7) / 0.5)
    by_hand = sum((one.std() / one.mean()) ** 2 for one in (wanted, chances)) / 2
    assert of([[0.7, 0.0]], [0.5, 1]) == pytest.approx(by_hand.item(), rel=1e-5)  # type: ignore[union-attr]


def test_experts_that_no_image_chose_have_gradients_and_keep_their_word() -> None:
    torch.manual_seed(0)
    experts = Experts(8, (2, 4, 8), 6, 1)
    with torch.no_grad():
        experts.routing.freq_gate.weight.zero_()
        experts.routing.freq_gate.weight[1] = 100
    given = (torch.rand(2, 8, 8, 8), torch.ones(2, 6), torch.rand(2, 8, 8, 8))
    out = experts(*given)
    out.sum().backward()
    assert all(one.grad is not None for one in experts.parameters())
    assert not experts.experts[0][0].proj[0].weight.grad.any()  # type: ignore[index, union-attr]
    assert experts.experts[1][0].proj[0].weight.grad.any()  # type: ignore[index, union-attr]
    assert torch.allclose(experts.eval()(*given), out, atol=1e-5)


def test_the_residual_is_asked_of_what_the_sampler_walks_through() -> None:
    lq, hq = batch(64)
    objective = build(load_recipe("foundir-smoke"), 0)
    objective.network = says = Says(torch.zeros_like(hq))  # type: ignore[assignment]
    torch.manual_seed(3)
    ((said, wanted),) = objective(lq, hq).pairs
    estimate, photo = says.asked[0].chunk(2, 1)
    assert torch.equal(photo, 2 * lq - 1)
    assert torch.allclose(wanted, 2 * lq - 2 * hq, atol=1e-6)
    assert not said.any()
    schedule = ResidualDiffusion().schedule()
    levels = (says.asked[1][:, None] - 1000 * schedule.residual).abs().argmin(1)
    assert levels.unique().numel() > 50
    rest = estimate - (2 * hq - 1) - schedule.residual[levels, None, None, None] * wanted
    noise = (rest + schedule.faded[levels, None, None, None] * photo) / schedule.noise[levels, None, None, None]
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(1, abs=0.02)


def test_the_likeliest_step_is_the_samplers_own_and_the_true_noise_nearly_takes_it() -> None:
    lq, hq = batch(64)
    objective = build(load_recipe("da-clip-smoke"), 0)
    objective.network = says = Says(torch.zeros_like(hq))  # type: ignore[assignment]
    torch.manual_seed(3)
    ((_, likeliest),) = objective(lq, hq).pairs
    state, photo = says.asked[0].chunk(2, 1)
    step, *seen = says.asked[1:]
    assert torch.equal(photo, lq)
    assert all(torch.equal(one, other) for one, other in zip(seen, says.seen(lq), strict=True))
    assert step.min() >= 1
    assert step.max() <= 100
    sde = MeanReversion()
    rests = torch.tensor(sde.rests())
    now, then = (rests[step.long() - back, None, None, None] for back in (0, 1))
    noise = (state - now * (hq - lq)) / (sde.noise * (1 - now**2).sqrt())
    assert noise.std().item() == pytest.approx(1, abs=0.02)
    kept = now / then
    # As the sampler has it, with the true noise.
    back = (state - sde.noise * (1 - kept**2) / (1 - now**2).sqrt() * noise) / kept
    assert torch.allclose(likeliest, back, atol=1e-4)
    says.answer = noise
    torch.manual_seed(3)
    ((went, _),) = objective(lq, hq).pairs
    says.answer = torch.zeros_like(noise)
    torch.manual_seed(3)
    ((idle, _),) = objective(lq, hq).pairs
    assert (went - likeliest).abs().mean() < 0.1 * (idle - likeliest).abs().mean()


def test_balance_counts_beside_what_is_compared() -> None:
    lq, hq = batch()
    asked = Asked(((lq, hq),), torch.tensor(2.0))
    loss = whole_loss([Loss(kind="l1"), Loss(kind="balance", weight=0.25)], asked).item()
    assert loss == pytest.approx((lq - hq).abs().mean().item() + 0.5)
