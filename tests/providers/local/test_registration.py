"""Local models in the registry: offered with a person's settings, and known not to be ready before a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.pipeline.recipes import make_recipe
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.keys import Keys
from ggt_studio.providers.local.fetching import model_folder
from ggt_studio.providers.registry import Registry, build_registry

LOCAL = ("qwen-image-edit-2511", "firered-1.1", "flux.2-dev", "flux.2-klein")


class NoWorker:
    """Nothing here asks the worker."""

    async def call(self, *_: Any, **__: Any) -> dict[str, Any]:
        raise AssertionError("the worker was asked")


def registry(local_models: dict[str, dict[str, Any]] | None = None) -> Registry:
    return build_registry(Services(NoWorker(), load_catalogue(), Keys({}), local_models or {}))


def test_the_open_models_of_the_catalogue_are_offered_and_stay_on_this_machine() -> None:
    generators = registry().generators
    for model_id in LOCAL:
        info = generators[model_id].info
        assert not info.paid
        assert not info.leaves_machine
        assert info.options["model"].count("/") == 1


def test_what_a_person_chose_is_frozen_into_the_recipe(tmp_path: Path) -> None:
    chosen = {"flux.2-klein": {"model": str(tmp_path), "steps": 6, "quantisation": "int8"}}
    recipe = make_recipe(registry(chosen), "flux.2-klein", "fix", "measured")
    assert recipe.generator_options == chosen["flux.2-klein"]
    assert recipe.hash != make_recipe(registry(), "flux.2-klein", "fix", "measured").hash


def test_settings_that_cannot_be_understood_leave_what_the_publishers_recommend() -> None:
    for chosen in ({"steps": -3}, {"colour": "blue"}, {"model": 7}):
        info = registry({"flux.2-dev": chosen}).generators["flux.2-dev"].info
        assert info.options == {"model": "black-forest-labs/FLUX.2-dev"}


def test_the_folder_that_a_download_fills_goes_before_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GGT_STUDIO_HOME", str(tmp_path))
    folder = model_folder(load_catalogue().models["firered-1.1"])
    folder.mkdir(parents=True)
    assert registry().generators["firered-1.1"].info.options == {"model": str(folder)}


@pytest.mark.ml
async def test_a_model_that_is_not_here_is_told_before_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    offered = registry()
    with pytest.raises(StudioError, match="not on this machine"):
        await offered.check_ready(make_recipe(offered, "qwen-image-edit-2511", "fix", "measured"))


async def test_a_folder_that_holds_something_else_is_told_before_a_run(tmp_path: Path) -> None:
    offered = registry({"flux.2-dev": {"model": str(tmp_path)}})
    with pytest.raises(StudioError, match=str(tmp_path)):
        await offered.check_ready(make_recipe(offered, "flux.2-dev", "fix", "measured"))


async def test_a_missing_key_is_told_before_a_run() -> None:
    offered = registry()
    with pytest.raises(StudioError, match="GEMINI_API_KEY"):
        await offered.check_ready(make_recipe(offered, "nano-banana-2", "fix", "measured"))
    with pytest.raises(StudioError, match="OPENAI_API_KEY"):
        await offered.check_ready(make_recipe(offered, "classical", "gpt", "measured"))
    await offered.check_ready(make_recipe(offered, "classical", "fix", "measured"))
