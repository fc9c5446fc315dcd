"""The boundary where a provider's answer is looked at before it is believed."""

from __future__ import annotations

import io
import math
import struct
from dataclasses import replace

from PIL import Image

from ggt_studio.core.facts import Failed
from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.words import Aspect, Decision, Outcome, QualityLevel, Screening
from ggt_studio.providers.base import GeneratedImage, Judgement, ProviderError, ScreenedPatch, WrittenPrompt

_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def checked_image(answer: object) -> GeneratedImage:
    """A generator's answer with the media type that its bytes have. Raises ProviderError `malformed` for anything else."""
    if not isinstance(answer, GeneratedImage) or not isinstance(answer.data, bytes):
        raise _malformed(f"The generator gave {type(answer).__name__} instead of an image.")
    media_type, _ = header(answer.data)
    return replace(answer, media_type=media_type, cost_usd=_cost(answer.cost_usd))


def checked_prompt(answer: object) -> WrittenPrompt:
    """A prompt writer's answer, with text that can be kept. Raises ProviderError `malformed` when there is none."""
    if not isinstance(answer, WrittenPrompt) or not isinstance(answer.text, str):
        raise _malformed(f"The prompt writer gave {type(answer).__name__} instead of a prompt.")
    cost_usd = _cost(answer.cost_usd)
    if not answer.text.strip():
        raise _unreadable("The prompt writer gave no prompt.", answer)
    return replace(answer, text=_text(answer.text), cost_usd=cost_usd)


def checked_judgement(answer: object) -> Judgement:
    """A judge's answer: five aspects of 0-100, a decision, words that can be kept.

    Raises ProviderError `malformed`, to be asked again, for a verdict that lacks something or scores beyond the scale.
    """
    if not isinstance(answer, Judgement) or not isinstance(answer.verdict, Verdict):
        raise _malformed(f"The judge gave {type(answer).__name__} instead of a verdict.")
    verdict, cost_usd = answer.verdict, _cost(answer.cost_usd)
    if missing := [aspect for aspect in Aspect if aspect not in verdict.aspects]:
        raise _unreadable(f"The judge did not score {', '.join(missing)}.", answer, verdict.raw)
    for aspect, score in verdict.aspects.items():
        if not (math.isfinite(score.score) and 0 <= score.score <= 100):
            raise _unreadable(f"The judge's score of {aspect} is no number from 0 to 100.", answer, verdict.raw)
    aspects = {Aspect(a): AspectScore(float(s.score), _text(s.reason)) for a, s in verdict.aspects.items()}
    checked = Verdict(aspects, Decision(verdict.decision), _text(verdict.raw))
    return replace(answer, verdict=checked, cost_usd=cost_usd)


def checked_screening(answer: object) -> ScreenedPatch:
    """A screener's answer, with words that can be kept. Raises ProviderError `malformed` for anything else."""
    if not isinstance(answer, ScreenedPatch):
        raise _malformed(f"The screener gave {type(answer).__name__} instead of what it saw.")
    return replace(
        answer,
        verdict=Screening(answer.verdict),
        level=QualityLevel(answer.level),
        reason=_text(answer.reason),
        raw=_text(answer.raw),
        cost_usd=_cost(answer.cost_usd),
    )


def failure(attempt: int, step: str, error: ProviderError) -> Failed:
    """What is put on record of a call that gave no result, with the reply where one came that could not be read."""
    return Failed(attempt, step, error.outcome, _text(str(error)), _text(error.raw), error.ask_again)


def header(data: bytes) -> tuple[str, tuple[int, int]]:
    """Media type, and width and height in px, from an image's first bytes; pixels are decoded later, in the worker.

    Raises ProviderError `malformed` when it is no PNG, JPEG or WebP.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        return "image/png", struct.unpack(">II", data[16:24])
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as image:
            return _MEDIA_TYPES[image.format or ""], image.size
    except (OSError, ValueError, KeyError, SyntaxError, Image.DecompressionBombError) as error:
        raise _malformed("What came back is no PNG, JPEG or WebP image.") from error


def _cost(value: float) -> float:
    if not math.isfinite(value) or value < 0:
        raise _malformed("What came back has no sensible price.")
    return float(value)


def _text(value: str) -> str:
    """The text without what cannot be written as UTF-8, such as half a character."""
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _malformed(message: str) -> ProviderError:
    return ProviderError(Outcome.MALFORMED, message)


def _unreadable(message: str, answer: WrittenPrompt | Judgement, raw: str = "") -> ProviderError:
    return ProviderError(
        Outcome.MALFORMED,
        message,
        cost_usd=answer.cost_usd,
        cost_basis=answer.cost_basis,
        usage=answer.usage,
        raw=raw,
        ask_again=True,
    )
