"""Emulated torch schedulers against the real torch 2.13, over arguments drawn by hypothesis.

Domain: one to three parameter groups with LRs from 1e-5 to 10; every constructor argument over its legal
range and a little outside it (zero and negative lengths, lengths with a fraction, factors of 0, milestones
at 0, twice, out of order or between two ticks, `last_epoch` set, `initial_lr` set to something else than
`lr`); 40 to 400 ticks, and up to 10,000 in the examples marked long. The LR agrees to 1e-9 of the highest
one seen, for the formula and for the replay; where torch raises, the type, the text and the tick agree.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lright.schedule.emulate import Emulated, Optimizer, Replay, ScheduleRaises, build, signature

torch = pytest.importorskip("torch")
lr_scheduler = pytest.importorskip("torch.optim.lr_scheduler")
swa_utils = pytest.importorskip("torch.optim.swa_utils")

pytestmark = pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step..`:UserWarning")
budget = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


Groups = list[dict[str, Any]]
Raised = tuple[str, "str | None", "int | None"]


class Nested:
    """A scheduler still to be built: name and arguments, which may hold others."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        self.name = name
        self.kwargs = kwargs

    def __repr__(self) -> str:
        return f"{self.name}({self.kwargs})"


def real_optimizer(groups: Groups, kind: str = "sgd") -> Any:
    params = [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in groups]
    if kind == "adam":
        return torch.optim.AdamW(params, lr=0.1)
    if kind == "adagrad":
        return torch.optim.Adagrad(params, lr=0.1)
    return torch.optim.SGD(params, lr=0.1, momentum=0.5)


def ours(groups: Groups, kind: str = "sgd") -> Optimizer:
    if kind == "adam":
        return Optimizer(*groups, lr=0.1, betas=(0.9, 0.999))
    if kind == "adagrad":
        return Optimizer(*groups, defaults={"lr": 0.1})
    return Optimizer(*groups, lr=0.1, momentum=0.5)


def construct(make: Callable[..., Any], optimizer: Any, nested: Nested, memo: dict[int, Any] | None = None) -> Any:
    """Build a scheduler, its members first, each of them once."""
    known: dict[int, Any] = {} if memo is None else memo

    def real(value: Any) -> Any:
        if isinstance(value, list):
            return [real(item) for item in value]
        if not isinstance(value, Nested):
            return value
        if id(value) not in known:
            known[id(value)] = construct(make, optimizer, value, known)
        return known[id(value)]

    kwargs = {key: real(value) for key, value in nested.kwargs.items()}
    return make(nested.name, optimizer, **kwargs)


def real_make(name: str, optimizer: Any, **kwargs: Any) -> Any:
    if name == "SWALR":
        return swa_utils.SWALR(optimizer, **kwargs)
    if name == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(optimizer=optimizer, **kwargs)
    return getattr(lr_scheduler, name)(optimizer, **kwargs)


def momentum(group: dict[str, Any]) -> Any:
    return group["betas"][0] if "betas" in group else group.get("momentum")


def run_real(
    nested: Nested, groups: Groups, ticks: int, kind: str
) -> tuple[list[list[Any]], list[list[Any]], Raised | None]:
    """LRs and momenta per tick, and what was raised: (type, text, tick)."""
    optimizer = real_optimizer(groups, kind)
    rates: list[list[Any]] = []
    momenta: list[list[Any]] = []
    raised: Raised | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scheduler = construct(real_make, optimizer, nested)
        except Exception as error:
            return rates, momenta, (type(error).__name__, text(error), None)
        for tick in range(ticks + 1):
            if tick:
                try:
                    scheduler.step()
                except Exception as error:
                    raised = (type(error).__name__, text(error), tick)
                    break
            lrs = [group["lr"] for group in optimizer.param_groups]
            if any(isinstance(lr, complex) for lr in lrs):
                raised = ("RuntimeError", None, tick)
                break
            rates.append(lrs)
            momenta.append([momentum(group) for group in optimizer.param_groups])
    return rates, momenta, raised


