"""Charts made of characters."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lright.records import replace
from lright.render.chart import (
    Box,
    Curve,
    bounds,
    chart,
    count_text,
    nice_ticks,
    number_text,
    side_by_side,
    visible,
)

FALLING = Curve("falling", [(0, 1.0), (10, 0.0)], "epochs")
RISING = Curve("rising", [(0, 0.0), (10, 1.0)], "epochs")


def test_a_line_goes_from_corner_to_corner() -> None:
    lines = chart([FALLING], width=30, height=5, unicode=False)
    assert lines[0].split("|")[1].startswith("*")
    assert lines[4].split("|")[1].endswith("*")
    assert lines[4].split("|")[1].startswith(" ")


def test_two_curves_have_two_glyphs_and_a_legend() -> None:
    text = "\n".join(chart([FALLING, RISING], width=40, height=6))
    assert "·" in text
    assert "⠒⠒ falling" in text
    assert "·· rising" in text


def test_the_other_curve_shows_on_a_dense_one() -> None:
    dense = Curve("dense", [(x / 50, x % 2) for x in range(501)], "epochs")
    text = "\n".join(chart([dense, RISING], width=40, height=6, legend=False))
    assert "⣿" in text
    assert "·" in text


def test_where_it_raises_is_marked() -> None:
    assert "✗" in "\n".join(chart([replace(FALLING, raises=True)]))
    assert "X" in "\n".join(chart([replace(FALLING, raises=True)], unicode=False))


def test_what_is_not_finite_breaks_the_line() -> None:
    broken = Curve("broken", [(0, 1.0), (4, 1.0), (5, math.nan), (6, math.inf), (9, 1.0), (10, 1.0)])
    row = chart([broken], width=50, height=4, unicode=False)[0].split("|")[1]
    assert row.startswith("*")
    assert row.endswith("*")
    assert " " * 10 in row


def test_a_jump_is_a_vertical_line() -> None:
    jump = Curve("jump", [(0, 1.0), (5, 1.0), (5, 0.0), (10, 0.0)])
    rows = [line.split("|")[1] for line in chart([jump], width=41, height=6, unicode=False)[:6]]
    column = rows[0].rindex("*")
    assert all(row[column] == "*" for row in rows)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(-1, 1)), max_size=30),
    st.integers(20, 120),
    st.integers(2, 20),
    st.booleans(),
    st.booleans(),
)
def test_charts_keep_to_their_width(
    points: list[tuple[float, float]], width: int, height: int, unicode: bool, color: bool
) -> None:
    curve = Curve("some curve", sorted(points), "updates")
    lines = chart([curve], width, height, unicode=unicode, color=color)
    assert len(lines) == height + 2
    assert max(map(visible, lines)) <= max(width, 20)
    assert unicode or "".join(lines).isascii()


def test_a_fixed_box_cuts() -> None:
    lines = chart([FALLING], width=40, height=5, box=Box(0, 10, 0, 0.5), unicode=False)
    assert lines[0].lstrip().startswith("0.5")


def test_nothing_to_draw() -> None:
    assert len(chart([], height=4)) == 6
    assert bounds([Curve("", [(0, math.nan)])]) == Box(0, 1, 0, 1)


@pytest.mark.parametrize(
    ("points", "low"), [([(0, 0.1), (1, 0.0)], 0), ([(0, 0.95), (1, 0.85)], 0.85), ([(0, 0.5), (1, 0.5)], 0)]
)
def test_the_axis_starts_at_zero_unless_values_are_close(points: list[tuple[float, float]], low: float) -> None:
    assert bounds([Curve("", points)]).low == low


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 20))
def test_ticks_are_few_even_and_inside(low: float, span: float, most: int) -> None:
    high = low + span
    if high - low < abs(low) * 1e-6 or high <= low:
        return
    ticks = nice_ticks(low, high, most)
    assert 0 <= len(ticks) <= most + 1
    steps = [second - first for first, second in itertools.pairwise(ticks)]
    assert all(step == pytest.approx(steps[0], rel=1e-3) for step in steps)
    assert all(low - span * 1e-6 <= tick <= high + span * 1e-6 for tick in ticks)


def test_side_by_side() -> None:
    left, right = chart([FALLING], 38, 5), chart([RISING], 38, 5)
    joined = side_by_side(left, right, 78)
    assert len(joined) == 7
    assert max(map(visible, joined)) <= 78
    assert len(side_by_side(left, right, 60)) == 15


def test_colour_takes_no_room() -> None:
    plain, coloured = chart([FALLING, RISING], 40, 5), chart([FALLING, RISING], 40, 5, color=True)
    assert list(map(visible, coloured)) == list(map(len, plain))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (1e-10, "1e-10"), (2.5e-5, "2.5e-5"), (math.inf, "inf"), (-0.05, "-0.05"), (1e7, "1e7")],
)
def test_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (9999, "9999"), (10_000, "10k"), (1.5e6, "1.5M"), (3e9, "3B")])
def test_counts(value: float, text: str) -> None:
    assert count_text(value) == text
