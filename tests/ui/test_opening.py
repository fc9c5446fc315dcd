"""What is told when a project is opened whose last run did not come to its end."""

from __future__ import annotations

import pytest

from fakes.hands import click, until
from fakes.projects import add_patch
from ggt_studio.core.recipe import Recipe
from ggt_studio.store.project import Project
from ggt_studio.store.runs import begin_run, end_run
from ggt_studio.ui.pages.generate import GeneratePage


@pytest.mark.parametrize(("ended", "word"), [(None, "interrupted"), ("stopped", "stopped")])
async def test_a_run_that_was_cut_short_is_told_on_opening_and_goes_on_at_one_press(open_window, tmp_path, ended, word):
    with Project.create(tmp_path / "p") as project:
        for seed in range(2):
            add_patch(project, seed)
        run_id = begin_run(project, Recipe("classical", "fix", "measured"))
        if ended is not None:
            end_run(project, run_id, ended)
    window = await open_window(tmp_path / "p")
    await until(lambda: _said(window))
    assert _said(window) == [f"The last run was {word} with 2 patches still open."]
    click(window.banners.banners()[0].action)
    assert window.rail.current == "generate"
    assert not _said(window)
    await until(lambda: window.workspace.running)


async def test_it_is_not_told_any_more_once_the_run_goes_on_from_the_page(open_window, tmp_path):
    with Project.create(tmp_path / "p") as project:
        add_patch(project, 1)
        begin_run(project, Recipe("classical", "fix", "measured"))
    window = await open_window(tmp_path / "p")
    await until(lambda: _said(window))
    window.show_page("generate")
    page = window.findChild(GeneratePage)
    await until(page.primary.isEnabled)
    click(page.primary)
    await until(lambda: window.workspace.running)
    assert not _said(window)


def _said(window) -> list[str]:
    return [banner.message.text() for banner in window.banners.banners()]
