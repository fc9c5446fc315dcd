"""The catalogue of models and of the services that serve them: data in `resources/models.toml` and a person's own file."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ggt_studio.core.canvas import AllowedRatio, SizeRule
from ggt_studio.core.errors import StudioError
from ggt_studio.providers.base import Allowance
from ggt_studio.settings import models_file

Protocol = Literal["google", "openai", "ark", "kling", "openai-compatible", "diffusers"]
"""How a service is spoken to: one adapter each. `openai-compatible`: chat completions of any server."""

Role = Literal["generator", "prompts", "judge"]
"""What a model can do here: make targets; write prompts; judge (and screen and grade)."""


T = TypeVar("T", bound=BaseModel)

# Providers that are no models share their names with those that are.
_TAKEN = frozenset({"classical", "measured", "fix", "fix-nc"})


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Table):
    """Prices in US dollars; without any, the price is unknown. `free`: a call costs nothing.

    `per_image` is by resolution class or quality (`default` where there is one only). A call's cost is counted from reported
    tokens where these have prices, and from `per_image` otherwise. Images that are read cost `per_million_image_input_tokens`,
    and as much as text where that is 0; `per_million_image_tokens` are images made. `batch_factor` is what a batch pays of it.
    """

    free: bool = False
    per_image: dict[str, float] = Field(default_factory=dict)
    per_million_input_tokens: float = Field(default=0.0, ge=0)
    per_million_image_input_tokens: float = Field(default=0.0, ge=0)
    per_million_output_tokens: float = Field(default=0.0, ge=0)
    per_million_image_tokens: float = Field(default=0.0, ge=0)
    batch_factor: float = Field(default=1.0, gt=0, le=1)

    @property
    def known(self) -> bool:
        """Whether anybody said what a call costs."""
        return self.free or bool(self.per_image) or self.by_tokens

    def of_image(self, options: dict[str, Any]) -> float | None:
        """What one image costs with these options, of which one names the resolution class or quality; None: unknown."""
        if self.free:
            return 0.0
        named = [
            self.per_image[value] for value in options.values() if isinstance(value, str) and value in self.per_image
        ]
        return named[0] if named else self.per_image.get("default")

    def of_tokens(
        self, *, text_read: int = 0, images_read: int = 0, text_written: int = 0, images_made: int = 0
    ) -> float | None:
        """What so many tokens cost; None where tokens have no prices or none were reported."""
        if self.free:
            return 0.0
        if not self.by_tokens or not (text_read or images_read or text_written or images_made):
            return None
        image_read = self.per_million_image_input_tokens or self.per_million_input_tokens
        image_made = self.per_million_image_tokens or self.per_million_output_tokens
        return (
            text_read * self.per_million_input_tokens
            + images_read * image_read
            + text_written * self.per_million_output_tokens
            + images_made * image_made
        ) / 1e6

    @property
    def by_tokens(self) -> bool:
        """Whether a call's cost is counted from reported tokens."""
        return max(self.per_million_input_tokens, self.per_million_output_tokens, self.per_million_image_tokens) > 0


class Ratio(_Table):
    """An aspect ratio that a service offers; see `core.canvas.AllowedRatio`."""

    label: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)


class Asked(_Table):
    """The sizes that a model makes; what is left out is free. See `core.canvas.SizeRule` for the words."""

    sizes: tuple[tuple[int, int], ...] = ()
    ratios: tuple[Ratio, ...] = ()
    multiple_of: int = Field(default=1, ge=1)
    min_side: int = Field(default=1, ge=1)
    max_side: int | None = Field(default=None, ge=1)
    min_pixels: int = Field(default=1, ge=1)
    max_pixels: int | None = Field(default=None, ge=1)
    max_aspect: float | None = Field(default=None, ge=1)

    @property
    def rule(self) -> SizeRule:
        """These sizes as the rule that canvases are planned by."""
        ratios = tuple(AllowedRatio(ratio.label, ratio.width, ratio.height) for ratio in self.ratios)
        return SizeRule(**{**{name: getattr(self, name) for name in Asked.model_fields}, "ratios": ratios})


class Sizes(Asked):
    """The sizes that a model reads, and in `asked` those that it makes, where its requests name one."""

    asked: Asked | None = None


class Limits(_Table):
    """What the service allows an ordinary account; 0: no such limit. A person's own limits take their place."""

    requests_per_minute: int = Field(default=0, ge=0)
    images_per_minute: int = Field(default=0, ge=0)
    tokens_per_minute: int = Field(default=0, ge=0)
    concurrency: int = Field(default=8, ge=1)

    @property
    def allowance(self) -> Allowance:
        """These limits, but for `concurrency`, as what runs keep to."""
        return Allowance(self.requests_per_minute, self.images_per_minute, self.tokens_per_minute)


