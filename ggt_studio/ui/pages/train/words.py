"""What the train page says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

from ggt_studio.training.story import Story
from ggt_studio.ui import theme
from ggt_studio.ui.format import count, counted, duration, percent

_ICONS: dict[str, tuple[str, theme.ColourRole]] = {
    "new": ("mdi6.circle-outline", "muted"),
    "running": ("mdi6.progress-clock", "accent"),
    "paused": ("mdi6.pause-circle-outline", "muted"),
    "interrupted": ("mdi6.pause-circle-outline", "warn"),
    "failed": ("mdi6.alert-circle", "bad"),
    "done": ("mdi6.check-circle", "good"),
}


def tr(text: str) -> str:
    """A text of this page in the person's language."""
    return QCoreApplication.translate("TrainPage", text)


def state_icon(story: Story) -> tuple[str, theme.ColourRole]:
    """The icon of a run's state, and its colour."""
    return ("mdi6.alert-circle-outline", "warn") if story.state == "done" and made_worse(story) else _ICONS[story.state]


def made_worse(story: Story) -> bool:
    """Whether no checkpoint restores held-back photos better than they are."""
    best = story.best
    return best is not None and bool(best.get("pairs")) and best["psnr"] <= best["psnr_lq"]


def state_words(story: Story) -> str:
    """Where a run stands, in a word or two."""
    return {
        "new": tr("Not begun"),
        "running": tr("Training"),
        "paused": tr("Paused"),
        "interrupted": tr("Broke off"),
        "failed": tr("Failed"),
        "done": tr("Done"),
    }[story.state]


def row_words(story: Story) -> str:
    """A run in the second line of the list."""
    words = state_words(story)
    if story.state in {"running", "paused", "interrupted", "failed"} and story.step:
        words = tr("{0}, {1}").format(words, percent(round(story.step / story.job.recipe.steps, 2)))
    gain = gain_words(story.best)
    return f"{words} · {gain}" if gain else words


def gain_words(scores: Mapping[str, Any] | None) -> str:
    """What validation found, in dB of PSNR gained over the photos as they are; empty where nothing was measured."""
    if scores is None or not scores.get("pairs"):
        return ""
    return tr("{0} dB").format(signed(scores["psnr"] - scores["psnr_lq"]))


def signed(value: float) -> str:
    """With its sign and two digits."""
    return f"{'+' if value >= 0 else '−'}{abs(value):.2f}"


def about_words(story: Story) -> str:
    """What a run is, in a line."""
    recipe = story.job.recipe
    sets = [one for source in story.job.mix.sources for one in source.sets]
    pairs = sum(one.pairs for one in sets)
    return " · ".join(
        (
            recipe.label,
            counted(recipe.steps, tr("1 step"), tr("{0} steps")),
            tr("batch {0}, crops of {1} px").format(recipe.batch, recipe.crop),
            tr("{0} ({1})").format(counted(pairs, tr("1 pair"), tr("{0} pairs")), ", ".join(one.name for one in sets)),
        )
    )


def standing_words(story: Story) -> str:
    """How a run stands, in a sentence."""
    steps, step = count(story.job.recipe.steps), count(story.step)
    match story.state:
        case "new":
            return tr("Ready. Train it here, or copy its folder to a machine with a GPU.")
        case "running":
            eta = story.eta_s
            left = tr("about {0} left").format(duration(eta)) if eta is not None else tr("beginning")
            return tr("Step {0} of {1}, {2}.").format(step, steps, left)
        case "paused":
            return tr("Rests at step {0} of {1}; it goes on exactly where it stood.").format(step, steps)
        case "interrupted":
            at = count(story.checkpoints[-1].step) if story.checkpoints else tr("the beginning")
            return tr("It broke off at step {0}; it goes on from its last checkpoint ({1}).").format(step, at)
        case "failed":
            return tr("It ended at step {0} of {1}.").format(step, steps)
        case _:
            best = story.best
            if best is None or not best.get("pairs"):
                return tr("Done: {0} steps.").format(steps)
            if made_worse(story):
                told = tr("Done: {0} steps, but no checkpoint restores held-back photos better than they are ({1}).")
                return told.format(steps, gain_words(best))
            told = tr("Done: {0} steps. The best checkpoint, step {1}, restores held-back photos to {2:.2f} dB ({3}).")
            return told.format(steps, count(best["step"]), best["psnr"], gain_words(best))


def numbers(story: Story) -> list[tuple[str, str, str]]:
    """The figures of late: name, value, what it means."""
    if not story.measured:
        return []
    latest = story.measured[-1]
    found = [
        (tr("Loss"), f"{latest['loss']:.4g}", tr("Of the training crops; lower is better")),
        (tr("Learning rate"), f"{latest['lr']:.2e}", ""),
        (tr("Images/s"), f"{latest['images_per_s']:.3g}", tr("Crops that were trained on in a second")),
        (
            tr("Waits for data"),
            percent(round(latest["data_wait"], 2)),
            tr("The share of the time in which the network waits for crops"),
        ),
        (tr("Device"), story.device, ""),
    ]
    if story.validated and story.validated[-1].get("pairs"):
        scores = story.validated[-1]
        found.insert(0, (tr("PSNR"), tr("{0:.2f} dB").format(scores["psnr"]), _against(scores["psnr_lq"], 2)))
        found.insert(1, (tr("SSIM"), f"{scores['ssim']:.3f}", _against(scores["ssim_lq"], 3)))
        if scores.get("lpips") is not None:
            found.insert(2, (tr("LPIPS"), f"{scores['lpips']:.3f}", _against(scores["lpips_lq"], 3)))
    return found


def _against(value: float, digits: int) -> str:
    return tr("Of held-back photos; as they are: {0}").format(f"{value:.{digits}f}")
