"""The command `restore`: photos through a restorer, classical means or a generator, into a folder or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import (
    DONE,
    FAILED,
    ProgressBar,
    agreeing,
    counted,
    json_option,
    note,
    refuse_options,
    run_async,
    say,
)
from ggt_studio.core.errors import StudioError
from ggt_studio.core.metadata import Strip
from ggt_studio.core.money import dollars
from ggt_studio.core.photo_files import FileFormat
from ggt_studio.core.restored import Output
from ggt_studio.core.words import Category
from ggt_studio.pipeline.offers import make_registry
from ggt_studio.pipeline.restoring import (
    Bill,
    Checkpoint,
    Finetuned,
    Generated,
    ModelSettings,
    Money,
    RestoreChoice,
    RestoreItem,
    RestoreQueue,
    RestoringModel,
    Standing,
    named_model,
)
from ggt_studio.providers.keys import Keys
from ggt_studio.settings import load

_SUFFIXES = {".jpg": FileFormat.JPEG, ".jpeg": FileFormat.JPEG, ".png": FileFormat.PNG, ".tif": FileFormat.TIFF}
_SUFFIXES |= {".tiff": FileFormat.TIFF, ".webp": FileFormat.WEBP, ".avif": FileFormat.AVIF}
# Below this nobody sees it; a colour chart's patches differ by more from print to print.
_SHIFT_WORTH_TELLING = 3.0
_OF_CHECKPOINTS = ("half", "scale")
_OF_FILES = ("tile", "device")
_OF_PAID = ("budget", "repeat_uncertain")


class _Tile(click.ParamType):
    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "auto":
            return 0
        try:
            if (tile := int(value)) > 0:
                return tile
        except ValueError:
            pass
        return self.fail(f"{value!r} is neither `auto` nor a size in px.", param, ctx)


@click.command()
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path), help="Folder; for one photo also a file.")
@click.option("--tile", type=_Tile(), default="auto", show_default=True, help="Px a side that go through at once.")
@click.option(
    "--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="0 the photo, 1 restored."
)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps", help="What computes.")
@click.option("--half", is_flag=True, help="Half precision, where the network bears it.")
@click.option(
    "--scale", type=click.Choice(["1", "2", "3", "4", "8"]), default="1", help="Where weights do not tell it."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another one is another sample.")
@click.option(
    "--category",
    type=click.Choice([category.value for category in Category]),
    help="What is wrong with the photos; by default what their folder is called, else general-mixed.",
)
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="Where the model is that a LoRA or ControlNet was trained into, if not where its file says.",
)
@click.option("--prompt", help="What a generator is told; by default one fixed sentence for the category.")
@click.option("--budget", type=click.FloatRange(min=0), metavar="USD", help="Spend at most this much in this run.")
@click.option(
    "--repeat-uncertain", is_flag=True, help="Ask again where an earlier, interrupted request may have been charged."
)
@click.option(
    "--format", "file_format", type=click.Choice([f.value for f in FileFormat]), help="By default as each photo came."
)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG, WebP and AVIF.")
@click.option("--lock-colour", is_flag=True, help="Large areas keep the photo's colours.")
@click.option("--strip-gps", is_flag=True, help="Leave out where the photo was taken.")
@click.option("--strip-metadata", is_flag=True, help="Leave out EXIF and XMP, but for the note that it was restored.")
@click.option("--overwrite", is_flag=True, help="Replace files in the way, and do again what was done.")
@json_option
@click.pass_context
def restore(
    context: click.Context,
    model: str,
    inputs: tuple[Path, ...],
    out: Path,
    tile: int,
    strength: float,
    device: str,
    half: bool,
    scale: str,
    seed: int,
    category: str | None,
    base: Path | None,
    prompt: str | None,
    budget: float | None,
    repeat_uncertain: bool,
    file_format: str | None,
    quality: int,
    lock_colour: bool,
    strip_gps: bool,
    strip_metadata: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Restore INPUTS (photos, or folders of them) with MODEL into the folder OUT.

    MODEL is the checkpoint of a restorer (`train` makes such, too), `classical`, or the id of another generator (`ggt-studio models
    --role generator`). Photos stay as they are. What was restored before with the same settings is skipped, also under another
    name. What a generator gave is kept in OUT, and serves other settings too: nothing is paid for twice unless --seed or --prompt
    asks for something else.
    """
    exact = (
        out
        if len(inputs) == 1 and inputs[0].is_file() and out.suffix.lower() in _SUFFIXES and not out.is_dir()
        else None
    )
    strip = Strip.ALL if strip_metadata else Strip.GPS if strip_gps else Strip.NOTHING
    wanted = FileFormat(file_format) if file_format else None
    if exact is not None:
        if wanted not in (None, _SUFFIXES[exact.suffix.lower()]):
            raise click.UsageError(f"--format {wanted} does not go with {exact.name}.")
        wanted = _SUFFIXES[exact.suffix.lower()]
        if exact.exists() and not overwrite:
            raise StudioError(f"{exact} is there already. Choose another place, or add --overwrite.")
    if out.exists() and exact is None and not out.is_dir():
        raise StudioError(f"{out} is a file. Choose a folder, or give one photo and the name of a new file.")
    output = Output(wanted, quality, strip, strength, lock_colour)
    settings = ModelSettings(tile, device, half, int(scale), seed, prompt or "", str(base.absolute()) if base else "")
    money = Money(budget, repeat_uncertain)

    async def work() -> RestoreQueue:
        registry, services, pool = make_registry(load(), Keys(), processes=1)
        try:
            chosen = named_model(model, settings, registry)
            _refuse_idle(context, chosen)
            choice = RestoreChoice(chosen, output, Category(category) if category else None, overwrite)
            with ProgressBar("Restoring", "photo") as bar:
                queue = RestoreQueue(
                    pool,
                    choice,
                    exact.parent if exact else out,
                    exact=exact,
                    on_change=lambda: _show(bar, queue, money),
                )
                queue.add(inputs)
                if chosen.info.leaves_machine:
                    note(f"Photos are sent to {chosen.info.leaves_machine}.")
                if chosen.info.paid:
                    note(f"{_bill_words(await queue.bill(choice), priced=chosen.info.price_known)}.")
                await queue.run(money)
            return queue
        finally:
            services.clients.close()
            pool.close()

    queue = run_async(work)
    for item in queue.items:
        if item.standing in (Standing.FAILED, Standing.UNCERTAIN):
            note(f"ggt-studio: {item.path}: {item.message}")
    if queue.left_usd:
        note(
            f"An interrupted run may have been charged {dollars(queue.left_usd)} here; that is booked against this one."
        )
    if queue.count(Standing.UNCERTAIN):
        note("--repeat-uncertain asks for these again.")
    if queue.halted:
        note(f"ggt-studio: {queue.halted}")
    say(as_json, _document(queue, money), _lines(queue, money))
    return DONE if _all_well(queue) else FAILED


