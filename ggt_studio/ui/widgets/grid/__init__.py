"""The patch grid and what it asks of its items."""

from ggt_studio.ui.widgets.badges import Badge, Tone
from ggt_studio.ui.widgets.grid.area import GridSource
from ggt_studio.ui.widgets.grid.grid import PatchGrid
from ggt_studio.ui.widgets.grid.painting import GridItem
from ggt_studio.ui.widgets.grid.ranges import Ranges

__all__ = ["Badge", "GridItem", "GridSource", "PatchGrid", "Ranges", "Tone"]
