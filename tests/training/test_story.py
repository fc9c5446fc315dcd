"""What a run's log tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.training_jobs import TINY
from ggt_studio.training.job import Job
from ggt_studio.training.mixing import EXISTING, Mix, MixSet, MixSource
from ggt_studio.training.recipes import parse_recipe
from ggt_studio.training.story import Story


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        ((10, 20, 23, 30, 40), (10, 20, 30, 40)),  # paused at 23
        ((30, 60, 90, 100, 120, 150), (30, 60, 90, 120, 150)),  # logged at checkpoints, too
        ((4,), (4,)),
        ((), ()),
    ],
)
def test_the_curve_leaves_out_means_of_few_steps(steps: tuple[int, ...], shown: tuple[int, ...]) -> None:
    mix = Mix((MixSource(EXISTING, 1, (MixSet("all", "all.pack", 4),)),), 0)
    job = Job("one", parse_recipe({**TINY, "log_every": 100}, "tiny"), mix)
    measured = tuple({"step": step, "loss": step / 10} for step in steps)
    story = Story(Path("one"), job, "paused", 0, "", "cpu", measured, (), ())
    assert story.curve == [(step, step / 10) for step in shown]
