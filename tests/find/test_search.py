"""The protocol: what a driver is told to do, and that everything seen is kept."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from find.curves import valley
from lright.errors import UsageError
from lright.find import LrFind, Search, SearchOptions, Segment
from lright.find.result import Trial
from lright.find.trials import chosen, next_peak, trial_of


def drive(search: Search, best: float = -1.7, validation: bool = False) -> list[Segment]:
    """Drive a search over a made-up training whose trials are best at log10 LR ``best``."""
    segments = []
    for segment in search:
        segments.append(segment)
        losses = valley(seed=segment.seed)
        for i in range(segment.steps):
            peak = segment.peak
            loss = losses[i] if peak is None else 1 + (math.log10(peak) - best) ** 2 - i / segment.steps
            if segment.saw(i, loss):
                break
        if validation and segment.kind == "trial":
            assert segment.peak is not None
            segment.validation(abs(math.log10(segment.peak) - best))
    return segments


def test_one_sweep() -> None:
    search = Search(optimizer="AdamW", base_lrs=(1e-3,))
    (sweep,) = drive(search)
    assert (sweep.kind, sweep.steps, sweep.seed) == ("sweep", 200, 0)
    assert sweep.lr(0) == pytest.approx(1e-6)
    assert sweep.lr(199) == pytest.approx(10)
    assert sweep.lr(100) / sweep.lr(99) == pytest.approx(sweep.lr(1) / sweep.lr(0))
    found = search.result()
    assert 1e-3 < found.suggestion < 5e-2
    assert len(search) == 1 and search.total_steps == 200


def test_seeds_are_sweeps_and_trials_see_the_same_batches() -> None:
    search = Search(SearchOptions(seeds=3, trials=3), optimizer="SGD")
    segments = drive(search)
    assert [(s.kind, s.seed) for s in segments] == [("sweep", 0), ("sweep", 1), ("sweep", 2)] + [("trial", 0)] * 3
    assert len(search.result().curves) == 3


def test_a_trial_decays_to_zero() -> None:
    trial = drive(Search(SearchOptions(trials=1)))[-1]
    assert trial.peak is not None
    assert trial.lr(0) == trial.peak
    assert trial.lr(30) == pytest.approx(trial.peak / 2)
    assert 0 < trial.lr(59) < trial.peak / 50


@pytest.mark.parametrize("best", [-3.0, -2.0, -1.0])
@pytest.mark.parametrize("validation", [False, True])
def test_trials_climb_to_the_best(best: float, validation: bool) -> None:
    search = Search(SearchOptions(trials=6), optimizer="AdamW")
    drive(search, best, validation)
    found = search.result()
    assert math.log10(found.suggestion) == pytest.approx(best - 0.1, abs=0.2)
    assert ("validation" in found.reason) == validation
    assert len(found.trials) <= 6


def test_trials_at_an_edge_say_so() -> None:
    search = Search(SearchOptions(trials=2), optimizer="AdamW")
    drive(search, best=0.5)
    assert any("highest LR tried" in note for note in search.result().notes)


def test_trials_rescue_an_abstention() -> None:
    search = Search(SearchOptions(trials=5), optimizer="AdamW")
    for segment in search:
        for i in range(segment.steps):
            if segment.saw(i, 2.0 if segment.peak is None else abs(math.log10(segment.peak) + 2) + 1):
                break
    found = search.result()
    assert not found.abstained
    assert math.log10(found.suggestion) == pytest.approx(-2.1, abs=0.2)
    assert "default" in found.reason


def test_trials_that_all_diverge_leave_the_sweep() -> None:
    search = Search(SearchOptions(trials=3), optimizer="AdamW")
    for segment in search:
        losses = valley()
        for i in range(segment.steps):
            if segment.saw(i, losses[i] if segment.peak is None else math.nan):
                break
    found = search.result()
    assert found.suggestion == search.suggestion().lr
    assert any("every trial diverged" in note for note in found.notes)


def test_diverged_trials_lead_downwards() -> None:
    search = Search(SearchOptions(trials=5), optimizer="SGD")
    peaks = []
    for segment in search:
        losses = valley()
        if segment.peak is not None:
            peaks.append(segment.peak)
        for i in range(segment.steps):
            loss = losses[i] if segment.peak is None else math.inf if segment.peak > 2e-3 else 1.0 - i / 100
            if segment.saw(i, loss):
                break
    assert min(peaks) < 2e-3
    assert search.result().suggestion < 3e-3


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_loss_goes_on_two_end_it(bad: float) -> None:
    segment = Segment("sweep", "", [1e-3] * 50)
    assert not segment.saw(0, 1.0)
    assert not segment.saw(1, bad)
    assert not segment.saw(2, 1.0)
    assert not segment.saw(3, bad)
    assert segment.saw(4, bad)
    assert segment.diverged and segment.finished
    assert segment.saw(5, 1.0)  # late calls are ignored
    assert len(segment.losses) == 5


@pytest.mark.parametrize("offset", [-10.0, 0.0, 10.0])
def test_a_sweep_ends_once_it_is_hopeless(offset: float) -> None:
    segment = Segment("sweep", "", [1e-3] * 200)
    losses = [offset + loss for loss in valley(blow_up=-2.5)]
    last = next(i for i, loss in enumerate(losses) if segment.saw(i, loss))
    assert 100 < last < 190
    assert not segment.diverged


def test_a_trial_is_never_hopeless() -> None:
    segment = Segment("trial", "", [1e-3] * 50, peak=1e-3)
    assert not any(segment.saw(i, 1.0 if i < 12 else 1e6) for i in range(49))


def test_late_losses_are_seen_in_order() -> None:
    """A GPU's losses arrive some steps late, and one that could not be read is skipped."""
    segment = Segment("sweep", "", [1e-3] * 20)
    segment.saw(0, 1.0)
    segment.saw(2, 0.9)
    assert math.isnan(segment.losses[1]) and segment.losses[2] == 0.9


