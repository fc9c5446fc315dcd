"""The one view that compares LQ with HQ, used on every page."""

from ggt_studio.ui.widgets.compare.modes import Mode, Side
from ggt_studio.ui.widgets.compare.view import CompareView

__all__ = ["CompareView", "Mode", "Side"]