def _show(bar: ProgressBar, queue: RestoreQueue, money: Money) -> None:
    over = sum(item.standing not in (Standing.WAITING, Standing.RUNNING) for item in queue.items)
    more: dict[str, object] = {}
    if queue.spent_usd or money.budget_usd is not None:
        more["spent"] = _spent_words(queue, money)
    bar.show(over, len(queue.items), **more)


def _bill_words(bill: Bill, *, priced: bool) -> str:
    """What is going to be asked, and what it costs, in one line."""
    words = f"{counted(bill.asks, 'photo')} to be asked for"
    if bill.asks:
        words += (
            f": about {dollars(bill.about_usd)}, at most {dollars(bill.most_usd)}"
            if priced
            else ", at an unknown price"
        )
    if bill.received:
        words += f"; what came for {counted(bill.received, 'photo')} before is used again, for nothing"
    if bill.uncertain:
        words += f"; {counted(bill.uncertain, 'photo')} may have been charged before ({dollars(bill.uncertain_usd)})"
    return words


def _spent_words(queue: RestoreQueue, money: Money) -> str:
    return f"{dollars(queue.spent_usd)}" + (f" of {dollars(money.budget_usd)}" if money.budget_usd is not None else "")


def _refuse_idle(context: click.Context, chosen: RestoringModel) -> None:
    """Raises UsageError for options that were given and would do nothing."""
    if isinstance(chosen, Checkpoint | Finetuned):
        refuse_options(context, ("category",), "does not go with a checkpoint, which restores what it was trained on")
    else:
        refuse_options(context, _OF_FILES, "only goes with the checkpoint of a restorer")
    if not isinstance(chosen, Checkpoint):
        refuse_options(context, _OF_CHECKPOINTS, "only goes with the checkpoint of a network that is whole by itself")
    if not isinstance(chosen, Finetuned):
        refuse_options(context, ("base",), "only goes with a LoRA or ControlNet that was trained into another model")
    if not isinstance(chosen, Generated):
        refuse_options(context, ("prompt",), "only goes with a generator that is told what to do")
    if not chosen.info.paid:
        refuse_options(context, _OF_PAID, f"only goes with a model that costs; {chosen.info.label} is free")


