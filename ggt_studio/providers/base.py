"""What every generator, prompt writer and judge is to the pipeline: requests in, typed answers or a `ProviderError` out.

No provider touches the store. A request says everything that determines its output; its hash is its identity.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ggt_studio.core.canvas import Canvas
from ggt_studio.core.errors import StudioError
from ggt_studio.core.model import Usage, Verdict
from ggt_studio.core.recipe import JudgeRule
from ggt_studio.core.words import Aspect, Category, CostBasis, Outcome, QualityLevel, Screening


class ProviderError(StudioError):
    """A call that gave no result; `outcome` says of which kind. Never a QC attempt.

    `cost_usd` is what it was charged, where the provider says so, `cost_basis` how that is known, and `usage` what it reported.
    `again_after_s` is set only where the server certainly did
    no work and charged nothing (429, 5xx, no connection): the same call may then be made again, at the earliest after so many
    seconds. None: it may have been charged, or would end the same; it is not made again by itself.

    `raw` is a reply in words that could not be read. `ask_again` is set where asking anew may well give one that can be: that
    is another call, charged anew, which only the procedure makes (`core.policy`).
    """

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        cost_usd: float | None = None,
        cost_basis: CostBasis = CostBasis.LIST_PRICE,
        usage: Usage | None = None,
        again_after_s: float | None = None,
        raw: str = "",
        ask_again: bool = False,
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.cost_usd = cost_usd
        self.cost_basis = cost_basis
        self.usage = usage
        self.again_after_s = again_after_s
        self.raw = raw
        self.ask_again = ask_again


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be asked of a service within `window_s` seconds; 0: as much as one likes."""

    requests: int = 0
    images: int = 0
    tokens: int = 0
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """What a person needs to know of a provider before choosing it.

    `price_usd` is the price of one call; `concurrency` how many calls may be in flight; `paid` whether an interrupted
    call may have been charged; `leaves_machine` where photos go, empty when they stay on this machine. `model` is the exact
    name of the model, and `instruction` what a judge is told; recipes freeze both.

    `options` are what else determines a generator's output; recipes freeze them, and each request carries them.

    `price_known` is false where nobody has said what a call costs: `price_usd` is 0 then, and the call is not free.
    `key_service` is the id of the service whose key it needs, empty where it needs none.

    `most_usd` is the most that one call can cost, None where it is `price_usd`: a budget sets so much aside. `allowance` is how
    fast it may be asked, `tokens` how many of these a call is expected to use. Providers of the same `quota`, which names a
    service and a model, share `allowance` and `concurrency`; empty: it has its own.
    """

    id: str
    label: str
    description: str
    price_usd: float = 0.0
    concurrency: int = 1
    paid: bool = False
    leaves_machine: str = ""
    model: str = ""
    instruction: str = ""
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    price_known: bool = True
    key_service: str = ""
    most_usd: float | None = None
    allowance: Allowance = Allowance()
    tokens: int = 0
    quota: str = ""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """Everything that determines a candidate. `aspects` are those that an earlier judge found wanting, in its words
    already appended to `prompt`; a generator that reads no text acts on them directly."""

    generator: str
    lq_path: Path
    lq_sha256: str
    width: int
    height: int
    category: Category
    prompt: str
    aspects: tuple[Aspect, ...]
    attempt: int
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 over all that determines the output; the file's place on disk does not."""
        content = {name: getattr(self, name) for name in self.__slots__ if name != "lq_path"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """The exact bytes received, their media type (`image/png`, ...) and what the call cost; `cost_basis` is how that is known.

    `notes` say in words what a person should know of how it was made. `canvas` is how the patch was sent, where a size was
    chosen for it; what came back is then registered before it is paired.
    """

    data: bytes
    media_type: str
    cost_usd: float = 0.0
    usage: Usage | None = None
    cost_basis: CostBasis = CostBasis.LIST_PRICE
    notes: tuple[str, ...] = ()
    canvas: Canvas | None = None


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """The LQ patch for which a prompt is wanted."""

    lq_path: Path
    category: Category


@dataclass(frozen=True, slots=True)
class WrittenPrompt:
    """A restoration instruction and what it cost."""

    text: str
    cost_usd: float = 0.0
    usage: Usage | None = None
    cost_basis: CostBasis = CostBasis.LIST_PRICE


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """LQ and HQ of one candidate, both files of the same size in pixels, and the rule of which a judge may be told."""

    lq_path: Path
    hq_path: Path
    category: Category
    rule: JudgeRule = field(default_factory=JudgeRule)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it cost."""

    verdict: Verdict
    cost_usd: float = 0.0
    usage: Usage | None = None
    cost_basis: CostBasis = CostBasis.LIST_PRICE


@dataclass(frozen=True, slots=True)
class ScreenRequest:
    """The LQ patch that is to be looked at before any target is made of it."""

    lq_path: Path
    category: Category


@dataclass(frozen=True, slots=True)
class ScreenedPatch:
    """What a screener says of a patch, and what that cost; `raw` is its unchanged reply."""

    verdict: Screening
    level: QualityLevel
    reason: str
    raw: str
    cost_usd: float = 0.0
    usage: Usage | None = None
    cost_basis: CostBasis = CostBasis.LIST_PRICE


class Generator(Protocol):
    """Makes an HQ target of an LQ patch."""

    info: ProviderInfo

    async def generate(self, request: GenerateRequest) -> GeneratedImage:
        """Return the image; raise `ProviderError` with its outcome otherwise."""
        ...


class PromptWriter(Protocol):
    """Writes the restoration instruction of a patch."""

    info: ProviderInfo

    def preset_texts(self) -> dict[str, str]:
        """The texts per category that determine the prompts; they are frozen into the recipe."""
        ...

    async def write(self, request: PromptRequest) -> WrittenPrompt:
        """Return the prompt; raise `ProviderError` otherwise."""
        ...


class Judge(Protocol):
    """Scores the five aspects of a candidate."""

    info: ProviderInfo

    async def judge(self, request: JudgeRequest) -> Judgement:
        """Return the verdict; raise `ProviderError` otherwise."""
        ...


class Screener(Protocol):
    """Says whether an LQ patch is worth restoring, and grades it."""

    info: ProviderInfo

    async def screen(self, request: ScreenRequest) -> ScreenedPatch:
        """Return what it says; raise `ProviderError` otherwise."""
        ...
