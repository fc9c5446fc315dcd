"""The review page over a real project, shown and put away again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest_asyncio

from fakes.hands import until
from fakes.reviewing import ShowPage
from ggt_studio.ui.pages.review import ReviewPage
from ggt_studio.ui.state.workspace import Workspace

OpenWorkspace = Callable[..., Awaitable[Workspace]]


@pytest_asyncio.fixture
async def show_page(open_workspace: OpenWorkspace) -> AsyncIterator[ShowPage]:
    pages: list[ReviewPage] = []

    async def show(folder: Path, *, read_only: bool = False) -> ReviewPage:
        page = ReviewPage(await open_workspace(folder, read_only=read_only))
        pages.append(page)
        page.resize(1360, 860)
        page.show()
        page.activateWindow()
        page.activated()
        page.setFocus()
        await until(page.isActiveWindow)
        await until(lambda: page.course.queue.complete)
        return page

    yield show
    for page in pages:
        await until(lambda page=page: not page.course.decisions.pending)
        page.deactivated()
        page.hide()
