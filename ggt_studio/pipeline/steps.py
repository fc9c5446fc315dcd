"""One step of the procedure each: do it, and append what came of it as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ggt_studio.core.errors import MlExtraMissing
from ggt_studio.core.facts import Aligned, Fact, Failed, Generated, Judged, Prompted, Scored
from ggt_studio.core.files import content_path
from ggt_studio.core.gates import alignment_gate, judge_rule, metric_gate
from ggt_studio.core.media import SUFFIXES
from ggt_studio.core.model import Alignment, Patch
from ggt_studio.core.policy import Align, AskJudge, Generate, Score, WritePrompt
from ggt_studio.core.prompts import prompt_basis
from ggt_studio.core.recipe import Recipe
from ggt_studio.pipeline.answers import checked_image, checked_judgement, checked_prompt, failure
from ggt_studio.pipeline.budget import BudgetReached
from ggt_studio.pipeline.calls import Answered, Ask, Lane, ProjectRecorder, Terms, Unanswered
from ggt_studio.pipeline.keeping import Keeper, Made
from ggt_studio.pipeline.measuring import measure
from ggt_studio.pipeline.tasked import by_task
from ggt_studio.providers.base import (
    GenerateRequest,
    Judgement,
    JudgeRequest,
    PromptRequest,
    ProviderError,
)
from ggt_studio.providers.registry import Registry
from ggt_studio.providers.tasking import tasks_of
from ggt_studio.store import runs
from ggt_studio.store.project import CANDIDATES
from ggt_studio.store.records import Record
from ggt_studio.worker.client import WorkerPool

_WORKER_TIMEOUT_S = 600.0


@dataclass(slots=True)
class Work:
    """A patch under way. The last `unrecorded` facts of its history go on record together with the next one."""

    patch: Patch
    history: list[Fact]
    unrecorded: int = 0


class Steps:
    """Does steps for one run; what comes of a step is appended to the store and to the work's history. `finish` ends it."""

    def __init__(
        self,
        terms: Terms[ProjectRecorder],
        pool: WorkerPool,
        registry: Registry,
        recipe: Recipe,
        niqe_parameters: str,
    ) -> None:
        self._store, self._pool, self._recipe, self._run_id = terms.store, pool, recipe, terms.run_id
        self._niqe_parameters = niqe_parameters
        self._writer = registry.prompt_writer(recipe.prompts)
        self._generator = registry.generator(recipe.generator)
        self._assessor = registry.judge(recipe.judge)
        self._prompts, self._generations, self._judgements = (
            Lane(terms, provider.info) for provider in (self._writer, self._generator, self._assessor)
        )
        self._candidates = terms.store.folder / CANDIDATES
        self._keeper = Keeper(terms.store.folder, pool)
        self._keeping: set[asyncio.Future[None]] = set()

    async def do(self, work: Work, step: WritePrompt | Generate | Align | Score | AskJudge) -> None:
        """Do one step. What the patch's own data or provider prevents becomes a `Failed` fact.

        Raises MlExtraMissing where the step needs the ml extra, BudgetReached where it may cost too much, and StudioError where
        the project cannot be written.
        """
        try:
            match step:
                case WritePrompt():
                    await self._write_prompt(work)
                case Generate():
                    await self._generate(work, step)
                case Align():
                    await self._align(work, step)
                case Score():
                    await self._score(work, step)
                case AskJudge():
                    await self._judge(work, step)
        except Unanswered as unanswered:
            await self._append(work, _failed(step, unanswered.error), ended=unanswered.ending)
        except ProviderError as error:
            await self._append(work, _failed(step, error))
        except (MlExtraMissing, BudgetReached):
            # The patch waits for it, perhaps for long: what is known of it goes on record.
            await self._append(work)
            raise

    def _note(self, work: Work, fact: Fact) -> None:
        """Let a fact that cost nothing, and would come out the same again, go on record together with the next one."""
        work.history.append(fact)
        work.unrecorded += 1

    async def _append(
        self,
        work: Work,
        *facts: Fact,
        ended: runs.Ending | None = None,
        files: Sequence[tuple[str, str, int]] = (),
    ) -> None:
        """Put facts on record, after those that were noted, and end the call they come from; on disk when this returns."""
        recorded = len(work.history) - work.unrecorded
        before, new = work.history[:recorded], [*work.history[recorded:], *facts]
        await self._store.record(Record(work.patch.id, self._run_id, new, before, ended=ended, files=files))
        work.history.extend(facts)
        work.unrecorded = 0

    async def _write_prompt(self, work: Work) -> None:
        patch = work.patch
        request = PromptRequest(patch.lq_path, patch.category)
        basis = prompt_basis(self._recipe, patch.category)
        if not (self._writer.info.paid or self._writer.info.model):
            text = checked_prompt(await self._writer.write(request)).text
            self._note(work, Prompted(self._recipe.prompts, text, basis))
            return
        ask = Ask(patch.id, "prompt", 1, patch.sha256)
        answered = await self._prompts.call(ask, lambda: self._writer.write(request), checked_prompt)
        written = Prompted(self._recipe.prompts, answered.result.text, basis)
        await self._append(work, written, ended=answered.ending())

    async def _generate(self, work: Work, step: Generate) -> None:
        patch = work.patch
        request = request_of(patch, step, self._recipe)
        ask = Ask(patch.id, "generate", step.attempt, request.hash, images=1)
        tasks = tasks_of(self._generator)
        settled: runs.Settled | None = None
        if tasks is not None:
            answered, settled = await by_task(self._store, self._run_id, self._generations, tasks, request, ask)
        else:
            answered = await self._generations.call(ask, lambda: self._generator.generate(request), checked_image)
        # What has arrived is kept, also when the run is stopped at this very moment: see `finish`.
        keeping = asyncio.ensure_future(self._keep(work, step, answered, settled))
        self._keeping.add(keeping)
        keeping.add_done_callback(self._kept)
        await asyncio.shield(keeping)

    def _kept(self, keeping: asyncio.Future[None]) -> None:
        self._keeping.discard(keeping)
        if not keeping.cancelled():
            # What it raised goes to who awaits it. Where nobody does, the run is ending: the next one makes this step again.
            keeping.exception()

    async def finish(self) -> None:
        """Wait until everything that had arrived is on disk. Call when the run ends, however it ends."""
        try:
            if self._keeping:
                await asyncio.wait(self._keeping)
        finally:
            self._keeper.close()

    async def _keep(self, work: Work, step: Generate, answered: Answered, settled: runs.Settled | None) -> None:
        """Put the bytes on disk first, then the row that speaks of them."""
        made = Made(step, self._generator.info.id, self._recipe.max_attempts, answered.result, answered.seconds)
        kept = await self._keeper.keep(work.patch, made)
        ended = replace(answered.ending(kept.outcome), settled=settled)
        await self._append(work, *kept.facts, ended=ended, files=kept.files)

    async def _align(self, work: Work, step: Align) -> None:
        hq_path = self._path(step.target)
        answer = await measure(self._pool, "align", {"lq_path": str(work.patch.lq_path), "hq_path": str(hq_path)})
        alignment = Alignment(**answer)
        fact = Aligned(step.attempt, alignment, alignment_gate(alignment, self._recipe.alignment_rule))
        if fact.gate.passed:
            self._note(work, fact)
        else:
            await self._append(work, fact)

    async def _score(self, work: Work, step: Score) -> None:
        if not self._recipe.metric_rules:
            # Without a metric gate nothing is measured: the ml extra is not needed.
            gate = metric_gate({}, {}, {}, work.patch.category, (), None)
            await self._append(work, Scored(step.attempt, {}, {}, {}, {}, gate))
            return
        hq_path = self._path(step.target)
        answer = await measure(
            self._pool,
            "score",
            {
                "lq_path": str(work.patch.lq_path),
                "hq_path": str(hq_path),
                "no_reference": [rule.metric for rule in self._recipe.metric_rules],
                "full_reference": ["psnr", "gmsd"],
                "niqe_parameters": self._niqe_parameters or None,
                "device": "cpu",
            },
        )
        lq, hq, between = answer["lq"], answer["hq"], answer["between"]
        rules, change = self._recipe.metric_rules, self._recipe.change_rule
        gate = metric_gate(lq, hq, between, work.patch.category, rules, change)
        fact = Scored(step.attempt, lq, hq, between, answer["provenance"], gate)
        await self._append(work, fact)

    async def _judge(self, work: Work, step: AskJudge) -> None:
        patch = work.patch
        request = JudgeRequest(patch.lq_path, self._path(step.target), patch.category, self._recipe.judge_rule)
        ask = Ask(patch.id, "judge", step.attempt, step.target.target_sha256)
        answered = await self._judgements.call(ask, lambda: self._assessor.judge(request), checked_judgement)
        judgement: Judgement = answered.result
        fact = Judged(
            attempt=step.attempt,
            judge=self._assessor.info.id,
            verdict=judgement.verdict,
            ruled=judge_rule(judgement.verdict, self._recipe.judge_rule),
            seconds=round(answered.seconds, 3),
            cost_usd=judgement.cost_usd,
        )
        await self._append(work, fact, ended=answered.ending())

    def _path(self, candidate: Generated) -> Path:
        return content_path(self._candidates, candidate.target_sha256, target_suffix(candidate))


