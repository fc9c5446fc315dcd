"""Scores agree with published values, say how they were made, and are left out rather than faked."""

import csv
import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ggt_studio.core.errors import MlExtraMissing, StudioError
from ggt_studio.core.measures import blockiness, noise, quality, sharpness
from ggt_studio.quality import metrics
from ggt_studio.quality.catalogue import FULL_REFERENCE, METRICS, NO_REFERENCE

OWN = {"grade": quality, "noise": noise, "blockiness": blockiness, "sharpness": sharpness}
PAIRS = ("I03", "I04", "I06", "I08", "I19")

ml = pytest.mark.ml


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save(tmp_path / "photo.png", 192, 208)


def save(path: Path, height: int, width: int, seed: int = 1) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def ask(lq: Path, hq: Path | None = None, no_reference=(), full_reference=(), niqe=None) -> dict:
    answer = metrics.score(
        {
            "lq_path": str(lq),
            "hq_path": str(hq) if hq else None,
            "no_reference": list(no_reference),
            "full_reference": list(full_reference),
            "niqe_parameters": str(niqe) if niqe else None,
            "device": "cpu",
        }
    )
    return json.loads(json.dumps(answer, allow_nan=False))


@cache
def calibration(data: Path, pair: str) -> dict:
    """Everything on one published pair, scored once: LQ is the reference and HQ the distorted image."""
    folder = data / "iqa-calibration"
    niqe = data / "weights" / "niqe_modelparameters.mat"
    return ask(folder / "ref" / f"{pair}.png", folder / "dist" / f"{pair}.png", NO_REFERENCE, FULL_REFERENCE, niqe)