def text(error: Exception) -> str:
    return str(error.args[0]) if isinstance(error, KeyError) else str(error)


def close(a: float, b: float, peak: float) -> bool:
    if math.isnan(b) or math.isinf(b):
        return a == b or (math.isnan(a) and math.isnan(b))
    return abs(a - b) <= 1e-9 * peak


def agree(nested: Nested, groups: Groups, ticks: int, kind: str = "sgd", texts: bool = True) -> None:
    """Hold formula, replay and exceptions against the real thing."""
    rates, momenta, raised = run_real(nested, groups, ticks, kind)
    optimizer = ours(groups, kind)
    try:
        emulated: Emulated = construct(build, optimizer, nested)
    except ScheduleRaises as error:
        assert raised is not None and raised[2] is None, f"only the emulation raises: {error}"
        assert (error.exception, error.tick) == (raised[0], None)
        assert not texts or error.text == raised[1]
        return
    assert raised is None or raised[2] is not None, f"only torch raises: {raised}"
    finite = [abs(lr) for lrs in rates for lr in lrs if math.isfinite(lr)]
    peak = max(finite, default=0.0)
    replay = Replay(emulated)
    for tick, lrs in enumerate(rates):
        if tick:
            replay.step(emulated)
        for group, lr in enumerate(lrs):
            assert close(emulated.lr(tick, group), lr, peak), f"formula, tick {tick}, group {group}"
            assert close(replay.lr(optimizer, group), lr, peak), f"replay, tick {tick}, group {group}"
    first = emulated.first_raise(ticks)
    assert (first is None) == (raised is None), f"{first} against {raised}"
    if raised is not None and first is not None and raised[2] is not None:
        assert (first.exception, first.tick) == (raised[0], raised[2])
        assert raised[1] is None or not texts or first.text == raised[1]
        with pytest.raises(ScheduleRaises) as caught:
            emulated.lr(raised[2])
        assert caught.value.tick == raised[2]
    if any(value is not None for value in momenta[0]):
        parameter = "betas" if kind == "adam" else "momentum"
        for tick in {0, len(momenta) // 3, len(momenta) - 1}:
            for group, value in enumerate(momenta[tick]):
                assert emulated.value(tick, group, parameter) == pytest.approx(value, rel=1e-12, abs=1e-12)


lrs = st.floats(1e-5, 10.0)
groups_of_one = lrs.map(lambda lr: [{"lr": lr}])
any_groups = st.one_of(
    groups_of_one,
    st.lists(st.fixed_dictionaries({"lr": lrs}), min_size=2, max_size=3),
    st.lists(st.fixed_dictionaries({"lr": lrs, "initial_lr": lrs}), min_size=1, max_size=2),
)
lengths = st.one_of(st.integers(1, 120), st.integers(-3, 130), st.sampled_from([20.0, 10.5, 33.3]))
gammas = st.one_of(st.floats(0.0, 1.2), st.sampled_from([0.1, 0.5, 1.0, -0.5, 2]))
positions = st.sampled_from([-1] * 8 + [0, 3, 17])


def optional(**fields: Any) -> Any:
    """Keyword arguments of which any may be left out."""
    return st.fixed_dictionaries({}, optional=fields)


def scheduler(name: str, required: dict[str, Any] | None = None, **optionals: Any) -> Any:
    return st.builds(
        lambda need, more: Nested(name, **need, **more),
        st.fixed_dictionaries(required or {}),
        optional(last_epoch=positions, **optionals),
    )


lambdas = st.sampled_from(
    [
        lambda t: 0.95**t,
        lambda t: min(1.0, (t + 1) / 10),
        lambda t: 1 / (t - 25),
        lambda t: (1 - t / 30) ** 0.9,
        lambda t: math.sqrt(40 - t),
        lambda t: 1,
        lambda t: "fast" * t,
    ]
)
SIMPLE = {
    "LambdaLR": scheduler("LambdaLR", {"lr_lambda": lambdas}),
    "MultiplicativeLR": scheduler("MultiplicativeLR", {"lr_lambda": st.one_of(lambdas, st.just(0.5))}),
    "StepLR": scheduler("StepLR", {"step_size": lengths}, gamma=gammas),
    "MultiStepLR": scheduler(
        "MultiStepLR", {"milestones": st.one_of(st.lists(lengths, max_size=5), st.just(30))}, gamma=gammas
    ),
    "ConstantLR": scheduler("ConstantLR", factor=st.floats(-0.1, 1.1) | st.just(0.0), total_iters=lengths),
    "LinearLR": scheduler(
        "LinearLR",
        start_factor=st.floats(0, 1.05) | st.just(0.0),
        end_factor=st.floats(-0.05, 1.05) | st.just(0.0),
        total_iters=lengths,
    ),
    "ExponentialLR": scheduler("ExponentialLR", {"gamma": gammas}),
    "PolynomialLR": scheduler("PolynomialLR", total_iters=lengths, power=st.floats(-1, 4) | st.integers(0, 3)),
    "CosineAnnealingLR": scheduler("CosineAnnealingLR", {"T_max": lengths}, eta_min=st.floats(0, 1)),
    "CosineAnnealingWarmRestarts": scheduler(
        "CosineAnnealingWarmRestarts",
        {"T_0": lengths},
        T_mult=st.integers(0, 3) | st.just(1.5),
        eta_min=st.floats(0, 1) | st.just("0"),
    ),
    "CyclicLR": scheduler(
        "CyclicLR",
        {"base_lr": lrs, "max_lr": lrs},
        step_size_up=lengths,
        step_size_down=lengths,
        mode=st.sampled_from(["triangular", "triangular2", "exp_range", "square"]),
        gamma=st.floats(0.5, 1.0),
        scale_fn=st.sampled_from([None, lambda x: 0.5 ** (x - 1)]),
        scale_mode=st.sampled_from(["cycle", "iterations"]),
        cycle_momentum=st.booleans(),
        base_momentum=st.floats(0, 1),
        max_momentum=st.floats(0, 1),
    ),
    "OneCycleLR": scheduler(
        "OneCycleLR",
        {"max_lr": lrs},
        total_steps=lengths,
        epochs=st.integers(0, 5),
        steps_per_epoch=st.integers(0, 20) | st.just(7.0),
        pct_start=st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.5, 1.0, 1, -0.1]),
        anneal_strategy=st.sampled_from(["cos", "linear", "log"]),
        cycle_momentum=st.booleans(),
        div_factor=st.floats(1, 100),
        final_div_factor=st.floats(1, 1e5),
        three_phase=st.booleans(),
    ),
    "SWALR": scheduler(
        "SWALR",
        {"swa_lr": lrs},
        anneal_epochs=st.integers(-1, 30) | st.just(2.5),
        anneal_strategy=st.sampled_from(["cos", "linear", "log"]),
    ),
}


