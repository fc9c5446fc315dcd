"""Judges that look: a vision language model scores a pair in five aspects (paper section 3.3)."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

from ggt_studio.core.recipe import JudgeRule
from ggt_studio.core.words import Aspect, Category, Outcome
from ggt_studio.providers.base import Judgement, JudgeRequest, ProviderError, ProviderInfo
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.vlm.chat import MAX_TOKENS, Chat, booked, picture
from ggt_studio.providers.vlm.reading import Unreadable, read_verdict

_ASPECT: dict[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "number", "minimum": 0, "maximum": 100}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}

VERDICT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        **{str(aspect): _ASPECT for aspect in Aspect},
        "decision": {"type": "string", "enum": ["Accept", "Reject"]},
    },
    "required": [*(str(aspect) for aspect in Aspect), "decision"],
    "additionalProperties": False,
}
"""The form of a verdict. Reasons stand before scores, so that a model that writes in order looks before it scores."""


def judge_instruction() -> str:
    """What judges are told, with places for the category and the rule's numbers."""
    text = resources.files("ggt_studio.resources").joinpath("judge", "judge.toml").read_text("utf-8")
    return str(tomllib.loads(text)["instruction"]).strip()


class VlmJudge:
    """One model as a judge. What it says can only lower trust: the gates and people stand beside it."""

    def __init__(self, info: ProviderInfo, model: Model, chat: Chat) -> None:
        self.info = info
        self._model, self._chat = model, chat

    async def judge(self, request: JudgeRequest) -> Judgement:
        """Show LQ, then HQ, and read the verdict. A reply that cannot be read is `malformed`, never a score."""
        lq, hq = await picture(request.lq_path, self._model), await picture(request.hq_path, self._model)
        instruction = _filled(self.info.instruction, request.category, request.rule)
        parts = ["The first image, LQ:", lq, "The second image, HQ:", hq]
        reply = await self._chat.ask(instruction, parts, VERDICT_SCHEMA, MAX_TOKENS)
        cost = booked(reply, self.info.price_usd)
        try:
            return Judgement(read_verdict(reply.text), **cost)
        except Unreadable as error:
            raise ProviderError(
                Outcome.MALFORMED,
                f"The reply of {self.info.label} is no verdict: {error}.",
                **cost,
                raw=reply.text,
                ask_again=True,
            ) from error


def _filled(instruction: str, category: Category, rule: JudgeRule) -> str:
    return (
        instruction.replace("{category}", category.value.replace("-", " "))
        .replace("{min_consistency}", f"{rule.min_consistency:g}")
        .replace("{min_score}", f"{rule.min_score:g}")
    )
