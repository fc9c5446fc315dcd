"""Turn a judge's rejection into instructions appended to the prompt (paper section 3.3)."""

from __future__ import annotations

from ggt_studio.core.model import Verdict
from ggt_studio.core.words import Aspect

INSTRUCTIONS: dict[Aspect, str] = {
    Aspect.RESTORATION_QUALITY: "Restore more thoroughly: remove the remaining degradation and recover clean, natural detail.",
    Aspect.OBJECT_CONSISTENCY: "Keep every object exactly as it is: same identity, number, size, position and outline.",
    Aspect.GEOMETRY_ALIGNMENT: "Keep the geometry pixel for pixel: no shift, scaling, rotation, warp or new crop.",
    Aspect.CONTENT_REASONABLENESS: "Invent nothing: leave uncertain regions as they are rather than guess at their content.",
    Aspect.COLOUR_CONSISTENCY: "Keep colours, white balance and overall tone as they are, apart from what the restoration itself implies.",
}


OPENING = "An earlier attempt at this photo fell short. In this attempt, pay particular attention to the following:"
_END = (".", "!", "?", "\u2026")


def strengthen(prompt: str, verdict: Verdict, aspects: tuple[Aspect, ...]) -> str:
    """The prompt followed by one instruction per failed aspect, each with the fault that the judge named."""
    lines = [prompt.rstrip(), "", OPENING]
    for aspect in aspects:
        reason = " ".join(verdict.aspects[aspect].reason.split())
        end = "" if reason.endswith(_END) else "."
        lines.append(f"- {INSTRUCTIONS[aspect]}" + (f" Fault of the earlier attempt: {reason}{end}" if reason else ""))
    return "\n".join(lines)


def added_by_strengthening(prompt: str, original: str) -> str:
    """What strengthening appended to `original` to make `prompt`; empty where it did not."""
    begin = original.rstrip()
    added = prompt[len(begin) :] if begin and prompt.startswith(begin) else ""
    return added.strip() if added.lstrip().startswith(OPENING) else ""