@pytest.mark.parametrize("name", sorted(SIMPLE))
def test_one_scheduler(name: str) -> None:
    @budget
    @given(SIMPLE[name], any_groups, st.sampled_from([40, 150, 400]), st.sampled_from(["sgd", "adam", "adagrad"]))
    def check(nested: Nested, groups: Groups, ticks: int, kind: str) -> None:
        agree(nested, groups, ticks, kind)

    check()


# Phases and links for the combinations: mostly sound ones, so that the combination itself is what is tested.
small = st.integers(1, 40)
rates = st.floats(0.0, 1.0)
PARTS = st.one_of(
    st.builds(
        lambda n, a, b: Nested("LinearLR", total_iters=n, start_factor=a, end_factor=b),
        small,
        st.floats(0.01, 1),
        rates,
    ),
    st.builds(lambda n, f: Nested("ConstantLR", total_iters=n, factor=f), small, st.floats(0.01, 1)),
    st.builds(lambda n, g: Nested("StepLR", step_size=n, gamma=g), small, rates),
    st.builds(lambda n, g: Nested("MultiStepLR", milestones=n, gamma=g), st.lists(small, max_size=3), rates),
    st.builds(lambda g: Nested("ExponentialLR", gamma=g), st.floats(0.8, 1)),
    st.builds(lambda n, p: Nested("PolynomialLR", total_iters=n, power=p), small, st.floats(0.1, 3)),
    st.builds(lambda n, e: Nested("CosineAnnealingLR", T_max=n, eta_min=e), small, rates | st.just(0)),
    st.builds(lambda n, m: Nested("CosineAnnealingWarmRestarts", T_0=n, T_mult=m), small, st.integers(1, 3)),
    st.builds(lambda n: Nested("CyclicLR", base_lr=0.01, max_lr=1.0, step_size_up=n), small),
    st.builds(lambda n: Nested("OneCycleLR", max_lr=1.0, total_steps=n), st.integers(5, 300)),
    st.builds(lambda f: Nested("LambdaLR", lr_lambda=f), lambdas),
    st.builds(lambda f: Nested("MultiplicativeLR", lr_lambda=f), lambdas),
    st.builds(lambda: Nested("ReduceLROnPlateau")),
)