@cache
def published(data: Path) -> dict[str, dict[str, float]]:
    with (data / "iqa-calibration" / "published.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    names = [name.removesuffix(".bmp") for name in header[1:]]
    return {row[0]: dict(zip(names, map(float, row[1:]), strict=True)) for row in rows}


@ml
@pytest.mark.shared
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", sorted(METRICS.keys() - OWN.keys()))
def test_scores_agree_with_published_values(shared_data: Path, name: str, pair: str):
    answer = calibration(shared_data, pair)
    side = "hq" if METRICS[name].kind == "no-reference" else "between"
    expected = published(shared_data)[f"{name}(ours)"][pair]
    assert answer[side][name] == pytest.approx(expected, abs=max(0.002, 0.01 * abs(expected)))


@ml
@pytest.mark.shared
def test_provenance_tells_versions_variants_and_weights(shared_data: Path):
    provenance = calibration(shared_data, "I04")["provenance"]
    assert provenance["pyiqa"] == "0.1.16"
    assert provenance["device"] == "cpu"
    assert provenance["torch"]
    assert "RGB" in provenance["psnr"]
    assert "niqe_modelparameters.mat" in provenance["niqe"]
    assert "SHA-256" in provenance["niqe"]


@ml
@pytest.mark.parametrize("name", sorted(METRICS.keys() - OWN.keys()))
def test_the_catalogue_agrees_with_pyiqa_on_direction_and_kind(name: str):
    from pyiqa.default_model_configs import DEFAULT_CONFIGS

    facts = DEFAULT_CONFIGS[name]
    assert METRICS[name].lower_better == facts.get("lower_better", False)
    assert METRICS[name].kind == {"NR": "no-reference", "FR": "full-reference"}[facts["metric_mode"]]


@ml
def test_entropy_is_pyiqas(photo: Path):
    import pyiqa
    import torch

    planes = torch.from_numpy(np.array(Image.open(photo))).permute(2, 0, 1)[None].float() / 255
    expected = float(pyiqa.create_metric("entropy", device="cpu")(planes))
    assert ask(photo, no_reference=["entropy"])["lq"]["entropy"] == pytest.approx(expected, abs=1e-5)


@ml
@pytest.mark.parametrize("name", OWN)
def test_the_programs_own_metrics_are_those_of_the_import(photo: Path, name: str):
    expected = OWN[name](np.asarray(Image.open(photo).convert("RGB")))
    assert ask(photo, no_reference=[name])["lq"] == {name: pytest.approx(expected)}


@ml
def test_identical_images_score_a_finite_psnr(photo: Path):
    answer = ask(photo, photo, full_reference=["psnr", "ssim", "gmsd"])
    assert answer["between"] == {
        "psnr": pytest.approx(80.0, abs=1e-3),
        "ssim": pytest.approx(1.0),
        "gmsd": pytest.approx(0.0, abs=1e-6),
    }


@ml
@pytest.mark.parametrize("name", [n for n in METRICS if METRICS[n].min_side_px > 1])
def test_the_smallest_size_is_scored_and_smaller_ones_are_left_out(tmp_path: Path, shared_data: Path, name: str):
    niqe = shared_data / "weights" / "niqe_modelparameters.mat"
    info = METRICS[name]
    side = "lq" if info.kind == "no-reference" else "between"
    chosen = {"no_reference" if info.kind == "no-reference" else "full_reference": [name]}

    def pair(height: int) -> tuple[Path, Path]:
        return save(tmp_path / f"a{height}.png", height, 260), save(tmp_path / f"b{height}.png", height, 260, 2)

    assert name in ask(*pair(info.min_side_px), niqe=niqe, **chosen)[side]
    small = ask(*pair(info.min_side_px - 1), niqe=niqe, **chosen)
    assert small[side] == {}
    assert str(info.min_side_px) in small["provenance"][name]


@ml
def test_what_cannot_be_scored_says_why(tmp_path: Path, photo: Path, shared_data: Path):
    other = save(tmp_path / "other.png", 200, 208)
    answer = ask(photo, other, ["niqe", "piqe"], ["psnr"])
    assert set(answer["lq"]) == {"piqe"}
    assert answer["between"] == {}
    assert "parameter file" in answer["provenance"]["niqe"]
    assert "208 x 200 px" in answer["provenance"]["psnr"]

    grey = tmp_path / "uniform.png"
    Image.new("RGB", (256, 256), (90, 90, 90)).save(grey)
    uniform = ask(grey, no_reference=["niqe"], niqe=shared_data / "weights" / "niqe_modelparameters.mat")
    assert uniform["lq"] == {}
    assert "uniform" in uniform["provenance"]["niqe"]


@ml
def test_without_a_target_only_the_photo_is_scored(photo: Path):
    answer = ask(photo, None, ["piqe"], ["psnr"])
    assert set(answer["lq"]) == {"piqe"}
    assert answer["hq"] == {}
    assert answer["between"] == {}


@ml
def test_scores_follow_the_content_of_a_file_not_its_name(tmp_path: Path):
    path = save(tmp_path / "a.png", 128, 128)
    first = ask(path, no_reference=["piqe"])["lq"]
    assert ask(path, no_reference=["piqe"])["lq"] == first
    Image.new("RGB", (128, 128)).save(path)
    assert ask(path, no_reference=["piqe"])["lq"] != first


@ml
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"no_reference": ["musiq"]}, "musiq"),
        ({"no_reference": ["psnr"]}, "no-reference"),
        ({"niqe_parameters": "nowhere.mat"}, "nowhere.mat"),
        ({"device": "abacus"}, "abacus"),
        ({"lq_path": "nowhere.png"}, "nowhere.png"),
    ],
)
def test_errors_tell_a_person_what_is_wrong(photo: Path, change: dict, words: str):
    with pytest.raises(StudioError, match=words):
        metrics.score({"lq_path": str(photo), "no_reference": ["piqe"], **change})


@ml
def test_a_file_that_is_not_niqes_is_refused(photo: Path, tmp_path: Path):
    wrong = tmp_path / "wrong.mat"
    wrong.write_text("not a matrix file at all, just words that go on for a while")
    with pytest.raises(StudioError, match=r"wrong\.mat"):
        ask(photo, no_reference=["niqe"], niqe=wrong)


def test_without_the_ml_extra_the_step_says_how_to_get_it(photo: Path):
    """A process in which torch cannot be imported, as in the base install."""
    code = f"""
import sys
sys.modules["torch"] = None
from ggt_studio.core.errors import MlExtraMissing
from ggt_studio.quality import metrics
try:
    metrics.score({{"lq_path": {str(photo)!r}, "no_reference": ["piqe"]}})
except MlExtraMissing as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "-m pip install " in result.stdout
    assert '"pyiqa==' in result.stdout
    assert issubclass(MlExtraMissing, StudioError)


def test_asking_for_availability_does_not_import_torch():
    code = """
import sys
from ggt_studio.quality import catalogue, metrics
answer = metrics.available({})
assert set(answer) == {"ml", "reason"} and answer["ml"] == (answer["reason"] == "")
assert not {"torch", "pyiqa", "cv2", "scipy"} & set(sys.modules), "heavy modules were imported"
"""
    subprocess.run([sys.executable, "-c", code], check=True)
