"""Which of the prompts on record a recipe uses: a person's own words first, then what its strategy wrote before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ggt_studio.core.facts import Prompted
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Category

EDITED = "edited"
"""The strategy of a prompt in a person's words. It stands for every recipe; one without words takes it back."""


def prompt_basis(recipe: Recipe, category: Category) -> str:
    """What a strategy's prompts for a category rest on: SHA-256 over its text and the model that reads it, hexadecimal.

    Empty where the strategy has no text of its own. Generators have no part in it: they are compared on equal prompts.
    """
    text = recipe.prompt_texts.get(category)
    if text is None:
        return ""
    return hashlib.sha256(f"{recipe.models.get('prompts', '')}\n{text}".encode()).hexdigest()


def serving_prompt(written: Sequence[Prompted], recipe: Recipe, category: Category) -> Prompted | None:
    """The prompt that a recipe uses, of those on record in their order; None where one has to be written."""
    edit = standing_edit(written)
    if edit is not None:
        return edit
    return next((prompt for prompt in reversed(written) if _serves(prompt, recipe, category)), None)


def shown_prompt(written: Sequence[Prompted]) -> Prompted | None:
    """The prompt to show of a patch: the person's own, else the one that was written last."""
    return standing_edit(written) or next((p for p in reversed(written) if p.strategy != EDITED), None)


def standing_edit(written: Sequence[Prompted]) -> Prompted | None:
    """The person's own prompt, unless they took it back."""
    edit = next((prompt for prompt in reversed(written) if prompt.strategy == EDITED), None)
    return edit if edit is not None and edit.text else None


def _serves(prompt: Prompted, recipe: Recipe, category: Category) -> bool:
    if prompt.strategy != recipe.prompts:
        return False
    text = recipe.prompt_texts.get(category)
    if not recipe.prompt_texts or prompt.text == text:
        return True
    return text is not None and prompt.basis == prompt_basis(recipe, category)
