"""Replies are read strictly: a whole verdict of the wanted form, or none at all."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.chat_server import screening_text, verdict_text
from ggt_studio.core.words import Aspect, Decision, Outcome, QualityLevel, Screening
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.vlm.reading import (
    LONGEST_PROMPT,
    Unreadable,
    json_object,
    read_instruction,
    read_screening,
    read_verdict,
)

GOOD = verdict_text(80, "Reject", object_consistency=91.5)


def changed(**aspects: object) -> str:
    """The good verdict with whole aspects replaced, or left out where None."""
    found = json.loads(GOOD)
    for name, value in aspects.items():
        if value is None:
            del found[name]
        else:
            found[name] = value
    return json.dumps(found)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here is my verdict:\n{GOOD}\nI hope that it helps.",
        f"<think>The sky is {{odd}}. Accept?</think>\n{GOOD}",
        changed(restoration_quality={"reason": "x", "score": "80"}),
        changed(decision=" REJECT "),
        json.dumps(json.loads(GOOD), indent=4),
    ],
)
def test_a_whole_verdict_is_read_through_what_stands_around_it(text: str) -> None:
    verdict = read_verdict(text)
    assert verdict.decision is Decision.REJECT
    assert verdict.aspects[Aspect.RESTORATION_QUALITY].score == 80
    assert verdict.aspects[Aspect.OBJECT_CONSISTENCY].score == 91.5
    assert verdict.aspects[Aspect.COLOUR_CONSISTENCY].reason == "colour_consistency was looked at"
    assert verdict.raw == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON object"),
        ("Accept. All aspects are at 100.", "no JSON object"),
        ("null", "no JSON object"),
        ("[]", "no JSON object"),
        (GOOD[:-20], "broken"),
        (GOOD.replace('"score": 91.5', '"score": 91.5,,'), "broken"),
        (f"{GOOD}\n{GOOD}", "more than one"),
        (f"The photo says {verdict_text(100)}. My verdict: {GOOD}", "more than one"),
        (changed(geometry_alignment=None), "geometry_alignment is missing"),
        (changed(geometry_alignment=90), "geometry_alignment is missing"),
        (changed(decision=None), "neither"),
        (changed(decision="Maybe"), "neither"),
        (changed(decision=True), "neither"),
        (changed(restoration_quality={"reason": "x", "score": 101}), "not from 0 to 100"),
        (changed(restoration_quality={"reason": "x", "score": -1}), "not from 0 to 100"),
        (changed(restoration_quality={"reason": "x", "score": "high"}), "no number"),
        (changed(restoration_quality={"reason": "x", "score": "-5"}), "no number"),
        (changed(restoration_quality={"reason": "x", "score": "1e2"}), "no number"),
        (changed(restoration_quality={"reason": "x", "score": "80/100"}), "no number"),
        (changed(restoration_quality={"reason": "x", "score": True}), "no number"),
        (changed(restoration_quality={"reason": "x", "score": [80]}), "no number"),
        (changed(restoration_quality={"reason": "x", "score": math.nan}), "NaN is no number"),
        (changed(restoration_quality={"reason": "x", "score": math.inf}), "Infinity is no number"),
        (changed(restoration_quality={"reason": "x", "score": 10**400}), "not from 0 to 100"),
        (changed(restoration_quality={"score": 80}), "has no reason"),
        (GOOD.replace('"decision": "Reject"', '"decision": "Reject", "decision": "Accept"'), "twice"),
        (changed(restoration_quality={"reason": "x", "score": 80}).replace("80", "9" * 5000, 1), "broken"),
        ("{" * 100_000, "broken"),
    ],
)
def test_anything_else_is_no_verdict(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_verdict(text)


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_stands_around_it_a_verdict_is_this_one_or_none(before: str, after: str) -> None:
    try:
        verdict = read_verdict(before + GOOD + after)
    except Unreadable:
        return
    assert verdict.decision is Decision.REJECT
    assert verdict.aspects[Aspect.OBJECT_CONSISTENCY].score == 91.5


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_a_damaged_verdict_never_scores_beyond_the_scale(at: int, put: str) -> None:
    try:
        verdict = read_verdict(GOOD[:at] + put + GOOD[at + 1 :])
    except Unreadable:
        return
    assert set(verdict.aspects) == set(Aspect)
    assert all(0 <= score.score <= 100 for score in verdict.aspects.values())


def test_a_screening_is_read_whole_or_not_at_all() -> None:
    assert read_screening(screening_text("not-visible", "high", " No\nrain. ")) == (
        Screening.NOT_VISIBLE,
        QualityLevel.HIGH,
        "No rain.",
    )
    for text in (screening_text("fine"), screening_text(quality="best"), screening_text(reason=" "), "{}", "usable"):
        with pytest.raises(Unreadable):
            read_screening(text)


def test_one_object_is_found_and_two_are_too_many() -> None:
    assert json_object('a {"b": {"c": 1}} d') == {"b": {"c": 1}}
    with pytest.raises(Unreadable, match="more than one"):
        json_object('{"a": 1} {"a": 1}')


PLAIN = "Remove the rain streaks over the red bus and recover the lettering as it is."


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        f"  {PLAIN}\n",
        f'"{PLAIN}"',
        f"\u201c{PLAIN}\u201d",
        f"```\n{PLAIN}\n```",
        f"```text\n{PLAIN}\n```",
        f"Here is the prompt:\n\n{PLAIN}",
        f"Here\u2019s the instruction for this photo: {PLAIN}",
        f"Sure! Here is the restoration instruction:\n{PLAIN}",
        f"Certainly. {PLAIN}",
        f"**Instruction:** {PLAIN}",
        f"Prompt: {PLAIN}",
        f'The final prompt:\n```\n"{PLAIN}"\n```',
        f"<think>A bus, in the rain.</think>\n{PLAIN}",
        PLAIN.replace(" and ", "\n\nand "),
    ],
)
def test_only_the_instruction_is_kept(text: str) -> None:
    assert read_instruction(text) == PLAIN


@pytest.mark.parametrize(
    "text",
    [
        "Restore the photo: remove noise and keep the sign \u201cSTOP\u201d as it is.",
        "Okayama castle: remove the haze over its roofs and keep the stone walls.",
        'Keep the words "EXIT" and "OPEN" readable while removing the noise.',
        "Surely remove nothing but the noise. Then recover the fur of the dog.",
        "Remove the haze behind Caf\u00e9 M\u00fcller and keep its fa\u00e7ade.",
    ],
)
def test_an_instruction_that_only_looks_odd_is_left_alone(text: str) -> None:
    assert read_instruction(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with editing this photo.",
        "I\u2019m sorry, I cannot describe people.",
        "I cannot assist with that request.",
        "Unfortunately, I am unable to process this image.",
        "As an AI, I do not edit photos of people.",
    ],
)
def test_a_refusal_in_words_is_a_safety_block(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_instruction(text)
    assert caught.value.outcome is Outcome.SAFETY_BLOCK


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no instruction"),
        ("Here is the prompt:", "no instruction"),
        ("Denoise.", "no instruction"),
        (GOOD, "data and no instruction"),
        ("```\n```", "no instruction"),
        (PLAIN * 100, "characters"),
        (
            "\u8bf7\u53bb\u9664\u7167\u7247\u4e2d\u7684\u96e8\u6ef4\u5e76\u6062\u590d\u6e05\u6670\u7684\u80cc\u666f\u7ec6\u8282\u4fdd\u6301\u989c\u8272\u4e0d\u53d8",
            "not in English",
        ),
        ("1234567890 1234567890 1234567890", "not in English"),
    ],
)
def test_what_holds_no_instruction_is_unreadable(text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_instruction(text)


@given(st.text(max_size=300))
def test_reading_an_instruction_ends_and_keeps_its_limits(text: str) -> None:
    try:
        found = read_instruction(text)
    except (Unreadable, ProviderError):
        return
    assert 20 <= len(found) <= LONGEST_PROMPT
    assert found == " ".join(found.split())
