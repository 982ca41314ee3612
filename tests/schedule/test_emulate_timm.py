"""Emulated timm schedulers against the real timm 1.0, over arguments drawn by hypothesis.

Domain: one to three groups, with and without `lr_scale`; cycles that grow and shrink, warmup as a prefix or
not, epochs or updates, seeded noise; times 0 to 150 in order, and 10,000 in the long examples. The LR
agrees to 1e-9 of the highest one; exceptions agree in type and tick. The plateau over random metric traces.

timm itself needs torchvision, its schedulers do not: they are imported under an empty package of its name.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lright.schedule.emulate import Optimizer, ScheduleRaises, TimmEmulated, build
from schedule.peers import timm_schedulers

torch = pytest.importorskip("torch")


schedulers = timm_schedulers()
if schedulers is None:
    pytest.skip("timm is not installed", allow_module_level=True)
budget = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
Arguments = dict[str, Any]


def real_optimizer(groups: list[Arguments]) -> Any:
    params = [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in groups]
    return torch.optim.SGD(params, lr=0.1)


def both(name: str, arguments: Arguments, groups: list[Arguments]) -> tuple[Any, Any, TimmEmulated] | None:
    """The real scheduler, its optimizer and ours; None where both refuse to be built."""
    optimizer, described = real_optimizer(groups), Optimizer(*groups, lr=0.1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            real = getattr(schedulers, name)(optimizer, **arguments)
    except Exception as error:
        with pytest.raises(ScheduleRaises) as caught:
            build(name, described, **arguments)
        assert (caught.value.exception, caught.value.tick) == (type(error).__name__, None)
        assert caught.value.text == (error.args[0] if isinstance(error, KeyError) else str(error))
        return None
    emulated = build(name, described, **arguments)
    assert isinstance(emulated, TimmEmulated)
    return real, optimizer, emulated


def agree(name: str, arguments: Arguments, groups: list[Arguments], ticks: int, stride: int = 1) -> None:
    made = both(name, arguments, groups)
    if made is None:
        return
    real, optimizer, emulated = made
    rates = {0: [group["lr"] for group in optimizer.param_groups]}
    raised = None
    for tick in range(stride, ticks + 1, stride):
        try:
            real.step(tick) if real.t_in_epochs else real.step_update(tick)
        except Exception as error:
            raised = (type(error).__name__, tick)
            break
        values = [group["lr"] for group in optimizer.param_groups]
        if any(isinstance(value, complex) for value in values):
            raised = ("RuntimeError", tick)
            break
        rates[tick] = values
    peak = max(abs(lr) for lrs in rates.values() for lr in lrs)
    for tick, lrs in rates.items():
        for group, lr in enumerate(lrs):
            assert math.isclose(emulated.lr(tick, group), lr, rel_tol=0, abs_tol=1e-9 * peak), (tick, group)
    first = emulated.first_raise(ticks)
    assert (None if first is None else (first.exception, first.tick)) == raised


lrs = st.floats(1e-4, 10.0)
any_groups = st.one_of(
    st.lists(st.fixed_dictionaries({"lr": lrs}), min_size=1, max_size=3),
    st.lists(st.fixed_dictionaries({"lr": lrs, "lr_scale": st.floats(0.1, 1.0)}), min_size=2, max_size=2),
)
times = st.integers(1, 60)
unit = st.floats(0.0, 1.0)
shared: Arguments = {
    "warmup_t": st.integers(0, 20),
    "warmup_lr_init": unit,
    "t_in_epochs": st.booleans(),
    "noise_range_t": st.sampled_from([None, None, 30, [10, 20], (0, 5)]),
    "noise_pct": st.floats(0.2, 1),
    "noise_std": st.floats(0.1, 1),
    "noise_seed": st.integers(0, 100),
    "initialize": st.sampled_from([True] * 9 + [False]),
}
prefix: Arguments = {**shared, "warmup_prefix": st.booleans()}
cycling: Arguments = {
    **prefix,
    "lr_min": st.floats(0, 0.1) | st.just(-0.1),
    "cycle_mul": st.sampled_from([1.0, 1.0, 1.5, 2, 3.0, 0.5, 0.9]),
    "cycle_decay": st.sampled_from([1.0, 0.5, 0.1]),
    "cycle_limit": st.integers(0, 5),
}
SCHEDULERS: dict[str, tuple[Arguments, Arguments]] = {
    "CosineLRScheduler": ({"t_initial": times}, {**cycling, "k_decay": st.floats(0.5, 2)}),
    "TanhLRScheduler": ({"t_initial": times}, {**cycling, "lb": st.floats(-8, 0), "ub": st.floats(-1, 4)}),
    "PolyLRScheduler": (
        {"t_initial": times},
        {**cycling, "power": st.floats(0.5, 3), "k_decay": st.floats(0.5, 2)},
    ),
    "StepLRScheduler": (
        {"decay_t": times | st.sampled_from([2.5, 0])},
        {**prefix, "decay_rate": st.floats(0.1, 1.1)},
    ),
    "MultiStepLRScheduler": (
        {"decay_t": st.lists(times, max_size=4) | st.just(30)},
        {**prefix, "decay_rate": st.floats(0.1, 1.0)},
    ),
    "WSDLRScheduler": (
        {"t_initial": times, "decay_t": st.integers(0, 40)},
        {
            **shared,
            "lr_min": st.floats(-0.01, 0.1),
            "stable_fn": st.sampled_from(["constant", "rsqrt", "power", "log"]),
            "stable_timescale": st.none() | st.floats(0, 30),
            "stable_power": st.floats(0, 2),
            "decay_fn": st.sampled_from(["linear", "1-sqrt", "cosine", "power", "exp", "log", lambda x: (1 - x) ** 2]),
            "decay_power": st.floats(0, 2),
            "decay_ratio": unit,
        },
    ),
}


@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_one_scheduler(name: str) -> None:
    required, optional = SCHEDULERS[name]

    @budget
    @given(st.fixed_dictionaries(required, optional=optional), any_groups)
    def check(arguments: Arguments, groups: list[Arguments]) -> None:
        agree(name, arguments, groups, 150)

    check()


@pytest.mark.parametrize("name", ["CosineLRScheduler", "PolyLRScheduler", "TanhLRScheduler"])
def test_long(name: str) -> None:
    arguments = {"t_initial": 1000, "cycle_limit": 4, "cycle_mul": 2.0, "warmup_t": 300, "t_in_epochs": False}
    agree(name, arguments, [{"lr": 0.5}], 10_000)


@settings(budget, max_examples=60)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "decay_rate": st.floats(0.2, 1.05),
            "patience_t": st.integers(0, 3),
            "threshold": st.floats(0, 0.1),
            "cooldown_t": st.integers(0, 3),
            "warmup_t": st.integers(0, 6),
            "warmup_lr_init": unit,
            "lr_min": st.floats(0, 0.1),
            "mode": st.sampled_from(["min", "max", "mean"]),
            "noise_range_t": st.sampled_from([None, 5, [4, 20]]),
            "noise_type": st.sampled_from(["normal", "uniform"]),
            "noise_pct": st.floats(0.2, 1),
        },
    ),
    any_groups,
    st.lists(st.sampled_from([0.0, 1.0, 2.0]) | st.floats(-3, 3), max_size=80),
)
def test_plateau(arguments: Arguments, groups: list[Arguments], metrics: list[float]) -> None:
    made = both("PlateauLRScheduler", arguments, groups)
    if made is None:
        return
    real, optimizer, emulated = made
    rates = [[group["lr"] for group in optimizer.param_groups]]
    for epoch, metric in enumerate(metrics, 1):
        real.step(epoch, metric)
        rates.append([group["lr"] for group in optimizer.param_groups])
    for group in range(len(groups)):
        assert emulated.replay(metrics, group) == pytest.approx([lr[group] for lr in rates], rel=1e-12)


def test_the_call_without_effect() -> None:
    epochs = build("CosineLRScheduler", Optimizer(lr=1.0), t_initial=10)
    updates = build("CosineLRScheduler", Optimizer(lr=1.0), t_initial=10, t_in_epochs=False)
    assert isinstance(epochs, TimmEmulated)
    assert isinstance(updates, TimmEmulated)
    assert (epochs.stepped_by, updates.stepped_by) == ("step", "step_update")
    assert epochs.after_update(5) == 1.0
    assert epochs.after_step(5) == pytest.approx(0.5)
    assert updates.after_update(5) == pytest.approx(0.5)
    assert updates.after_step(5) == 1.0


@pytest.mark.parametrize("mul", [1.0, 2.0, 1.5])
@pytest.mark.parametrize("prefixed", [True, False])
def test_cycle_length(mul: float, prefixed: bool) -> None:
    arguments = {"t_initial": 7, "cycle_mul": mul, "cycle_limit": 3, "warmup_t": 5, "warmup_prefix": prefixed}
    made = both("CosineLRScheduler", arguments, [{"lr": 1.0}])
    assert made is not None
    real, _, emulated = made
    assert emulated.length == real.get_cycle_length()
    assert emulated.get_cycle_length(2) == real.get_cycle_length(2)
    assert emulated.length is not None
    assert emulated.lr(emulated.length + 1) == 0.0  # timm rounds the length down
