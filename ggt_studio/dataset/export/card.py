"""The dataset card, `README.md`: how to load the dataset, what is in it, how it was made, what it is not."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ggt_studio import __version__
from ggt_studio.core.words import Category
from ggt_studio.dataset.export.facts import CardFacts, ExportFormat
from ggt_studio.dataset.export.rows import Side, clean, without_folders
from ggt_studio.dataset.export.selection import Totals

LIMITS = (
    "The HQ images are generative ground truth: what a generator made of real low-quality photos. They are an "
    "approximation, not measured truth, and may hold subtle invented detail that nobody noticed. They are unfit for "
    "metrology, forensics, medicine and any other use in which a detail of the image is taken as evidence of what was in "
    "front of the camera."
)
CATEGORY_NAMES: Mapping[Category, str] = {
    Category.GENERAL_MIXED: "General mixed",
    Category.RAIN: "Rain",
    Category.HAZE: "Haze",
    Category.SNOW: "Snow",
    Category.LOW_LIGHT: "Low light",
    Category.OLD_PHOTO: "Old photo",
}
_INCLUDED = {
    "verified": "Pairs that a person accepted.",
    "accepted": "Pairs that the automatic checks or a person accepted.",
    "all": "All pairs that have a target, including those that the checks or a person rejected.",
}
_FILES = {
    ExportFormat.IMAGEFOLDER: {"train": "train/**", "test": "test/**"},
    ExportFormat.PARQUET: {"train": "data/train-*.parquet", "test": "data/test-*.parquet"},
    ExportFormat.WEBDATASET: {"train": "train-*.tar", "test": "test-*.tar"},
}
_LAYOUT = {
    ExportFormat.IMAGEFOLDER: (
        "`<split>/lq/<key>.png` and `<split>/hq/<key>.<type>` hold the images, `<split>/metadata.jsonl` a line per "
        "pair with columns `lq_file_name` and `hq_file_name`; its column `provenance` is JSON text. The image files are "
        "read-only, because they may share their disk space with the project they were exported from: copy them before "
        "editing them."
    ),
    ExportFormat.PARQUET: (
        "`data/<split>-*.parquet` holds a row per pair: columns `lq` and `hq` with the bytes of the image files, and the "
        "provenance in typed columns; each metric is a column of its own (`score_lq_...`, `score_hq_...`, "
        "`score_between_...`)."
    ),
    ExportFormat.WEBDATASET: (
        "`<split>-*.tar` holds three members per pair: `<key>.lq.png`, `<key>.hq.<type>` and `<key>.json`, whose "
        "`provenance` is JSON text. Where targets are of several file types all are named `<key>.hq.png`, because readers "
        "want the same names in every sample; they decode by content, and `hq_media_type` tells the true type."
    ),
}
_PROVENANCE = (
    "`provenance.jsonl` tells for every pair where its bytes came from: the photo's file name and SHA-256, how the patch "
    "was cut, generator, prompt, recipe, scores, alignment, verdict and review. Folders of the original photos are left "
    "out, as they may name people or places. The image files are byte for byte those of the project they were exported "
    "from; `sha256sum -c SHA256SUMS` checks the dataset."
)
_METHOD = (
    "Photos were cut into patches. For each patch a generator made a target from a prompt; the target was registered to "
    "the patch, compared with it by metrics, and scored by a judge on restoration quality, object consistency, geometry "
    "alignment, content reasonableness and colour consistency. A pair counts as verified once a person has accepted it. "
    "The method is that of [arXiv 2605.31039](https://arxiv.org/abs/2605.31039)."
)
# Names that people write, and the identifiers that dataset hubs know.
_LICENCE_IDS = {
    "cc0": "cc0-1.0",
    "cc01.0": "cc0-1.0",
    "ccby4.0": "cc-by-4.0",
    "ccbysa4.0": "cc-by-sa-4.0",
    "ccbync4.0": "cc-by-nc-4.0",
    "ccbyncsa4.0": "cc-by-nc-sa-4.0",
    "mit": "mit",
    "apache2.0": "apache-2.0",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True, slots=True)
class Composition:
    """What the card counts: pairs by side and category, what they share, the seed and the test pairs asked for."""

    counts: Mapping[Side, Mapping[Category, int]]
    totals: Totals
    seed: int
    test_count: int

    def pairs(self, side: Side) -> int:
        """Pairs on one side."""
        return sum(self.counts[side].values())


def write_card(facts: CardFacts, format_: ExportFormat, made: Composition) -> str:
    """The card as Markdown with the YAML header that dataset hubs and `datasets.load_dataset` read."""
    sections = (
        _header(facts, format_, made),
        f"# {_plain(facts.project)}",
        "Pairs of real low-quality photos (LQ) and generated high-quality targets (HQ) for image restoration.",
        f"> **What this is not.** {LIMITS}",
        "## Selection",
        f"{_INCLUDED[facts.include]} {_reviewed(made)}",
        _table(("Category", "Train", "Test"), _category_rows(made)),
        _split_words(made),
        "## Use",
        _usage(format_, made),
        _LAYOUT[format_],
        _PROVENANCE,
        "## How it was made",
        _METHOD,
        *(("### From photos to pairs", _table(("Step", "Count"), facts.funnel)) if facts.funnel else ()),
        "### Generators",
        _table(("Generator", "Pairs"), sorted(made.totals.generators.items())),
        *(("### Recipes", *_recipes(facts)) if facts.recipes else ()),
        "## Photos",
        _table(("Licence", "Photos"), _photo_counts(made.totals.licences, "not stated")),
        _table(("Origin", "Photos"), _photo_counts(made.totals.origins, "not stated")),
        f"Groups of near-duplicate photos: {made.totals.near_duplicate_groups:,}. No group is on both sides of the split.",
        "A licence is that of the original photo. Terms of the generator may apply to the HQ images besides.",
        *(("## Notes", *(clean(note.strip()) for note in facts.notes)) if facts.notes else ()),
        f"Exported with GGT Studio {__version__}.",
    )
    return "\n\n".join(sections) + "\n"


def description(facts: CardFacts, made: Composition) -> str:
    """The dataset in a few sentences, limits included."""
    return (
        f"{made.pairs('train') + made.pairs('test'):,} pairs of real low-quality photos and generated high-quality "
        f"targets for image restoration. {_INCLUDED[facts.include]} {LIMITS}"
    )


def licence_ids(licences: Iterable[str]) -> list[str]:
    """Hub identifiers of the photos' licences, sorted; `other` stands for those that have none."""
    return sorted({_LICENCE_IDS.get(re.sub(r"[\s_-]", "", name.lower()), "other") for name in licences})


