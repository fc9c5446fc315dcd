"""What photos are restored with and how they are written, and what that will cost before it begins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ggt_studio.core.restored import Output
from ggt_studio.core.restored_file import output_params
from ggt_studio.core.words import Category
from ggt_studio.pipeline.restoring.items import RestoreItem
from ggt_studio.pipeline.restoring.journal import Journal, Uncertain
from ggt_studio.pipeline.restoring.models import RestoringModel


@dataclass(frozen=True, slots=True)
class RestoreChoice:
    """What photos are restored with, and how they are written.

    `category`: what is wrong with them, for models that ask; None: as a photo's folder is called, else general. `overwrite`: files
    in the way are replaced, and what was done before is done again.
    """

    model: RestoringModel
    output: Output = Output()  # noqa: RUF009 - frozen
    category: Category | None = None
    overwrite: bool = False

    def category_of(self, item: RestoreItem) -> Category:
        """The category that a photo is taken for."""
        return self.category or item.category or Category.GENERAL_MIXED

    def key(self, category: Category, about: Mapping[str, Any]) -> str:
        """What tells results for photos of a category from those of other settings; `about`: what the model told when it was ready."""
        values = output_params(self.output) | self.model.identity(category, about)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Bill:
    """What restoring photos will probably cost: `asks` requests, `about_usd` in all and `most_usd` at most.

    Nothing is paid for those that were `done` before, and for `received` ones, of which what came is kept. `uncertain` ones may have
    been charged, at `uncertain_usd`, and are not asked for again by themselves. `asked` are the files of the photos to be paid for.
    """

    asks: int = 0
    done: int = 0
    received: int = 0
    uncertain: int = 0
    about_usd: float = 0.0
    most_usd: float = 0.0
    uncertain_usd: float = 0.0
    asked: frozenset[Path] = frozenset()


def bill_of(choice: RestoreChoice, photos: Iterable[tuple[RestoreItem, str]], journal: Journal, *, again: bool) -> Bill:
    """The bill for photos through a model that costs, each with the SHA-256 of its file. `again`: what was done before is made again.

    Reads files.
    """
    keys: dict[Category, str] = {}
    requests: dict[str, float | None] = {}
    asked: set[Path] = set()
    done = received = 0
    for item, source in photos:
        category = choice.category_of(item)
        request = choice.model.request(source, category)
        if category not in keys:
            keys[category] = choice.key(category, {})
        made = journal.done.get((source, keys[category]))
        if made is not None and not again and (journal.folder / made).is_file():
            done += 1
        elif request and journal.received(request) is not None:
            received += 1
        elif request:
            known = journal.requests.get(request)
            requests[request] = known.cost_usd if isinstance(known, Uncertain) else None
            if requests[request] is None:
                asked.add(item.path)
    uncertain = [cost for cost in requests.values() if cost is not None]
    asks, info = len(requests) - len(uncertain), choice.model.info
    most = info.price_usd if info.most_usd is None else info.most_usd
    return Bill(
        asks,
        done,
        received,
        len(uncertain),
        asks * info.price_usd,
        asks * most,
        sum(uncertain),
        frozenset(asked),
    )
