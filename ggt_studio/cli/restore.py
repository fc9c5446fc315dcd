"""The command `restore`: photos through a restorer, classical means or a generator, into a folder or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ggt_studio.cli.console import FAILED, ProgressBar, counted, json_option, note, run_async, say
from ggt_studio.core.errors import StudioError
from ggt_studio.core.metadata import Strip
from ggt_studio.core.photo_files import FileFormat
from ggt_studio.core.restored import Output
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring import RestoreChoice, RestoreItem, RestoreQueue, Standing
from ggt_studio.pipeline.restoring.choosing import ModelSettings, is_checkpoint, named_model
from ggt_studio.worker.client import WorkerPool

_SUFFIXES = {".jpg": FileFormat.JPEG, ".jpeg": FileFormat.JPEG, ".png": FileFormat.PNG, ".tif": FileFormat.TIFF}
_SUFFIXES |= {".tiff": FileFormat.TIFF, ".webp": FileFormat.WEBP, ".avif": FileFormat.AVIF}
# Below this nobody sees it; a colour chart's patches differ by more from print to print.
_SHIFT_WORTH_TELLING = 3.0
_OF_CHECKPOINTS = ("tile", "device", "half", "scale")


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
    file_format: str | None,
    quality: int,
    lock_colour: bool,
    strip_gps: bool,
    strip_metadata: bool,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Restore INPUTS (photos, or folders of them) with MODEL into the folder OUT.

    MODEL is the checkpoint of a restorer, or `classical`. Photos stay as they are. What was restored before with the same settings
    is skipped, also under another name.
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
    if is_checkpoint(model):
        _refuse(context, ("category",), "does not go with a checkpoint, which restores what it was trained on")
    else:
        _refuse(context, _OF_CHECKPOINTS, "only goes with the checkpoint of a restorer")
    chosen = named_model(model, ModelSettings(tile, device, half, int(scale), seed))
    choice = RestoreChoice(chosen, output, Category(category) if category else None, overwrite)

    async def work() -> RestoreQueue:
        pool = WorkerPool(1)
        try:
            with ProgressBar("Restoring", "photo") as bar:

                def show() -> None:
                    over = sum(item.standing not in (Standing.WAITING, Standing.RUNNING) for item in queue.items)
                    bar.show(over, len(queue.items))

                queue = RestoreQueue(pool, choice, exact.parent if exact else out, exact=exact, on_change=show)
                queue.add(inputs)
                await queue.run()
            return queue
        finally:
            pool.close()

    queue = run_async(work)
    failed = [item for item in queue.items if item.standing is Standing.FAILED]
    for item in failed:
        note(f"ggt-studio: {item.path}: {item.message}")
    say(as_json, _document(queue), _lines(queue))
    return FAILED if failed else 0


def _refuse(context: click.Context, names: tuple[str, ...], why: str) -> None:
    """Raises UsageError for an option that was given and would do nothing."""
    for name in names:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} {why}.")


def _document(queue: RestoreQueue) -> dict[str, Any]:
    return {
        "restored": queue.count(Standing.RESTORED),
        "skipped": queue.count(Standing.SKIPPED),
        "failed": [
            {"path": str(item.path), "reason": item.message} for item in queue.items if item.standing is Standing.FAILED
        ],
        "files": [
            {"path": str(item.path), "standing": item.standing, **item.facts, "out": str(item.out)}
            for item in queue.items
            if item.out is not None
        ],
    }


def _lines(queue: RestoreQueue) -> list[str]:
    lines = [f"{counted(queue.count(Standing.RESTORED), 'photo')} restored into {queue.folder}."]
    if skipped := queue.count(Standing.SKIPPED):
        lines.append(f"{counted(skipped, 'photo')} done before and skipped (--overwrite restores again).")
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