def sequential(parts: Any) -> Any:
    """SequentialLR over parts; sometimes with milestones out of order, one too many, or the same part
    twice."""

    def make(members: list[Nested], milestones: list[int], ordered: bool, wrong: int, twice: bool) -> Nested:
        milestones = (sorted(milestones) if ordered else milestones)[: len(members) - 1 + wrong]
        if twice and len(members) > 2:
            members = [*members[:-1], members[0]]
        return Nested("SequentialLR", schedulers=members, milestones=milestones)

    often, seldom = st.sampled_from([True] * 4 + [False]), st.sampled_from([False] * 9 + [True])
    marks = st.lists(st.integers(0, 120), min_size=4, max_size=4)
    return st.builds(make, st.lists(parts, min_size=1, max_size=4), marks, often, seldom.map(int), seldom)


def chained(parts: Any) -> Any:
    return st.builds(lambda members: Nested("ChainedScheduler", schedulers=members), st.lists(parts, max_size=3))


COMBINED = st.one_of(
    sequential(PARTS),
    chained(PARTS),
    sequential(PARTS | chained(PARTS) | sequential(PARTS)),
    chained(PARTS | sequential(PARTS)),
)


@settings(budget, max_examples=200)
@given(COMBINED, any_groups, st.sampled_from([40, 150, 300]))
def test_combinations(nested: Nested, groups: Groups, ticks: int) -> None:
    agree(nested, groups, ticks, texts=False)


LONG = [
    Nested("LambdaLR", lr_lambda=lambda t: 1 / (1 + t)),
    Nested("StepLR", step_size=300, gamma=0.7),
    Nested("MultiStepLR", milestones=[100, 5000, 9000]),
    Nested("LinearLR", start_factor=1.0, end_factor=0.0, total_iters=10_000),
    Nested("ExponentialLR", gamma=0.9995),
    Nested("PolynomialLR", total_iters=9_500, power=0.9),
    Nested("CosineAnnealingLR", T_max=10_000, eta_min=1e-4),
    Nested("CosineAnnealingLR", T_max=4_000, eta_min=0.01),
    Nested("CosineAnnealingLR", T_max=3),
    Nested("CosineAnnealingLR", T_max=2_999.5),
    Nested("CosineAnnealingLR", T_max=2_999.5, eta_min=0.01),
    Nested("CosineAnnealingWarmRestarts", T_0=10, T_mult=2, eta_min=1e-3),
    Nested("CyclicLR", base_lr=0.01, max_lr=0.1, step_size_up=700, mode="exp_range", gamma=0.9999),
    Nested("OneCycleLR", max_lr=0.5, total_steps=10_000),
    Nested("OneCycleLR", max_lr=0.5, epochs=90, steps_per_epoch=100, three_phase=True),
    Nested(
        "SequentialLR",
        schedulers=[
            Nested("LinearLR", start_factor=0.01, total_iters=500),
            Nested("CosineAnnealingLR", T_max=7_500, eta_min=1e-3),
        ],
        milestones=[500],
    ),
    Nested(
        "ChainedScheduler",
        schedulers=[
            Nested("LinearLR", start_factor=0.01, total_iters=500),
            Nested("CosineAnnealingLR", T_max=10_000),
        ],
    ),
]


