"""The catalogue: what we ship is whole and honest, and a person's own file changes it without breaking it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ggt_studio.core.canvas import allows, plan_canvas
from ggt_studio.core.errors import StudioError
from ggt_studio.providers.catalogue import Place, Price, load_catalogue, pick_model, place_of
from ggt_studio.settings import models_file

PAPER = {
    "nano-banana-2",
    "nano-banana-pro",
    "gpt-image-1.5",
    "gpt-image-2",
    "seedream-5.0",
    "kling-image-o1",
    "qwen-image-edit-2511",
    "firered-1.1",
    "flux.2-dev",
}


@pytest.fixture(autouse=True)
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))
    return models_file()


def test_the_paper_s_nine_generators_and_their_prompt_writers_are_there() -> None:
    catalogue = load_catalogue()
    assert catalogue.problems == ()
    assert {m.id for m in catalogue.models.values() if "generator" in m.roles} >= PAPER
    assert {m.id for m in catalogue.models.values() if {"prompts", "judge"} <= set(m.roles)} >= {"gemini", "gpt"}


@pytest.mark.parametrize("model", load_catalogue().models.values(), ids=lambda model: model.id)
def test_each_model_says_where_its_facts_are_from_and_takes_every_patch(model) -> None:
    catalogue = load_catalogue()
    service = catalogue.service_of(model)
    assert model.checked >= "2026-11"
    assert model.licence
    if service.protocol == "diffusers":
        assert place_of(service.base_url) is Place.MACHINE
    else:
        assert service.base_url.startswith("https://")
        assert service.key_variables
        assert service.terms_url
        assert model.price.known or model.id == "gpt", "a price that nobody confirmed is unknown, not made up"
    if "generator" in model.roles:
        assert service.protocol == "diffusers" or model.price.of_image(model.options)
        for width, height in ((1024, 1024), (128, 128), (1024, 128), (128, 1024), (701, 997)):
            canvas = plan_canvas(width, height, model.sizes.rule)
            assert allows(model.sizes.rule, canvas.sent_width, canvas.sent_height)
            assert canvas.scale >= 1.0, "a patch is never made smaller"
            if model.sizes.asked:
                asked = plan_canvas(canvas.sent_width, canvas.sent_height, model.sizes.asked.rule)
                assert asked.sent_width * asked.sent_height >= canvas.sent_width * canvas.sent_height
                assert asked.padding < 0.01, "what is asked for has the shape of what is sent"


def test_a_person_changes_a_price_and_adds_a_model_and_a_service(own_file: Path) -> None:
    own_file.write_text("""
[[model]]
id = "nano-banana-2"
price = { per_image = { "1K" = 0.05 } }

[[service]]
id = "lab"
label = "Our GPU server"
protocol = "openai-compatible"
base_url = "http://gpu.lan:8000/v1"

[[model]]
id = "qwen-vl"
label = "Qwen VL"
service = "lab"
model = "Qwen/Qwen3-VL"
roles = ["judge"]
""")
    catalogue = load_catalogue()
    assert catalogue.problems == ()
    changed = catalogue.models["nano-banana-2"]
    assert changed.price.of_image(changed.options) == 0.05
    assert changed.price.of_tokens(images_made=1120) is None, "our token prices do not outlive the person's price"
    assert changed.label == "Nano Banana 2", "the rest is ours"
    added = pick_model(catalogue, "qwen-vl")
    assert place_of(catalogue.service_of(added).base_url) is Place.NETWORK
    assert not added.price.known


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[model]\n", "cannot be read"),
        ('[[model]]\nid = "x"\n', "The model x is left out: label"),
        ('[[model]]\nid = "nano-banana-2"\nprise = 3\n', "nano-banana-2 is left out: prise"),
        ('[[model]]\nid = "classical"\nlabel = "L"\n', "classical is the id of something built in"),
        ('[[model]]\nlabel = "L"\n', "has no id"),
        ('[[thing]]\nid = "x"\n', "thing is not"),
        (
            '[[service]]\nid = "s"\nlabel = "S"\nprotocol = "openai-compatible"\nbase_url = "gpu:8000"\n',
            "begins with http",
        ),
        (
            '[[model]]\nid = "y"\nlabel = "Y"\nservice = "nobody"\nmodel = "m"\nroles = ["judge"]\n',
            "nobody, which there is not",
        ),
        (
            '[[model]]\nid = "nano-banana-pro"\nsizes = { ratios = [{ label = "1:1", width = 0, height = 1 }] }\n',
            "left out: sizes",
        ),
    ],
)
def test_a_broken_file_or_entry_is_named_and_the_others_are_kept(own_file: Path, text: str, problem: str) -> None:
    own_file.write_text(text)
    catalogue = load_catalogue()
    assert len(catalogue.problems) == 1
    assert problem in catalogue.problems[0]
    assert {"gpt-image-2", "gemini"} <= catalogue.models.keys()
    assert {"google", "local"} <= catalogue.services.keys()


def test_a_price_is_counted_from_tokens_or_images_and_unknown_otherwise() -> None:
    tokens = Price(per_million_input_tokens=1, per_million_output_tokens=10, per_million_image_tokens=100)
    assert tokens.of_tokens(text_read=1000, images_read=1000, text_written=1000, images_made=1000) == pytest.approx(
        0.112
    )
    assert tokens.of_tokens() is None, "nothing was reported"
    assert tokens.of_image({"quality": "high"}) is None
    images = Price(per_image={"low": 0.01, "high": 0.1})
    assert (images.of_image({"quality": "high"}), images.of_image({}), images.of_tokens(images_made=9)) == (
        0.1,
        None,
        None,
    )
    assert (Price().known, Price(free=True).known, Price(free=True).of_image({})) == (False, True, 0.0)


def test_an_unknown_model_names_those_that_there_are() -> None:
    with pytest.raises(StudioError, match="no model called x.*nano-banana-2"):
        pick_model(load_catalogue(), "x")
