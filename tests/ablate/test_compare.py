"""What the runs say: peaks chosen without flattery, divergence as a result, verdicts that hold."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest

from lright.ablate.compare import AS_IT_IS, Analysis, Comparison, analyse
from lright.ablate.job import OWN, Cell, Job, Outcome, Peak
from lright.ablate.plan import Plan
from lright.ablate.words import Words
from lright.drive.measured import Measured

NAN = float("nan")
Grid = Mapping[str, Sequence[Sequence[float | None]]]  # schedule -> peaks -> seeds; NaN diverged, None crashed


def analysed(grid: Grid, mode: str = "min", own_peak: float | None = 0.1, factors: Sequence[float] = ()) -> Analysis:
    """The analysis of values laid out as schedule, peak, seed."""
    count = len(next(iter(grid.values())))
    usual: dict[int, list[float]] = {1: [1], 2: [1, 3], 3: [0.3, 1, 3]}
    peaks = tuple(Peak(factor=factor) for factor in (factors or usual[count]))
    seeds = tuple(range(max(len(values) for rows in grid.values() for values in rows)))
    plan = Plan("train.py", (), tuple(grid), peaks, seeds, "val_loss", mode)
    outcomes = [
        Outcome(Job(Cell(name, peak), seed), _measured(value, own_peak))
        for name, rows in grid.items()
        for peak, values in zip(peaks, rows, strict=True)
        for seed, value in enumerate(values)
    ]
    return analyse(plan, outcomes)


def _measured(value: float | None, own_peak: float | None) -> Measured:
    if value is None:
        return Measured(ended="crashed", message="no memory")
    if value != value:
        return Measured(ended="diverged", own_peak=own_peak)
    return Measured(((99, value),), value, value, 100, own_peak=own_peak)


def one(analysis: Analysis, first: str, second: str) -> Comparison:
    return next(c for c in analysis.comparisons if (c.first.name, c.second.name) == (first, second))


def hidden(analysis: Analysis) -> str:
    return "\n".join(Words(analysis, len(analysis.outcomes)).hidden())


def shown(analysis: Analysis) -> str:
    return "\n".join(Words(analysis, len(analysis.outcomes)).shown())


CLEAR: Grid = {
    OWN: [[5.0, 5.2, 5.1], [4.0, 4.3, 4.1], [6.0, 6.2, 6.1]],
    "cosine to 0": [[4.0, 4.2, 4.1], [3.0, 3.2, 3.1], [5.0, 5.2, 5.1]],
}


def test_pairs_take_the_seed_out() -> None:
    analysis = analysed(CLEAR)
    gain = one(analysis, "cosine to 0", OWN)
    assert gain.gains == pytest.approx({0: 1.0, 1: 1.1, 2: 1.0})
    assert gain.verdict == "better" and 0 < gain.low < 1.03 < gain.high
    assert "'cosine to 0' (peak 0.1) is better than own (peak 0.1): val_loss is lower by 1.03" in shown(analysis)
    assert hidden(analysis) == ""


def test_the_direction_of_the_metric() -> None:
    gain = one(analysed({name: [rows[1]] for name, rows in CLEAR.items()}, "max"), "cosine to 0", OWN)
    assert gain.verdict == "worse" and gain.summary.mean < 0


def test_a_peak_is_judged_on_the_seeds_it_was_not_chosen_on() -> None:
    lucky: Grid = {OWN: [[1.0, 9.5, 9.5], [2.0, 2.0, 8.0]], "hold": [[5.0, 5.0, 5.0], [7.0, 7.0, 7.0]]}
    own = analysed(lucky).schedules[0]
    assert [own.chosen[seed].cell.peak.factor for seed in (0, 1, 2)] == [3, 3, 3]
    swayed: Grid = {OWN: [[1.0, 4.0], [3.0, 3.0]], "hold": [[5.0, 5.0], [7.0, 7.0]]}
    analysis = analysed(swayed)
    own = analysis.schedules[0]
    assert [own.chosen[seed].cell.peak.factor for seed in (0, 1)] == [3, 1]  # each by the other seed
    assert own.values == {0: 3.0, 1: 4.0} and own.best is not None and own.best.cell.peak.factor == 1
    assert "Which peak is best for own: without one seed it is 0.1 or 0.3" in hidden(analysis)


def test_a_diverged_run_is_a_result() -> None:
    grid: Grid = {OWN: [[4.0, 4.1, 4.2], [1.0, NAN, 1.2]], "hold": [[5.0, 5.3, 5.1], [6.0, 6.1, 6.2]]}
    analysis = analysed(grid)
    own = analysis.schedules[0]
    assert own.best is not None and own.best.cell.peak.factor == 1  # the better mean diverged once: not chosen
    assert own.chosen[1].cell.peak.factor == 3 and own.lost == (1,)  # without the seed nobody could know
    assert "own diverged at peak 0.3 with 1 of 3 seeds" in shown(analysis)
    gain = one(analysis, "hold", OWN)
    assert set(gain.gains) == {0, 2} and gain.verdict == "unclear"


def test_who_diverges_is_not_called_better() -> None:
    rows = [1.0, 1.1, 1.05, 1.02, NAN]
    analysis = analysed({OWN: [[5.0, 5.1, 5.0, 5.05, 5.1]], "hold": [rows]})
    gain = one(analysis, "hold", OWN)
    assert gain.verdict == "unclear" and "diverge" in gain.withheld and gain.low < -9 and gain.high > 9
    assert "hold looks better where it did not diverge, but did with seed 4" in hidden(analysis)


def test_crashed_runs_are_left_out_and_told() -> None:
    analysis = analysed({OWN: [[5.0, 5.1, 5.3]], "hold": [[4.0, None, 4.1]]})
    assert set(one(analysis, "hold", OWN).gains) == {0, 2}
    assert "1 run failed and is left out: hold, own LR, seed 1, crashed: no memory" in hidden(analysis)


def test_all_diverged_is_no_comparison() -> None:
    analysis = analysed({OWN: [[NAN, NAN]], "hold": [[1.0, 1.1]]})
    assert analysis.comparisons == () and "own diverged at peak 0.1 with 2 of 2 seeds" in shown(analysis)


def test_edges() -> None:
    rows = [[3.0, 3.1], [2.0, 2.1], [1.0, 1.1]]
    analysis = analysed({OWN: rows, "hold": rows[::-1]})
    assert "How good own can be: the best peak is the largest tried. Try higher ones." in hidden(analysis)
    assert "How good 'hold' can be: the best peak is the smallest tried. Try lower ones." in hidden(analysis)
    diverging = analysed({OWN: [[3.0, 3.1], [2.0, 2.1], [NAN, NAN]], "hold": rows})
    assert diverging.schedules[0].edge == ""  # what is past the best was tried, and diverged


def test_another_lr_alone() -> None:
    rows = [[3.0, 3.2, 3.1], [2.0, 2.1, 2.2], [1.0, 1.1, 1.3]]
    gain = one(analysed({OWN: rows, "hold": rows}), OWN, AS_IT_IS)
    assert gain.verdict == "better" and gain.summary.mean == pytest.approx(2.9 / 3)
    assert AS_IT_IS not in {c.second.name for c in analysed(CLEAR).comparisons}  # its own LR is the best one


def test_the_peaks_of_one_schedule() -> None:
    analysis = analysed({OWN: CLEAR[OWN]})
    assert analysis.baseline.name == "peak 0.1"
    assert one(analysis, "peak 0.03", "peak 0.1").verdict == "worse"
    assert len(analysis.comparisons) == 3


def test_no_ranking_can_be_told() -> None:
    values = [1.0, 1.3, 0.8, 1.2, 0.9]
    mixed = [1.1, 0.9, 1.0, 1.05, 1.0]
    told = hidden(analysed({OWN: [values], "hold": [mixed], "cosine to 0": [values[::-1]]}))
    assert "No ranking among own, 'hold' and 'cosine to 0' can be told at 5 seeds" in told
    told = hidden(analysed({OWN: [[5.0, 5.1, 5.2, 5.05, 5.1]], "hold": [values], "cosine to 0": [mixed]}))
    assert "No ranking of 'hold' and 'cosine to 0' can be told at 5 seeds" in told and "own" not in told


def test_seeds_that_do_not_reach_the_script() -> None:
    analysis = analysed({OWN: [[1.0, 1.0, 1.0]], "hold": [[0.5, 0.5, 0.5]]})
    assert not analysis.seeds_matter and shown(analysis) == ""
    assert "every seed gave the same value" in hidden(analysis)


def test_unfinished_runs_favour_nobody() -> None:
    """Seed 2 has been through one peak only: it takes no part in the choice."""
    plan = Plan("t.py", (), (OWN, "hold"), (Peak(factor=1), Peak(factor=3)), (0, 1, 2), "val_loss", "min")
    outcomes = [
        Outcome(Job(Cell(name, peak), seed), _measured(value, 0.1))
        for name in (OWN, "hold")
        for peak, values in zip(plan.peaks, ([3.0, 3.1, 99.0], [3.5, 3.6]), strict=True)
        for seed, value in enumerate(values)
    ]
    own = analyse(plan, outcomes).schedules[0]
    assert own.best is not None and own.best.cell.peak.factor == 1 and set(own.chosen) == {0, 1}


CASES = {
    "all peaks alike, one alike": ([0.0] * 5, [0.0] * 5),
    "all peaks alike, one sharp": ([0.0] * 5, [9.0, 9.0, 0.0, 9.0, 9.0]),
    "both sharp": ([4.0, 0.0, 4.0], [4.0, 0.0, 4.0]),
    "both shallow": ([0.3, 0.0, 0.3], [0.5, 0.0, 0.5]),
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_hold_what_they_say_although_peaks_are_chosen(case: str) -> None:
    """Gains over the best peaks' true means, which are equal here: the 95% intervals hold 0, the gain has no bias."""
    rng, rounds = random.Random(case), 150
    within, bias = 0, 0.0
    for _ in range(rounds):
        shared = [rng.gauss(0, 1) for _ in range(5)]
        grid = {
            name: [[mean + seed + rng.gauss(0, 1) for seed in shared] for mean in means]
            for name, means in zip((OWN, "hold"), CASES[case], strict=True)
        }
        gain = analysed(grid, factors=[1.01 + index for index in range(len(CASES[case][0]))]).comparisons[0]
        within += gain.low <= 0 <= gain.high
        bias += gain.summary.mean / rounds
    assert within / rounds >= 0.92
    assert abs(bias) < 0.2
