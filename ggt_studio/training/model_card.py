"""The model card that goes with exported weights: what it is, what it learnt from, how good it is, what it may be used for. Light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from ggt_studio.restorers.catalogue import Architecture, architecture
from ggt_studio.training.job import CheckpointFiles, Job

_KINDS = {
    "verified": "pairs that people accepted",
    "accepted": "pairs that passed all gates and the judge, whether or not people have looked at them",
    "all": "the first candidate of each patch, without quality control",
}


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """An ONNX file beside the weights: its sides (px; 0 where any multiple of `multiple` will do), and how far its output is
    from the network's own at most, for images of 0 to 1. `window`: px over which Restore averages what the file averages over the
    whole image (TLC); 0 where it does not."""

    name: str
    side: int
    multiple: int
    difference: float
    window: int = 0


def recipe_file(job: Job) -> str:
    """The recipe as the TOML file that `train --recipe` takes."""
    return tomli_w.dumps(job.recipe.model_dump(mode="json", exclude_defaults=True))


def model_card(
    job: Job, found: CheckpointFiles, parameters: int, scores: Mapping[str, Any] | None, onnx: OnnxFile | None
) -> str:
    """The card as Markdown. `scores`: the log's `validated` event of this checkpoint, where there is one."""
    recipe, known = job.recipe, architecture(job.recipe.network)
    front = ["---", "library_name: ggt-studio", "pipeline_tag: image-to-image", "tags:", "- image-restoration", "---"]
    lines = [
        *front,
        f"# {job.name}",
        "",
        (
            f"A {known.label}{f' ({known.paper})' if known.paper else ''} that restores photos; {parameters / 1e6:.2f} million parameters, "
            f"trained for {found.step:,} of {recipe.steps:,} steps."
        ),
        "",
        "## Data",
        f"Dataset version: `{job.dataset}`" + (f", SHA-256 `{sha}`" if (sha := job.about.get("data_sha256")) else ""),
        "",
        *_table(("Source", "Share", "Set", "Pairs", "Degraded by"), _sets(job)),
        *_kinds(job),
        "",
        "## Training",
        (
            f"Batches of {recipe.batch} crops of {recipe.crop} px, {recipe.precision}, seed {job.seed}. All settings are in "
            "`recipe.toml`."
        ),
        "",
        "## Scores",
        *_scores(job, scores),
        "",
        "## Use",
        "```",
        f"ggt-studio restore {found.weights.name} PHOTOS... -o FOLDER",
        "```",
        *_onnx(onnx),
        "",
        "## Licence",
        _licence(job, known),
        (
            "What may be done with these weights depends on the photos and on the models that made the targets, too: see the terms of "
            "each before you publish or sell."
        ),
    ]
    if job.start_from:
        lines.append("Training began from other weights; their licence applies as well.")
    return "\n".join(lines) + "\n"


def _licence(job: Job, known: Architecture) -> str:
    if job.base is not None:
        return f"It is trained into a model ({job.base.pipeline}) that it needs to work, and whose licence applies."
    return f"The authors' {known.label} is under: {known.licence}."


def _sets(job: Job) -> list[tuple[str, ...]]:
    return [
        (source.name, f"{source.share:g}", one.name, f"{one.pairs:,}", one.degradation or "(pairs)")
        for source in job.mix.sources
        for one in source.sets
    ]


def _kinds(job: Job) -> list[str]:
    words = _KINDS.get(str(job.about.get("include", "")))
    return ["", f"Of the project: {words}."] if words else []


def _scores(job: Job, scores: Mapping[str, Any] | None) -> list[str]:
    if scores is None:
        return ["No pairs were held back, so nothing was measured."]
    rows = [("photos as they are", f"{scores['psnr_lq']:.2f}", f"{scores['ssim_lq']:.4f}", _lpips(scores, "lpips_lq"))]
    rows += [("restored", f"{scores['psnr']:.2f}", f"{scores['ssim']:.4f}", _lpips(scores, "lpips"))]
    degraded = f"; clean photos degraded by {job.validation_degradation}" if job.validation_degradation else ""
    told = (
        f"Means over {scores['pairs']} held-back pairs, the middle {job.recipe.validation_crop} px at most{degraded}."
    )
    return [told, "", *_table(("", "PSNR (dB, RGB)", "SSIM (RGB)", "LPIPS"), rows)]


def _lpips(scores: Mapping[str, Any], name: str) -> str:
    value = scores.get(name)
    return "" if value is None else f"{value:.4f}"


def _onnx(onnx: OnnxFile | None) -> list[str]:
    if onnx is None:
        return []
    size = f"sides of {onnx.side} px" if onnx.side else f"sides that are multiples of {onnx.multiple} px"
    local = ""
    if onnx.window:
        local = (
            f" It averages over the whole image, where `ggt-studio restore` averages over {onnx.window} px: larger photos come out "
            "otherwise there; give it parts of at most that size."
        )
    return [
        "",
        (
            f"`{onnx.name}` takes `lq` and gives `hq`: float32 of shape (1, channels, height, width), RGB of 0 to 1, {size}. "
            f"It was run beside the network and differs by at most {onnx.difference:.1e}.{local}"
        ),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_row(head), _row(["---"] * len(head)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
