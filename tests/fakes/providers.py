"""Providers that do what a test scripts, behind the same interfaces as real ones."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from PIL import Image

from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.words import Aspect, Decision
from ggt_studio.providers.base import (
    GeneratedImage,
    GenerateRequest,
    Judgement,
    JudgeRequest,
    PromptRequest,
    ProviderInfo,
    WrittenPrompt,
)


def blurred(request: GenerateRequest) -> GeneratedImage:
    """The LQ patch, brightened by an amount that depends on the seed."""
    with Image.open(request.lq_path) as image:
        changed = image.point(lambda v: min(255, v + 1 + request.seed % 7))
    buffer = io.BytesIO()
    changed.save(buffer, "PNG", compress_level=1)
    return GeneratedImage(buffer.getvalue(), "image/png")


class ScriptedGenerator:
    """Answers with `answer(request)`, which may raise, after `delay_s`; remembers its requests and how many ran at once."""

    def __init__(
        self,
        answer: Callable[[GenerateRequest], GeneratedImage] = blurred,
        *,
        delay_s: float = 0.0,
        concurrency: int = 4,
        paid: bool = False,
        price_usd: float = 0.0,
    ) -> None:
        self.info = ProviderInfo(
            "scripted", "Scripted generator", "For tests.", price_usd=price_usd, concurrency=concurrency, paid=paid
        )
        self.requests: list[GenerateRequest] = []
        self.at_once = self.most_at_once = 0
        self._answer, self._delay_s = answer, delay_s

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self._delay_s)
            return replace(self._answer(request), cost_usd=self.info.price_usd)
        finally:
            self.at_once -= 1


class ScriptedJudge:
    """Gives `verdicts` one after the other per LQ, the last one for ever."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.info = ProviderInfo("scripted", "Scripted judge", "For tests.", concurrency=4)
        self.requests: list[JudgeRequest] = []
        self._verdicts = verdicts or (scored(95),)
        self._seen: Counter[str] = Counter()

    async def judge(self, request: JudgeRequest) -> Judgement:
        seen = self._seen[str(request.lq_path)]
        self._seen[str(request.lq_path)] += 1
        self.requests.append(request)
        return Judgement(self._verdicts[min(seen, len(self._verdicts) - 1)])


class ScriptedPrompts:
    """One text for everything, after `delay_s`; counts how many calls ran at once."""

    def __init__(
        self, text: str = "Restore this photo.", *, paid: bool = False, price_usd: float = 0.0, delay_s: float = 0.0
    ) -> None:
        self.info = ProviderInfo(
            "scripted", "Scripted prompts", "For tests.", price_usd=price_usd, concurrency=1, paid=paid
        )
        self.at_once = self.most_at_once = 0
        self._text, self._delay_s = text, delay_s

    def preset_texts(self) -> dict[str, str]:
        return {}

    async def write(self, request: PromptRequest) -> WrittenPrompt:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self._delay_s)
        self.at_once -= 1
        return WrittenPrompt(self._text, self.info.price_usd)


def scored(score: float, decision: Decision = Decision.ACCEPT) -> Verdict:
    """A verdict with one score for all aspects."""
    return Verdict({aspect: AspectScore(score, f"{aspect} was seen") for aspect in Aspect}, decision)
