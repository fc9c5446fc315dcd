"""A server of one's own in models.toml: added at the end, what is there stays, what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.own_limits import with_limits
from ggt_studio.providers.own_models import OwnServer, add_server
from ggt_studio.settings import models_file

SERVER = OwnServer("Lab server", "http://127.0.0.1:8000/v1/", "Qwen/Qwen3-VL", key_variable="LAB_API_KEY")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))


def test_a_server_is_added_and_found_again() -> None:
    model_id = add_server(SERVER, load_catalogue())
    assert model_id == "qwen3-vl"
    catalogue = load_catalogue()
    assert catalogue.problems == ()
    model = catalogue.models[model_id]
    assert (model.model, model.roles, model.sizes.max_side) == ("Qwen/Qwen3-VL", ("prompts", "judge"), 1024)
    service = catalogue.service_of(model)
    assert (service.label, service.base_url) == ("Lab server", "http://127.0.0.1:8000/v1")
    assert service.key_variables == ("LAB_API_KEY",)


def test_what_is_there_stays_to_the_letter_and_ids_are_free() -> None:
    mine = '# mine, and why\n[[model]]\nid = "nano-banana-2"   # cheaper here\nprice = { per_image = { "1K" = 0.05 } }'
    models_file().write_text(mine, "utf-8")
    add_server(SERVER, load_catalogue())
    assert add_server(SERVER, load_catalogue()) == "qwen3-vl-2"
    assert models_file().read_text("utf-8").startswith(mine)
    catalogue = load_catalogue()
    assert catalogue.problems == ()
    assert catalogue.models["nano-banana-2"].price.per_image["1K"] == 0.05
    assert {"lab-server", "lab-server-2"} <= set(catalogue.services)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (OwnServer("", "http://127.0.0.1/v1", "m"), "needs a name"),
        (OwnServer("Lab", "127.0.0.1:8000", "m"), "begins with http"),
        (OwnServer("Lab", "http://127.0.0.1/v1", "m", roles=()), "cannot be added"),
    ],
)
def test_what_cannot_be_is_refused_in_words(server: OwnServer, words: str) -> None:
    with pytest.raises(StudioError, match=words):
        add_server(server, load_catalogue())
    assert not models_file().exists()


def test_a_file_that_is_broken_is_left_alone() -> None:
    models_file().write_text("[[model", "utf-8")
    with pytest.raises(StudioError, match="Correct it first"):
        add_server(SERVER, load_catalogue())
    assert models_file().read_text("utf-8") == "[[model"


def test_own_limits_go_by_model_before_service_and_wrong_ones_are_named() -> None:
    catalogue = load_catalogue()
    own = {"google": {"requests_per_minute": 10}, "nano-banana-2": {"requests_per_minute": 5, "concurrency": 2}}
    limited = with_limits(catalogue, own)
    assert limited.models["nano-banana-2"].limits.requests_per_minute == 5
    assert limited.models["nano-banana-2"].limits.concurrency == 2
    assert limited.models["nano-banana-pro"].limits.requests_per_minute == 10
    assert limited.models["gpt-image-2"].limits == catalogue.models["gpt-image-2"].limits
    wrong = with_limits(catalogue, {"kling": {"concurrency": 0}})
    assert "Kling Image O1" in wrong.problems[-1]
    assert wrong.models["kling-image-o1"].limits == catalogue.models["kling-image-o1"].limits
