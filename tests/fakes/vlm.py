"""Services whose vision language models are all served by one local chat server, and photos to show them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fakes.projects import png
from ggt_studio.providers.catalogue import load_catalogue
from ggt_studio.providers.hooks import Services
from ggt_studio.providers.keys import Keys

OWN_MODELS = """
[[service]]
id = "mine"
label = "My server"
protocol = "openai-compatible"
base_url = "{address}/v1"

[[model]]
id = "mine"
label = "My model"
service = "mine"
model = "qwen-vl"
roles = ["prompts", "judge"]
sizes = {{ max_side = 100 }}
options = {{ temperature = 0.5 }}

[[model]]
id = "mine-schema"
label = "My other model"
service = "mine"
model = "qwen-vl-2"
roles = ["judge"]
capabilities = ["schema"]
"""


class NoWorker:
    """Stands where no worker is needed."""

    async def call(self, method: str, params: dict[str, Any], **_: object) -> dict[str, Any]:
        raise AssertionError(f"{method} was not expected")


def vlm_services(address: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services with the catalogue, and two models of one's own, at `address`; keys for this session only."""
    home.mkdir(exist_ok=True)
    (home / "models.toml").write_text(OWN_MODELS.format(address=address))
    monkeypatch.setenv("GGT_STUDIO_HOME", str(home))
    catalogue = load_catalogue()
    assert catalogue.problems == ()
    keys = Keys({"GOOGLE_GEMINI_BASE_URL": address, "OPENAI_BASE_URL": f"{address}/v1"})
    for service in catalogue.services.values():
        keys.give(service, ("secret-key",) * service.secrets, keep=False)
    return Services(NoWorker(), catalogue, keys)


def photo(folder: Path, seed: int = 1, size: int = 160) -> Path:
    """A small photo on disk."""
    path = folder / f"{seed}.png"
    path.write_bytes(png(seed, size))
    return path