many = st.integers(100, 12_000)
LONG_DRAWN = st.one_of(
    st.builds(lambda n, e: Nested("CosineAnnealingLR", T_max=n, eta_min=e), many, st.floats(0, 0.05)),
    st.builds(lambda n, e: Nested("CosineAnnealingLR", T_max=n / 7, eta_min=e), many, st.floats(0, 0.05)),
    st.builds(lambda n, e: Nested("LinearLR", total_iters=n, end_factor=e), many, rates),
    st.builds(lambda n, p: Nested("PolynomialLR", total_iters=n, power=p), many, st.floats(0.1, 4)),
    st.builds(lambda g: Nested("ExponentialLR", gamma=g), st.floats(0.998, 1.0)),
    st.builds(lambda n, p: Nested("OneCycleLR", max_lr=1.0, total_steps=n, pct_start=p), many, rates),
    st.builds(lambda n, m: Nested("CosineAnnealingWarmRestarts", T_0=n, T_mult=m), many, st.integers(1, 3)),
)


@settings(budget, max_examples=15)
@given(LONG_DRAWN)
def test_long_runs_drawn(nested: Nested) -> None:
    run_long(nested)


@pytest.mark.parametrize("nested", LONG, ids=lambda nested: nested.name)
def test_long_runs(nested: Nested) -> None:
    run_long(nested)


def run_long(nested: Nested) -> None:
    """10,000 ticks, formula and exception against torch."""
    rates, _, raised = run_real(nested, [{"lr": 0.1}], 10_000, "sgd")
    optimizer = ours([{"lr": 0.1}])
    if not rates:  # the constructor raises; test_one_scheduler holds those
        return
    emulated: Emulated = construct(build, optimizer, nested)
    peak = max(lr for (lr,) in rates)
    assert max(abs(emulated.lr(tick) - lr) for tick, (lr,) in enumerate(rates)) <= 1e-9 * peak
    first = emulated.first_raise(10_000)
    assert (None if first is None else first.tick) == (None if raised is None else raised[2])
    if raised is None:
        assert emulated.curve(10_001) == [emulated.lr(tick) for tick in range(10_001)]


@settings(budget, max_examples=60)
@given(
    PARTS.filter(lambda part: part.name != "ReduceLROnPlateau"),
    st.dictionaries(st.integers(0, 30), lrs, min_size=1, max_size=3),
)
def test_an_lr_written_by_hand(nested: Nested, writes: dict[int, float]) -> None:
    optimizer = real_optimizer([{"lr": 1.0}])
    try:
        scheduler = construct(real_make, optimizer, nested)
    except TypeError:  # a lambda that cannot even be asked for epoch 0; test_one_scheduler holds those
        return
    emulated: Emulated = construct(build, ours([{"lr": 1.0}]), nested).written(writes)
    for tick in range(40):
        if tick:
            try:
                scheduler.step()
            except Exception as error:
                with pytest.raises(ScheduleRaises) as caught:
                    emulated.lr(tick)
                assert (caught.value.exception, caught.value.tick) == (type(error).__name__, tick)
                return
        if tick in writes:
            optimizer.param_groups[0]["lr"] = writes[tick]
        lr = optimizer.param_groups[0]["lr"]
        if isinstance(lr, complex):
            return
        assert emulated.lr(tick) == pytest.approx(lr, rel=1e-12)


@settings(budget, max_examples=80)
@given(PARTS, st.integers(0, 130) | st.floats(0, 130))
def test_step_with_an_epoch(nested: Nested, epoch: float) -> None:
    optimizer = real_optimizer([{"lr": 1.0}])
    try:
        scheduler = construct(real_make, optimizer, nested)
    except TypeError:  # a lambda that cannot even be asked for epoch 0; test_one_scheduler holds those
        return
    emulated: Emulated = construct(build, ours([{"lr": 1.0}]), nested)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scheduler.step(epoch)
            expected = float(optimizer.param_groups[0]["lr"])
        except Exception as error:
            with pytest.raises(ScheduleRaises) as caught:
                emulated.lr_at_epoch(epoch)
            assert caught.value.exception == type(error).__name__
            return
    assert emulated.lr_at_epoch(epoch) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(budget, max_examples=60)
