from __future__ import annotations

import pytest

from ggt_studio.ui import format as words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "$0.00"), (0.42, "$0.42"), (1234.5, "$1,234.50"), (0.0031, "$0.0031"), (0.00004, "$0.000040"), (-2, "-$2.00")],
)
def test_money(value, text):
    assert words.money(value) == text


def test_money_of_a_budget():
    assert words.money_of(0.42, 20) == "$0.42 of $20.00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.2, "under 1 s"), (42, "42 s"), (59.6, "1 min"), (180, "3 min"), (3599, "1 h"), (7500, "2 h 5 min"),
     (86_399, "1 d"), (273_600, "3 d 4 h")],
)  # fmt: skip
def test_duration(seconds, text):
    assert words.duration(seconds) == text


def test_eta_is_silent_about_what_is_not_known():
    assert words.eta(180) == "3 min left"
    assert words.eta(0.1) == "1 s left"
    assert words.eta(None) == words.eta(float("inf")) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.4, "12.4/s"), (3, "3/s"), (1234.4, "1,234/s"), (0.2, "12/min"), (0.001, "3.6/h"), (0, "0/h")],
)
def test_rate(value, text):
    assert words.rate(value) == text


def test_rate_with_a_unit():
    assert words.rate(12.4, "patches") == "12.4 patches/s"


def test_counts_shares_and_sizes():
    assert words.count(12345) == "12,345"
    assert (words.percent(0.325), words.percent(1), words.percent(0.0001), words.percent(0)) == (
        "32.5 %", "100 %", "<0.1 %", "0 %",
    )  # fmt: skip
    assert (words.size(999), words.size(1_540_000), words.size(2_000_000_000_000)) == ("999 B", "1.5 MB", "2 TB")
