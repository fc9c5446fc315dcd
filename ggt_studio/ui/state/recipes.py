"""The named recipes of the open project as the window sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from ggt_studio.core.errors import describe
from ggt_studio.store import named_recipes
from ggt_studio.store.named_recipes import Choice
from ggt_studio.store.project import Project
from ggt_studio.ui.state.project import OpenProject

T = TypeVar("T")


class NamedRecipes(QObject):
    """`named` by name; each change is on disk before `changed` tells of it."""

    changed = Signal()
    problem = Signal(str)
    """A change that was refused: a sentence for people."""
    deleted = Signal(str, object)
    """A name was forgotten, and the `Choice` that it stood for."""

    def __init__(self, project: OpenProject) -> None:
        super().__init__()
        self._project = project
        self.named: dict[str, Choice] = {}
        project.ask(named_recipes.all_named, self._take)

    def save(self, name: str, choice: Choice) -> None:
        """Keep a choice under a name, in place of the one that had it."""
        self._edit(lambda project: named_recipes.save(project, name, choice))

    def rename(self, old: str, new: str) -> None:
        """Give a choice another name."""
        self._edit(lambda project: named_recipes.rename(project, old, new))

    def delete(self, name: str) -> None:
        """Forget a name; `deleted` tells what it stood for, so that it can be kept again."""
        self._edit(lambda project: named_recipes.delete(project, name), lambda choice: self.deleted.emit(name, choice))

    def _edit(self, edit: Callable[[Project], T], done: Callable[[T], None] = lambda _: None) -> None:
        def both(project: Project) -> tuple[T, dict[str, Choice]]:
            return edit(project), named_recipes.all_named(project)

        def edited(result: tuple[T, dict[str, Choice]]) -> None:
            self._take(result[1])
            done(result[0])

        self._project.tasks.spawn(self._project.query(both), edited, lambda error: self.problem.emit(describe(error)))

    def _take(self, named: dict[str, Choice]) -> None:
        self.named = named
        self.changed.emit()
