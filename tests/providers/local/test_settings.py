"""The settings of a local model: what can be, what is frozen into recipes, and what is tried when memory runs out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ggt_studio.core.errors import StudioError
from ggt_studio.providers.local.settings import OFFLOADS, LocalSettings


def test_options_are_json_and_come_back() -> None:
    settings = LocalSettings(
        "/models/a", dtype="bf16", quantisation="int8", steps=28, guidance=0.0, lora="/l.safetensors"
    )
    options = json.loads(json.dumps(settings.as_options()))
    assert LocalSettings.from_options(options) == settings
    assert LocalSettings("/models/a").as_options() == {"model": "/models/a"}
    assert options["guidance"] == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "has no folder"),
        ({"model": "a", "dtype": "int4"}, "dtype is 'int4'; it can be auto, bf16, fp16, fp32"),
        ({"model": "a", "offload": "disk"}, "offload is 'disk'"),
        ({"model": "a", "quantisation": "gguf"}, "quantisation is 'gguf'; it can be none, int8, nf4"),
        (
            {"model": "a", "quantisation": "nf4", "offload": "sequential"},
            "nf4 quantisation does not go with sequential",
        ),
        ({"model": "a", "steps": -1}, "steps is -1"),
        ({"model": "a", "steps": 2.5}, "steps is 2.5"),
        ({"model": "a", "guidance": float("nan")}, "guidance is nan"),
        ({"model": "a", "lora": "/x/lora.bin"}, "no .safetensors file; other formats can hold code"),
        ({"model": "a", "size": 7}, "have no size"),
    ],
)
def test_what_cannot_be_is_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioError, match=words):
        LocalSettings.from_options(options)


@pytest.mark.parametrize("quantisation", OFFLOADS)
def test_cheaper_settings_change_only_the_offload(quantisation: Any) -> None:
    settings: LocalSettings | None = LocalSettings("a", quantisation=quantisation, steps=7)
    seen = []
    while settings is not None:
        seen.append(settings.offload)
        assert (settings.quantisation, settings.steps) == (quantisation, 7)
        settings = settings.cheaper()
    assert tuple(seen) == OFFLOADS[quantisation]
