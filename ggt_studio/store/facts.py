"""Facts to JSON and back."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from ggt_studio.core.facts import Fact

_KINDS: dict[str, type] = {cls.__name__.lower(): cls for cls in get_args(Fact)}


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_KINDS[kind])


@cache
def _encoder(cls: type) -> tuple[str, Callable[[Fact], bytes]]:
    kind = cls.__name__.lower()
    return kind, _adapter(kind).serializer.to_json


def encode(fact: Fact) -> tuple[str, str]:
    """A fact's kind and its JSON text."""
    kind, to_json = _encoder(type(fact))
    return kind, to_json(fact).decode()


def decode(kind: str, data: str) -> Fact:
    """The fact that `encode` wrote."""
    return _adapter(kind).validate_json(data)
