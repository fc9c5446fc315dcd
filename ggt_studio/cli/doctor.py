"""`ggt-studio doctor`: what works here, what does not, and how to mend it."""

from __future__ import annotations

import textwrap
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

import click

from ggt_studio.cli.console import DONE, FAILED, agreeing, json_option, note, run_async, say
from ggt_studio.cli.display import has_display
from ggt_studio.pipeline.doctor import Condition, Finding, examine, is_sound
from ggt_studio.settings import load

_WIDTH = 110
_MARKS = {Condition.WORKS: "ok", Condition.BROKEN: "NO", Condition.ABSENT: "--", Condition.UNKNOWN: "??"}


@click.command()
@click.argument("project", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--offline", is_flag=True, help="Ask nothing beyond this machine: no service, no proxy.")
@json_option
def doctor(project: Path | None, offline: bool, as_json: bool) -> int:
    """Say what works here and how to mend what does not: window, disks, torch, keys, services, models, plugins, PROJECT.

    Nothing is changed, paid for or sent. Exit code 1 when something that is set up does not work.
    """
    if not as_json:
        note("Looking; this can take half a minute.")
    findings = run_async(lambda: examine(load(), project, offline=offline, has_display=has_display()))
    sound = is_sound(findings)
    say(as_json, {"ok": sound, "findings": [asdict(finding) for finding in findings]}, _lines(findings))
    return DONE if sound else FAILED


def _lines(findings: list[Finding]) -> list[str]:
    wide = max(len(finding.subject) for finding in findings)
    lines: list[str] = []
    for area, members in groupby(findings, lambda finding: finding.area):
        lines += [area, *(line for finding in members for line in _line(finding, min(wide, 24))), ""]
    number = sum(finding.condition is Condition.BROKEN for finding in findings)
    if not number:
        return [*lines, "All that is set up works. (ok: works, --: not set up, ??: not known)"]
    return [*lines, f"{agreeing(number, 'thing does not work: it is', 'things do not work: they are')} marked NO."]


def _line(finding: Finding, wide: int) -> list[str]:
    head = f"  {_MARKS[finding.condition]}  {finding.subject.ljust(wide)}  "
    text = f"{finding.words}. {finding.mend}" if finding.mend else finding.words
    return textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)
