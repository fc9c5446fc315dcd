"""The journal of restored photos: durable, readable after any crash, and a ledger of what may have been paid."""

from __future__ import annotations

from pathlib import Path

import pytest

from ggt_studio.core.errors import WriteError
from ggt_studio.core.words import CostBasis, Outcome
from ggt_studio.pipeline.restoring.journal import JOURNAL, Journal, Received, Uncertain
from ggt_studio.store.runs import Call, Ending


def call(request: str, price: float = 0.07) -> Call:
    return Call(7, 1, "restore", "a-model", 1, request, paid=True, estimated_usd=price)


def test_a_line_that_a_crash_cut_short_takes_nothing_with_it(tmp_path: Path) -> None:
    Journal(tmp_path).note_done("source", "settings", tmp_path / "a.png")
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"begun": {"request": "cut sh')
    Journal(tmp_path).begin(call("r"))
    journal = Journal(tmp_path)
    assert journal.done == {("source", "settings"): "a.png"}
    assert journal.requests == {"r": Uncertain("a-model", 0.07, (7, 1), open=True)}


@pytest.mark.parametrize(
    ("outcome", "cost", "basis", "doubtful"),
    [
        (Outcome.SAFETY_BLOCK, 0.0, CostBasis.NOTHING, False),
        (Outcome.NO_IMAGE, 0.07, CostBasis.LIST_PRICE, False),
        (Outcome.NETWORK, 0.0, CostBasis.NOTHING, False),
        (Outcome.NETWORK, 0.07, CostBasis.ESTIMATE, True),
        (Outcome.CANCELLED, 0.07, CostBasis.ESTIMATE, True),
    ],
)
def test_only_what_nobody_knows_is_uncertain(
    outcome: Outcome, cost: float, basis: CostBasis, doubtful: bool, tmp_path: Path
) -> None:
    journal = Journal(tmp_path)
    journal.begin(call("r"))
    journal.end(Ending(call("r"), outcome, cost, basis))
    for read in (journal, Journal(tmp_path)):
        assert ("r" in read.requests) is doubtful
        assert read.settle() == [], "it has its end"


def test_an_open_call_is_settled_once_and_an_answer_ends_all_doubt(tmp_path: Path) -> None:
    Journal(tmp_path).begin(call("r"))
    journal = Journal(tmp_path)
    assert [left.cost_usd for left in journal.settle()] == [0.07]
    journal = Journal(tmp_path)
    assert journal.settle() == []
    assert isinstance(journal.requests["r"], Uncertain)
    received = Received("ab" * 32, "image/png", None, ("a note",))
    journal.end(Ending(call("r"), Outcome.OK, 0.07, CostBasis.LIST_PRICE), received)
    journal = Journal(tmp_path)
    assert journal.requests["r"] == received
    assert journal.received("r") is None, "the bytes are not there"
    received.path(tmp_path).parent.mkdir(parents=True)
    received.path(tmp_path).write_bytes(b"x")
    assert journal.received("r") == received


def test_a_disk_that_takes_nothing_is_told_of(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "not" / "there")
    with pytest.raises(WriteError, match="Cannot write"):
        journal.begin(call("r"))
    assert journal.requests == {}
