"""Photos through a hosted model, with the vendor's own client over HTTP: registered, kept, and never paid for twice unasked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image, ImageCms
from skimage import data

from fakes.vendor_script import KEY, Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.errors import StudioError
from ggt_studio.core.full_photo import load_full_photo
from ggt_studio.core.metadata import read_note
from ggt_studio.core.photo_files import FileFormat, encode_photo
from ggt_studio.core.restored import Output
from ggt_studio.core.words import Category
from ggt_studio.pipeline.offers import make_registry
from ggt_studio.pipeline.restoring import (
    JOURNAL,
    ModelSettings,
    Money,
    RestoreChoice,
    RestoreQueue,
    Standing,
    named_model,
)
from ggt_studio.pipeline.restoring.journal import LOCK
from ggt_studio.providers.base import ProviderError
from ggt_studio.providers.keys import Keys
from ggt_studio.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICE_USD = 0.06807
PHOTO = data.astronaut()[:400, 40:440]


@dataclass
class Bench:
    """A vendor, and what restores with it."""

    vendors: VendorServer
    keys: Keys
    folder: Path

    def __post_init__(self) -> None:
        self.registry, self.services, self.pool = make_registry(Settings(), self.keys, processes=1)

    def choice(self, output: Output | None = None, **settings: object) -> RestoreChoice:
        model = named_model("nano-banana-2", ModelSettings(**settings), self.registry)  # type: ignore[arg-type]
        return RestoreChoice(model, output or Output(file_format=FileFormat.PNG))

    def queue(self, choice: RestoreChoice, *paths: Path) -> RestoreQueue:
        made = RestoreQueue(self.pool, choice, self.folder / "out")
        made.add(paths or [self.folder / "in"])
        return made

    @property
    def paid(self) -> int:
        return len(self.vendors.script.bill)

    @property
    def entries(self) -> list[dict]:
        return [json.loads(line) for line in (self.folder / "out" / JOURNAL).read_text("utf-8").splitlines()]

    def close(self) -> None:
        self.services.clients.close()
        self.pool.close()


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with VendorServer() as vendors:
        bench = Bench(vendors, Keys(vendors.environment()), Path())
        yield bench
        bench.close()


@pytest.fixture
def bench(running: Bench, tmp_path: Path) -> Bench:
    running.folder = tmp_path
    script = running.vendors.script
    script.bill.clear()
    script.faults.clear()
    script.always, script.latency_s = None, 0.0
    return running


def save(bench: Bench, name: str, seed: int = 0, pixels: np.ndarray = PHOTO) -> Path:
    path = bench.folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    noisy = np.clip(pixels + np.random.default_rng(seed).normal(0, 6, pixels.shape), 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(path)
    return path


def standings(queue: RestoreQueue) -> list[Standing]:
    return [item.standing for item in queue.items]


async def test_what_comes_back_lies_over_the_photo_and_its_limits_are_told(bench: Bench) -> None:
    large = np.asarray(Image.fromarray(data.astronaut()[:, 60:410]).resize((1200, 1750), Image.Resampling.LANCZOS))
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = np.full((*large.shape[:2], 1), 30_000, np.uint16)
    path = bench.folder / "in" / "large.tif"
    path.parent.mkdir()
    deep = np.concatenate([large.astype(np.uint16) * 257, alpha], -1)
    path.write_bytes(encode_photo(deep, FileFormat.TIFF, icc=icc))
    queue = bench.queue(bench.choice(Output()))
    assert await queue.run()
    (item,) = queue.items
    assert item.standing is Standing.RESTORED, item.message
    made = load_full_photo(item.out or Path())
    assert made.pixels.shape == large.shape
    assert (made.pixels.dtype, made.icc) == (np.uint16, icc)
    assert made.alpha is not None
    assert (made.alpha == 30_000).all()
    difference = np.abs(made.pixels / 257 - large)
    assert difference.mean() < 4, "it lies where the photo lies"
    notes = " ".join(item.facts["notes"])
    assert "so fine detail is limited" in notes
    assert "gives 8 bits per channel; the photo has 16" in notes
    note = read_note(made.xmp)
    assert note["Model"] == "Nano Banana 2 (gemini-3.1-flash-image)"
    assert note["Prompt"].startswith("Restore this photo")
    assert b"compositeWithTrainedAlgorithmicMedia" in made.xmp


async def test_it_is_paid_once_for_all_settings_and_another_sample_is_paid_anew(bench: Bench) -> None:
    save(bench, "a.png")
    save(bench, "same.png")
    queue = bench.queue(bench.choice())
    bill = await queue.bill(queue.choice)
    assert (bill.asks, bill.about_usd) == (1, pytest.approx(0.067))
    assert await queue.run()
    assert sorted(standings(queue)) == [Standing.RESTORED, Standing.SKIPPED]
    assert (bench.paid, queue.spent_usd) == (1, pytest.approx(PRICE_USD, rel=1e-3))
    weaker = bench.choice(Output(file_format=FileFormat.PNG, strength=0.0))
    bill = await queue.bill(weaker)
    assert (bill.asks, bill.received) == (0, 2)
    queue = bench.queue(weaker, bench.folder / "in" / "a.png")
    assert await queue.run()
    assert (standings(queue), queue.spent_usd, bench.paid) == ([Standing.RESTORED], 0.0, 1)
    assert "what the model gave before was used again" in queue.items[0].facts["notes"]
    photo, made = (load_full_photo(p).pixels for p in (queue.items[0].path, queue.items[0].out or Path()))
    assert np.array_equal(photo, made), "strength 0 is the photo"
    queue = bench.queue(replace(bench.choice(), overwrite=True), bench.folder / "in" / "a.png")
    assert await queue.run()
    assert (standings(queue), bench.paid) == ([Standing.RESTORED], 1), "a file is made anew, not paid for anew"
    for other in (bench.choice(seed=1), bench.choice(prompt="Only remove the noise.")):
        await bench.queue(other, bench.folder / "in" / "a.png").run()
    charges = bench.vendors.script.bill
    assert len({(charge.prompt, charge.seed) for charge in charges}) == len(charges) == 3


async def test_a_look_is_of_what_the_photo_will_be_and_paid_for_once(bench: Bench) -> None:
    path = save(bench, "a.png")
    queue = bench.queue(bench.choice())
    places = {name: str(bench.folder / f"{name}.png") for name in ("lq_path", "out_path")}
    told = await queue.look(queue.items[0], queue.choice, {"box": [100, 50, 120, 160], **places})
    assert (told["width"], told["height"], bench.paid) == (160, 120, 1)
    assert await queue.run()
    assert bench.paid == 1
    whole = load_full_photo(queue.items[0].out or Path()).pixels
    shown = np.asarray(Image.open(places["out_path"])).astype(int)
    assert np.abs(shown - whole[100:220, 50:210]).max() <= 1
    assert path.is_file()


async def test_what_goes_wrong_with_one_photo_is_its_own(bench: Bench) -> None:
    for number in range(3):
        save(bench, f"{number}.png", number)
    (bench.folder / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    bench.vendors.script.faults.extend([Fault.BLOCKED_IMAGE, Fault.RATE])
    bench.vendors.script.retry_after_s = 0.01
    queue = bench.queue(bench.choice())
    assert await queue.run()
    assert sorted(standings(queue)) == [*[Standing.FAILED] * 2, *[Standing.RESTORED] * 2]
    messages = [item.message for item in queue.items if item.standing is Standing.FAILED]
    assert any("safety" in message.lower() for message in messages)
    assert any("broken.png" in message for message in messages)
    assert bench.paid == 2, (
        "neither a block nor a photo that cannot be read is paid for; what was turned away is sent again"
    )
    await bench.queue(bench.choice()).run()
    assert bench.paid == 3, "what certainly was not charged is simply asked for again"


async def test_the_budget_ends_it_before_it_is_passed(bench: Bench) -> None:
    for number in range(4):
        save(bench, f"{number}.png", number)
    queue = bench.queue(bench.choice())
    assert not await queue.run(Money(budget_usd=0.2))
    assert "The budget of $0.20 allows no further call" in queue.halted
    assert (queue.count(Standing.RESTORED), queue.count(Standing.WAITING)) == (bench.paid, 4 - bench.paid)
    assert 1 <= bench.paid <= 2
    assert queue.spent_usd <= 0.2
    assert await queue.run(Money(budget_usd=1.0))
    assert queue.count(Standing.RESTORED) == 4


async def test_without_a_key_or_with_a_wrong_one_nothing_is_lost(bench: Bench) -> None:
    save(bench, "a.png")
    service = bench.services.catalogue.services["google"]
    for keys, words in ((Keys({}), "Enter one in Settings"), (Keys({"GEMINI_API_KEY": "wrong"}), "refused the key")):
        keys._environment = {**keys._environment, "GOOGLE_GEMINI_BASE_URL": bench.vendors.base}
        other = Bench(bench.vendors, keys, bench.folder)
        queue = other.queue(other.choice())
        try:
            if keys.find(service) is None:
                with pytest.raises(ProviderError, match=words):
                    await queue.run()
            else:
                assert not await queue.run()
                assert words in queue.halted
        finally:
            other.close()
        assert standings(queue) == [Standing.WAITING]
    assert bench.paid == 0
    assert KEY not in (bench.folder / "out" / JOURNAL).read_text()


async def test_an_answer_that_was_cut_off_is_not_asked_for_again_unasked(bench: Bench) -> None:
    save(bench, "a.png")
    bench.vendors.script.faults.append(Fault.HALF)
    queue = bench.queue(bench.choice())
    assert await queue.run()
    assert standings(queue) == [Standing.UNCERTAIN]
    assert "may have been charged" in queue.items[0].message
    bill = await queue.bill(queue.choice)
    assert (bill.asks, bill.uncertain, bill.uncertain_usd) == (0, 1, pytest.approx(0.067))
    queue = bench.queue(bench.choice())
    assert await queue.run()
    assert (standings(queue), bench.paid) == ([Standing.UNCERTAIN], 1)
    assert "it is not known whether that was charged ($0.067)" in queue.items[0].message
    queue.begin_anew()
    assert await queue.run(Money(repeat_uncertain=True))
    assert (standings(queue), bench.paid) == ([Standing.RESTORED], 2)


async def test_stopped_in_its_midst_it_may_have_been_charged(bench: Bench) -> None:
    save(bench, "a.png")
    bench.vendors.script.always = Fault.HANG
    queue = bench.queue(bench.choice())
    running = asyncio.create_task(queue.run())
    async with asyncio.timeout(20):
        while not bench.paid:
            await asyncio.sleep(0.01)
    queue.stop()
    assert not await running
    assert standings(queue) == [Standing.WAITING]
    bench.vendors.script.always = None
    queue = bench.queue(bench.choice())
    assert await queue.run()
    assert (standings(queue), bench.paid) == ([Standing.UNCERTAIN], 1)
    assert [entry["ended"]["outcome"] for entry in bench.entries if "ended" in entry] == ["cancelled"]


async def test_only_one_process_asks_for_photos_in_a_folder(bench: Bench) -> None:
    save(bench, "a.png")
    queue = bench.queue(bench.choice())
    (bench.folder / "out").mkdir()
    with (
        FileLock(bench.folder / "out" / LOCK),
        pytest.raises(StudioError, match="Another window or command is restoring photos into"),
    ):
        await queue.run()
    assert await queue.run()
    assert bench.paid == 1


async def test_a_photo_of_a_folder_is_told_of_by_its_category(bench: Bench) -> None:
    path = save(bench, "rain/a.png")
    queue = bench.queue(bench.choice())
    assert queue.items[0].category is Category.RAIN
    assert await queue.run()
    note = read_note(load_full_photo(queue.items[0].out or Path()).xmp)
    assert note["Prompt"].startswith("Remove the rain")
    assert path.is_file()
