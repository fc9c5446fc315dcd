"""The command `ledger`: every request to a provider, how it ended, what it cost, and what to do where that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ggt_studio.cli.console import agreeing, counted, json_option, project_argument, say
from ggt_studio.core.outcomes import MAY_BE_CHARGED, OUTCOME_WORDS
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.store import runs
from ggt_studio.store.project import Project

_COUNTED = ("input_tokens", "output_tokens", "image_tokens", "images")


@click.command()
@project_argument
@click.option("--run", "run_id", type=click.IntRange(min=1), metavar="N", help="Only the requests of this run.")
@json_option
def ledger(project: Path, run_id: int | None, as_json: bool) -> None:
    """List the requests to generators, judges and prompt writers: how each ended and what it cost."""
    with Project.open(project, read_only=True) as opened:
        calls = runs.ledger(opened, run_id=run_id)
    if not calls:
        say(as_json, {"calls": [], "totals": _totals(())}, ["No call was made yet."])
        return
    totals = _totals(calls)
    lines = [_line(call) for call in calls]
    document = {"calls": [_entry(call) for call in calls], "totals": totals}
    say(as_json, document, [*lines, "", *_total_lines(totals), *_advice(calls)])


def _entry(call: runs.LedgerEntry) -> dict[str, Any]:
    return {
        "call": call.id,
        "run": call.run_id,
        "step": call.step,
        "provider": call.provider,
        "quota": call.quota or None,
        "patch": call.patch_id,
        "attempt": call.attempt,
        "paid": bool(call.paid),
        "outcome": call.outcome,
        "estimated_usd": call.estimated_usd,
        "cost_usd": call.cost_usd,
        "cost_basis": call.cost_basis,
        "uncertain": _uncertain(call),
        **{name: getattr(call, name) for name in _COUNTED},
        "request_hash": call.request_hash,
        "task": call.task or None,
        "started_at": call.started_at,
        "finished_at": call.finished_at,
    }


def _totals(calls: Iterable[runs.LedgerEntry]) -> dict[str, Any]:
    """Sums of all, by provider, and by outcome; `unfinished` are those that nothing is known of yet, which `expected_usd` is for."""
    everything = _sum()
    providers: dict[str, dict[str, Any]] = {}
    outcomes = {str(outcome): _sum() for outcome in Outcome}
    unfinished = 0
    for call in calls:
        sums = [everything, providers.setdefault(call.provider, _sum())]
        if call.outcome is None:
            unfinished += 1
        else:
            sums.append(outcomes[call.outcome])
        for total in sums:
            total["calls"] += 1
            total["cost_usd"] += call.cost_usd or 0.0
            total["uncertain_usd"] += (call.cost_usd or 0.0) if _uncertain(call) else 0.0
            total["expected_usd"] += call.estimated_usd if call.outcome is None else 0.0
            for name in _COUNTED:
                total[name] += getattr(call, name) or 0
    return {**everything, "unfinished": unfinished, "by_provider": providers, "by_outcome": outcomes}


def _sum() -> dict[str, Any]:
    return {"calls": 0, "cost_usd": 0.0, "uncertain_usd": 0.0, "expected_usd": 0.0, **dict.fromkeys(_COUNTED, 0)}


def _uncertain(call: runs.LedgerEntry) -> bool:
    """Whether nobody but the provider knows if it was charged."""
    if not call.paid:
        return False
    return call.outcome is None or (call.cost_basis == CostBasis.ESTIMATE and call.outcome in MAY_BE_CHARGED)


def _line(call: runs.LedgerEntry) -> str:
    mark = "?" if _uncertain(call) else " "
    return (
        f"{mark} {call.started_at}  {call.step:<8} {call.provider:<20} patch {call.patch_id:<7} attempt {call.attempt}  "
        f"{call.outcome or 'unfinished':<12} {_cost_words(call)}"
    )


def _cost_words(call: runs.LedgerEntry) -> str:
    if call.outcome is None:
        return f"${call.estimated_usd:.4f} expected"
    match call.cost_basis:
        case CostBasis.NOTHING:
            return "$0.0000 nothing charged"
        case CostBasis.TOKENS:
            read, written = call.input_tokens or 0, (call.output_tokens or 0) + (call.image_tokens or 0)
            return f"${call.cost_usd or 0.0:.4f} for {read:,} tokens read, {written:,} written"
        case CostBasis.ESTIMATE if _uncertain(call):
            return f"${call.cost_usd or 0.0:.4f} if it was charged"
        case CostBasis.ESTIMATE:
            return f"${call.cost_usd or 0.0:.4f} estimated"
        case _:
            return f"${call.cost_usd or 0.0:.4f} by list price"


def _total_lines(totals: dict[str, Any]) -> list[str]:
    lines = [f"{counted(totals['calls'], 'call')}, ${totals['cost_usd']:.4f}"]
    if totals["uncertain_usd"]:
        lines[0] += f", of which ${totals['uncertain_usd']:.4f} may not have been charged"
    if totals["unfinished"]:
        lines.append(
            f"{agreeing(totals['unfinished'], 'call is', 'calls are')} under way or in a batch, or its program ended with it: "
            f"${totals['expected_usd']:.4f} expected."
        )
    for label, parts in (("by provider", totals["by_provider"]), ("by outcome", totals["by_outcome"])):
        lines += [
            f"  {label}: {name:<20} {counted(part['calls'], 'call'):>12}  ${part['cost_usd']:.4f}"
            for name, part in parts.items()
            if part["calls"]
        ]
    return lines


def _advice(calls: Iterable[runs.LedgerEntry]) -> list[str]:
    """What to do about each outcome that calls for something, said once."""
    # What was taken back before it cost anything calls for nothing.
    found = dict.fromkeys(
        Outcome(call.outcome)
        for call in calls
        if call.outcome is not None and not (call.outcome == Outcome.CANCELLED and not _uncertain(call))
    )
    lines = [
        f"{outcome}: {OUTCOME_WORDS[outcome].words}. {OUTCOME_WORDS[outcome].todo}"
        for outcome in found
        if OUTCOME_WORDS[outcome].todo
    ]
    return (
        ["", *lines, "`ggt-studio retry PROJECT --outcome NAME` lets the next run go on with those that failed so."]
        if lines
        else []
    )
