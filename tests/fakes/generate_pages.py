"""Generate pages over projects of a few open patches, shown and in front."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fakes.hands import until
from fakes.projects import add_patch
from ggt_studio.store.project import Project
from ggt_studio.ui.pages.generate import GeneratePage
from ggt_studio.ui.state.workspace import Workspace

ShowPage = Callable[..., Awaitable[GeneratePage]]


@asynccontextmanager
async def generate_pages(open_workspace: Callable[[Path], Awaitable[Workspace]], side: int) -> AsyncIterator[ShowPage]:
    """Shows the page of a folder, with new patches of so many px (0 patches: of the project that is there). Closes all at the end."""
    pages: list[GeneratePage] = []

    async def show(folder: Path, patches: int = 3) -> GeneratePage:
        if patches:
            with Project.create(folder) as project:
                for seed in range(patches):
                    add_patch(project, seed, size=side)
        workspace = await open_workspace(folder)
        page = GeneratePage(workspace)
        pages.append(page)
        page.resize(1280, 900)
        page.show()
        page.activateWindow()
        page.activated()
        await until(page.isActiveWindow)
        await until(lambda: workspace.offers.readiness is not None)
        return page

    yield show
    for page in pages:
        page.close()
