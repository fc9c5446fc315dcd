"""The demo: a project of synthetic photos, opened in the window or taken through the whole job without one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ggt_studio.cli.console import agreeing, note, run_async, say
from ggt_studio.cli.display import has_display
from ggt_studio.dataset.exported import find_exports, free_folder
from ggt_studio.dataset.include import Include
from ggt_studio.dataset.pairs import selected_ids
from ggt_studio.pipeline.demo import demo_folder, is_done, prepare_demo
from ggt_studio.pipeline.engine import Engine, RunReport
from ggt_studio.pipeline.exporting import ExportChoice, export_project
from ggt_studio.pipeline.recipes import DEFAULT_GENERATOR, DEFAULT_JUDGE, DEFAULT_PROMPTS
from ggt_studio.pipeline.session import Session
from ggt_studio.settings import data_folder, load
from ggt_studio.store.status import status


def run_demo(folder: Path | None, *, headless: bool, fresh: bool, as_json: bool) -> int:
    """Make the demo in `folder` (a default place where None), or take the one made last unless `fresh`; then open the
    window on it, or run it headless."""
    base = (folder or data_folder() / "demo").expanduser().absolute()
    made = not fresh and is_done(demo_folder(base))
    if not opens_window(headless=headless, as_json=as_json):
        if not (headless or as_json):
            note("There is no display; running the demo without a window.")
        return _headless(base, made=made, fresh=fresh, as_json=as_json)
    if made:
        project = demo_folder(base)
        note(f"Opening the demo in {project} again; `demo --fresh` makes another one.")
    else:
        project = run_async(lambda: prepare_demo(base, load(), fresh=fresh))
    from ggt_studio.app import run_window

    return run_window(project, autorun=not made)


def opens_window(*, headless: bool, as_json: bool) -> bool:
    """Whether the demo is shown in the window: not where a document was asked for, as a window prints none."""
    return not (headless or as_json) and has_display()


def _headless(base: Path, *, made: bool, fresh: bool, as_json: bool) -> int:
    document = run_async(lambda: _whole_job(base, made=made, fresh=fresh))
    lines = [f"{step['patches']:>5}  {step['step']}" for step in document["funnel"]]
    lines += ["", f"The demo project lies in {document['project']}."]
    if document["export"]:
        pairs = agreeing(document["export"]["pairs"], "pair that passed", "pairs that passed")
        lines.append(f"The export of {pairs} the automatic stages lies in")
        lines.append(f"{document['export']['path']}. Open the project to review pairs and export those you accept.")
    if document["run"] and document["run"]["message"]:
        lines.append(document["run"]["message"])
    say(as_json, document, lines)
    return 0


async def _whole_job(base: Path, *, made: bool, fresh: bool) -> dict[str, Any]:
    """Make, run and export the demo; of one that was `made` before, only what is missing."""
    settings = load()
    report: RunReport | None = None
    if made:
        project = demo_folder(base)
        note("The demo was made and run before; `demo --fresh` makes another one.")
    else:
        note("Making synthetic low-quality photos from public-domain ones.")
        project = await prepare_demo(base, settings, fresh=fresh)
    with Session(project, settings, read_only=made) as session:
        if not made:
            note("Generating targets and controlling their quality.")
            recipe = session.recipe(DEFAULT_GENERATOR, DEFAULT_PROMPTS, DEFAULT_JUDGE)
            report = await Engine(
                session.store, session.pool, session.registry, recipe, niqe_parameters=settings.niqe_parameters
            ).run()
        now = await session.store.call(status)
        exported = find_exports(project / "exports")[:1]
        if not exported and await session.store.call(lambda opened: selected_ids(opened, Include.ACCEPTED)):
            dest = free_folder(project / "exports", "demo")
            exported = [await export_project(session.store, ExportChoice(dest, include=Include.ACCEPTED))]
    return {
        "project": str(project),
        "made_before": made,
        "run": asdict(report) if report else None,
        "funnel": [{"step": label, "patches": n} for label, n in now.funnel()],
        "export": {"pairs": exported[0].pairs, "path": str(exported[0].path)} if exported else None,
    }
