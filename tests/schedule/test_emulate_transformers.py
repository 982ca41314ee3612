"""Emulated schedules of transformers against the real ones (5.23), over arguments drawn by hypothesis.

Domain: one to three parameter groups; every name of `get_scheduler` and every function behind it; warmup
and training lengths from 0 to 150 (warmup longer than training included), fractions, missing and
contradictory arguments; 40 to 300 ticks, 10,000 in one example each. The LR agrees to 1e-9 of the highest
one; where transformers raises, the type and the tick agree. Metric-driven ones over random metric traces of
up to 300 steps.
"""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lright.schedule.emulate import NAMES, Emulated, Optimizer, ScheduleRaises, build

torch = pytest.importorskip("torch")
optimization = pytest.importorskip("transformers.optimization")

budget = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
Arguments = dict[str, Any]


def real_optimizer(groups: list[Arguments]) -> Any:
    params = [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in groups]
    return torch.optim.SGD(params, lr=0.1)


def real_build(name: str, optimizer: Any, arguments: Arguments) -> Any:
    function = getattr(optimization, name)
    if name == "get_scheduler":
        return function(optimizer=optimizer, **arguments)
    return function(optimizer, **arguments)


def agree(name: str, arguments: Arguments, groups: list[Arguments], ticks: int) -> None:
    optimizer = real_optimizer(groups)
    described = Optimizer(*groups, lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            real = real_build(name, optimizer, arguments)
        except Exception as error:
            with pytest.raises(ScheduleRaises) as caught:
                build(name, described, **arguments)
            assert (caught.value.exception, caught.value.tick) == (type(error).__name__, None)
            assert caught.value.text.split(", please")[0] == str(error).split(", please")[0]
            return
        emulated = build(name, described, **arguments)
        rates, raised = [[group["lr"] for group in optimizer.param_groups]], None
        for tick in range(1, ticks + 1):
            try:
                real.step()
            except Exception as error:
                raised = (type(error).__name__, str(error), tick)
                break
            rates.append([group["lr"] for group in optimizer.param_groups])
    hold(emulated, rates, raised, ticks)


def hold(emulated: Emulated, rates: list[list[float]], raised: tuple[str, str, int] | None, ticks: int) -> None:
    peak = max(max(lrs) for lrs in rates)
    for tick, lrs in enumerate(rates):
        for group, lr in enumerate(lrs):
            assert abs(emulated.lr(tick, group) - lr) <= 1e-9 * peak, f"tick {tick}, group {group}"
    first = emulated.first_raise(ticks)
    found = None if first is None else (first.exception, first.text, first.tick)
    assert found == raised


lrs = st.floats(1e-5, 10.0)
any_groups = st.lists(st.fixed_dictionaries({"lr": lrs}), min_size=1, max_size=3)
steps = st.integers(0, 150)
unit = st.floats(0.0, 1.0)
common: Arguments = {"num_warmup_steps": steps, "num_training_steps": steps}
cycles = st.sampled_from([0.5, 1, 1.5, 3, 0.3])
floors: Arguments = {"num_cycles": cycles, "min_lr": unit, "min_lr_rate": unit}
types = st.sampled_from(["linear", "cosine", "1-sqrt", "log"])
FUNCTIONS: dict[str, tuple[Arguments, Arguments]] = {
    "get_constant_schedule": ({}, {}),
    "get_constant_schedule_with_warmup": ({"num_warmup_steps": steps}, {}),
    "get_linear_schedule_with_warmup": (common, {}),
    "get_cosine_schedule_with_warmup": (common, {"num_cycles": cycles}),
    "get_cosine_with_hard_restarts_schedule_with_warmup": (common, {"num_cycles": st.integers(1, 4)}),
    "get_polynomial_decay_schedule_with_warmup": (
        common,
        {"lr_end": st.floats(0, 0.2), "power": st.floats(0, 3)},
    ),
    "get_inverse_sqrt_schedule": ({"num_warmup_steps": steps}, {"timescale": steps}),
    "get_cosine_with_min_lr_schedule_with_warmup": (common, floors),
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": (common, {**floors, "warmup_lr_rate": unit}),
    "get_wsd_schedule": (
        {"num_warmup_steps": steps, "num_decay_steps": steps},
        {
            "num_training_steps": steps,
            "num_stable_steps": steps,
            "warmup_type": types,
            "decay_type": types,
            "min_lr_ratio": unit,
            "num_cycles": cycles,
        },
    ),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_one_schedule(name: str) -> None:
    required, optional = FUNCTIONS[name]

    @budget
    @given(
        st.fixed_dictionaries(required, optional={**optional, "last_epoch": st.just(-1)}),
        any_groups,
        st.sampled_from([40, 300]),
    )
    def check(arguments: Arguments, groups: list[Arguments], ticks: int) -> None:
        agree(name, arguments, groups, ticks)

    check()
    assert name in NAMES


names = st.sampled_from(
    """linear cosine cosine_with_restarts polynomial constant constant_with_warmup inverse_sqrt greedy
    triangle reduce_lr_on_plateau cosine_with_min_lr cosine_warmup_with_min_lr warmup_stable_decay""".split()
)
specific = st.sampled_from(
    [
        None,
        {},
        {"num_cycles": 1},
        {"min_lr": 1e-4},
        {"num_decay_steps": 30},
        {"factor": 0.5},
        {"lr_end": 1e-3},
    ]
)


@settings(budget, max_examples=120)
@given(
    st.fixed_dictionaries(
        {"name": names},
        optional={
            "num_warmup_steps": st.none() | steps,
            "num_training_steps": st.none() | steps,
            "scheduler_specific_kwargs": specific,
        },
    ),
    any_groups,
)
def test_get_scheduler(arguments: Arguments, groups: list[Arguments]) -> None:
    agree("get_scheduler", arguments, groups, 60)


@pytest.mark.parametrize("name", ["linear", "cosine", "polynomial", "inverse_sqrt", "cosine_with_restarts"])
def test_long(name: str) -> None:
    arguments = {"name": name, "num_warmup_steps": 500, "num_training_steps": 9_000}
    agree("get_scheduler", arguments, [{"lr": 5e-5}, {"lr": 1e-3}], 10_000)


@settings(budget, max_examples=60)
@given(
    st.sampled_from(["greedy", "reduce_lr_on_plateau"]),
    st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(["min", "max", "mean"]),
            "factor": st.floats(0.3, 1.05),
            "patience": st.integers(0, 4),
            "threshold": st.floats(0, 0.1),
            "threshold_mode": st.sampled_from(["rel", "abs", "log"]),
            "cooldown": st.integers(0, 4),
            "min_lr": st.floats(0, 0.1) | st.lists(st.floats(0, 0.1), min_size=1, max_size=2),
            "eps": st.sampled_from([1e-8, 0.01]),
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "warmup": st.integers(0, 4),
            "max_lr": st.floats(0.1, 2),
            "smooth": st.booleans(),
            "window_size": st.integers(1, 6),
            "reset_start": st.integers(1, 4),
        },
    ),
    any_groups,
    st.lists(st.sampled_from([0.0, 1.0, 0.99, 2.0, -1.0]) | st.floats(-3, 3), max_size=60),
    st.integers(1, 5),
)
def test_metric_driven(
    name: str, shared: Arguments, greedy: Arguments, groups: list[Arguments], metrics: list[float], times: int
) -> None:
    arguments = {**shared, **(greedy if name == "greedy" else {})}
    optimizer, described = real_optimizer(groups), Optimizer(*groups, lr=0.1)
    try:
        real = optimization.get_scheduler(name, optimizer, scheduler_specific_kwargs=arguments)
    except ValueError as error:
        with pytest.raises(ScheduleRaises) as caught:
            build("get_scheduler", described, name, scheduler_specific_kwargs=arguments)
        assert (caught.value.exception, caught.value.text) == ("ValueError", str(error))
        return
    emulated = build("get_scheduler", described, name, scheduler_specific_kwargs=arguments)
    rates = [[group["lr"] for group in optimizer.param_groups]]
    for metric in metrics * times:
        real.step(metric)
        rates.append([group["lr"] for group in optimizer.param_groups])
    for group in range(len(groups)):
        assert emulated.replay(metrics * times, group) == pytest.approx([lr[group] for lr in rates], rel=1e-12)
    assert emulated.needs_metric
    missing = emulated.first_raise(1)
    assert missing is not None
    assert missing.exception == "TypeError"


def test_past_the_end() -> None:
    optimizer = Optimizer(lr=1.0)
    ends = {
        name: build("get_scheduler", optimizer, name, 10, 100).past_end()
        for name in ("linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "inverse_sqrt")
    }
    assert ends == {
        "linear": "hold",
        "cosine": "rise",
        "cosine_with_restarts": "hold",
        "polynomial": "hold",
        "constant": "hold",
        "inverse_sqrt": "hold",
    }
    assert build("get_cosine_schedule_with_warmup", optimizer, 10, 100).length == 100
    assert build("get_wsd_schedule", optimizer, 10, 20, num_stable_steps=50).length == 80