@given(
    optional(
        mode=st.sampled_from(["min", "max", "mean"]),
        factor=st.floats(0.1, 1.05),
        patience=st.integers(0, 4),
        threshold=st.floats(0, 0.2),
        threshold_mode=st.sampled_from(["rel", "abs", "log"]),
        cooldown=st.integers(0, 4),
        min_lr=st.floats(0, 0.1) | st.lists(st.floats(0, 0.1), min_size=1, max_size=2),
        eps=st.sampled_from([1e-8, 0.01]),
    ),
    any_groups,
    st.lists(st.sampled_from([0.0, 1.0, 0.99, 2.0, -1.0, math.nan]) | st.floats(-3, 3), max_size=100),
)
def test_plateau(arguments: dict[str, Any], groups: Groups, metrics: list[float]) -> None:
    optimizer = real_optimizer(groups)
    try:
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    except ValueError as error:
        with pytest.raises(ScheduleRaises) as caught:
            build("ReduceLROnPlateau", ours(groups), **arguments)
        assert (caught.value.exception, caught.value.text) == ("ValueError", str(error))
        return
    emulated = build("ReduceLROnPlateau", ours(groups), **arguments)
    rates = [[group["lr"] for group in optimizer.param_groups]]
    for metric in metrics:
        scheduler.step(metric)
        rates.append([group["lr"] for group in optimizer.param_groups])
    for group in range(len(groups)):
        assert emulated.replay(metrics, group) == [lr[group] for lr in rates]


@pytest.mark.parametrize("name", [*sorted(SIMPLE), "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"])
def test_signatures_are_torchs(name: str) -> None:
    real = swa_utils.SWALR if name == "SWALR" else getattr(lr_scheduler, name)
    expected = [
        (parameter.name, parameter.default is parameter.empty, parameter.default)
        for parameter in list(inspect.signature(real).parameters.values())
    ]
    found = [(item.name, item.required, item.default) for item in signature(name)]
    assert [item[:2] for item in found] == [item[:2] for item in expected]
    assert [item[2] for item in found if not item[1]] == [item[2] for item in expected if not item[1]]


def one(name: str, *args: Any, lr: float = 1.0, **kwargs: Any) -> Emulated:
    return build(name, Optimizer(lr=lr), *args, **kwargs)


def test_cosine_rises_after_its_end() -> None:
    cosine = one("CosineAnnealingLR", T_max=10)
    assert [round(cosine.lr(tick), 4) for tick in (10, 11, 15, 20)] == [0.0, 0.0245, 0.5, 1.0]
    assert (cosine.length, cosine.past_end()) == (10, "rise")


def test_one_cycle_rises_and_then_raises() -> None:
    cycle = one("OneCycleLR", max_lr=0.1, total_steps=10)
    assert cycle.lr(10) > 100 * cycle.lr(9)
    raised = cycle.first_raise(1_000)
    assert raised is not None
    assert (raised.exception, raised.tick) == ("ValueError", 11)
    assert raised.text == "Tried to step 11 times. The specified number of total steps is 10"
    assert cycle.first_raise(10) is None
    assert (cycle.length, cycle.past_end()) == (10, "raise")


def test_one_cycle_takes_the_optimizer_over() -> None:
    optimizer = Optimizer(lr=0.5, momentum=0.0)
    cycle = build("OneCycleLR", optimizer, max_lr=1.0, total_steps=10)
    assert (round(cycle.lr(0), 12), cycle.value(0, parameter="momentum")) == (0.04, 0.95)
    with pytest.raises(ScheduleRaises, match="optimizer must support momentum"):
        build("OneCycleLR", Optimizer(defaults={"lr": 0.1}), max_lr=1.0, total_steps=10)


