"""A written prompt is used again wherever it fits, and a person's own words go before all others."""

from __future__ import annotations

from dataclasses import replace

from ggt_studio.core.facts import Fact, Failed, Prompted, Reopened, Retried
from ggt_studio.core.policy import ASKED_AGAIN, Generate, Rest, WritePrompt, next_step, summarise
from ggt_studio.core.prompts import EDITED, prompt_basis, shown_prompt
from ggt_studio.core.recipe import Recipe
from ggt_studio.core.words import Category, Outcome, State

RAIN = Category.RAIN
LQ = "a" * 64
GEMINI = Recipe("g", "gemini", "j", prompt_texts={"rain": "Look, then write."}, models={"prompts": "gemini-1"})
FIX = Recipe("g", "fix", "j", prompt_texts={"rain": "Remove the rain."})
WRITTEN = Prompted("gemini", "Remove the rain over the bus.", prompt_basis(GEMINI, RAIN))
FIXED = Prompted("fix", "Remove the rain.", prompt_basis(FIX, RAIN))


def prompt_of(recipe: Recipe, *facts: Fact) -> str | None:
    """The prompt of the first attempt, None where it has to be written first."""
    step = next_step(facts, recipe, LQ, RAIN)
    assert isinstance(step, Generate | WritePrompt)
    return step.prompt if isinstance(step, Generate) else None


def test_a_written_prompt_serves_other_generators_and_judges_of_the_same_strategy() -> None:
    other = replace(GEMINI, generator="another", judge="another", models={"generator": "x", "prompts": "gemini-1"})
    assert prompt_of(GEMINI, WRITTEN) == prompt_of(other, WRITTEN) == WRITTEN.text


def test_it_is_found_again_after_another_strategy_and_after_a_start_afresh() -> None:
    assert prompt_of(GEMINI, WRITTEN, FIXED) == WRITTEN.text
    assert prompt_of(FIX, WRITTEN, FIXED) == FIXED.text
    assert prompt_of(GEMINI, WRITTEN, Reopened("again"), FIXED, Reopened("again")) == WRITTEN.text


def test_another_meta_prompt_model_or_category_needs_another_prompt() -> None:
    assert prompt_of(replace(GEMINI, prompt_texts={"rain": "Other words."}), WRITTEN) is None
    assert prompt_of(replace(GEMINI, models={"prompts": "gemini-2"}), WRITTEN) is None
    assert prompt_of(replace(GEMINI, prompt_texts={"haze": "Look, then write."}), WRITTEN) is None
    assert prompt_of(replace(GEMINI, prompts="gpt"), WRITTEN) is None


def test_a_person_s_words_go_before_all_until_they_are_taken_back() -> None:
    edit = Prompted(EDITED, "My words.")
    for recipe in (GEMINI, FIX):
        assert prompt_of(recipe, WRITTEN, edit) == "My words."
        assert prompt_of(recipe, edit, WRITTEN) == "My words.", "what is written later does not undo it"
        assert prompt_of(recipe, edit, Reopened("again")) == "My words."
    taken_back = Prompted(EDITED, "")
    assert prompt_of(GEMINI, WRITTEN, edit, taken_back) == WRITTEN.text
    assert prompt_of(FIX, WRITTEN, edit, taken_back) is None
    assert shown_prompt([WRITTEN, edit, FIXED]) == edit
    assert shown_prompt([WRITTEN, edit, taken_back]) == WRITTEN
    assert shown_prompt([edit, taken_back]) is None


def unreadable(step: str = "prompt", attempt: int = 1) -> Failed:
    return Failed(attempt, step, Outcome.MALFORMED, "no", "raw words", ask_again=True)


def test_an_unreadable_reply_is_asked_again_twice_and_then_waits_for_a_person() -> None:
    facts: list[Fact] = []
    for _ in range(ASKED_AGAIN):
        facts.append(unreadable())
        assert isinstance(next_step(facts, GEMINI, LQ, RAIN), WritePrompt)
        assert summarise(facts).state is State.OPEN
    facts.append(unreadable())
    assert next_step(facts, GEMINI, LQ, RAIN) == Rest(State.FAILED)
    assert summarise(facts).decided_by == "prompt:malformed"
    facts += [Retried("asked for"), unreadable()]
    assert isinstance(next_step(facts, GEMINI, LQ, RAIN), WritePrompt), "a person's retry begins the count anew"


def test_other_failures_wait_at_once_and_are_not_counted() -> None:
    for failed in (Failed(1, "prompt", Outcome.MALFORMED, "no"), Failed(1, "prompt", Outcome.NETWORK, "no")):
        assert next_step([failed], GEMINI, LQ, RAIN) == Rest(State.FAILED)
    mixed = [unreadable("screen"), unreadable("screen"), unreadable("prompt"), unreadable("prompt")]
    assert summarise(mixed).state is State.OPEN, "each step has its own count"
