"""Make the recipe of a run from a person's choices."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.core.files import hash_file
from ggt_studio.core.gates import DEFAULT_CHANGE_RULE, DEFAULT_METRIC_RULES
from ggt_studio.core.recipe import MetricRule, Recipe
from ggt_studio.providers.registry import Registry

DEFAULT_GENERATOR = "classical"
DEFAULT_PROMPTS = "fix"
DEFAULT_JUDGE = "measured"


class MetricGate(StrEnum):
    """Which no-reference metrics a candidate must pass before the judge sees it. NONE: no metric gate, for an ablation,
    or where the ml extra is not installed; nothing is measured then."""

    DEFAULT = "default"
    NONE = "none"


def make_recipe(
    registry: Registry,
    generator: str,
    prompts: str,
    judge: str,
    *,
    metric_gate: MetricGate = MetricGate.DEFAULT,
    niqe_parameters: str = "",
    seed: int = 0,
) -> Recipe:
    """Freeze the choices, the prompt texts and the parameters of metrics as they are now among them.

    NIQE takes part where `niqe_parameters` names its file. Raises StudioError for an id that the registry does not have, and
    for a file that cannot be read.
    """
    maker, writer, assessor = registry.generator(generator), registry.prompt_writer(prompts), registry.judge(judge)
    infos = {"generator": maker.info, "prompts": writer.info, "judge": assessor.info}
    return Recipe(
        generator=generator,
        prompts=prompts,
        judge=judge,
        prompt_texts=writer.preset_texts(),
        generator_options=dict(maker.info.options),
        judge_text=assessor.info.instruction,
        models={role: info.model for role, info in infos.items() if info.model},
        metric_rules=_rules(metric_gate, niqe_parameters),
        change_rule=None if metric_gate is MetricGate.NONE else DEFAULT_CHANGE_RULE,
        metric_files=_files(metric_gate, niqe_parameters),
        seed=seed,
    )


def _rules(metric_gate: MetricGate, niqe_parameters: str) -> tuple[MetricRule, ...]:
    if metric_gate is MetricGate.NONE:
        return ()
    return tuple(rule for rule in DEFAULT_METRIC_RULES if rule.metric != "niqe" or niqe_parameters)


def _files(metric_gate: MetricGate, niqe_parameters: str) -> dict[str, str]:
    if metric_gate is MetricGate.NONE or not niqe_parameters:
        return {}
    try:
        return {"niqe": hash_file(Path(niqe_parameters))}
    except OSError as error:
        raise StudioError(
            f"The NIQE parameter file {niqe_parameters} cannot be read ({error.strerror}). Choose it anew in the settings."
        ) from error