def request_of(patch: Patch, step: Generate, recipe: Recipe) -> GenerateRequest:
    """What a generator is asked in a step."""
    return GenerateRequest(
        generator=recipe.generator,
        lq_path=patch.lq_path,
        lq_sha256=patch.sha256,
        width=patch.geometry.width,
        height=patch.geometry.height,
        category=patch.category,
        prompt=step.prompt,
        aspects=step.aspects,
        attempt=step.attempt,
        seed=step.seed,
        options=recipe.generator_options,
    )


def target_suffix(candidate: Generated) -> str:
    """The suffix of the file that holds a candidate's registered HQ: PNG, or as received where that was registered as it is."""
    as_received = candidate.target_sha256 == candidate.received_sha256
    return SUFFIXES[candidate.media_type] if as_received else ".png"


def _failed(step: WritePrompt | Generate | Align | Score | AskJudge, error: ProviderError) -> Failed:
    return failure(1 if isinstance(step, WritePrompt) else step.attempt, _name(step), error)


def _name(step: WritePrompt | Generate | Align | Score | AskJudge) -> str:
    match step:
        case WritePrompt():
            return "prompt"
        case Generate():
            return "generate"
        case Align():
            return "align"
        case Score():
            return "score"
        case AskJudge():
            return "judge"
