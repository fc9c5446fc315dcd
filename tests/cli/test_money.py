"""Money and faults from the command line: real processes, a fake vendor with a bill, and what `run`, `status` and `ledger` say."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.command_line import run_command
from fakes.projects import add_patch
from fakes.vendor_script import Fault
from fakes.vendor_server import VendorServer
from ggt_studio.core.words import Outcome
from ggt_studio.store.project import Project

PATCHES = 16
RUN = ("--generator", "nano-banana-2", "--judge", "measured", "--metric-gate", "none")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("money") / "p"
    with Project.create(folder) as project:
        for seed in range(PATCHES):
            add_patch(project, seed)
    return folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "p"))


@pytest.fixture
def vendors() -> Iterator[VendorServer]:
    with VendorServer() as server:
        server.script.retry_after_s = 0.1
        yield server


Ask = Callable[..., Any]


@pytest.fixture
def ask(vendors: VendorServer, tmp_path: Path) -> Ask:
    """Run a command to its end; its JSON document. `told` is what it said on stderr."""

    def call(*arguments: object, code: int = 0) -> Any:
        environment = {**vendors.environment(), "GGT_STUDIO_HOME": str(tmp_path / "home")}
        result = run_command(*arguments, "--json", environment=environment)
        assert result.returncode == code, result.stderr
        assert "Traceback" not in result.stderr
        call.told = result.stderr  # type: ignore[attr-defined]
        return json.loads(result.stdout) if result.stdout else None

    return call


# What came of each fault; those above the line were not charged.
PASSING = {
    Fault.GATEWAY: Outcome.NETWORK,
    Fault.BAD_REQUEST: Outcome.MALFORMED,
    Fault.BLOCKED_PROMPT: Outcome.SAFETY_BLOCK,
    Fault.BLOCKED_IMAGE: Outcome.SAFETY_BLOCK,
    # ---
    Fault.HALF: Outcome.NETWORK,
    Fault.WRONG_TYPE: Outcome.MALFORMED,
    Fault.BROKEN_JSON: Outcome.MALFORMED,
    Fault.NO_IMAGE: Outcome.NO_IMAGE,
    Fault.UNDECODABLE: Outcome.MALFORMED,
    Fault.TRUNCATED: Outcome.MALFORMED,
}
CHARGED = list(PASSING)[list(PASSING).index(Fault.HALF) :]
SENT_AGAIN = {Fault.RATE: Outcome.QUOTA, Fault.SERVER: Outcome.NETWORK, Fault.UNAVAILABLE: Outcome.NETWORK}


def test_each_fault_costs_its_patch_alone_and_is_everywhere_what_it_was(
    ask: Ask, project: Path, vendors: VendorServer
) -> None:
    vendors.script.faults.extend([*SENT_AGAIN, None, *PASSING])
    report = ask("run", project, *RUN)
    assert (report["ended"], report["failed"]) == ("done", len(PASSING))
    assert report["waiting"] + report["rejected"] == PATCHES - len(PASSING)
    document = ask("ledger", project)
    calls = [call for call in document["calls"] if call["provider"] == "nano-banana-2"]
    assert len(calls) == len(vendors.requests), "a row for each request, a request for each row"
    expected = Counter([*PASSING.values(), *SENT_AGAIN.values()])
    assert Counter(call["outcome"] for call in calls if call["outcome"] != "ok") == expected
    assert {name: n for name, n in report["outcomes"].items() if n and name != "ok"} == expected
    assert set(report["outcomes"]) == set(Outcome)
    assert sum(call["outcome"] == "ok" for call in calls) == report["attempts"]
    assert sum(vendors.script.bills.values()) == report["attempts"] + len(CHARGED)
    assert report["spent_usd"] == report["cost_usd"] == pytest.approx(document["totals"]["cost_usd"])
    paid = [call for call in calls if call["outcome"] != "ok" and call["cost_usd"] > 0]
    assert len(paid) >= len(CHARGED), "what was charged, or may have been, is booked"
    again = [call for call in calls if call["outcome"] in SENT_AGAIN.values() and call["cost_usd"] == 0]
    assert {(call["cost_basis"], call["uncertain"]) for call in again} == {("nothing", False)}

    assert ask("status", project)["states"]["failed"] == len(PASSING)
    listed = ask("list", project, "--state", "failed")
    assert Counter(patch["failure"]["outcome"] for patch in listed) == Counter(PASSING.values())
    assert ask("run", project, *RUN)["attempts"] == 0, "none is made again by itself"
    malformed = Counter(PASSING.values())[Outcome.MALFORMED]
    assert ask("retry", project, "--outcome", "cancelled,malformed")["retried"] == malformed
    assert "may have been charged" in ask.told  # type: ignore[attr-defined]
    report = ask("run", project, *RUN)
    assert (report["patches"], report["failed"]) == (malformed, 0)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(Fault.BAD_KEY, Outcome.BAD_KEY), (Fault.UNKNOWN_MODEL, Outcome.BAD_KEY), (Fault.BILLING, Outcome.QUOTA)],
)
def test_what_would_fail_every_patch_halts_the_run(
    ask: Ask, project: Path, vendors: VendorServer, fault: Fault, outcome: Outcome
) -> None:
    vendors.script.always = fault
    report = ask("run", project, *RUN)
    assert (report["ended"], report["cost_usd"]) == ("halted", 0.0)
    assert report["outcomes"][outcome] == report["failed"] == len(vendors.requests)
    assert sum(vendors.script.bills.values()) == 0


def test_a_run_is_estimated_and_kept_to_its_budget(ask: Ask, project: Path, vendors: VendorServer) -> None:
    found = ask("estimate", project, *RUN)
    assert found["patches"] == PATCHES
    assert 0 < found["expected_usd"] < found["most_usd"]
    assert vendors.requests == [], "nothing is sent"
    report = ask("run", project, *RUN, "--budget", 0.35)
    assert "at most $" in ask.told  # type: ignore[attr-defined]
    assert report["ended"] == "halted"
    assert report["budget_usd"] == 0.35
    assert sum(vendors.script.bills.values()) * 0.06807 <= 0.35
    assert report["spent_usd"] == pytest.approx(sum(vendors.script.bills.values()) * 0.06807, rel=1e-3)
    assert ask("status", project)["states"]["open"] > 0


def test_an_outcome_that_there_is_not_is_a_usage_error(ask: Ask, project: Path) -> None:
    assert ask("retry", project, "--outcome", "nonsense", code=2) is None
    assert "safety_block" in ask.told  # type: ignore[attr-defined]
