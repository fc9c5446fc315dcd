"""A step of training against the same network in a bare loop, and how long it waits for data.

NAFNet of width 32 at crops of 256 px from pairs of 1024 px, on the GPU where there is one. The bare loop has its batch in memory.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import torch

from bench.crops import write_pairs
from bench.report import Figure
from ggt_studio.training.job import DATA, Job, read_events, write_job
from ggt_studio.training.loop import make_optimiser, train
from ggt_studio.training.losses import loss_of
from ggt_studio.training.mixing import EXISTING, Mix, MixSet, MixSource
from ggt_studio.training.networks import build
from ggt_studio.training.packing import write_pack
from ggt_studio.training.recipes import TrainingRecipe, load_recipe

ROUNDS, STEPS, WARM = 3, 12, 3
NAME = "NAFNet-w32, crops of 256 px"


def measure() -> list[Figure]:
    """The run's time per step over that of the bare loop, by turns; the share of the steps that was waiting for data.

    Each is the median of single steps: the mean of some would be moved by what else the machine does. A GPU's steps are logged by
    tens, for each look at a loss waits for it.
    """
    cuda = torch.cuda.is_available()
    recipe = load_recipe("nafnet").changed(
        batch=8 if cuda else 1, steps=STEPS * (20 if cuda else 1), checkpoint_every=0, log_every=10 if cuda else 1
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        info = write_pack(write_pairs(folder / "pairs", 4), folder / "all.pack")
        ratios, waits, seconds = [], [], []
        for turn in range(ROUNDS):
            ours, wait = _run(folder, recipe, info.pairs, turn)
            bare = _bare(recipe, "cuda" if cuda else "cpu")
            ratios.append(ours / bare)
            waits.append(wait)
            seconds.append(ours)
        device = torch.cuda.get_device_name() if cuda else "CPU"
        return [
            Figure(
                f"{NAME}, {device}: step over a bare loop", statistics.median(ratios), 1.05, at_least=False, unit="x"
            ),
            Figure(f"{NAME}: waiting for data", 100 * statistics.median(waits), 5, at_least=False, unit="%"),
            Figure(f"{NAME}: step", 1000 * statistics.median(seconds), None, at_least=False, unit="ms"),
        ]


def _run(folder: Path, recipe: TrainingRecipe, pairs: int, turn: int) -> tuple[float, float]:
    job = folder / f"run-{turn}"
    (job / DATA).mkdir(parents=True)
    (job / DATA / "all.pack").hardlink_to(folder / "all.pack")
    mix = Mix((MixSource(EXISTING, 1, (MixSet("all", "all.pack", pairs),)),), 0)
    write_job(job, Job(job.name, recipe, mix))
    train(job)
    steps = [event for event in read_events(job) if event["event"] == "step"][WARM:]
    waited = sum(event["data_wait"] * event["step_s"] for event in steps) / sum(event["step_s"] for event in steps)
    return statistics.median(event["step_s"] for event in steps), waited


def _bare(recipe: TrainingRecipe, device: str) -> float:
    """Seconds per step of the shortest loop that trains."""
    network = build(recipe, 0).network.to(device)
    optimiser = make_optimiser(list(network.parameters()), recipe.optimiser)
    lq, hq = torch.rand(2, recipe.batch, 3, recipe.crop, recipe.crop, device=device)
    seconds = []
    for _ in range(recipe.steps):
        began = time.perf_counter()
        loss = loss_of(recipe.loss, network(lq), hq)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        loss.item()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[WARM * recipe.log_every :])
