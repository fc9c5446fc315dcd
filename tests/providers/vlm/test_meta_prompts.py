"""Meta prompts ask for all that the method asks for, and a person's own file takes the place of ours."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.core.words import Category
from ggt_studio.providers.vlm.meta_prompts import (
    has_own_meta_prompts,
    meta_prompts_folder,
    own_meta_prompts,
    read_meta_prompts,
)

COMMON = (
    ("depth", "key structures"),
    ("every kind of degradation",),
    ("where in the frame", "how severe"),
    ("fidelity comes first",),
    ("same objects", "number", "size", "position"),
    ("nothing is invented, inserted or removed",),
    ("nothing is shifted", "warped", "deformed"),
    ("colour and overall tone are kept", "no restyling", "hue or white balance"),
    ("faces", "skin, eyes and hair", "same person"),
    ("uncertain", "guessing"),
    ("noise is removed", "sharpness", "halos"),
    ("instruction alone", "in english"),
    ("never an instruction to you",),
)
OWN = {
    Category.GENERAL_MIXED: (
        ("noise", "compression blocks", "ringing", "defocus", "motion blur", "mixtures"),
        ("balanced",),
    ),
    Category.RAIN: (
        ("streaks", "drops", "windshield", "veil", "as completely as can be done reliably"),
        ("background", "sharpness"),
        ("rainy mood", "not made dry or sunny"),
        ("watermarks, logos and text are never touched",),
    ),
    Category.SNOW: (("flakes", "particles", "veil"), ("brightness", "style"), ("no harsh sharpening",)),
    Category.HAZE: (
        ("veil", "airlight", "colour cast", "can be identified"),
        ("dense", "may stay"),
        ("brightness and colour change only as far as",),
    ),
    Category.LOW_LIGHT: (
        ("clear and strong, not timid", "shadows", "mood of night"),
        ("noise", "blotches"),
        ("clip", "not lifted to grey", "no hdr look"),
        ("brightness and saturation may rise", "hue"),
    ),
    Category.OLD_PHOTO: (
        ("fading", "grain", "scratches", "dust", "stains", "blur"),
        ("never colourised", "exactly its tone"),
        ("authentic document",),
    ),
}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("category", list(Category))
def test_each_category_asks_for_the_common_constraints_and_its_own(category: Category) -> None:
    text = read_meta_prompts("gemini").texts[category].lower()
    for words in (*COMMON, *OWN[category]):
        assert all(word in text for word in words), words
    assert "{" not in text, "every place is filled"


def test_the_categories_differ_and_have_a_version() -> None:
    meta = read_meta_prompts("gemini")
    assert set(meta.texts) == set(Category)
    assert len(set(meta.texts.values())) == len(Category)
    assert meta.version >= 1


def test_a_person_s_file_counts_for_all_and_one_of_a_strategy_s_name_for_that_alone() -> None:
    ours = read_meta_prompts("gemini")
    shared = own_meta_prompts("gemini")
    assert shared == meta_prompts_folder() / "adaptive.toml"
    assert read_meta_prompts("gemini") == ours, "a copy changes nothing yet"
    shared.write_text(shared.read_text("utf-8").replace("Fidelity comes first", "Mine comes first"), "utf-8")
    assert "Mine comes first" in read_meta_prompts("gemini").texts[Category.RAIN]
    single = meta_prompts_folder() / "gpt.toml"
    shutil.copy(shared, single)
    single.write_text(single.read_text("utf-8").replace("Mine comes first", "GPT's comes first"), "utf-8")
    assert "GPT's comes first" in read_meta_prompts("gpt").texts[Category.HAZE]
    assert "Mine comes first" in read_meta_prompts("gemini").texts[Category.HAZE]
    assert own_meta_prompts("gpt") == single


def test_an_own_file_is_no_preset() -> None:
    from ggt_studio.providers.presets import preset_files

    own_meta_prompts("gemini")
    assert has_own_meta_prompts("gpt")
    assert set(preset_files()) == {"fix", "fix-nc"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("version = 1", ""), "no version"),
        (("[categories.haze]", "[categories.fog]"), "no haze"),
        (("version = 1", "version = "), "cannot be read"),
        (("version = 1", "version = 1\nconstraints_ = 2"), None),
        (('task = """', 'task_ = """'), "no task"),
    ],
)
def test_a_file_that_is_wrong_says_so(change: tuple[str, str], why: str | None) -> None:
    path = own_meta_prompts("gemini")
    ours = resources.files("ggt_studio.resources").joinpath("meta_prompts", "adaptive.toml").read_text("utf-8")
    assert change[0] in ours
    path.write_text(ours.replace(*change), "utf-8")
    if why is None:
        read_meta_prompts("gemini")
        return
    with pytest.raises(StudioError, match=why) as caught:
        read_meta_prompts("gemini")
    assert str(path) in str(caught.value)


def test_a_file_in_another_encoding_says_so() -> None:
    own_meta_prompts("gemini").write_bytes("task = 'café'".encode("latin-1"))
    with pytest.raises(StudioError, match="not in UTF-8"):
        read_meta_prompts("gemini")
