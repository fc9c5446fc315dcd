"""What every page of the window is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ggt_studio.ui.state.workspace import Workspace


class AnyPage(QWidget):
    """A page of the window."""

    title = ""
    """The word in the rail."""
    icon_name = ""
    """The qtawesome name of the rail's icon."""

    page_requested = Signal(str)
    """Asks the window to bring another page to the front, by name."""

    def activated(self) -> None:
        """The page was brought to the front."""

    def deactivated(self) -> None:
        """Another page was brought to the front, or the project is about to be closed: remember what should be remembered."""


class Page(AnyPage):
    """A page over one open project. It is made when first shown and lives until the project is closed."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.workspace = workspace
