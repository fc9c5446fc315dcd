"""The offline judge accepts honest restorations of every category and finds the aspect in which bad ones fail."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.errors import UnusableImage
from ggt_studio.core.model import Verdict
from ggt_studio.core.words import Aspect, Category, Decision
from ggt_studio.providers.classical import restore
from ggt_studio.quality.measured_judge import judge, judge_files

pytestmark = pytest.mark.shared

Change = Callable[[np.ndarray], np.ndarray]
QUALITY, OBJECTS, GEOMETRY, CONTENT, COLOUR = Aspect


def u8(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def noisy(image: np.ndarray, sigma: float = 20.0) -> np.ndarray:
    return u8(image + np.random.default_rng(5).normal(0, sigma, image.shape))


def blurred(image: np.ndarray, sigma: float = 4.0) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def jpeg(image: np.ndarray, quality: int = 10) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def hazy(image: np.ndarray) -> np.ndarray:
    transmission = np.linspace(0.3, 0.7, image.shape[0])[:, None, None]
    return u8(image * transmission + 210 * (1 - transmission))


def rainy(image: np.ndarray) -> np.ndarray:
    streaks = (np.random.default_rng(5).random(image.shape[:2]) > 0.997).astype(np.float32)
    kernel = cv2.line(np.zeros((25, 25), np.float32), (9, 0), (15, 24), 1.0)
    return u8(image * 0.9 + 15 + 110 * np.clip(cv2.filter2D(streaks, -1, kernel), 0, 1)[..., None])


def snowy(image: np.ndarray) -> np.ndarray:
    rng, veil = np.random.default_rng(5), np.zeros(image.shape[:2], np.float32)
    for x, y, radius in rng.integers((0, 0, 1), (image.shape[1], image.shape[0], 5), (150, 3)).tolist():
        cv2.circle(veil, (x, y), radius, 0.9, -1)
    return u8(image + (245.0 - image) * cv2.GaussianBlur(veil, (0, 0), 1)[..., None])


def grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def aged(image: np.ndarray) -> np.ndarray:
    grain = np.random.default_rng(5).normal(0, 12, image.shape[:2])[..., None]
    return blurred(u8(grey(image) * 0.6 + 70 + grain), 0.9)


DEGRADATIONS: dict[str, tuple[Category, Change]] = {
    "noise": (Category.GENERAL_MIXED, noisy),
    "blur": (Category.GENERAL_MIXED, lambda image: blurred(image, 2)),
    "jpeg": (Category.GENERAL_MIXED, lambda image: jpeg(image, 15)),
    "mixed": (Category.GENERAL_MIXED, lambda image: jpeg(noisy(blurred(image, 1.2), 12), 40)),
    "haze": (Category.HAZE, hazy),
    "dark": (Category.LOW_LIGHT, lambda image: noisy(image * 0.25, 5)),
    "rain": (Category.RAIN, rainy),
    "snow": (Category.SNOW, snowy),
}


def rotated_hue(image: np.ndarray) -> np.ndarray:
    """Lightness kept, chroma turned by 60 degrees."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    a, b = lab[..., 1].copy(), lab[..., 2].copy()
    lab[..., 1], lab[..., 2] = 0.5 * a - 0.866 * b, 0.866 * a + 0.5 * b
    return u8(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255)


def tinted(image: np.ndarray) -> np.ndarray:
    return u8(image * np.array([1.25, 1.0, 0.75]))


def shifted(image: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(image, 0, 0, 12, 0, cv2.BORDER_REFLECT)[:, : image.shape[1]]


def enlarged(image: np.ndarray) -> np.ndarray:
    matrix = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 0, 1.04)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


def mirrored(image: np.ndarray) -> np.ndarray:
    return image[:, ::-1].copy()