def test_interrupted_keeps_what_it_has() -> None:
    search = Search(SearchOptions(trials=3), optimizer="AdamW")
    for segment in search:
        losses = valley()
        for i in range(segment.steps if segment.kind == "sweep" else 20):
            segment.saw(i, losses[i])
        if segment.kind == "trial":
            break
    found = search.result(interrupted=True)
    assert found.interrupted and found.trials == ()
    assert any("interrupted" in note for note in found.notes)
    assert not found.abstained
    early = Search()
    for segment in early:
        segment.saw(0, 1.0)
        break
    assert early.result(interrupted=True).abstained


def test_nothing_driven_is_an_abstention() -> None:
    found = Search(optimizer="SGD").result(interrupted=True)
    assert found.abstained and found.curve.lrs == ()
    assert isinstance(found, LrFind)


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": 0.0},
        {"start": 1.0, "end": 0.1},
        {"end": math.inf},
        {"steps": 3},
        {"seeds": 0},
        {"trials": -1},
        {"trials": 2.5},
    ],
)
def test_senseless_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="give"):
        Search(SearchOptions(**wrong))  # type: ignore[arg-type]


def test_groups_keep_their_ratios() -> None:
    search = Search(optimizer="AdamW", base_lrs=(1e-4, 1e-3, 0.0))
    drive(search)
    found = search.result()
    assert found.uses["decaying"].groups == pytest.approx((found.suggestion / 10, found.suggestion, 0.0))
    assert Search(base_lrs=(0.0, 0.0)).result().uses["decaying"].groups == ()


def test_one_cycle_stays_below_instability() -> None:
    search = Search(optimizer="SGD")
    drive(search)
    found = search.result()
    assert found.unstable_from is not None
    assert found.uses["one_cycle"].lr <= found.unstable_from / 1.99
    assert found.uses["constant"].lr < found.suggestion


def test_a_trial_is_judged_by_validation_first() -> None:
    assert trial_of(0.1, [3.0] * 10, 1.5, False).loss == 1.5
    assert trial_of(0.1, [3.0] * 8 + [1.0, math.nan], None, False).loss == 1.0
    assert trial_of(0.1, [3.0], 1.5, True).loss == math.inf
    assert trial_of(0.1, [3.0], math.nan, False).diverged


trial_lists = st.lists(
    st.tuples(st.floats(-5, 0), st.one_of(st.floats(0, 10), st.just(math.inf))),
    min_size=1,
    max_size=8,
    unique_by=lambda pair: round(pair[0], 1),
)


@given(trial_lists)
def test_what_is_chosen_lies_among_the_trials(pairs: list[tuple[float, float]]) -> None:
    trials = [Trial(10**x, loss) for x, loss in pairs]
    lr = chosen(trials)
    if all(math.isinf(trial.loss) for trial in trials):
        assert lr is None
    else:
        assert lr is not None
        assert min(t.lr for t in trials) / 1.3 <= lr <= max(t.lr for t in trials) * 1.0001


@given(st.floats(-4, -1), st.integers(1, 12))
def test_the_climb_never_repeats_and_stays_in_range(best: float, budget: int) -> None:
    trials: list[Trial] = []
    for _ in range(budget):
        peak = next_peak(trials, 1e-2, 1e-6, 10.0)
        if peak is None:
            break
        assert 1e-6 <= peak <= 10
        assert all(abs(math.log10(peak / trial.lr)) > 0.1 for trial in trials)
        trials.append(Trial(peak, (math.log10(peak) - best) ** 2))
    if len(trials) >= 8:
        lr = chosen(trials)
        assert lr is not None and math.log10(lr) == pytest.approx(best - 0.1, abs=0.2)