def _all_well(queue: RestoreQueue) -> bool:
    return not (queue.halted or queue.count(Standing.FAILED) or queue.count(Standing.UNCERTAIN))


def _document(queue: RestoreQueue, money: Money) -> dict[str, Any]:
    def told(standing: Standing) -> list[dict[str, Any]]:
        return [
            {"path": str(item.path), "reason": item.message, **item.facts}
            for item in queue.items
            if item.standing is standing
        ]

    return {
        "restored": queue.count(Standing.RESTORED),
        "skipped": queue.count(Standing.SKIPPED),
        "failed": told(Standing.FAILED),
        "uncertain": told(Standing.UNCERTAIN),
        "waiting": queue.count(Standing.WAITING),
        "halted": queue.halted,
        "spent_usd": queue.spent_usd,
        "budget_usd": money.budget_usd,
        "files": [
            {"path": str(item.path), "standing": item.standing, **item.facts, "out": str(item.out)}
            for item in queue.items
            if item.out is not None
        ],
    }


def _lines(queue: RestoreQueue, money: Money) -> list[str]:
    spent = f", {_spent_words(queue, money)} spent" if queue.choice.model.info.paid else ""
    lines = [f"{counted(queue.count(Standing.RESTORED), 'photo')} restored into {queue.folder}{spent}."]
    if skipped := queue.count(Standing.SKIPPED):
        lines.append(f"{counted(skipped, 'photo')} done before and skipped (--overwrite restores again).")
    if waiting := queue.count(Standing.WAITING):
        lines.append(f"{agreeing(waiting, 'photo waits', 'photos wait')}: run it again to go on.")
    if not queue.items:
        lines.append("There are no photos in what was given.")
    for item in queue.items:
        lines += [f"  {item.path.name}: {remark}" for remark in _remarks(item)]
    return lines


def _remarks(item: RestoreItem) -> list[str]:
    """What a person should know of one photo, beside that it is done."""
    facts = item.facts
    remarks = [f"{text}." for text in facts.get("notes", ())]
    if facts.get("colour_shift_most", 0) >= _SHIFT_WORTH_TELLING:
        remarks.append(
            f"colours of large areas moved by {facts['colour_shift']:.1f} on average (CIELAB); --lock-colour keeps them."
        )
    if not facts.get("enough", True):
        remarks.append("tiles were smaller than the network's reach; seams may show.")
    if facts.get("halvings"):
        remarks.append(f"memory ran out; it went through in tiles of {facts['tile']} px.")
    return remarks
