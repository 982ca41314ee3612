"""The statistics of paired runs: Student's t, intervals of paired differences, Holm's correction. Pure Python.

A seed is a pair: both schedules saw the same weights and the same batches, so the difference of the two runs is free of
what the seed itself does. With n seeds the mean difference has a t interval with n - 1 degrees of freedom; it is exact
for normal differences and honest about few seeds (at 3 seeds it is 2.2 times as wide as the normal one).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, stdev

from ..records import record

LEVEL = 0.95  # of all intervals and verdicts, together


def t_cdf(t: float, df: int) -> float:
    """P(T <= t) for Student's t with ``df`` >= 1 degrees of freedom.

    >>> round(t_cdf(2.776, 4), 4)
    0.975
    """
    tail = 0.5 * _beta(df / (df + t * t), df / 2, 0.5)
    return 1 - tail if t > 0 else tail


@lru_cache(maxsize=1000)
def t_quantile(p: float, df: int) -> float:
    """The t with P(T <= t) = ``p``, 0 < p < 1, to 10 digits: found by halving.

    >>> round(t_quantile(0.975, 4), 4), round(t_quantile(0.975, 1), 4)
    (2.7764, 12.7062)
    """
    if p < 0.5:
        return -t_quantile(1 - p, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < p:
        low, high = high, 2 * high
    while high - low > 1e-11 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, df) < p else (low, middle)
    return high


def _beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there the fraction of the mirrored one converges sooner
        return 1 - _beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 300):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d)
            c = 1 + term / c
            fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction


@record(frozen=True)
class Paired:
    """A mean of paired differences: ``n`` pairs, their standard deviation, and the p of "the mean is 0", two-sided.

    Where no p can be had (fewer than two pairs, or no spread at all) it is 1: nothing can be told.
    """

    n: int
    mean: float
    sd: float
    p: float

    @property
    def testable(self) -> bool:
        """Whether there is a spread to judge the mean by."""
        return self.n > 1 and self.sd > 0

    def interval(self, alpha: float) -> tuple[float, float]:
        """The t interval that misses with probability ``alpha``; without end where nothing can be told."""
        if not self.testable:
            return -math.inf, math.inf
        half = t_quantile(1 - alpha / 2, self.n - 1) * self.sd / math.sqrt(self.n)
        return self.mean - half, self.mean + half


def paired(differences: Sequence[float]) -> Paired:
    """The summary of paired differences.

    >>> result = paired([0.3, 0.1, 0.2])
    >>> round(result.mean, 3), round(result.p, 3), [round(end, 3) for end in result.interval(0.05)]
    (0.2, 0.074, [-0.048, 0.448])
    """
    n = len(differences)
    if n < 2:
        return Paired(n, fmean(differences) if differences else math.nan, 0.0, 1.0)
    mean, sd = fmean(differences), stdev(differences)
    if sd <= 1e-12 * abs(mean):  # the same n times: rounding is no spread
        return Paired(n, mean, 0.0, 1.0)
    return Paired(n, mean, sd, 2 * t_cdf(-abs(mean) / (sd / math.sqrt(n)), n - 1))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p of each of several tests: at or below 5% where it holds with all of them together (Holm 1979).

    >>> [round(p, 3) for p in holm([0.04, 0.01, 0.03])]
    [0.06, 0.03, 0.06]
    """
    adjusted, worst = [1.0] * len(ps), 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda index: ps[index])):
        worst = max(worst, min((len(ps) - rank) * ps[index], 1.0))
        adjusted[index] = worst
    return adjusted


def together(comparisons: Sequence[Sequence[Paired]]) -> list[tuple[float, float, float]]:
    """(low, high, Holm's p) of each of several comparisons: intervals that hold together with 95%.

    A comparison may be summarized in several ways: its interval spans them all and its p is the largest. Each interval
    is Bonferroni's, which holds whatever the comparisons have to do with each other, cut at 0 where Holm's test, which
    sees more, has settled the sign: so an interval has 0 inside exactly where there is no verdict.

    >>> [(low, high, p)] = together([[paired([0.3, 0.1, 0.2])]])
    >>> round(low, 3), round(high, 3), round(p, 3)
    (-0.048, 0.448, 0.074)
    """
    alpha = 1 - LEVEL
    told = []
    for ways, p in zip(comparisons, holm([_p(ways) for ways in comparisons]), strict=True):
        intervals = [way.interval(alpha / len(comparisons)) for way in ways]
        low, high = min(low for low, _ in intervals), max(high for _, high in intervals)
        if p <= alpha:
            low, high = (max(low, 0.0), high) if ways[0].mean > 0 else (low, min(high, 0.0))
        told.append((low, high, p))
    return told


def _p(ways: Sequence[Paired]) -> float:
    """The largest p; 1 where the signs differ."""
    return max(way.p for way in ways) if len({way.mean > 0 for way in ways}) == 1 else 1.0


def seeds_needed(summary: Paired, comparisons: int, most: int = 1000) -> int | None:
    """How many seeds it takes at least for an interval that leaves 0 out, if mean and spread are what they look like.

    An even chance, not a promise. None above ``most`` and where nothing can be told.

    >>> seeds_needed(paired([0.3, 0.1, 0.2]), comparisons=1)
    4
    """
    if not summary.testable:
        return None

    def settles(n: int) -> bool:
        low, high = Paired(n, summary.mean, summary.sd, 1.0).interval((1 - LEVEL) / max(comparisons, 1))
        return low > 0 or high < 0

    low, high = 1, most  # the interval shrinks with n, so that halving finds the first
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if settles(middle) else (middle, high)
    return high if settles(high) else None
