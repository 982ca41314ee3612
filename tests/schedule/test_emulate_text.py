"""Schedulers from the text of their constructors: what is read, what is refused, and nothing executed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lright.errors import LrightError
from lright.schedule.emulate import Optimizer, ScheduleRaises, build, emulated_from_text

ONE = Optimizer(lr=1.0)


@pytest.mark.parametrize(
    ("text", "tick", "lr"),
    [
        ("StepLR(30, gamma=0.1)", 30, 0.1),
        ("StepLR(opt, 30, gamma=1 / 4)", 60, 0.0625),
        ("torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=30, gamma=.5)", 30, 0.5),
        ("MultiStepLR(milestones=[int(90 * f) for f in (0.5, 0.75)])", 45, 0.1),
        ("ChainedScheduler([ConstantLR(), ExponentialLR(.5)], optimizer)", 5, 0.03125),
        ("get_scheduler('linear', optimizer, 10, 110)", 60, 0.5),
        (
            "get_scheduler(SchedulerType.LINEAR, optimizer=opt, num_warmup_steps=10, num_training_steps=110)",
            5,
            0.5,
        ),
        ("CosineLRScheduler(opt, t_initial=10)", 5, 0.5),
        ("LambdaLR(lambda t: 0.1 ** sum(t >= m for m in [30, 60]))", 60, 0.01),
        ("LambdaLR(opt, lambda ep: max(0.1, 1 - ep / 90) if ep < 45 else 0.25)", 44, 1 - 44 / 90),
        ("LambdaLR(lambda t: 0.5 * (1 + math.cos(math.pi * t / 10)))", 5, 0.5),
        ("LambdaLR([lambda t: [1, 0.5, 0.25][min(t // 2, 2)]])", 3, 0.5),
        ("LambdaLR(lambda t: not t or (t > 3 and 0.5))", 0, 1.0),
        (
            "SequentialLR([LinearLR(0.1, total_iters=5), CosineAnnealingLR(T_max=95)], milestones=[5])",
            100,
            0.0,
        ),
    ],
)
def test_read(text: str, tick: int, lr: float) -> None:
    assert emulated_from_text(text, ONE).lr(tick) == pytest.approx(lr, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("StepLR(30", "column 7"),
        ("Foo(3)", "no scheduler is called 'Foo'"),
        ("30", "write a call of a scheduler"),
        ("StepLR(n)", "the value of 'n' is not known"),
        ("StepLR(__import__('os'))", "column 8"),
        ("StepLR(30, **options)", "** is not understood"),
        ("StepLR((1).__class__)", "not understood"),
        ("StepLR(9 ** 9 ** 9)", "too large"),
        ("StepLR([0] * 10 ** 9)", "arithmetic on list and int"),
        ("MultiStepLR([i for i in range(10 ** 8)])", "too long"),
        ("LambdaLR(lambda t: f(t))", "column 20"),
        ("LambdaLR(lambda t=3: t)", "plain arguments"),
        ("LambdaLR(lambda t: t[1:])", "slices"),
        ("(" * 5000 + ")" * 5000, "cannot read"),
        ("StepLR(" + "-" * 4000 + "1)", "cannot read"),
        ("StepLR(" + "1+" * 9000 + "1)", "too long"),
    ],
)
def test_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(LrightError) as caught:
        emulated_from_text(text, ONE)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 1200


def test_what_the_constructor_refuses() -> None:
    with pytest.raises(ScheduleRaises) as caught:
        emulated_from_text("CosineAnnealingLR(T_max=10, verbose=True)", ONE)
    expected = "CosineAnnealingLR.__init__() got an unexpected keyword argument 'verbose'"
    assert (caught.value.exception, caught.value.text, caught.value.tick) == ("TypeError", expected, None)


def test_a_lambda_that_raises_later() -> None:
    raised = emulated_from_text("LambdaLR(lambda t: 1 / (5 - t))", ONE).first_raise(100)
    assert raised is not None
    assert (raised.exception, raised.tick) == ("ZeroDivisionError", 5)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1000), st.floats(0, 1), st.integers(0, 2000))
def test_text_and_call_are_one(length: int, floor: float, tick: int) -> None:
    read = emulated_from_text(f"CosineAnnealingLR(T_max={length}, eta_min={floor!r})", ONE)
    built = build("CosineAnnealingLR", ONE, T_max=length, eta_min=floor)
    assert read.arguments == built.arguments
    assert read.lr(tick) == built.lr(tick)
    assert emulated_from_text(repr(built), ONE).arguments == built.arguments
