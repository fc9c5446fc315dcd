"""Choices of a recipe that a person gave a name; a run freezes what such a choice comes to at its time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ggt_studio.core.errors import StudioError
from ggt_studio.store.project import Project, now

LONGEST_NAME = 60
"""Characters of a name at most."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Ids of a generator, a prompt strategy and a judge, which metric gate stands before the judge, and the seed."""

    generator: str
    prompts: str
    judge: str
    metric_gate: str = "default"
    seed: int = 0

    def to_json(self) -> str:
        """The choice as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Choice:
        """The choice that `to_json` wrote."""
        return cls(**json.loads(text))


def all_named(project: Project) -> dict[str, Choice]:
    """All named choices, by name in alphabetical order."""
    rows = project.db.execute("SELECT name, choice FROM named_recipe ORDER BY name COLLATE NOCASE")
    return {name: Choice.from_json(choice) for name, choice in rows}


def named(project: Project, name: str) -> Choice:
    """The choice of a name. Raises StudioError naming those that there are."""
    there = all_named(project)
    if name not in there:
        names = ", ".join(there) or "none"
        raise StudioError(f"There is no recipe called {name} in {project.folder}. There are: {names}.")
    return there[name]


def save(project: Project, name: str, choice: Choice) -> str:
    """Keep a choice under a name, in place of the one that had it; returns the name as it is kept.

    Raises StudioError for a name that is empty or too long.
    """
    name = _checked(name)
    with project.transaction():
        project.db.execute("INSERT OR REPLACE INTO named_recipe VALUES (?, ?, ?)", (name, choice.to_json(), now()))
    return name


def rename(project: Project, old: str, new: str) -> str:
    """Give a choice another name; returns it as it is kept. Raises StudioError where the old one is none, or the new one taken."""
    new = _checked(new)
    with project.transaction():
        choice = named(project, old)
        if new == old:
            return new
        if new in all_named(project):
            raise StudioError(f"There is a recipe called {new} already. Choose another name, or delete that one first.")
        project.db.execute("DELETE FROM named_recipe WHERE name = ?", (old,))
        project.db.execute("INSERT INTO named_recipe VALUES (?, ?, ?)", (new, choice.to_json(), now()))
    return new


def delete(project: Project, name: str) -> Choice:
    """Forget a name; returns what it stood for. Runs made with it stay as they are. Raises StudioError where there is none."""
    with project.transaction():
        choice = named(project, name)
        project.db.execute("DELETE FROM named_recipe WHERE name = ?", (name,))
    return choice


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise StudioError("A recipe needs a name to be kept under.")
    if len(name) > LONGEST_NAME:
        raise StudioError(f"The name has {len(name)} characters; at most {LONGEST_NAME} are taken.")
    return name
