"""The prompt of the attempt after a judge's rejection."""

from __future__ import annotations

from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.strengthen import INSTRUCTIONS, OPENING, added_by_strengthening, strengthen
from ggt_studio.core.words import Aspect, Decision

PROMPT = "Remove the rain from this photo.\n"


def verdict(**reasons: str) -> Verdict:
    return Verdict({Aspect(name): AspectScore(40, reason) for name, reason in reasons.items()}, Decision.REJECT)


def test_each_failed_aspect_becomes_an_instruction_with_the_fault_as_a_sentence() -> None:
    judged = verdict(
        object_consistency="a lamp\n is missing", restoration_quality="Streaks remain.", colour_consistency="  "
    )
    asked = (Aspect.RESTORATION_QUALITY, Aspect.OBJECT_CONSISTENCY, Aspect.COLOUR_CONSISTENCY)
    assert strengthen(PROMPT, judged, asked).splitlines() == [
        "Remove the rain from this photo.",
        "",
        OPENING,
        f"- {INSTRUCTIONS[Aspect.RESTORATION_QUALITY]} Fault of the earlier attempt: Streaks remain.",
        f"- {INSTRUCTIONS[Aspect.OBJECT_CONSISTENCY]} Fault of the earlier attempt: a lamp is missing.",
        f"- {INSTRUCTIONS[Aspect.COLOUR_CONSISTENCY]}",
    ]


def test_what_was_added_can_be_told_from_the_prompt() -> None:
    strengthened = strengthen(PROMPT, verdict(restoration_quality="Streaks remain."), (Aspect.RESTORATION_QUALITY,))
    added = added_by_strengthening(strengthened, PROMPT)
    assert added.startswith(OPENING)
    assert added.endswith("Streaks remain.")
    assert added_by_strengthening(PROMPT, PROMPT) == ""
    assert added_by_strengthening(strengthened, "Another prompt.") == ""
    assert added_by_strengthening(PROMPT + "And dehaze it.", PROMPT) == ""
