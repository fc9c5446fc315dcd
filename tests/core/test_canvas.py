"""What is sent is allowed, shows the whole patch, and every coordinate finds its way back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt_studio.core.canvas import (
    AllowedRatio,
    Canvas,
    SizeRule,
    allows,
    patch_box_in,
    plan_canvas,
    render,
    to_patch,
    to_sent,
)

RATIOS = tuple(
    AllowedRatio(f"{w}:{h}", w, h)
    for w, h in [(1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9)]
)
BY_RATIO = SizeRule(ratios=RATIOS)
BY_OUTPUT = SizeRule(ratios=(AllowedRatio("1:1", 1024, 1024), AllowedRatio("16:9", 1344, 768)))
BY_SIZE = SizeRule(sizes=((1024, 1024), (1536, 1024), (1024, 1536)))
BY_LIMITS = SizeRule(multiple_of=16, max_side=3840, min_pixels=655_360, max_pixels=8_294_400, max_aspect=3.0)
LARGE = SizeRule(min_pixels=3_686_400, max_pixels=16_777_216, max_aspect=16.0)
SMALL = SizeRule(multiple_of=64, max_side=768)

sides = st.integers(128, 1024)
rules = st.one_of(
    st.sampled_from([SizeRule(), BY_RATIO, BY_OUTPUT, BY_SIZE, BY_LIMITS, LARGE, SMALL]),
    st.builds(
        SizeRule,
        sizes=st.lists(st.tuples(st.integers(64, 4096), st.integers(64, 4096)), min_size=1, max_size=5).map(tuple),
    ),
    st.builds(
        SizeRule,
        ratios=st.lists(st.sampled_from(RATIOS), min_size=1, max_size=4, unique=True).map(tuple),
        multiple_of=st.sampled_from([1, 2, 8]),
        max_side=st.none() | st.integers(600, 4096),
    ),
    st.builds(
        SizeRule,
        multiple_of=st.sampled_from([1, 2, 8, 16, 32, 64]),
        min_side=st.integers(1, 512),
        max_side=st.none() | st.integers(2048, 8192),
        min_pixels=st.integers(1, 1_000_000),
        max_pixels=st.none() | st.integers(2_500_000, 20_000_000),
        max_aspect=st.none() | st.floats(1.5, 16.0),
    ),
)


@given(sides, sides, rules)
def test_what_is_sent_is_allowed_and_holds_the_whole_patch(width: int, height: int, rule: SizeRule) -> None:
    canvas = plan_canvas(width, height, rule)
    assert allows(rule, canvas.sent_width, canvas.sent_height)
    assert canvas.left >= 0
    assert canvas.top >= 0
    assert canvas.left + canvas.width <= canvas.sent_width
    assert canvas.top + canvas.height <= canvas.sent_height
    assert abs(canvas.width - width * canvas.scale) <= 0.5 + 1e-6
    assert abs(canvas.height - height * canvas.scale) <= 0.5 + 1e-6


@given(sides, sides, rules)
def test_a_patch_is_made_smaller_only_where_a_maximum_forces_it(width: int, height: int, rule: SizeRule) -> None:
    canvas = plan_canvas(width, height, rule)
    if canvas.scale >= 1.0:
        return
    assert rule.sizes or rule.max_side is not None or rule.max_pixels is not None
    assert not any(w >= width and h >= height for w, h in rule.sizes)
    if not rule.sizes:
        free = plan_canvas(width, height, replace(rule, max_side=None, max_pixels=None))
        assert free.scale >= 1.0
        assert not allows(rule, free.sent_width, free.sent_height)


@given(sides, sides, rules, st.floats(-50, 1100), st.floats(-50, 1100))
def test_coordinates_go_there_and_back(width: int, height: int, rule: SizeRule, x: float, y: float) -> None:
    canvas = plan_canvas(width, height, rule)
    assert to_patch(canvas, *to_sent(canvas, x, y)) == pytest.approx((x, y), abs=1e-9)


@given(sides, sides, rules, st.integers(256, 4096), st.integers(256, 4096))
def test_the_box_in_an_answer_of_any_size_is_exact(width: int, height: int, rule: SizeRule, w: int, h: int) -> None:
    canvas = plan_canvas(width, height, rule)
    left, top, box_width, box_height = patch_box_in(canvas, w, h)
    corners = [to_sent(canvas, 0, 0), to_sent(canvas, width, height)]
    expected = [(x * w / canvas.sent_width, y * h / canvas.sent_height) for x, y in corners]
    assert (left, top) == pytest.approx(expected[0], abs=1e-9)
    assert (left + box_width, top + box_height) == pytest.approx(expected[1], abs=1e-9)


@given(st.integers(128, 300), st.integers(128, 300), rules.filter(lambda rule: not rule.sizes), st.integers(0, 9))
def test_the_patch_itself_is_sent_unchanged_where_it_is_not_resized(w: int, h: int, rule: SizeRule, seed: int) -> None:
    canvas = plan_canvas(w, h, rule)
    if canvas.sent_width * canvas.sent_height > 1_000_000:
        return
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w, 3), np.uint8)
    sent = render(pixels, canvas)
    assert sent.shape == (canvas.sent_height, canvas.sent_width, 3)
    if canvas.scale == 1.0:
        rows, columns = slice(canvas.top, canvas.top + h), slice(canvas.left, canvas.left + w)
        assert np.array_equal(sent[rows, columns], pixels)


@pytest.mark.parametrize(
    ("width", "height", "rule", "sent", "scale", "ratio"),
    [
        (1024, 1024, SizeRule(), (1024, 1024), 1.0, ""),
        (1024, 1024, BY_RATIO, (1024, 1024), 1.0, "1:1"),
        (700, 512, BY_RATIO, (700, 525), 1.0, "4:3"),
        (1024, 300, BY_RATIO, (1024, 439), 1.0, "21:9"),
        (1024, 576, BY_OUTPUT, (1024, 586), 1.0, "16:9"),
        (1024, 1024, BY_SIZE, (1024, 1024), 1.0, ""),
        (1000, 1000, BY_SIZE, (1024, 1024), 1.0, ""),
        (700, 512, BY_SIZE, (1536, 1024), 2.0, ""),
        (1024, 1024, BY_LIMITS, (1024, 1024), 1.0, ""),
        (1024, 300, BY_LIMITS, (1408, 480), 1.375, ""),
        (1024, 1024, LARGE, (1920, 1920), 1.875, ""),
        (1024, 1024, SMALL, (768, 768), 0.75, ""),
        (700, 512, SMALL, (704, 512), 1.0, ""),
        (128, 249, SizeRule(multiple_of=2, max_aspect=1.5), (168, 250), 1.0, ""),
    ],
)
def test_known_providers(width: int, height: int, rule: SizeRule, sent: tuple, scale: float, ratio: str) -> None:
    canvas = plan_canvas(width, height, rule)
    assert (canvas.sent_width, canvas.sent_height) == sent
    assert canvas.scale == pytest.approx(scale)
    assert canvas.ratio == ratio


def test_padding_is_the_patch_mirrored_and_never_black() -> None:
    pixels = np.random.default_rng(0).integers(50, 256, (128, 512, 3), np.uint8)
    canvas = plan_canvas(512, 128, SizeRule(sizes=((512, 512),)))
    sent = render(pixels, canvas)
    assert sent.min() >= 50
    top = canvas.top
    assert np.array_equal(sent[top - 100 : top], pixels[1:101][::-1])


def test_a_patch_sent_as_it_is_is_its_own_canvas() -> None:
    assert plan_canvas(700, 512, SizeRule()) == Canvas.whole(700, 512)
    pixels = np.zeros((512, 700, 3), np.uint8)
    assert np.array_equal(render(pixels, Canvas.whole(700, 512)), pixels)
    with pytest.raises(ValueError, match="700 x 512"):
        render(np.zeros((10, 10, 3), np.uint8), Canvas.whole(700, 512))


def test_a_canvas_survives_json() -> None:
    canvas = plan_canvas(1000, 300, BY_RATIO)
    assert Canvas(**json.loads(json.dumps(asdict(canvas)))) == canvas


def test_a_rule_that_nothing_meets_says_so() -> None:
    with pytest.raises(ValueError, match="1024 x 1024"):
        plan_canvas(1024, 1024, SizeRule(min_pixels=2_000_000, max_pixels=1_000_000))


def test_enlarging_leaves_little_padding_where_a_minimum_forces_a_larger_image() -> None:
    canvas = plan_canvas(300, 200, BY_LIMITS)
    assert canvas.padding < 0.05
    assert math.isclose(canvas.width / canvas.height, 1.5, rel_tol=0.01)
