"""Joins the bar of named recipes to the project's: what a person asks for there is done, deleting with undo."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject

from ggt_studio.store.named_recipes import Choice
from ggt_studio.ui.pages.generate.recipe_panel import RecipePanel
from ggt_studio.ui.state.recipes import NamedRecipes
from ggt_studio.ui.widgets.common import Toast


class Naming(QObject):
    """Lives as long as the page."""

    def __init__(self, recipes: NamedRecipes, panel: RecipePanel, toast: Toast, parent: QObject) -> None:
        super().__init__(parent)
        self._recipes, self._panel, self._toast = recipes, panel, toast
        self._forgotten: tuple[str, Choice] | None = None
        names = panel.names
        recipes.changed.connect(lambda: names.show_named(recipes.named, panel.recipe))
        recipes.deleted.connect(self._deleted)
        names.chosen.connect(lambda name: panel.set_recipe(recipes.named[name]))
        names.save_asked.connect(lambda name: recipes.save(name, panel.recipe))
        names.rename_asked.connect(recipes.rename)
        names.delete_asked.connect(recipes.delete)
        toast.undone.connect(self._keep_again)

    def _deleted(self, name: str, choice: Choice) -> None:
        self._forgotten = (name, choice)
        told = QCoreApplication.translate("GeneratePage", "Deleted the recipe {0}")
        self._toast.tell(told.format(name), undo=True)

    def _keep_again(self) -> None:
        if self._forgotten is not None:
            self._recipes.save(*self._forgotten)
            self._forgotten = None
