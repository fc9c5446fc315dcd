"""Read what a model wrote, strictly: one JSON object of the wanted form, or one instruction; anything else is no answer."""

from __future__ import annotations

import json
import re
from typing import Any

from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.words import Aspect, Decision, Outcome, QualityLevel, Screening
from ggt_studio.providers.base import ProviderError

LONGEST_PROMPT = 4000
"""Characters of an instruction at most; what is longer is no instruction but a discussion of one."""

_SHORTEST_PROMPT = 20
_ENGLISH_SHARE = 0.9


class Unreadable(ValueError):
    """A reply that has not the wanted form; the message says what is wrong with it, for the end of a sentence."""


def read_verdict(text: str) -> Verdict:
    """A judge's reply as a verdict: five scores from 0 to 100 with reasons, and a decision. Raises Unreadable."""
    found = json_object(text)
    aspects = {aspect: _aspect(found, aspect) for aspect in Aspect}
    said = found.get("decision")
    decision = {"accept": Decision.ACCEPT, "reject": Decision.REJECT}.get(
        said.strip().lower() if isinstance(said, str) else ""
    )
    if decision is None:
        raise Unreadable("it decides neither Accept nor Reject")
    return Verdict(aspects, decision, text)


def read_screening(text: str) -> tuple[Screening, QualityLevel, str]:
    """A screener's reply: its verdict, the quality level and the reason. Raises Unreadable."""
    found = json_object(text)
    try:
        verdict, level = Screening(found.get("verdict")), QualityLevel(found.get("quality"))
    except ValueError as error:
        raise Unreadable("its verdict or its quality is none of the words asked for") from error
    reason = found.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise Unreadable("it gives no reason")
    return verdict, level, " ".join(reason.split())


def json_object(text: str) -> dict[str, Any]:
    """The one JSON object in a reply; a fence or prose around it does no harm. Raises Unreadable.

    With two objects nobody knows which one is meant: one may be quoted from the photo. A name that comes twice in an object
    and numbers that JSON does not know (NaN, Infinity) are refused as well.
    """
    text = _without_thoughts(text)
    decoder = json.JSONDecoder(object_pairs_hook=_unambiguous, parse_constant=_no_number)
    found: list[dict[str, Any]] = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except Unreadable:
            raise
        except (ValueError, RecursionError) as error:
            raise Unreadable("its JSON is broken") from error
        found.append(value)
        at = text.find("{", end)
    if len(found) != 1:
        raise Unreadable("it holds no JSON object" if not found else "it holds more than one JSON object")
    return found[0]


def read_instruction(text: str) -> str:
    """The instruction alone, out of fences, quotation marks and an announcement around it, as one paragraph.

    Raises ProviderError `safety_block` for a refusal in words, and Unreadable where nothing usable is left.
    """
    bare = _without_thoughts(text).strip()
    while (peeled := _peeled(bare)) != bare:
        bare = peeled
    bare = " ".join(bare.split())
    if _REFUSAL.match(bare):
        raise ProviderError(Outcome.SAFETY_BLOCK, f'The model would not write a prompt: "{bare[:300]}"', raw=text)
    if bare[:1] in ("{", "["):
        raise Unreadable("it is data and no instruction")
    if len(bare) < _SHORTEST_PROMPT:
        raise Unreadable("there is no instruction in it")
    if len(bare) > LONGEST_PROMPT:
        raise Unreadable(f"its {len(bare):,} characters are no instruction")
    letters = [c for c in bare if c.isalpha()]
    if sum(c.isascii() for c in letters) < _ENGLISH_SHARE * len(letters) or not letters:
        raise Unreadable("it is not in English")
    return bare


def _aspect(found: dict[str, Any], aspect: Aspect) -> AspectScore:
    part = found.get(aspect)
    if not isinstance(part, dict):
        raise Unreadable(f"{aspect} is missing")
    score, reason = part.get("score"), part.get("reason")
    if isinstance(score, str) and _NUMBER.fullmatch(score.strip()):
        score = float(score)
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise Unreadable(f"the score of {aspect} is no number")
    if not 0 <= score <= 100:
        raise Unreadable(f"the score of {aspect} is not from 0 to 100")
    if not isinstance(reason, str):
        raise Unreadable(f"{aspect} has no reason")
    return AspectScore(float(score), " ".join(reason.split()))


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("a name comes twice in its JSON")
    return found


def _no_number(name: str) -> float:
    raise Unreadable(f"{name} is no number")


def _without_thoughts(text: str) -> str:
    """Without the thoughts that some models of one's own write before the answer."""
    return _THOUGHTS.sub("", text, count=1)


def _peeled(text: str) -> str:
    """The text without its outermost fence, announcement or quotation marks."""
    if fenced := _FENCE.fullmatch(text):
        return fenced.group(1).strip()
    if announced := _ANNOUNCEMENT.match(text):
        return text[announced.end() :].strip()
    if len(text) >= 2 and text[-1] in _QUOTES.get(text[0], "") and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    if text.startswith("**") and text.endswith("**") and text.count("**") == 2:
        return text[2:-2].strip()
    return text


_NUMBER = re.compile(r"\d{1,3}(\.\d+)?")
_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"```[\w-]*\s*\n?(.*?)\n?\s*```", re.DOTALL)
_QUOTES = {
    '"': '"',
    "'": "'",
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "`": "`",
}
_ANNOUNCEMENT = re.compile(
    r"[#>*_\s]*(?:(?:sure(?: thing)?|certainly|of course|okay|ok|absolutely|understood)\b(?:[.!,]\s+|\s*\n|[^:\n.!]{0,60}:)"
    r"|here(?:\s+is|'s|\u2019s|\s+are)\b[^:\n]{0,80}:"
    r"|(?:(?:the|my|final|image|photo|restoration|restoring|editing|edit|output)\s+){0,3}(?:instructions?|prompt)\s*[*_]*:)[*_\s]*",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(?:unfortunately,?\s+|i(?:'|\u2019)?m\s+(?:very\s+)?sorry|sorry\b|i\s+apologi[sz]e|i\s+(?:can(?:no|')t|can\s*not|can\u2019t|am\s+not\s+able|am\s+unable|won(?:'|\u2019)t|must\s+decline)\b"
    r"|i(?:'|\u2019)m\s+(?:not\s+able|unable)\b|as\s+an\s+ai\b)",
    re.IGNORECASE,
)
