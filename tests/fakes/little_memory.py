"""A machine whose memory holds only so many images of a batch."""

from __future__ import annotations

import pytest
import torch

from ggt_studio.training import trained


def only_so_many_fit(monkeypatch: pytest.MonkeyPatch, images: int) -> None:
    """Let the network run out of memory with more images than that."""
    build = trained.build

    def smaller(*given: object, **named: object) -> torch.nn.Module:
        network = build(*given, **named)  # type: ignore[arg-type]

        def refuse(_network: object, inputs: tuple[torch.Tensor, ...]) -> None:
            if len(inputs[0]) > images:
                raise torch.OutOfMemoryError("out of memory")

        network.register_forward_pre_hook(refuse)
        return network

    monkeypatch.setattr(trained, "build", smaller)
