"""Two large models are never in one process's memory together."""

from __future__ import annotations

import pytest

from ggt_studio.worker import held


def test_who_comes_lets_the_others_go_and_not_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_held", {})
    gone: list[str] = []
    held.take_over("a", lambda: gone.append("a"))
    held.take_over("a", lambda: gone.append("a again"))
    assert gone == []
    held.take_over("b", lambda: gone.append("b"))
    assert gone == ["a again"]
    held.take_over("a", lambda: gone.append("a"))
    assert gone == ["a again", "b"]
