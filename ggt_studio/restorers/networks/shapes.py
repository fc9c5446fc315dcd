"""Reads a network's hyperparameters off the names and shapes in its state dict."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

StateDict = Mapping[str, Tensor]


def length(weights: StateDict, prefix: str) -> int:
    """How many numbered layers (`prefix.0`, `prefix.1`, ...) there are: the highest number plus one."""
    numbered = re.compile(rf"{re.escape(prefix)}\.(\d+)\.")
    return max((int(match[1]) + 1 for name in weights if (match := numbered.match(name))), default=0)


def rows(weights: StateDict, name: str) -> int:
    """The first side of a tensor: the outputs of a convolution or linear layer."""
    return weights[name].shape[0]


def columns(weights: StateDict, name: str) -> int:
    """The second side of a tensor: the inputs of a convolution or linear layer."""
    return weights[name].shape[1]
