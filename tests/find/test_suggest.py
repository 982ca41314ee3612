"""What is read from a sweep: the landmarks, robustness, honesty."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from find.curves import LRS, made, valley
from lright.find import suggest
from lright.find.curve import medians, read, smoothed, valley_fit
from lright.find.suggest import default_of

OPTIMIZERS = ("SGD", "AdamW", "Adam", "RMSprop", "Lion", "Muon", "Wonder", "")


def log(lr: float) -> float:
    return math.log10(lr)


@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
def test_a_usual_sweep(optimizer: str) -> None:
    found = suggest(LRS, valley(), optimizer=optimizer)
    assert not found.abstained
    assert -3 < log(found.lr) < -1.3
    low, high = found.interval
    assert low < found.lr < high
    assert found.unstable_from is not None
    assert found.lr * 2 <= found.unstable_from * 1.0001
    assert found.confidence == "high"


@pytest.mark.parametrize("shift", [-2.0, -1.0, 1.0])
def test_it_moves_with_the_curve(shift: float) -> None:
    here = suggest(LRS, valley(), optimizer="AdamW")
    there = suggest(LRS, valley(-3 + shift, -2 + shift, -1 + shift), optimizer="AdamW")
    assert log(there.lr) - log(here.lr) == pytest.approx(shift, abs=0.15)


@pytest.mark.parametrize(("factor", "offset"), [(1, -10), (1, 1000), (100, 0), (0.01, -3)])
def test_adding_to_the_losses_or_scaling_them_changes_nothing(factor: float, offset: float) -> None:
    plain = suggest(LRS, valley(), optimizer="SGD")
    other = suggest(LRS, [factor * loss + offset for loss in valley()], optimizer="SGD")
    assert log(other.lr) == pytest.approx(log(plain.lr), abs=0.02)
    assert other.confidence == plain.confidence


def test_one_nan_batch_is_left_out() -> None:
    losses = valley()
    losses[90] = math.nan
    losses[100] = math.inf
    found = suggest(LRS, losses, optimizer="SGD")
    assert log(found.lr) == pytest.approx(log(suggest(LRS, valley(), optimizer="SGD").lr), abs=0.1)
    assert any("2 losses" in note for note in found.notes)
    assert found.unstable_from is not None and found.unstable_from > 0.01


def test_two_nan_batches_are_the_end() -> None:
    losses = valley(blow_up=5)
    losses[150:] = [math.nan] * 50
    found = suggest(LRS, losses, optimizer="SGD")
    assert found.unstable_from == pytest.approx(LRS[150])
    assert found.lr <= LRS[150] / 2


def test_spikes_do_not_move_it() -> None:
    losses = valley()
    for i in (20, 60, 95, 110, 118):
        losses[i] += 50
        losses[i + 2] -= 1.5
    assert log(suggest(LRS, losses).lr) == pytest.approx(log(suggest(LRS, valley()).lr), abs=0.2)


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.4])
def test_seeds_agree(noise: float) -> None:
    found = [log(suggest(LRS, valley(noise=noise, seed=seed), optimizer="AdamW").lr) for seed in range(8)]
    assert max(found) - min(found) < 0.5


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([0.7] * 200, "did not fall"),
        (made(lambda x, draw: 0.7 + 0.2 * draw.gauss(0, 1)), "noise"),
        (made(lambda x, draw: 2.3 + 10 ** (x + 3)), "lowest where the sweep began"),
        (made(lambda x, draw: x), "lowest where the sweep began"),
        ([math.nan] * 200, "fewer than ten"),
        ([1.0, 2.0, math.nan, math.nan], "fewer than ten"),
        ([], "fewer than ten"),
    ],
    ids=["flat", "noise", "rises at once", "rises from the start", "nan", "nan at once", "nothing"],
)
def test_it_abstains_with_a_reason_and_a_default(losses: list[float], words: str) -> None:
    found = suggest(LRS, losses, optimizer="AdamW")
    assert found.abstained
    assert words in found.reason
    assert found.confidence == "low" and found.chance == 0
    assert 1e-5 < found.lr <= default_of("AdamW").lr
    assert any("default" in note for note in found.notes)


def test_noise_alone_is_rarely_believed() -> None:
    sweeps = [made(lambda x, draw: 2 + 0.3 * draw.gauss(0, 1), seed) for seed in range(60)]
    believed = [found for losses in sweeps if not (found := suggest(LRS, losses, optimizer="SGD")).abstained]
    assert len(believed) < 18
    assert all(found.confidence == "low" for found in believed)


def test_a_default_stays_below_what_was_unstable() -> None:
    found = suggest(LRS, made(lambda x, draw: 2.3 + 10 ** (2 * (x + 4))), optimizer="SGD")
    assert found.abstained
    assert found.unstable_from is not None
    assert found.lr <= found.unstable_from / 1.99


def test_the_ends_of_the_range_are_told() -> None:
    falls = suggest(LRS, made(lambda x, draw: -x + 0.01 * draw.gauss(0, 1)), optimizer="SGD")
    assert any("high end" in note for note in falls.notes)
    assert falls.unstable_from is None
    late = made(lambda x, draw: 2 - math.exp(-((x + 5.8) ** 2)) + 0.001 * draw.gauss(0, 1))
    assert not any("high end" in note for note in suggest(LRS, late, optimizer="SGD").notes)


def test_several_seeds_widen_the_interval() -> None:
    others = [(LRS, valley(-3.4, -2.4, seed=1)), (LRS, valley(-2.6, -1.6, seed=2))]
    one, three = suggest(LRS, valley()), suggest(LRS, valley(), seeds=others)
    assert log(three.lr) == pytest.approx(log(one.lr), abs=0.3)
    assert three.interval[0] < one.interval[0]
    assert len(three.sweeps) == 3


def test_a_minority_of_useless_sweeps_is_outvoted() -> None:
    flat = (LRS, [2.3] * 200)
    assert not suggest(LRS, [2.3] * 200, seeds=[(LRS, valley()), (LRS, valley(seed=1))]).abstained
    assert suggest(LRS, valley(), seeds=[flat, flat]).abstained


def test_losses_of_a_gan() -> None:
    """Two forces, no fall worth the name: whatever it says, it is sober."""
    losses = made(lambda x, draw: 0.7 + 0.3 * math.sin(9 * x) + 0.2 * draw.gauss(0, 1))
    found = suggest(LRS, losses, optimizer="Adam")
    assert 1e-6 <= found.lr <= 10
    assert found.interval[0] <= found.lr <= found.interval[1]


numbers = st.one_of(
    st.floats(-1e3, 1e3), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 1e308, -1e308, 1e-308])
)


@given(st.lists(numbers, max_size=220), st.sampled_from(OPTIMIZERS))
def test_no_numbers_break_it(losses: list[float], optimizer: str) -> None:
    found = suggest(LRS, losses, optimizer=optimizer)
    assert math.isfinite(found.lr) and found.lr > 0
    low, high = found.interval
    assert 0 < low <= found.lr <= high < math.inf
    assert found.reason
    assert found.unstable_from is None or found.unstable_from > 0


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(-4.5, -1.5), st.floats(0.2, 1.5), st.floats(0.0, 0.3))
def test_any_valley_is_found(seed: int, half: float, width: float, noise: float) -> None:
    losses = valley(half, half + width, half + width + 0.7, noise=noise, seed=seed)
    found = suggest(LRS, losses, optimizer="AdamW")
    assert not found.abstained
    assert half - 0.5 < log(found.lr) < half + width + 0.7


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=60))
def test_the_valley_fit_falls_then_rises(ys: list[float]) -> None:
    fit = valley_fit(ys)
    assert len(fit) == len(ys)
    turn = min(range(len(fit)), key=fit.__getitem__)
    assert all(before >= after - 1e-9 for before, after in zip(fit[:turn], fit[1 : turn + 1]))
    assert all(before <= after + 1e-9 for before, after in zip(fit[turn:], fit[turn + 1 :]))


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9))
def test_no_other_valley_is_nearer(ys: list[float]) -> None:
    """Against the fits for every turn, made the slow way."""
    error = sum((y - f) ** 2 for y, f in zip(ys, valley_fit(ys)))
    best = min(_error(ys, turn) for turn in range(len(ys)))
    assert error == pytest.approx(best, abs=1e-6)


def _error(ys: list[float], turn: int) -> float:
    fit = _falling(ys[: turn + 1]) + _falling(ys[turn + 1 :][::-1])[::-1]
    return sum((y - f) ** 2 for y, f in zip(ys, fit))


def _falling(ys: list[float]) -> list[float]:
    """The min-max formula of isotonic regression."""

    def mean(part: list[float]) -> float:
        return sum(part) / len(part)

    count = len(ys)
    return [
        min(max(mean(ys[a : b + 1]) for b in range(i, count)) for a in range(i + 1)) for i in range(count)
    ]


def test_smoothing_has_no_lag() -> None:
    ys = [math.exp(-(((i - 100) / 10) ** 2)) for i in range(200)]
    smooth = smoothed(ys, 4.0)
    assert max(range(200), key=smooth.__getitem__) == 100


def test_medians_take_spikes_out() -> None:
    ys = [1.0] * 20
    ys[5] = ys[6] = 90.0
    assert medians(ys, 2) == [1.0] * 20


def test_a_sweep_knows_its_landmarks() -> None:
    sweep = read(LRS, valley(noise=0.0))
    assert sweep is not None
    assert sweep.down_to(0.5) == pytest.approx(-3, abs=0.1)
    assert sweep.down_to(0.25) < sweep.down_to(0.5) < sweep.down_to(0.75)
    assert sweep.noise == pytest.approx(0, abs=1e-3)
    up = sweep.up_by(0.5)
    assert up is not None and -2 < sweep.valley < up < 0


def test_reading_is_quick() -> None:
    """Judging a sweep must cost nothing beside making it: a few milliseconds."""
    import time

    losses = valley()
    begin = time.process_time()
    for _ in range(10):
        suggest(LRS, losses, optimizer="SGD")
    assert (time.process_time() - begin) / 10 < 0.1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_default_is_sober(optimizer: str) -> None:
    default = default_of(optimizer)
    assert 0 < default.low <= default.lr <= default.high
    assert default.source


def test_an_unknown_optimizer_is_not_pulled() -> None:
    noisy = valley(noise=1.0, seed=3)
    assert "drawn" not in suggest(LRS, noisy, optimizer="Wonder").reason


def test_short_and_long_sweeps() -> None:
    for steps in (30, 60, 400):
        lrs = [10 ** (-6 + 7 * i / (steps - 1)) for i in range(steps)]
        draw = random.Random(1)
        clean = [2 - 1.5 / (1 + 10 ** (-3 * (log(lr) + 3))) + 10 ** (3 * (log(lr) + 1)) for lr in lrs]
        losses = [loss + 0.02 * draw.gauss(0, 1) for loss in clean]
        assert -3.2 < log(suggest(lrs, losses, optimizer="AdamW").lr) < -1.2, steps
