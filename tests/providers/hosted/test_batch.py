"""Batches of the vendors through their own clients: ordered, found by name, looked up, collected, and what can go wrong."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.canvas import Canvas
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.providers.base import GeneratedImage, GenerateRequest, ProviderError
from ggt_studio.providers.batching import Batches, Phase, TakenBack, UnknownBatch
from ggt_studio.providers.catalogue import Price
from ggt_studio.providers.hosted.batch import HostedBatches, batch_price
from ggt_studio.providers.hosted.registration import DIALECTS

Ordering = Callable[..., Any]
VENDORS = {"google": "nano-banana-2", "openai": "gpt-image-2"}


class Ordered:
    """A batch of some patches of one vendor."""

    def __init__(self, batches: Batches, folder: Path, make: Callable[..., GenerateRequest]) -> None:
        self.batches, self.folder, self.make = batches, folder, make
        self.canvases: dict[str, Canvas | None] = {}

    async def file(self, count: int) -> Path:
        path = self.folder / "order.jsonl"
        lines = []
        for number in range(count):
            line = await self.batches.line(f"{number}-1", self.make(160 + 16 * number, 160))
            self.canvases[f"{number}-1"] = line.canvas
            lines.append(line.data)
        path.write_bytes(b"".join(lines))
        return path

    async def order(self, count: int, name: str = "ggt-1") -> str:
        return await self.batches.create(await self.batches.upload(await self.file(count), name), name)

    async def results(self, vendor_name: str) -> dict[str, GeneratedImage | ProviderError]:
        return {key: result async for key, result in self.batches.collect(vendor_name, self.folder, {}, self.canvases)}


@pytest.fixture(params=list(VENDORS))
def ordered(request: pytest.FixtureRequest, hosted: Any, tmp_path: Path, request_of: Any) -> Ordered:
    model = hosted.services.catalogue.models[VENDORS[request.param]]
    return Ordered(HostedBatches(model, hosted.services, DIALECTS[request.param]), tmp_path, request_of)


async def test_a_batch_is_ordered_once_found_by_its_name_and_collected_at_half_price(
    ordered: Ordered, hosted: Any, vendors: VendorServer
) -> None:
    vendors.script.hold_batches = True
    vendor_name = await ordered.order(3)
    assert vendors.script.bill == [], "nothing is made yet"
    assert (await ordered.batches.state(vendor_name)).phase is Phase.RUNNING
    assert await ordered.batches.find("ggt-1") == vendor_name
    assert await ordered.batches.find("ggt-2") is None

    vendors.script.hold_batches = False
    assert (await ordered.batches.state(vendor_name)).phase is Phase.ENDED
    results = await ordered.results(vendor_name)
    assert sorted(results) == ["0-1", "1-1", "2-1"]
    single = await hosted.generator(ordered.batches.info.id).generate(ordered.make(160, 160))
    image = results["0-1"]
    assert isinstance(image, GeneratedImage)
    assert image.data == single.data, "the same request as a single one"
    assert image.canvas == single.canvas
    assert image.media_type == "image/png"
    assert image.cost_usd == pytest.approx(single.cost_usd / 2)
    assert (image.cost_basis, image.usage) == (CostBasis.TOKENS, single.usage)
    assert sum(vendors.script.bills.values()) == 4
    assert not list(ordered.folder.glob("*.results.jsonl")), "no file of results stays"


async def test_parts_of_a_batch_that_fail_say_what_became_of_them(ordered: Ordered, vendors: VendorServer) -> None:
    vendors.script.faults = deque([Fault.BLOCKED_PROMPT, None, Fault.UNAVAILABLE, Fault.NO_IMAGE, Fault.BAD_REQUEST])
    vendor_name = await ordered.order(5)
    await ordered.batches.state(vendor_name)
    results = await ordered.results(vendor_name)
    told = {key: result.outcome for key, result in results.items() if isinstance(result, ProviderError)}
    assert told == {
        "0-1": Outcome.SAFETY_BLOCK,
        "2-1": Outcome.CANCELLED,
        "3-1": Outcome.NO_IMAGE,
        "4-1": Outcome.MALFORMED,
    }
    assert isinstance(results["1-1"], GeneratedImage)
    assert isinstance(results["2-1"], TakenBack), "the vendor did nothing: it may be asked again"
    charged = results["3-1"]
    assert isinstance(charged, ProviderError)
    assert (charged.cost_usd or 0.0) > 0, "an answer without an image is charged"


async def test_what_is_not_got_to_in_time_is_taken_back(ordered: Ordered, vendors: VendorServer) -> None:
    vendors.script.batch_done = 1
    vendor_name = await ordered.order(3)
    assert (await ordered.batches.state(vendor_name)).phase is Phase.EXPIRED
    results = await ordered.results(vendor_name)
    if ordered.batches.info.id == "nano-banana-2":
        assert results == {}, "Google gives no results of a batch that expired"
    else:
        assert isinstance(results["0-1"], GeneratedImage)
        assert {type(results[key]) for key in ("1-1", "2-1")} == {TakenBack}


async def test_a_cancelled_batch_gives_what_was_done(ordered: Ordered, vendors: VendorServer) -> None:
    vendors.script.hold_batches, vendors.script.batch_done = True, 1
    vendor_name = await ordered.order(2)
    await ordered.batches.cancel(vendor_name)
    vendors.script.hold_batches = False
    assert (await ordered.batches.state(vendor_name)).phase is Phase.CANCELLED
    results = await ordered.results(vendor_name)
    assert isinstance(results.pop("0-1"), GeneratedImage)
    assert all(isinstance(result, TakenBack) for result in results.values())


async def test_a_batch_that_is_not_there_is_said_to_be_unknown(ordered: Ordered, vendors: VendorServer) -> None:
    vendor_name = await ordered.order(1)
    await ordered.batches.state(vendor_name)
    vendors.batches.files.clear()
    with pytest.raises(UnknownBatch, match="or its results no longer"):
        await ordered.results(vendor_name)
    vendors.batches.google.clear()
    vendors.batches.openai.clear()
    for asking in (ordered.batches.state, ordered.batches.cancel):
        with pytest.raises(UnknownBatch, match="has no batch"):
            await asking(vendor_name)


async def test_results_that_break_off_are_not_taken_for_whole(ordered: Ordered, vendors: VendorServer) -> None:
    vendor_name = await ordered.order(2)
    await ordered.batches.state(vendor_name)
    vendors.script.download_faults = deque([Fault.HALF])
    with pytest.raises(ProviderError) as raised:
        await ordered.results(vendor_name)
    assert raised.value.outcome is Outcome.NETWORK
    assert len(await ordered.results(vendor_name)) == 2


@pytest.mark.parametrize("fault", [Fault.BAD_KEY, Fault.BILLING, Fault.BAD_REQUEST, Fault.UNAVAILABLE])
async def test_an_order_that_is_refused_orders_nothing(ordered: Ordered, vendors: VendorServer, fault: Fault) -> None:
    vendors.script.order_faults = deque([fault])
    with pytest.raises(ProviderError):
        await ordered.order(1)
    assert not vendors.batches.google
    assert not vendors.batches.openai
    assert await ordered.batches.find("ggt-1") is None


def test_a_batch_pays_its_share_of_every_price() -> None:
    price = Price(per_image={"1K": 0.1}, per_million_input_tokens=2.0, per_million_image_tokens=60.0, batch_factor=0.5)
    half = batch_price(price)
    assert half.of_image({"image_size": "1K"}) == 0.05
    assert half.of_tokens(text_read=10, images_made=10) == pytest.approx(
        (price.of_tokens(text_read=10, images_made=10) or 0) / 2
    )
    assert batch_price(half) == half
