from __future__ import annotations

import pytest

from ggt_studio.ui import theme
from ggt_studio.ui.widgets.funnel import FunnelCounts, FunnelView

COUNTS = FunnelCounts(120_000, 98_412, 71_004, 60_210, 12_044, 48_166, 9_034, 212)


@pytest.fixture
def funnel(qtbot, qapp):
    theme.apply_theme(qapp, "dark")
    funnel = FunnelView()
    qtbot.addWidget(funnel)
    funnel.resize(1000, funnel.heightForWidth(1000))
    funnel.show()
    return funnel


def painted(funnel, colour: str) -> int:
    image = funnel.grab().toImage()
    wanted = theme.tokens().colour(colour).rgb()
    return sum(image.pixel(x, y) == wanted for x in range(image.width()) for y in range(0, image.height(), 2))


def test_the_funnel_can_be_read_aloud(funnel):
    funnel.set_counts(COUNTS)
    assert funnel.accessibleDescription() == (
        "Patches: 120,000, Generated: 98,412, Passed metrics: 71,004, Passed judge: 60,210, "
        "Waiting for you: 12,044, Verified: 48,166, Rejected: 9,034, Failed: 212"
    )


def test_bars_are_as_long_as_their_share(funnel):
    funnel.set_counts(FunnelCounts(100, verified=100))
    full = painted(funnel, "good")
    funnel.set_counts(FunnelCounts(100, verified=50))
    assert painted(funnel, "good") == pytest.approx(full / 2, rel=0.15)
    funnel.set_counts(FunnelCounts(100, verified=0))
    assert painted(funnel, "good") < full / 10


def test_one_of_very_many_still_shows(funnel):
    funnel.set_counts(FunnelCounts(1_000_000, failed=0))
    none = painted(funnel, "warn")
    funnel.set_counts(FunnelCounts(1_000_000, failed=1))
    assert painted(funnel, "warn") > none


def test_narrow_funnels_stand_upright(funnel):
    assert funnel.is_wide(1000)
    assert not funnel.is_wide(400)
    assert funnel.heightForWidth(400) > 2 * funnel.heightForWidth(1000)
    funnel.set_counts(COUNTS)
    funnel.resize(260, funnel.heightForWidth(260))
    assert painted(funnel, "accent") > 0


def test_nothing_at_all_is_no_division_by_zero(funnel):
    funnel.set_counts(FunnelCounts())
    assert not funnel.grab().isNull()


def test_the_same_counts_again_paint_nothing(funnel, qtbot, monkeypatch):
    funnel.set_counts(COUNTS)
    qtbot.wait(20)
    asked = []
    monkeypatch.setattr(funnel, "update", lambda: asked.append(1))
    funnel.set_counts(FunnelCounts(120_000, 98_412, 71_004, 60_210, 12_044, 48_166, 9_034, 212))
    assert not asked
