"""The views that take the generate page's place for a while: the try-out, and the prompts of the next patches."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedLayout, QWidget

from ggt_studio.ui.pages.generate.prompts_view import PromptsView
from ggt_studio.ui.pages.generate.recipe_panel import RecipePanel
from ggt_studio.ui.pages.tryout import TryoutView
from ggt_studio.ui.state.recipes import NamedRecipes
from ggt_studio.ui.state.workspace import Workspace


class Subviews(QObject):
    """Each is made when first asked for. `came_back` when the page itself is in view again; `recipe_chosen` carries a `Choice`."""

    came_back = Signal()
    recipe_chosen = Signal(object)

    def __init__(
        self, workspace: Workspace, recipes: NamedRecipes, panel: RecipePanel, main: QWidget, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._workspace, self._recipes, self._panel, self._main = workspace, recipes, panel, main
        self._views = QStackedLayout(parent)
        self._views.addWidget(main)
        self.tryout: TryoutView | None = None
        self.prompts: PromptsView | None = None

    def open_tryout(self) -> None:
        """Show the try-out."""
        if self.tryout is None:
            self.tryout = TryoutView(self._workspace, self._recipes)
            self.tryout.closed.connect(self.close)
            self.tryout.recipe_chosen.connect(self.recipe_chosen)
            self._views.addWidget(self.tryout)
        self._views.setCurrentWidget(self.tryout)
        self.tryout.open(self._panel.recipe)

    def open_prompts(self) -> None:
        """Show the prompts of the next patches."""
        if self.prompts is None:
            self.prompts = PromptsView(self._workspace)
            self.prompts.closed.connect(self.close)
            self._views.addWidget(self.prompts)
        self._views.setCurrentWidget(self.prompts)
        self.prompts.open(self._panel.choice)

    def close(self) -> None:
        """Come back to the page itself."""
        self._views.setCurrentWidget(self._main)
        self.came_back.emit()
