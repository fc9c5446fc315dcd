"""What the project remembers of its review: the filter, the pair in front, and what was folded away."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ggt_studio.core.words import Category, State
from ggt_studio.store.patches import Filter
from ggt_studio.ui.state.reviewing import reviewable
from ggt_studio.ui.widgets.compare import Mode

META = "review.memory"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person stands: the filter and the patch in front (0 before there was one)."""

    state: State = State.WAITING
    category: Category | None = None
    patch_id: int = 0

    @property
    def filter(self) -> Filter:
        """The filter as the store reads it."""
        return Filter(state=self.state, category=self.category)


@dataclass(frozen=True, slots=True)
class Memory:
    """The place, whether list and panel are shown, and the way of comparing."""

    place: Place = Place()
    film: bool = True
    info: bool = True
    mode: Mode = Mode.SIDE_BY_SIDE

    def to_json(self) -> str:
        """For the project's settings."""
        place = {"state": self.place.state, "category": self.place.category, "patch": self.place.patch_id}
        return json.dumps({**place, "film": self.film, "info": self.info, "mode": self.mode})

    @classmethod
    def from_json(cls, text: str) -> Memory:
        """What was remembered; the beginning of what waits where there is nothing, or nothing that can be understood."""
        try:
            data = json.loads(text)
            state = State(data["state"])
            category = Category(data["category"]) if data["category"] else None
            place = Place(state if reviewable(state) else State.WAITING, category, int(data["patch"]))
            return cls(place, bool(data["film"]), bool(data["info"]), Mode(data["mode"]))
        except (ValueError, KeyError, TypeError):
            return cls()