def with_pasted_object(image: np.ndarray) -> np.ndarray:
    """A disc of a fifth of the photo's side that shows another part of it, upside down."""
    side = image.shape[0] // 5
    result, patch = image.copy(), image[-2 * side : -side, -2 * side : -side][::-1]
    disc = cv2.circle(np.zeros((side, side), np.uint8), (side // 2, side // 2), side // 2, 1, -1) > 0
    result[side : 2 * side, side : 2 * side][disc] = patch[disc]
    return result


def with_erased_object(image: np.ndarray) -> np.ndarray:
    """The most structured quarter-side square painted over from its surroundings."""
    side = image.shape[0] // 4
    detail = cv2.Laplacian(cv2.GaussianBlur(grey(image)[..., 0].astype(np.float32), (0, 0), 3), cv2.CV_32F)
    sums = cv2.boxFilter(detail**2, -1, (side, side))[side // 2 : -side // 2, side // 2 : -side // 2]
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    hole = np.zeros(image.shape[:2], np.uint8)
    hole[top : top + side, left : left + side] = 255
    return cv2.inpaint(image, hole, 5, cv2.INPAINT_TELEA)


def with_texture(image: np.ndarray) -> np.ndarray:
    rough = np.random.default_rng(5).normal(0, 1, image.shape[:2]).astype(np.float32)
    rough = cv2.GaussianBlur(rough, (0, 0), 1.2) - cv2.GaussianBlur(rough, (0, 0), 2.5)
    return u8(image + 22 * (rough / rough.std())[..., None])


def with_stripes(image: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return u8(image + 18 * np.sin((x + y) / 3)[..., None])


DAMAGES: dict[str, tuple[Change, set[Aspect]]] = {
    "shift": (shifted, {GEOMETRY}),
    "zoom": (enlarged, {GEOMETRY}),
    "mirror": (mirrored, {GEOMETRY, OBJECTS}),
    "paste": (with_pasted_object, {OBJECTS, CONTENT}),
    "erase": (with_erased_object, {OBJECTS, CONTENT}),
    "stripes": (with_stripes, {CONTENT}),
    "hue": (rotated_hue, {COLOUR}),
}


def photo(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def clean(shared_data: Path) -> np.ndarray:
    """A colourful clean photo, 500 x 500 px."""
    return photo(shared_data / "clean" / "mcm01.png")


def lowest(verdict: Verdict) -> Aspect:
    return min(verdict.aspects, key=lambda aspect: verdict.aspects[aspect].score)


@pytest.mark.parametrize(("category", "degrade"), DEGRADATIONS.values(), ids=DEGRADATIONS)
@pytest.mark.parametrize("name", ["mcm01", "mcm05", "mcm07", "mcm11"])
def test_a_perfect_restoration_is_accepted(shared_data: Path, name: str, category: Category, degrade: Change):
    hq = photo(shared_data / "clean" / f"{name}.png")
    verdict = judge(degrade(hq), hq, category)
    assert verdict.decision is Decision.ACCEPT, verdict.aspects


@pytest.mark.parametrize("name", ["mcm01", "mcm07"])
def test_an_old_photo_may_be_cleaned_but_never_coloured(shared_data: Path, name: str):
    original = photo(shared_data / "clean" / f"{name}.png")
    accepted = judge(aged(original), u8(grey(original) * 0.75 + 40), Category.OLD_PHOTO)
    assert accepted.decision is Decision.ACCEPT, accepted.aspects
    coloured = judge(aged(original), u8(original * 0.75 + 40.0), Category.OLD_PHOTO)
    assert coloured.decision is Decision.REJECT
    assert lowest(coloured) is COLOUR


@pytest.mark.parametrize(("name", "category"), [("0001", Category.GENERAL_MIXED), ("1118", Category.LOW_LIGHT)])
def test_real_captured_pairs_are_accepted(shared_data: Path, name: str, category: Category):
    lq, hq = (photo(shared_data / "pairs" / side / f"{name}.png") for side in ("lq", "gt"))
    if name == "0001":
        # This pair was captured 3.3 px apart; to lay it over is not the judge's business.
        lq, hq = lq[:, 3:], hq[:, :-3]
    verdict = judge(lq[:1024, -1024:], hq[:1024, -1024:], category)
    assert verdict.decision is Decision.ACCEPT, verdict.aspects


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("general-mixed/dog.png", Category.GENERAL_MIXED),
        ("general-mixed/dped_crop00061.png", Category.GENERAL_MIXED),
        ("haze/forbidden-city-haze.jpg", Category.HAZE),
        ("low-light/1118.png", Category.LOW_LIGHT),
    ],
)
def test_the_offline_restoration_of_visibly_degraded_photos_is_accepted(
    shared_data: Path, path: str, category: Category
):
    lq = photo(shared_data / "lq" / path)[:512, :512]
    verdict = judge(lq, restore(lq, category, frozenset(), seed=0), category)
    assert verdict.decision is Decision.ACCEPT, verdict.aspects


@pytest.mark.parametrize("category", list(Category))
def test_an_unchanged_photo_is_rejected_for_lack_of_gain(shared_data: Path, category: Category):
    lq = photo(sorted((shared_data / "lq" / category).iterdir())[0])[:512, :512]
    verdict = judge(lq, lq, category)
    assert verdict.decision is Decision.REJECT
    assert lowest(verdict) is QUALITY
    assert [aspect for aspect in Aspect if verdict.aspects[aspect].score < 95] == [QUALITY]


@pytest.mark.parametrize(("damage", "aspects"), DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("degradation", ["noise", "mixed", "dark", "haze", "rain", "snow"])
def test_damage_lowers_its_own_aspect_most(clean, degradation: str, damage: Change, aspects: set[Aspect]):
    category, degrade = DEGRADATIONS[degradation]
    verdict = judge(degrade(clean), damage(clean), category)
    assert verdict.decision is Decision.REJECT
    assert lowest(verdict) in aspects, verdict.aspects


@pytest.mark.parametrize("degradation", ["noise", "mixed", "rain", "snow"])
def test_a_colour_cast_is_rejected(clean, degradation: str):
    category, degrade = DEGRADATIONS[degradation]
    verdict = judge(degrade(clean), tinted(clean), category)
    assert verdict.decision is Decision.REJECT
    assert lowest(verdict) is COLOUR


@pytest.mark.parametrize("degradation", list(DEGRADATIONS))
def test_texture_out_of_nothing_is_unreasonable_content(clean, degradation: str):
    category, degrade = DEGRADATIONS[degradation]
    verdict = judge(degrade(clean), with_texture(clean), category)
    assert verdict.decision is Decision.REJECT
    assert verdict.aspects[CONTENT].score < 60
    assert min(verdict.aspects[a].score for a in (OBJECTS, GEOMETRY, COLOUR)) > verdict.aspects[CONTENT].score


@pytest.mark.parametrize("spoil", [blurred, noisy, jpeg], ids=["over-blurred", "noise added", "jpeg"])
@pytest.mark.parametrize("degradation", ["noise", "mixed", "dark", "haze", "rain", "snow"])
def test_a_spoilt_photo_is_rejected_for_its_quality(clean, degradation: str, spoil: Change):
    category, degrade = DEGRADATIONS[degradation]
    lq = degrade(clean)
    verdict = judge(lq, spoil(lq), category)
    assert verdict.decision is Decision.REJECT
    assert lowest(verdict) is QUALITY, verdict.aspects


def half_way(lq: np.ndarray, hq: np.ndarray) -> np.ndarray:
    return u8(lq * 0.5 + hq * 0.5)


@pytest.mark.parametrize("name", ["mcm01", "mcm05", "mcm11"])
def test_snow_that_is_left_does_not_pass_as_restored(shared_data: Path, name: str):
    hq = photo(shared_data / "clean" / f"{name}.png")
    lq = snowy(hq)
    assert judge(lq, hq, Category.SNOW).decision is Decision.ACCEPT
    unfinished = hq.copy()
    unfinished[: len(hq) * 3 // 5] = lq[: len(hq) * 3 // 5]
    for left in (half_way(lq, hq), unfinished):
        verdict = judge(lq, left, Category.SNOW)
        assert verdict.decision is Decision.REJECT
        assert lowest(verdict) is QUALITY
        assert "of the flakes' brightness" in verdict.aspects[QUALITY].reason


@pytest.mark.parametrize(
    ("category", "degrade", "words"),
    [
        (Category.RAIN, rainy, "of the streaks' common slant"),
        (Category.HAZE, hazy, "of the veil"),
        (Category.LOW_LIGHT, lambda image: u8(image * 0.15), "a mean brightness of only"),
        (Category.GENERAL_MIXED, noisy, "noise of"),
    ],
)
def test_what_is_left_of_the_degradation_is_said(clean, category: Category, degrade: Change, words: str):
    lq = degrade(clean)
    verdict = judge(lq, u8(lq * 0.75 + clean * 0.25), category)
    assert verdict.decision is Decision.REJECT
    assert lowest(verdict) is QUALITY
    assert words in verdict.aspects[QUALITY].reason
    assert words not in judge(lq, clean, category).aspects[QUALITY].reason


@pytest.mark.parametrize("category", list(Category))
def test_the_judge_says_what_it_cannot_see(clean, category: Category):
    assert "Not seen by measuring: " in judge(noisy(clean), clean, category).aspects[QUALITY].reason


def test_halos_are_held_against_a_sharpened_photo(clean):
    lq = hazy(clean)
    soft = cv2.GaussianBlur(lq, (0, 0), 2).astype(float)
    verdict = judge(lq, u8(lq + 3 * (lq - soft)), Category.HAZE)
    assert verdict.decision is Decision.REJECT
    assert "halos" in verdict.aspects[QUALITY].reason


def test_small_grey_and_odd_sized_photos_are_judged(clean):
    lq, hq = noisy(grey(clean))[:131, :203], grey(clean)[:131, :203]
    assert judge(lq, hq, Category.GENERAL_MIXED).decision is Decision.ACCEPT
    uniform = np.full((128, 128, 3), 90, np.uint8)
    assert judge(uniform, uniform, Category.GENERAL_MIXED).decision is Decision.REJECT


def test_a_target_of_another_size_is_judged_at_the_photos_size(clean):
    lq = noisy(clean)
    larger = cv2.resize(clean, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    assert judge(lq, larger, Category.GENERAL_MIXED).decision is Decision.ACCEPT


def test_the_worker_method_answers_in_plain_json_with_reasons_and_measurements(clean, tmp_path: Path):
    Image.fromarray(noisy(clean)).save(tmp_path / "lq.png")
    Image.fromarray(clean).save(tmp_path / "hq.png")
    params = {"lq_path": str(tmp_path / "lq.png"), "hq_path": str(tmp_path / "hq.png"), "category": "general-mixed"}
    answer = json.loads(json.dumps(judge_files(params), allow_nan=False))
    assert answer["decision"] == "accept"
    assert set(answer["aspects"]) == {aspect.value for aspect in Aspect}
    assert all(0 <= aspect["score"] <= 100 and aspect["reason"].endswith(".") for aspect in answer["aspects"].values())
    assert set(json.loads(answer["raw"])) == {"alignment", "lq", "hq", "structure", "colour", "leftovers"}
    assert judge_files(params) == judge_files(params)
    with pytest.raises(UnusableImage, match=r"nowhere\.png"):
        judge_files({**params, "hq_path": "nowhere.png"})


def test_a_patch_takes_a_second_and_a_half_of_one_core_at_most(shared_data: Path):
    lq, hq = (photo(shared_data / "pairs" / side / "1118.png")[:1024, :1024] for side in ("lq", "gt"))
    judge(lq, hq, Category.LOW_LIGHT)
    started = time.process_time()
    judge(lq, hq, Category.LOW_LIGHT)
    assert time.process_time() - started < 1.5
