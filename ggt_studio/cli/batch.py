"""The commands `batch ...`: order candidates at a vendor's price of batches, see how far they are, collect and cancel them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import (
    ProgressBar,
    agreeing,
    counted,
    json_option,
    note,
    project_argument,
    run_async,
    say,
)
from ggt_studio.core.errors import ProjectLocked
from ggt_studio.core.money import dollars
from ggt_studio.pipeline import batch_results, batch_runs
from ggt_studio.pipeline.batch_results import Collected
from ggt_studio.pipeline.batch_runs import Submission
from ggt_studio.pipeline.recipes import DEFAULT_JUDGE, DEFAULT_PROMPTS
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import load
from ggt_studio.store.batch_jobs import BatchJob, batch_jobs
from ggt_studio.store.project import Project

_LOOK_EVERY_S = 60.0


@click.group()
def batch() -> None:
    """Order candidates in batches: half the price, within a day or so."""


@batch.command()
@project_argument
@click.option("--generator", required=True, metavar="ID", help="Makes the targets; one that takes batches.")
@click.option("--prompts", default=DEFAULT_PROMPTS, show_default=True, metavar="ID", help="Writes the instructions.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Order for at most this many patches.")
@click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="What all of it may cost at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other samples.")
@json_option
def submit(
    project: Path,
    generator: str,
    prompts: str,
    limit: int | None,
    budget: float | None,
    seed: int,
    as_json: bool,
) -> None:
    """Order the next candidate of the open patches of PROJECT.

    Prompts that a model writes are written first. Until its batch is collected, a patch is left out of runs.
    """

    async def work() -> Submission:
        with Session(project, load()) as session:
            recipe = session.recipe(generator, prompts, DEFAULT_JUDGE, seed=seed)
            makers = session.registry.generator(generator), session.registry.prompt_writer(prompts)
            places = (maker.info.leaves_machine for maker in makers)
            for place in dict.fromkeys(place for place in places if place):
                note(f"Photos are sent to {place}.")
            with ProgressBar("Preparing", "patch") as bar:
                return await batch_runs.submit(
                    session,
                    recipe,
                    limit=limit,
                    budget_usd=budget,
                    on_progress=lambda done, total: bar.show(done, total),
                )

    done = run_async(work)
    if done.message:
        note(done.message)
    if done.left_out:
        note(f"{agreeing(done.left_out, 'patch was', 'patches were')} left out: `list --state failed` says why.")
    if done.ambiguous:
        note(
            f"{counted(done.ambiguous, 'paid call')} of an interrupted run may have been charged; "
            "none is repeated by itself."
        )
    if not done.jobs:
        lines = ["No patch wants a candidate. Nothing was ordered."]
    else:
        batches = agreeing(len(done.jobs), "batch", "batches")
        money = f"about {dollars(done.estimated_usd)}, {dollars(done.most_usd)} at most"
        lines = [
            f"{counted(done.items, 'candidate')} ordered in {batches}: {money}.",
            "`ggt-studio batch collect` fetches what is done, now or on another day.",
        ]
    say(as_json, asdict(done), lines)


@batch.command("list")
@project_argument
@json_option
def list_(project: Path, as_json: bool) -> None:
    """List the batches of PROJECT, after asking their vendors how far they are."""

    async def work() -> list[BatchJob]:
        with Session(project, load()) as session:
            return await batch_results.refresh(session)

    try:
        jobs = run_async(work)
    except ProjectLocked as error:
        note(f"{error} This is what it knew last.")
        with Project.open(project, read_only=True) as opened:
            jobs = batch_jobs(opened)
    say(as_json, [asdict(job) for job in jobs], [_line(job) for job in jobs] or ["No batch was ordered yet."])


@batch.command()
@project_argument
@click.option("--wait", is_flag=True, help="Go on until no batch is under way.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=_LOOK_EVERY_S,
    show_default=True,
    metavar="S",
    help="With --wait: seconds between looks.",
)
@json_option
def collect(project: Path, wait: bool, every: float, as_json: bool) -> None:
    """Put the results of batches that are over on record. `run` then measures and judges them."""

    async def work() -> Collected:
        with Session(project, load()) as session, ProgressBar("Collecting", "candidate") as bar:
            parts = []
            told = ""
            while True:
                parts.append(await batch_results.collect(session, lambda done, total: bar.show(done, total)))
                if not wait or not parts[-1].open:
                    return _summed(parts)
                words = "; ".join(f"{job.name}: {job.message}" for job in parts[-1].jobs if job.ended_at is None)
                if words != told:
                    note(f"Waiting. {words}")
                    told = words
                await asyncio.sleep(every)

    done = run_async(work)
    made = f"{counted(done.made, 'candidate')} collected, {done.failed:,} failed, {done.taken_back:,} taken back"
    lines = [
        f"{made}, {dollars(done.cost_usd)} spent. {agreeing(done.open, 'batch is', 'batches are')} under way.",
        *(_line(job) for job in done.jobs),
    ]
    if done.made:
        lines.append("`ggt-studio run` measures and judges them.")
    say(as_json, {**asdict(done), "open": done.open}, lines)


@batch.command()
@project_argument
@click.argument("name")
@json_option
def cancel(project: Path, name: str, as_json: bool) -> None:
    """Ask for the end of the batch NAME. What is done by then is charged, and can be collected."""

    async def work() -> BatchJob:
        with Session(project, load()) as session:
            return await batch_results.cancel(session, name)

    job = run_async(work)
    lines = [_line(job)]
    if job.ended_at is None:
        lines.append("Its end is asked for. `ggt-studio batch collect` fetches what was done by then.")
    say(as_json, asdict(job), lines)


def _summed(parts: list[Collected]) -> Collected:
    """What several looks collected together; each batch as it was last seen."""
    jobs: dict[str, Any] = {job.name: job for part in parts for job in part.jobs}
    return Collected(
        sum(part.made for part in parts),
        sum(part.failed for part in parts),
        sum(part.taken_back for part in parts),
        sum(part.cost_usd for part in parts),
        tuple(jobs.values()),
    )


def _line(job: BatchJob) -> str:
    money = f"{dollars(job.cost_usd)} spent" if job.ended_at else f"about {dollars(job.estimated_usd)}"
    words = f"  {job.message}" if job.message else ""
    return f"{job.name}  {job.provider:<20} {job.stage:<10} {job.made:,} of {job.items:,} made, {money}{words}"
