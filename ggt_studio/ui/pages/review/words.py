"""The review page's words for states, reasons, aspects and what decided an attempt."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from ggt_studio.core.words import Aspect, Decision, RejectReason, State
from ggt_studio.quality.catalogue import METRICS
from ggt_studio.store.details import Attempt
from ggt_studio.ui.widgets.badges import Badge, Tone


def tr(text: str) -> str:
    """A text in the person's language."""
    return QCoreApplication.translate("ReviewPage", text)


def state_badge(state: State) -> Badge:
    """A state as its badge: shape, colour and word."""
    return {
        State.OPEN: Badge(Tone.NEUTRAL, tr("Open")),
        State.WAITING: Badge(Tone.NEUTRAL, tr("Waiting")),
        State.VERIFIED: Badge(Tone.GOOD, tr("Verified")),
        State.REJECTED: Badge(Tone.BAD, tr("Rejected")),
        State.FAILED: Badge(Tone.WARN, tr("Failed")),
    }[state]


def reason_name(reason: RejectReason) -> str:
    """Why a person rejects, in a word or two."""
    return {
        RejectReason.ARTEFACT: tr("Artefact"),
        RejectReason.STRUCTURE_CHANGED: tr("Structure changed"),
        RejectReason.INVENTED_CONTENT: tr("Invented content"),
        RejectReason.COLOUR: tr("Colour"),
        RejectReason.MISALIGNED: tr("Misaligned"),
        RejectReason.OTHER: tr("Other"),
    }[reason]


def aspect_name(aspect: Aspect) -> str:
    """One of the judge's five aspects."""
    return {
        Aspect.RESTORATION_QUALITY: tr("Restoration"),
        Aspect.OBJECT_CONSISTENCY: tr("Objects kept"),
        Aspect.GEOMETRY_ALIGNMENT: tr("Geometry"),
        Aspect.CONTENT_REASONABLENESS: tr("Content plausible"),
        Aspect.COLOUR_CONSISTENCY: tr("Colour kept"),
    }[aspect]


def decision_word(decision: Decision) -> str:
    """What was decided, as a past participle that begins a sentence."""
    return tr("Accepted") if decision is Decision.ACCEPT else tr("Rejected")


def decided(decision: Decision, reason: RejectReason | None, patch_id: int) -> str:
    """What a person decided about a patch: `Rejected #12: colour`."""
    told = f"{decision_word(decision)} #{patch_id}"
    return f"{told}: {reason_name(reason).lower()}" if reason else told


def metric_label(name: str) -> str:
    """A metric's label; its own name where the catalogue does not know it."""
    return METRICS[name].label if name in METRICS else name


def rejected_by(attempt: Attempt) -> tuple[str, str] | None:
    """What rejected an attempt, in two or three words, and its reason; None when nothing automatic did."""
    if attempt.aligned is not None and not attempt.aligned.gate.passed:
        gate = attempt.aligned.gate
        kinds = {
            "shift": tr("shifted too far"),
            "scale": tr("another scale"),
            "rotation": tr("turned too far"),
            "correlation": tr("does not match the photo"),
        }
        return kinds.get(gate.decided_by, tr("alignment")), gate.reason
    if attempt.scored is not None and not attempt.scored.gate.passed:
        gate = attempt.scored.gate
        if gate.decided_by == "no-metric":
            return tr("no metric could be computed"), gate.reason
        if gate.decided_by == "change":
            return tr("hardly changed"), gate.reason
        return tr("{0} gained too little").format(metric_label(gate.decided_by)), gate.reason
    judged = attempt.judged
    if judged is not None and judged.verdict.decision is judged.ruled is Decision.REJECT:
        scores = judged.verdict.aspects
        if not scores:
            return tr("the judge"), ""
        lowest = min(scores, key=lambda aspect: scores[aspect].score)
        told = tr("judge: {0} {1}").format(aspect_name(lowest).lower(), f"{scores[lowest].score:.0f}")
        return told, scores[lowest].reason
    return None