class Service(_Table):
    """Who serves models: a vendor's API, or a server of one's own.

    `key_variables` and `address_variables` are the environment variables in which the vendor's own tools look, first one first;
    `secrets` how many secrets make a key (Kling: an access key and a secret key, in the order of `key_variables`).
    """

    id: str
    label: str
    protocol: Protocol
    base_url: str = ""
    key_variables: tuple[str, ...] = ()
    secrets: int = Field(default=1, ge=0, le=2)
    address_variables: tuple[str, ...] = ()
    key_url: str = ""
    terms_url: str = ""

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.protocol != "diffusers" and urlsplit(self.base_url).scheme not in ("http", "https"):
            raise ValueError("base_url must be an address that begins with http:// or https://")
        return self


class Model(_Table):
    """A model as the catalogue describes it.

    `model` is the id on the wire, or the hub id for `diffusers`. `options` are sent with each call under the names that the
    service gives them. `prompt_limit` is the longest prompt in characters, 0: none. `checked` is the month in which the facts
    were looked up.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")
    label: str
    service: str
    model: str
    roles: tuple[Role, ...] = Field(min_length=1)
    description: str = ""
    sizes: Sizes = Sizes()
    prompt_limit: int = Field(default=0, ge=0)
    price: Price = Field(default_factory=Price)
    limits: Limits = Field(default_factory=Limits)
    capabilities: frozenset[Literal["seed", "batch", "schema"]] = frozenset()
    licence: str = ""
    terms_url: str = ""
    checked: str = ""
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def quota(self) -> str:
        """What shares this model's limits: every entry of the same model at the same service."""
        return f"{self.service}/{self.model}"


class Place(StrEnum):
    """Where a photo goes when a model is asked."""

    MACHINE = "machine"
    NETWORK = "network"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Models and services by id. `problems` says what is wrong with entries of the person's own file, which are left out."""

    services: dict[str, Service]
    models: dict[str, Model]
    problems: tuple[str, ...] = ()

    @property
    def key_variables(self) -> frozenset[str]:
        """The environment variables that hold keys of any service."""
        return frozenset(variable for service in self.services.values() for variable in service.key_variables)

    def service_of(self, model: Model) -> Service:
        """The service that serves a model."""
        return self.services[model.service]


def load_catalogue() -> Catalogue:
    """Our entries, with the person's own on top: an entry of the same id changes the fields that it names, another one is added."""
    ours = tomllib.loads(resources.files("ggt_studio.resources").joinpath("models.toml").read_text("utf-8"))
    tables = {kind: {entry["id"]: entry for entry in ours[kind]} for kind in ("service", "model")}
    theirs, problems = _own_entries(models_file())
    for kind, entry in theirs:
        tables[kind][entry["id"]] = {**tables[kind].get(entry["id"], {}), **entry}
    services = _validated(tables["service"], Service, problems)
    models = _validated(tables["model"], Model, problems)
    for key, model in list(models.items()):
        if model.service not in services:
            problems.append(f"The model {key} names the service {model.service}, which there is not.")
            del models[key]
    return Catalogue(services, models, tuple(problems))


def place_of(base_url: str) -> Place:
    """Where the host of an address is: loopback is this machine, a private address or a name without dots the local network.

    No address at all is this machine, too.
    """
    if not base_url:
        return Place.MACHINE
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return Place.MACHINE
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        local = host and ("." not in host or host.endswith((".local", ".lan", ".internal", ".home.arpa")))
        return Place.NETWORK if local else Place.ELSEWHERE
    if address.is_loopback:
        return Place.MACHINE
    return Place.NETWORK if address.is_private or address.is_link_local else Place.ELSEWHERE


def reach_of(service: Service, address: str) -> Place:
    """How far what is sent to a service at `address` goes: a vendor's at an address near by is a proxy, which hands it on."""
    return Place.ELSEWHERE if place_of(service.base_url) is Place.ELSEWHERE else place_of(address)


def _own_entries(path: Path) -> tuple[list[tuple[str, dict[str, Any]]], list[str]]:
    """The entries of a person's file as (kind, entry), and what is wrong with it."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return [], []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return [], [
            f"Your models in {path} cannot be read ({error}). Correct the file; until then only ours are offered."
        ]
    entries: list[tuple[str, dict[str, Any]]] = []
    problems: list[str] = []
    for kind in data:
        if kind not in ("service", "model") or not isinstance(data[kind], list):
            problems.append(f"{path}: [[service]] and [[model]] are understood, {kind} is not.")
            continue
        for entry in data[kind]:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                problems.append(f"{path}: a [[{kind}]] has no id.")
            elif entry["id"] in _TAKEN:
                problems.append(f"{path}: {entry['id']} is the id of something built in. Give yours another one.")
            else:
                entries.append((kind, entry))
    return entries, problems


def _validated(tables: dict[str, dict[str, Any]], kind: type[T], problems: list[str]) -> dict[str, T]:
    valid: dict[str, T] = {}
    for key, entry in tables.items():
        try:
            valid[key] = kind.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            problems.append(f"The {kind.__name__.lower()} {key} is left out: {where}: {first['msg']}.")
    return valid


def pick_model(catalogue: Catalogue, model_id: str) -> Model:
    """The model of this id. Raises StudioError naming those that there are."""
    try:
        return catalogue.models[model_id]
    except KeyError as error:
        raise StudioError(
            f"There is no model called {model_id}. There are: {', '.join(sorted(catalogue.models))}."
        ) from error