def _header(facts: CardFacts, format_: ExportFormat, made: Composition) -> str:
    total = made.pairs("train") + made.pairs("test")
    size = next((name for limit, name in _SIZES if total < limit), "n>1M")
    lines = ["---", f"pretty_name: {json.dumps(_one_line(facts.project))}", "license:"]
    lines += [f"- {name}" for name in licence_ids(made.totals.licences)]
    lines += ["task_categories:", "- image-to-image", "tags:", "- image-restoration", "- generative-ground-truth"]
    lines += ["size_categories:", f"- {size}", "configs:", "- config_name: default", "  data_files:"]
    for side in ("train", "test"):
        if made.pairs(side):
            lines += [f"  - split: {side}", f'    path: "{_FILES[format_][side]}"']
    return "\n".join([*lines, "---"])


def _reviewed(made: Composition) -> str:
    if not made.totals.unreviewed:
        return "A person has looked at every pair."
    return f"No person has looked at {made.totals.unreviewed:,} of them."


def _category_rows(made: Composition) -> list[tuple[str, int, int]]:
    train, test = made.counts["train"], made.counts["test"]
    rows = [(CATEGORY_NAMES[c], train.get(c, 0), test.get(c, 0)) for c in Category if train.get(c, 0) + test.get(c, 0)]
    return [*rows, ("All", made.pairs("train"), made.pairs("test"))]


def _split_words(made: Composition) -> str:
    test = made.pairs("test")
    if not made.test_count:
        return "There is no test side: none was asked for."
    short = "" if test == made.test_count else f" {made.test_count:,} were asked for; whole groups could not make that."
    return (
        f"The {test:,} test pairs were drawn with seed {made.seed}, in whole groups: patches of one photo and of its near "
        f"duplicates are never on both sides. General mixed photos weigh five times each other category.{short}"
    )


def _usage(format_: ExportFormat, made: Composition) -> str:
    lq, hq = ("lq.png", hq_name(made)) if format_ is ExportFormat.WEBDATASET else ("lq", "hq")
    code = (
        f'from datasets import load_dataset\n\npairs = load_dataset("path/to/this/folder", split="train")\n'
        f'pairs[0]["{lq}"], pairs[0]["{hq}"]'
    )
    return f"```python\n{code}\n```"


def hq_name(made: Composition) -> str:
    """Name of the HQ member in every sample of a webdataset.

    Readers want the same member names in every sample; where file types are mixed, all are called `hq.png`. Readers
    decode by content, and `hq_media_type` in the JSON tells the true type.
    """
    types = sorted(made.totals.hq_extensions)
    return f"hq.{types[0] if len(types) == 1 else 'png'}"


def _recipes(facts: CardFacts) -> list[str]:
    texts = (json.dumps(_public(r), ensure_ascii=False, indent=2, sort_keys=True) for r in facts.recipes)
    return [f"```json\n{text}\n```" for text in sorted(texts)]


def _public(recipe: Mapping[str, object]) -> object:
    """The recipe without folders of this machine; prompts stay as they are."""
    return clean({k: v if k == "prompt_texts" else without_folders(v) for k, v in recipe.items()})


def _photo_counts(photos: Mapping[str, set[int]], unnamed: str) -> list[tuple[str, int]]:
    return [(name or unnamed, len(ids)) for name, ids in sorted(photos.items())]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str | int, ...]]) -> str:
    lines = [head, ("---", *("---:" for _ in head[1:]))]
    lines += [tuple(f"{cell:,}" if isinstance(cell, int) else _plain(cell) for cell in row) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]|#~])", r"\\\1", html.escape(_one_line(text), quote=False))


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())