def test_the_second_phase_starts_at_the_base_lr() -> None:
    optimizer = Optimizer(lr=1.0)
    line = build("LinearLR", optimizer, start_factor=1.0, end_factor=0.5, total_iters=5)
    cosine = build("CosineAnnealingLR", optimizer, T_max=10)
    both = build("SequentialLR", optimizer, [line, cosine], milestones=[5])
    assert [round(both.lr(tick), 4) for tick in (3, 4, 5)] == [0.7, 0.6, 1.0]


def test_a_nested_later_phase_raises_at_its_milestone() -> None:
    optimizer = Optimizer(lr=1.0)
    first = build("ConstantLR", optimizer, total_iters=3)
    inner = build("ChainedScheduler", optimizer, [build("ExponentialLR", optimizer, gamma=0.9)])
    both = build("SequentialLR", optimizer, [first, inner], milestones=[4])
    raised = both.first_raise(10)
    assert raised is not None
    assert (raised.exception, raised.text, raised.tick) == ("NotImplementedError", "", 4)
    assert both.past_end() == "raise"


def test_a_complex_lr_is_refused_by_the_optimizer() -> None:
    power = one("LambdaLR", lambda epoch: (1 - epoch / 90) ** 0.9)
    raised = power.first_raise(100_000)
    assert raised is not None
    assert (raised.exception, raised.tick) == ("RuntimeError", 91)
    assert power.lr(90) == 0.0
    with pytest.raises(ScheduleRaises):
        power.lr(5_000)


def test_a_formula_is_not_replayed() -> None:
    asked: list[int] = []

    def factor(tick: int) -> float:
        asked.append(tick)
        return 1 / (1 + tick)

    late = one("LambdaLR", factor)
    assert late.lr(10**6) == 1 / (1 + 10**6)
    assert asked == [0, 10**6]


def test_groups_added_later() -> None:
    optimizer = Optimizer(lr=1.0)
    outcomes = {}
    schedulers: dict[str, dict[str, Any]] = {
        "LambdaLR": {"lr_lambda": lambda t: 0.5},
        "ExponentialLR": {"gamma": 0.5},
        "OneCycleLR": {"max_lr": 1.0, "total_steps": 10},
    }
    for name, kwargs in schedulers.items():
        emulated = build(name, optimizer, **kwargs)
        replay = Replay(emulated)
        replay.add_group(optimizer, {"lr": 0.2})
        try:
            replay.step(emulated)
            outcomes[name] = f"{replay.lr(optimizer, 1):.2f}"
        except (KeyError, ValueError) as error:
            outcomes[name] = type(error).__name__
    assert outcomes == {"LambdaLR": "ValueError", "ExponentialLR": "0.10", "OneCycleLR": "KeyError"}


def test_two_schedulers_at_two_rates() -> None:
    optimizer = real_optimizer([{"lr": 1.0}])
    slow_real = lr_scheduler.StepLR(optimizer, 2, 0.5)
    fast_real = lr_scheduler.CosineAnnealingLR(optimizer, 30)
    described = ours([{"lr": 1.0}])
    slow = build("StepLR", described, 2, 0.5)
    fast = build("CosineAnnealingLR", described, 30)
    replay = Replay(slow, fast)
    for batch in range(1, 40):
        fast_real.step()
        replay.step(fast)
        if batch % 7 == 0:
            slow_real.step()
            replay.step(slow)
        assert replay.lr(described) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


def test_negative_ticks_and_unknown_names_are_refused() -> None:
    from lright.errors import LrightError

    with pytest.raises(LrightError, match="ticks count from 0"):
        one("StepLR", 3).lr(-1)
    with pytest.raises(LrightError, match="unknown scheduler 'StepLr'"):
        one("StepLr", 3)
    with pytest.raises(LrightError, match="takes no metric"):
        one("StepLR", 3).replay([1.0])
    with pytest.raises(LrightError, match="no 'lr'"):
        Optimizer({"momentum": 0.9})
