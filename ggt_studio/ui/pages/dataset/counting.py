"""Reading what could be exported, in pages."""

from __future__ import annotations

from ggt_studio.dataset.preview import Member, members
from ggt_studio.ui.state.workspace import Workspace

_PAGE = 20_000


async def read_members(workspace: Workspace) -> list[Member]:
    """All that could be exported, read in pages so that a run goes on meanwhile."""
    found: list[Member] = []
    while True:
        after = found[-1].patch_id if found else 0
        part = await workspace.query(lambda project, after=after: members(project, after=after, limit=_PAGE))
        found += part
        if len(part) < _PAGE:
            return found
