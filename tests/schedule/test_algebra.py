"""Schedules as functions: boundaries, hand-over, units, products, what comes past the end."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lright import Absolute, Budget, Length, LrightError, Plan, Schedule, schedule
from lright.clock import MissingFact
from lright.quantity import Sym, Unit
from lright.schedule import (
    PastTheEnd,
    Share,
    constant,
    cosine,
    decay,
    exp_decay,
    exp_range,
    exponential,
    greedy,
    hold,
    inverse_sqrt,
    linear,
    multi_step,
    noam,
    one_cycle,
    one_minus_sqrt,
    one_minus_square,
    plateau,
    points,
    polynomial,
    power,
    power_law,
    restarts,
    rex,
    sequence,
    step,
    tanh,
    triangular,
    triangular2,
    warmup,
    wsd,
)
from lright.schedule.emulate import Optimizer, build

BUDGET = Budget("90ep", batches_per_epoch=391)


def values(made: Schedule, updates: int, peak: float | None = None) -> list[float]:
    resolved = made.resolve(updates, peak)
    return [resolved(t) for t in range(updates + 1)]


# Each shape against the textbook, by hand.


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (linear(), [1, 0.75, 0.5, 0.25, 0]),
        (linear(to=0.5, start=0), [0, 0.125, 0.25, 0.375, 0.5]),
        (cosine(), [(1 + math.cos(math.pi * x / 4)) / 2 for x in range(5)]),
        (cosine(k=2.0), [(1 + math.cos(math.pi * (x / 4) ** 2)) / 2 for x in range(5)]),
        (polynomial(power=2), [1, 0.5625, 0.25, 0.0625, 0]),
        (polynomial(power=2, k=2), [(1 - (x / 4) ** 2) ** 2 for x in range(5)]),
        (one_minus_sqrt(), [1, 0.5, 1 - math.sqrt(0.5), 1 - math.sqrt(0.75), 0]),
        (one_minus_square(), [1, 15 / 16, 0.75, 7 / 16, 0]),
        (power(power=3), [1, 1 - 1 / 64, 0.875, 1 - 27 / 64, 0]),
        (exponential(to=1 / 16), [1, 0.5, 0.25, 0.125, 0.0625]),
        (exponential(to=0, ratio=1 / 16), [1, 7 / 15, 3 / 15, 1 / 15, 0]),
        (exponential(to=1), [1, 1, 1, 1, 1]),
        (rex(), [(1 - x / 4) / (1 - x / 8) for x in range(5)]),
        (
            tanh(lower=-2, upper=2),
            [(1 - math.tanh(-2 + x) / math.tanh(2)) / 2 for x in range(5)],
        ),
        (hold(), [1] * 5),
        (constant(0.25), [0.25] * 5),
        (warmup(), [0.2, 0.4, 0.6, 0.8, 1]),
        (warmup(start=0), [0, 0.25, 0.5, 0.75, 1]),
        (warmup(start=0, shape="1-square"), [0, 1 / 16, 0.25, 9 / 16, 1]),
        (inverse_sqrt("2 updates"), [1 / math.sqrt(1 + t / 2) for t in range(5)]),
        (power_law("2 updates", 1), [1 / (1 + t / 2) for t in range(5)]),
        (noam("2 updates"), [0.5, 1, math.sqrt(2 / 3), math.sqrt(0.5), math.sqrt(2 / 5)]),
        (step("2 updates", 0.5), [1, 1, 0.5, 0.5, 0.25]),
        (multi_step(["1 updates", "3 updates"], 0.5), [1, 0.5, 0.5, 0.25, 0.25]),
        (exp_decay("2 updates", 0.25), [1, 0.5, 0.25, 0.125, 0.0625]),
        (triangular("4 updates", start=0), [0, 0.5, 1, 0.5, 0]),
        (triangular("4 updates", start=0.2, up=0.25), [0.2, 1, 0.2 + 0.8 * 2 / 3, 0.2 + 0.8 / 3, 0.2]),
        (triangular2("2 updates", start=0), [0, 1, 0, 0.5, 0]),
        (exp_range("2 updates", 0.5, start=0), [0, 0.5, 0, 0.125, 0]),
        (restarts("2 updates"), [1, 0.5, 1, 0.5, 1]),
        (restarts("1 updates", 2), [1, 1, 0.5, 1, (1 + math.cos(math.pi / 4)) / 2]),
        (restarts("2 updates", 1, 0.5, shape="linear"), [1, 0.5, 0.5, 0.25, 0.25]),
        (points([("0 updates", 1), ("2 updates", 0), ("4 updates", 0.5)]), [1, 0.5, 0, 0.25, 0.5]),
        (points([("0 updates", 1), ("2 updates", 0.5)], "4 updates", via="hold"), [1, 1, 0.5, 0.5, 0.5]),
        (points([("0 updates", 1), ("4 updates", 0)], via="cosine"), values(cosine(), 4)),
    ],
)
def test_shapes(made: Schedule, expected: list[float]) -> None:
    assert values(made, 4) == pytest.approx(expected, abs=1e-15)


def test_every_shape_has_a_test_by_hand() -> None:
    from lright.schedule.shapes import SHAPES

    mark = next(mark for mark in vars(test_shapes)["pytestmark"] if mark.name == "parametrize")
    assert {made.shape.name for made, _ in mark.args[1]} == set(SHAPES)


@pytest.mark.parametrize(
    ("made", "name", "arguments"),
    [
        (cosine("90 updates", to=0.1), "CosineAnnealingLR", {"T_max": 90, "eta_min": 0.1}),
        (linear("30 updates", start=0.1, to=1), "LinearLR", {"start_factor": 0.1, "total_iters": 30}),
        (polynomial("90 updates", power=0.9), "PolynomialLR", {"total_iters": 90, "power": 0.9}),
        (step("30 updates"), "StepLR", {"step_size": 30}),
        (step("1 updates", 0.9), "ExponentialLR", {"gamma": 0.9}),
        (multi_step(["30 updates", "60 updates"]), "MultiStepLR", {"milestones": [30, 60]}),
        (
            restarts("10 updates", 3, to=0.1),
            "CosineAnnealingWarmRestarts",
            {"T_0": 10, "T_mult": 3, "eta_min": 0.1},
        ),
        (
            triangular("40 updates", start=0.1, up=0.25),
            "CyclicLR",
            {
                "base_lr": 0.1,
                "max_lr": 1.0,
                "step_size_up": 10,
                "step_size_down": 30,
                "cycle_momentum": False,
            },
        ),
    ],
)
def test_what_torch_computes(made: Schedule, name: str, arguments: dict[str, Any]) -> None:
    scheduler = build(name, Optimizer(lr=1.0), **arguments)
    assert values(made, 90, 1.0)[:90] == pytest.approx(scheduler.curve(90), abs=1e-12)


def test_restarts_are_exact_where_a_logarithm_is_not() -> None:
    for first in (1, 2, 5, 7, 10):
        for mult in (2, 3, 5):
            resolved = restarts(f"{first} updates", mult).resolve(10**6)
            begins = first
            while begins < 10**5:
                assert resolved(begins) == 1, (first, mult, begins)
                assert resolved(begins - 1) < 0.9 or first == 1
                first_cycle = begins // first
                begins = first * (first_cycle * mult + 1)


# Boundaries and hand-over.


def test_a_warmup_wastes_no_update_and_hands_over_at_the_peak() -> None:
    resolved = (warmup("5ep") >> cosine()).resolve(BUDGET, 0.1)
    assert resolved(0) == 0.1 / 1956
    assert resolved(1955) == 0.1
    assert resolved(1954) < 0.1
    assert resolved(35189) > 0
    assert resolved(35190) == 0
    assert (warmup("5ep", start=0) >> cosine()).resolve(BUDGET, 0.1)(0) == 0


def test_a_phase_starts_where_the_last_one_ended() -> None:
    resolved = (linear("10 updates", to=0.3) >> hold("5 updates") >> inverse_sqrt("5 updates", "15 updates")).resolve(
        40
    )
    assert resolved(10) == resolved(15) == 0.3
    assert resolved(16) == pytest.approx(0.3 / math.sqrt(1.2))
    assert resolved(100) == pytest.approx(0.3 / 2)


def test_a_jump_is_there_where_it_is_asked_for() -> None:
    resolved = (linear("10 updates", to=0.3) >> cosine("10 updates", start=0.8)).resolve(20)
    assert resolved(9) == pytest.approx(0.37)
    assert resolved(10) == 0.8


def test_mixed_units_in_one_expression() -> None:
    made = warmup("300 updates") >> linear("5ep", to=0.5) >> hold() >> cosine("20%")
    bounds = [(row.begin, row.end) for row in made.resolve(BUDGET).table()]
    assert bounds == [(0, 300), (300, 2255), (2255, 28152), (28152, 35190)]


def test_samples_and_tokens() -> None:
    budget = Budget(tokens=1_000_000, batch_size=10, tokens_per_sample=100)
    made = warmup("100k tokens") >> cosine("500 samples") >> hold()
    assert [row.end for row in made.resolve(budget).table()] == [100, 150, 1000]


def test_bounds_are_rounded_not_lengths() -> None:
    made = sequence([linear("33.3%", to=0.5), linear("33.3%", to=0.2), linear("33.3%"), hold()])
    assert [row.end for row in made.resolve(100).table()] == [33, 67, 100, 100]


def test_shares() -> None:
    made = warmup("10 updates") >> linear(Share(2), to=0.5) >> hold(Share(1))
    assert [row.end for row in made.resolve(100).table()] == [10, 70, 100]


def test_one_phase_takes_what_is_left() -> None:
    with pytest.raises(LrightError, match="both take what is left"):
        linear(to=0.5) >> cosine()


def test_what_is_left_needs_the_whole() -> None:
    with pytest.raises(MissingFact, match="--epochs"):
        (warmup("5ep") >> cosine()).resolve(Budget(batches_per_epoch=10))


def test_absolute_lengths_need_no_training() -> None:
    resolved = (warmup("5ep") >> cosine("10ep")).resolve(Budget(batches_per_epoch=10))
    assert (resolved.length, resolved.updates) == (150, 150)


def test_symbolic_lengths_are_refused_until_bound() -> None:
    made = warmup(Length(Sym("w"), Unit.UPDATE)) >> cosine()
    with pytest.raises(LrightError, match="symbolic"):
        made.resolve(100)
    with pytest.raises(LrightError, match="symbolic"):
        made.to_json()


# Values.


def test_absolute_values() -> None:
    made = warmup("10 updates", start="1e-6 abs") >> cosine(to="1e-5 abs")
    resolved = made.resolve(100, peak=3e-4)
    assert (resolved(0), resolved(10), resolved(100)) == (1e-6, 3e-4, 1e-5)
    with pytest.raises(LrightError, match="the peak is not known"):
        made.resolve(100)


def test_absolute_values_have_no_place_in_a_factor() -> None:
    with pytest.raises(LrightError, match="a factor only multiplies"):
        (hold() * cosine(to=Absolute(1e-5))).resolve(10, peak=1.0)


def test_percent_of_the_peak() -> None:
    assert cosine(to="10%") == cosine(to=0.1)


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: cosine(5), "5 has no unit"),  # type: ignore[arg-type]
        (lambda: cosine(to="high"), "'high' is no number"),
        (lambda: cosine(to=math.nan), "must be finite"),
        (lambda: exponential(to=0), "never reaches 0"),
        (lambda: Schedule.parse("triangular period 5ep"), "needs the value its cycles start from"),
        (lambda: triangular("5ep", start=0, up=1.5), "between 0 and 1"),
        (lambda: restarts("5ep", mult=0.5), "at least 1"),
        (lambda: restarts("0ep"), "longer than nothing"),
        (lambda: step("5ep", gamma=-1), "gamma=-1 must be greater than 0"),
        (lambda: tanh(lower=3, upper=3), "lower must be less"),
        (lambda: decay("5ep", "wavy"), "'wavy' is no shape to decay with"),
        (lambda: warmup("5ep", shape="polynomial"), "'polynomial' is no plain shape"),
        (lambda: multi_step("30ep"), "takes a list of lengths"),
        (lambda: points([("0ep", 1)]), "two or more points"),
        (lambda: Share(0), "greater than 0"),
        (lambda: hold().past_end("rise"), "hold, cycle or raise"),
        (lambda: hold("5ep").past_end("cycle") >> cosine(), "nothing can follow"),
        (lambda: plateau(factor=2), "between 0 and 1"),
        (lambda: plateau(patience=1.5), "whole number"),
        (lambda: plateau(mode="up"), "min or max"),
        (lambda: plateau(speed=1), "has no option 'speed'"),
    ],
)
def test_nonsense_is_refused(build: Any, complaint: str) -> None:
    with pytest.raises(LrightError, match=complaint):
        build()


def test_a_geometric_fall_from_zero_is_refused() -> None:
    with pytest.raises(LrightError, match="needs both above 0"):
        exponential(start=0, to=0.5).resolve(10)


# Past the end.


def test_past_the_end() -> None:
    made = linear("10 updates", to=0.1)
    assert made.resolve(30)(25) == 0.1
    cycling = made.past_end("cycle").resolve(30)
    assert [cycling(t) for t in (10, 15, 29)] == [cycling(0), cycling(5), cycling(9)]
    failing = made.past_end("error").resolve(30)
    assert failing(9) > 0.1
    with pytest.raises(PastTheEnd, match="ends after update 9: it has no value at 10"):
        failing(10)
    with pytest.raises(PastTheEnd):
        failing.curve()
    assert len(failing.points()) > 100


def test_before_the_beginning() -> None:
    with pytest.raises(LrightError, match="count from 0"):
        cosine().resolve(10)(-1)
    with pytest.raises(LrightError, match="count from 0"):
        cosine().resolve(10).array([-1.0])


# Products.


def test_a_product_multiplies() -> None:
    resolved = ((warmup("10 updates") >> hold()) * step("20 updates", 0.5)).resolve(60, 0.2)
    assert resolved(5) == pytest.approx(0.2 * 6 / 11)
    assert resolved(19) == 0.2
    assert resolved(45) == pytest.approx(0.05)


def test_a_product_inside_a_sequence() -> None:
    made = warmup("10 updates") >> cosine("20 updates", to=0.5) * hold(at=0.5) >> linear()
    resolved = made.resolve(50)
    assert resolved(10) == 0.5
    assert resolved(30) == pytest.approx(0.25)
    assert resolved(40) == pytest.approx(0.125)


def test_decaying_cycles() -> None:
    made = linear("10 updates", to=0.1).past_end("cycle") * linear(to=0)
    resolved = made.resolve(100)
    assert resolved(0) == 1
    assert resolved(50) == 0.5
    assert resolved(15) == pytest.approx(0.55 * 0.85)


def test_a_number_scales() -> None:
    assert (cosine() * 0.1).resolve(10, 1.0)(0) == 0.1


# Metrics.


def test_plateau_follows_its_metric() -> None:
    metrics = [1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8]
    emulated = build("ReduceLROnPlateau", Optimizer(lr=1.0), factor=0.5, patience=1).replay(metrics)
    assert [1.0, *plateau(factor=0.5, patience=1).factors(metrics)] == emulated
    resolved = (hold() * plateau(factor=0.5, patience=1)).resolve(Budget(epochs=9, batches_per_epoch=10), 0.1, metrics)
    assert [resolved(10 * epoch) for epoch in range(10)] == pytest.approx([0.1 * lr for lr in emulated])


metric_traces = st.lists(st.floats(0.01, 10), min_size=1, max_size=60)


@settings(max_examples=50)
@given(
    metric_traces,
    st.integers(0, 4),
    st.integers(0, 3),
    st.sampled_from(["rel", "abs"]),
    st.sampled_from(["min", "max"]),
)
def test_plateau_is_torchs_rule(trace: list[float], patience: int, cooldown: int, kind: str, mode: str) -> None:
    options: dict[str, Any] = {
        "factor": 0.5, "patience": patience, "cooldown": cooldown, "threshold_mode": kind, "mode": mode,
        "threshold": 0.01,
    }  # fmt: skip
    emulated = build("ReduceLROnPlateau", Optimizer(lr=1.0), eps=0.0, **options).replay(trace)
    assert [1.0, *plateau(**options).factors(trace)] == pytest.approx(emulated)


@settings(max_examples=50)
@given(metric_traces, st.integers(0, 4), st.integers(0, 3), st.integers(0, 3))
def test_greedy_is_that_of_its_authors(trace: list[float], patience: int, cooldown: int, warm: int) -> None:
    options: dict[str, Any] = {"factor": 0.5, "patience": patience, "cooldown": cooldown, "warmup": warm}
    emulated = build("GreedyLR", Optimizer(lr=1.0), min_lr=0.0, max_lr=4.0, eps=0.0, **options).replay(trace)
    assert [1.0, *greedy(ceiling=4.0, **options).factors(trace)] == pytest.approx(emulated)


def test_without_metrics_the_base_is_drawn() -> None:
    assert values(cosine() * plateau(), 10) == values(cosine(), 10)


# Compositions and plans.


def test_one_cycle() -> None:
    resolved = one_cycle().resolve(100, 0.1)
    assert resolved(0) == pytest.approx(0.004)
    assert resolved(30) == 0.1
    assert resolved(100) == resolved(1000) == pytest.approx(4e-7)
    three = one_cycle(three_phase=True).resolve(100, 0.1)
    assert (three(30), three(60), three(100)) == pytest.approx((0.1, 0.004, 4e-7))


@pytest.mark.parametrize("shape", ["linear", "cosine", "1-sqrt", "1-square", "rex", "tanh"])
def test_wsd_with_every_cooldown(shape: str) -> None:
    resolved = wsd("10%", "20%", shape, to=0.1).resolve(100, 1.0)
    assert [resolved(10), resolved(80), resolved(100)] == [1, 1, 0.1]
    falling = [resolved(t) for t in range(80, 101)]
    assert falling == sorted(falling, reverse=True)


def test_wsd_with_a_parameter() -> None:
    assert wsd(shape="exponential", ratio=0.01).resolve(100)(100) == 0
    assert wsd(shape="power", power=0.5).resolve(100)(90) == wsd(shape="1-sqrt").resolve(100)(90)


def test_a_plan_for_groups_and_parameters() -> None:
    plan = Plan(
        lr=one_cycle("30%"),
        momentum=cosine("30%", to=0.85, start=0.95) >> cosine(to=0.95),
        groups={"backbone": 0.1, "head": {"lr": hold(), "weight_decay": hold(at=0.05)}},
    )
    resolved = plan.resolve(100, peaks={"lr": 0.1})
    assert resolved(30) == {"lr": 0.1, "momentum": 0.85}
    assert resolved(30, "backbone")["lr"] == pytest.approx(0.01)
    assert resolved(77, "head")["lr"] == 0.1
    assert resolved(77, "head")["weight_decay"] == 0.05
    assert Plan.from_json(plan.to_json()) == plan
    assert (
        eval(
            repr(plan),
            {**vars(schedule), "Plan": Plan, **{n: getattr(schedule, n) for n in schedule.__all__}},
        )
        == plan
    )
    with pytest.raises(LrightError, match="no group 'neck'"):
        resolved(0, "neck")
    with pytest.raises(LrightError, match="a peak is given for 'lrr'"):
        plan.resolve(100, peaks={"lrr": 0.1})


# Curves.

COMPOSED = [
    warmup("5%") >> hold() >> one_minus_sqrt("20%"),
    warmup("5%") >> cosine(to=0.1) * step("49 updates", 0.999),
    (warmup("50 updates") >> cosine("300 updates", to=0.1)).past_end("cycle"),
    restarts("10 updates", 2, 0.5),
    restarts("100 updates", 1.5),
    one_cycle() * plateau(),
    points([("0 updates", 0.1), ("100 updates", 1), ("100 updates", 0.5), ("2000 updates", 0)]),
    triangular2("70 updates", start=0.1) >> cosine("10%"),
    noam("400 updates") * 0.5,
    (linear("10 updates") >> hold("5 updates")).past_end("cycle") * cosine(),
]


@pytest.mark.parametrize("made", COMPOSED, ids=str)
@pytest.mark.parametrize("updates", [1, 2, 999, 40_000])
def test_scalar_array_and_curve_agree(made: Schedule, updates: int) -> None:
    resolved = made.resolve(updates, 0.3)
    curve = resolved.curve()
    times = np.arange(updates)
    assert curve.shape == (updates,)
    np.testing.assert_allclose(resolved.array(times), curve, atol=1e-15)
    shuffled = np.random.default_rng(0).permutation(times)[:500]
    np.testing.assert_allclose([resolved(int(t)) for t in shuffled], curve[shuffled], atol=1e-15)
    np.testing.assert_allclose(resolved.array(shuffled.reshape(1, -1))[0], curve[shuffled], atol=1e-15)


def test_beyond_the_training_too() -> None:
    resolved = COMPOSED[2].resolve(100, 1.0)
    times = np.array([0.0, 349.0, 350.0, 351.5, 7000.25])
    np.testing.assert_allclose(resolved.array(times), [resolved(t) for t in times], atol=1e-15)


def test_points_show_both_sides_of_a_jump() -> None:
    drawn = multi_step(["30ep", "60ep"]).resolve(BUDGET, 1.0).points(50, Unit.EPOCH)
    near = [y for x, y in drawn if abs(x - 30) < 0.1]
    assert max(near) == 1
    assert min(near) == pytest.approx(0.1)
    assert drawn[-1][0] == pytest.approx(90)


def test_the_table_is_visible() -> None:
    text = str((warmup("5ep") >> cosine("10ep")).resolve(BUDGET, 0.1))
    assert "warmup  5ep     0 .. 1955     0ep .. 5ep   5.112e-05  0.1" in text
    assert "then, until update 35190: the last value is held" in text
    assert "before the schedule does" in str(hold("100ep").resolve(BUDGET))


def test_schedules_are_values() -> None:
    made = warmup("5ep") >> cosine(to=0)
    assert made == warmup("5 epochs") >> cosine()
    assert made != warmup("5ep") >> linear()
    assert len({made, copy.deepcopy(made), pickle.loads(pickle.dumps(made))}) == 1
    assert (made >> hold("1ep")) == warmup("5ep") >> (cosine() >> hold("1ep"))


def test_a_product_may_take_what_is_left_but_not_two() -> None:
    assert (warmup("10 updates") >> cosine() * hold(at=0.5)).resolve(100).length == 100
    with pytest.raises(LrightError, match="both take what is left"):
        cosine() * step("5ep") >> hold()


def test_metrics_multiply_whatever_they_stand_beside() -> None:
    falling = [1.0, *[2.0] * 30]
    budget = Budget(epochs=20, batches_per_epoch=10)
    for made in (plateau() * hold(), hold() * plateau(), plateau()):
        resolved = made.resolve(budget, 0.3, falling)
        assert resolved(0) == 0.3
        assert resolved(199) == pytest.approx(0.03)
    after = (linear("10ep", to=0.5) >> plateau()).resolve(budget, 0.3, falling)
    assert after(150) == 0.15


def test_a_resolved_schedule_shows_its_table() -> None:
    resolved = cosine("5 updates").resolve(10)
    assert repr(resolved) == str(resolved)
    assert "hold" not in repr(resolved).splitlines()[1]
