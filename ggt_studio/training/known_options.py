"""The options of a recipe's network, as what builds it takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def known(takes: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by name, lists as tuples. Raises `TypeError` for one that `takes` has no parameter for."""
    names = inspect.signature(takes).parameters
    for name in options:
        if name not in names:
            raise TypeError(f"there is no option {name}")
    return {name: _tuple(value) for name, value in options.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(one) for one in value) if isinstance(value, list | tuple) else value
