"""Emulated torch schedulers against the real torch 2.13, over arguments drawn by hypothesis.

Domain: one to three parameter groups with LRs from 1e-5 to 10; every constructor argument over its legal range and a
little outside it (zero and negative lengths, lengths with a fraction, factors of 0, milestones at 0, twice, out of
order or between two ticks, `last_epoch` set, `initial_lr` set to something else than `lr`); 40 to 400 ticks, and up to
10,000 in the examples marked long. The LR agrees to 1e-9 of the highest one seen, for the formula and for the
replay; where torch raises, the type, the text and the tick agree.
"""

from __future__ import annotations

import math
import warnings

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lright.schedule import emulate
from lright.schedule.emulate import Optimizer, Replay, ScheduleRaises, build

torch = pytest.importorskip("torch")
lr_scheduler = pytest.importorskip("torch.optim.lr_scheduler")
swa_utils = pytest.importorskip("torch.optim.swa_utils")

budget = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


class Nested:
    """A scheduler to build inside another: name and arguments."""

    def __init__(self, name, **kwargs):
        self.name = name
        self.kwargs = kwargs

    def __repr__(self):
        return f"{self.name}({self.kwargs})"


def real_optimizer(groups, kind="sgd"):
    params = [{"params": [torch.nn.Parameter(torch.zeros(1))], **group} for group in groups]
    if kind == "adam":
        return torch.optim.AdamW(params, lr=0.1)
    if kind == "adagrad":
        return torch.optim.Adagrad(params, lr=0.1)
    return torch.optim.SGD(params, lr=0.1, momentum=0.5)


def ours(groups, kind="sgd"):
    if kind == "adam":
        return Optimizer(*groups, lr=0.1, betas=(0.9, 0.999))
    if kind == "adagrad":
        return Optimizer(*groups, defaults={"lr": 0.1})
    return Optimizer(*groups, lr=0.1, momentum=0.5)


def construct(make, optimizer, nested, memo=None):
    """Build a scheduler, its members first, each of them once."""
    memo = {} if memo is None else memo

    def real(value):
        if isinstance(value, list):
            return [real(item) for item in value]
        if not isinstance(value, Nested):
            return value
        if id(value) not in memo:
            memo[id(value)] = construct(make, optimizer, value, memo)
        return memo[id(value)]

    kwargs = {key: real(value) for key, value in nested.kwargs.items()}
    return make(nested.name, optimizer, **kwargs)


def real_make(name, optimizer, **kwargs):
    if name == "SWALR":
        return swa_utils.SWALR(optimizer, **kwargs)
    if name == "ChainedScheduler":
        return lr_scheduler.ChainedScheduler(optimizer=optimizer, **kwargs)
    return getattr(lr_scheduler, name)(optimizer, **kwargs)


def momentum(group):
    return group["betas"][0] if "betas" in group else group.get("momentum")


def run_real(nested, groups, ticks, kind="sgd"):
    """LRs and momenta per tick, and what was raised: (type, text, tick)."""
    optimizer = real_optimizer(groups, kind)
    rates, momenta, raised = [], [], None
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


def text(error):
    return str(error.args[0]) if isinstance(error, KeyError) else str(error)


def close(a, b, peak):
    if math.isnan(b) or math.isinf(b):
        return a == b or (math.isnan(a) and math.isnan(b))
    return abs(a - b) <= 1e-9 * peak


def agree(nested, groups, ticks, kind="sgd", texts=True):
    """Hold formula, replay and exceptions against the real thing."""
    rates, momenta, raised = run_real(nested, groups, ticks, kind)
    optimizer = ours(groups, kind)
    try:
        emulated = construct(build, optimizer, nested)
    except ScheduleRaises as error:
        assert raised is not None and raised[2] is None, f"only the emulation raises: {error}"
        assert (error.exception, error.tick) == (raised[0], None)
        assert not texts or error.text == raised[1]
        return None
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
    if raised is not None:
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
    return emulated


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


def optional(**fields):
    """Keyword arguments of which any may be left out."""
    return st.fixed_dictionaries({}, optional=fields)


def scheduler(name, required=None, **optionals):
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
def test_one_scheduler(name):
    @budget
    @given(SIMPLE[name], any_groups, st.sampled_from([40, 150, 400]), st.sampled_from(["sgd", "adam", "adagrad"]))
    def check(nested, groups, ticks, kind):
        agree(nested, groups, ticks, kind)

    check()


# Phases and links for the combinations: mostly sound ones, so that the combination itself is what is tested.
small = st.integers(1, 40)
rates = st.floats(0.0, 1.0)
PARTS = st.one_of(
    st.builds(lambda n, a, b: Nested("LinearLR", total_iters=n, start_factor=a, end_factor=b), small, st.floats(0.01, 1), rates),
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


def sequential(parts):
    """SequentialLR over parts; sometimes with milestones out of order, one too many, or the same part twice."""

    def make(members, milestones, ordered, wrong, twice):
        milestones = (sorted(milestones) if ordered else milestones)[: len(members) - 1 + wrong]
        if twice and len(members) > 2:
            members = [*members[:-1], members[0]]
        return Nested("SequentialLR", schedulers=members, milestones=milestones)

    often, seldom = st.sampled_from([True] * 4 + [False]), st.sampled_from([False] * 9 + [True])
    marks = st.lists(st.integers(0, 120), min_size=4, max_size=4)
    return st.builds(make, st.lists(parts, min_size=1, max_size=4), marks, often, seldom.map(int), seldom)


def chained(parts):
    return st.builds(lambda members: Nested("ChainedScheduler", schedulers=members), st.lists(parts, max_size=3))


COMBINED = st.one_of(
    sequential(PARTS), chained(PARTS), sequential(PARTS | chained(PARTS) | sequential(PARTS)), chained(PARTS | sequential(PARTS))
)


@settings(budget, max_examples=250)
@given(COMBINED, any_groups, st.sampled_from([40, 150, 300]))
def test_combinations(nested, groups, ticks):
    agree(nested, groups, ticks, texts=False)
