"""Opening a project for the window: on a thread, without losing its lock, and with a word on where it stood."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ggt_studio.settings import Settings

if TYPE_CHECKING:
    from ggt_studio.pipeline.session import Session
    from ggt_studio.providers.keys import Keys
    from ggt_studio.ui.state.workspace import Workspace


async def open_session(
    folder: Path, settings: Settings, *, read_only: bool, create: bool, keys: Keys | None = None
) -> Session:
    """Open (or make) a project off the window's thread, with the window's `keys`. Raises StudioError.

    Where nobody waits any more because the window closes, it is closed as soon as it is open: its lock would stay.
    """
    from ggt_studio.pipeline.session import Session

    opening = asyncio.ensure_future(
        asyncio.to_thread(Session, folder, settings, read_only=read_only, create=create, keys=keys)
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        (await opening).close()
        raise


async def page_shown_last(workspace: Workspace) -> str:
    """The name of the page that was in front when the project was closed; empty when it never was open."""
    return await workspace.query(lambda project: project.meta("window.page"))


async def where_it_stood(workspace: Workspace) -> str:
    """A sentence on the patches that an earlier run left open when it did not come to its end; empty where none did."""
    from ggt_studio.store import runs
    from ggt_studio.store.status import status

    left_off, now = await workspace.query(lambda project: (runs.left_off(project), status(project)))
    if not (left_off and now.runnable):
        return ""
    from ggt_studio.ui.pages.generate.next_action import where_it_stands

    return f"{where_it_stands(now, left_off)}."
