"""A quick free generator, a paid one that keeps a bill, and a judge; all answers follow from photo, attempt and seed."""

from __future__ import annotations

import asyncio
import io
import os

from PIL import Image

from ggt_studio.core.model import AspectScore, Verdict
from ggt_studio.core.words import Aspect, Decision
from ggt_studio.providers.base import (
    GeneratedImage,
    GenerateRequest,
    Generator,
    Judge,
    Judgement,
    JudgeRequest,
    ProviderInfo,
)
from ggt_studio.providers.hooks import Services, hookimpl
from ggt_studio.settings import data_folder

PRICE_USD = 0.04


class Quick:
    info = ProviderInfo("quick", "Quick", "Brightens a little.", concurrency=3)

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        await asyncio.sleep(0.03)
        return GeneratedImage(_brightened(request), "image/png")


class Paid:
    info = ProviderInfo("paid", "Paid", "Writes a bill.", price_usd=PRICE_USD, concurrency=3, paid=True)

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        bill = os.open(data_folder() / "bill.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(bill, f"{request.lq_sha256} {request.attempt}\n".encode())
            os.fsync(bill)
        finally:
            os.close(bill)
        await asyncio.sleep(0.15)
        return GeneratedImage(_brightened(request), "image/png", PRICE_USD)


class Strict:
    info = ProviderInfo(
        "strict",
        "Strict",
        "Accepts some candidates, rejects others, and now and then contradicts itself.",
        concurrency=3,
    )

    async def judge(self, request: JudgeRequest) -> Judgement:
        chance = int(request.hq_path.stem[:8], 16) % 10
        score, decision = (95.0, Decision.ACCEPT) if chance < 4 else (30.0, Decision.REJECT)
        if chance == 9:
            score, decision = 70.0, Decision.ACCEPT
        return Judgement(Verdict({aspect: AspectScore(score, f"{aspect} was seen") for aspect in Aspect}, decision))


def _brightened(request: GenerateRequest) -> bytes:
    with Image.open(request.lq_path) as image:
        changed = image.point(lambda value: min(255, value + 1 + request.seed % 9))
    buffer = io.BytesIO()
    changed.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@hookimpl
def generators(services: Services) -> list[Generator]:
    return [Quick(), Paid()]


@hookimpl
def judges(services: Services) -> list[Judge]:
    return [Strict()]
