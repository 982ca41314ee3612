"""The statistics: against tables, against scipy where it is there, and by simulation."""

from __future__ import annotations

import math
import random

import pytest

from lright.ablate.stats import Paired, holm, paired, seeds_needed, t_cdf, t_quantile, together

# Student's t, two-sided 95% and 99%, as every textbook has them.
TABLE = {
    1: (12.706, 63.657), 2: (4.303, 9.925), 3: (3.182, 5.841), 4: (2.776, 4.604), 5: (2.571, 4.032), 9: (2.262, 3.250),
    29: (2.045, 2.756), 120: (1.980, 2.617),
}  # fmt: skip


@pytest.mark.parametrize("df", TABLE)
def test_quantiles_of_the_table(df: int) -> None:
    assert t_quantile(0.975, df) == pytest.approx(TABLE[df][0], abs=6e-4)
    assert t_quantile(0.995, df) == pytest.approx(TABLE[df][1], abs=6e-4)
    assert t_quantile(0.025, df) == -t_quantile(0.975, df)


def test_quantiles_of_scipy() -> None:
    t = pytest.importorskip("scipy.stats", reason="scipy is not installed").t
    for df in (1, 2, 3, 4, 7, 30, 1000):
        for p in (0.6, 0.9, 0.975, 0.9975, 0.99999):
            assert t_quantile(p, df) == pytest.approx(t.ppf(p, df), rel=1e-9)
            assert t_cdf(t_quantile(p, df), df) == pytest.approx(p, abs=1e-11)


def test_paired_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy is not installed")
    differences = [0.3, -0.1, 0.25, 0.4, 0.05]
    assert paired(differences).p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-9)


def test_few_or_equal_differences_tell_nothing() -> None:
    for differences in ([], [0.5], [0.5, 0.5, 0.5], [0.1 + 0.2, 0.3]):
        summary = paired(differences)
        assert summary.p == 1 and not summary.testable
        assert summary.interval(0.05) == (-math.inf, math.inf)
    assert seeds_needed(paired([0.5]), 1) is None


def test_holm_is_monotone_and_between_plain_and_bonferroni() -> None:
    rng = random.Random(1)
    for _ in range(100):
        ps = [rng.random() ** 3 for _ in range(6)]
        adjusted = holm(ps)
        assert all(p <= q <= min(6 * p, 1) + 1e-12 for p, q in zip(ps, adjusted, strict=True))
        ranked = sorted(range(6), key=lambda i: ps[i])
        assert [adjusted[i] for i in ranked] == sorted(adjusted)


def test_an_interval_leaves_0_out_exactly_where_there_is_a_verdict() -> None:
    rng = random.Random(2)
    for _ in range(300):
        summaries = [[paired([rng.gauss(mean, 1) for _ in range(5)])] for mean in (0, 1, 2, 4)]
        for (low, high, p), (summary,) in zip(together(summaries), summaries, strict=True):
            assert (low < 0 < high) == (p > 0.05)
            assert low <= summary.mean <= high


def test_an_interval_spans_all_ways_of_seeing() -> None:
    one, other = Paired(5, 0.2, 0.1, 0.01), Paired(5, 0.1, 0.2, 0.33)
    [(low, high, p)] = together([[one, other]])
    assert low == other.interval(0.05)[0] and high == max(one.interval(0.05)[1], other.interval(0.05)[1]) and p == 0.33
    [(low, high, p)] = together([[one, Paired(5, -0.1, 0.01, 0.01)]])  # signs that differ settle nothing
    assert low < 0 < high and p == 1


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_t_intervals_hold_what_they_say(n: int) -> None:
    rng = random.Random(n)
    rounds, hit = 1500, 0
    for _ in range(rounds):
        low, high = paired([rng.gauss(0.3, 1) for _ in range(n)]).interval(0.05)
        hit += low <= 0.3 <= high
    assert hit / rounds == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("true", [(0, 0, 0), (0, 0, 9), (9, 9, 9), (0, 1.5, 3)])
def test_intervals_and_verdicts_hold_together(true: tuple[float, ...]) -> None:
    """All intervals at once, and no false or wrongly directed verdict, in at least 95% of ablations."""
    rng = random.Random(str(true))
    rounds, all_in, clean = 500, 0, 0
    for _ in range(rounds):
        shared = [rng.gauss(0, 1) for _ in range(5)]  # comparisons share their baseline, so they are not independent
        told = together([[paired([mean + rng.gauss(0, 1) + seed for seed in shared])] for mean in true])
        all_in += all(low <= mean <= high for mean, (low, high, _) in zip(true, told, strict=True))
        clean += not any(p <= 0.05 and (mean == 0 or high <= 0) for mean, (_, high, p) in zip(true, told, strict=True))
    assert all_in / rounds >= 0.935 and clean / rounds >= 0.935
