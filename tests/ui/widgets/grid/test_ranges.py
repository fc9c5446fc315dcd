from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.ui.widgets.grid.ranges import Ranges

steps = st.lists(st.tuples(st.sampled_from(["add", "remove", "toggle"]), st.integers(0, 40), st.integers(0, 12)))


@given(steps)
def test_ranges_hold_what_a_set_would(steps):
    ranges, plain = Ranges(), set()
    for step, start, length in steps:
        span = set(range(start, start + length))
        if step == "add":
            ranges.add(start, start + length)
            plain |= span
        elif step == "remove":
            ranges.remove(start, start + length)
            plain -= span
        else:
            ranges.toggle(start)
            plain ^= {start}
    assert list(ranges) == sorted(plain)
    assert len(ranges) == len(plain)
    assert [index in ranges for index in range(60)] == [index in plain for index in range(60)]
    gaps = [right[0] - left[1] for left, right in zip(ranges.ranges(), ranges.ranges()[1:], strict=False)]
    assert all(gap > 0 for gap in gaps)


def test_a_million_items_are_one_range():
    ranges = Ranges()
    ranges.add(0, 1_000_000)
    assert ranges.ranges() == [(0, 1_000_000)]
    assert len(ranges) == 1_000_000
