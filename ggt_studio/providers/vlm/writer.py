"""Adaptive prompt strategies: a vision language model looks at the photo and writes its instruction (paper section 3.2)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category, Outcome
from ggt_studio.providers.base import PromptRequest, ProviderError, ProviderInfo, WrittenPrompt
from ggt_studio.providers.catalogue import Model
from ggt_studio.providers.vlm.chat import MAX_TOKENS, Chat, booked, picture
from ggt_studio.providers.vlm.meta_prompts import MetaPrompts, has_own_meta_prompts, own_meta_prompts, read_meta_prompts
from ggt_studio.providers.vlm.reading import Unreadable, read_instruction


class AdaptivePrompts:
    """One strategy: a model and its meta prompts. Files that cannot be read are told when the strategy is chosen."""

    def __init__(self, info: ProviderInfo, model: Model, chat: Chat) -> None:
        self.info = self._info = info
        self._model, self._chat = model, chat
        self._meta: MetaPrompts | StudioError
        self.reread()

    def reread(self) -> None:
        """Take up what a person changed in the files of meta prompts."""
        try:
            self._meta = read_meta_prompts(self.info.id)
            note = f"Meta prompts version {self._meta.version}."
        except StudioError as error:
            self._meta = error
            note = str(error)
        self.info = replace(self._info, description=f"{self._info.description} {note}")

    def preset_texts(self) -> dict[str, str]:
        """The meta prompts per category. Raises StudioError where their file cannot be read."""
        if isinstance(self._meta, StudioError):
            raise self._meta
        return dict(self._meta.texts)

    @property
    def is_own(self) -> bool:
        """Whether a person's own file of meta prompts counts."""
        return has_own_meta_prompts(self.info.id)

    def own_copy(self) -> Path:
        """The person's own file of meta prompts, made from ours where there is none. Raises StudioError."""
        return own_meta_prompts(self.info.id)

    async def write(self, request: PromptRequest) -> WrittenPrompt:
        """Show the photo to the model and keep the instruction alone."""
        instruction = self._text(request.category)
        parts = ["The photo:", await picture(request.lq_path, self._model)]
        reply = await self._chat.ask(instruction, parts, None, MAX_TOKENS)
        cost = booked(reply, self.info.price_usd)
        try:
            return WrittenPrompt(read_instruction(reply.text), **cost)
        except Unreadable as error:
            raise ProviderError(
                Outcome.MALFORMED,
                f"The reply of {self.info.label} holds no usable prompt: {error}.",
                **cost,
                raw=reply.text,
                ask_again=True,
            ) from error
        except ProviderError as error:
            error.cost_usd, error.usage, error.cost_basis = cost["cost_usd"], cost["usage"], cost["cost_basis"]
            raise

    def _text(self, category: Category) -> str:
        try:
            return self.preset_texts()[category]
        except StudioError as error:
            raise ProviderError(Outcome.MALFORMED, str(error), cost_usd=0.0) from error
