"""A chat server, and services whose vendors' addresses all lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.chat_server import ChatServer
from fakes.vlm import vlm_services
from ggt_studio.providers.hooks import Services


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as running:
        yield running


@pytest.fixture
async def services(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made: Services = vlm_services(server.address, tmp_path / "home", monkeypatch)
    yield made
    made.clients.close()
