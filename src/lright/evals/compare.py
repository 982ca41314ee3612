"""Paired differences between arms, with intervals.

The unit is a *cluster*: a problem together with its paraphrases, since these fail and succeed together. An arm's value
of a cluster is the mean over its problems and epochs; two arms are compared by the t interval of the paired differences
over clusters (`lright.ablate.stats`); where all differ by the same there is none, and a sign test decides. Epochs of
one problem are no independent evidence: they narrow nothing by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from ..ablate.stats import LEVEL, paired
from .nouns import LOOSE, OUTCOME, WORDING, WRONG, Graded

UNANIMOUS = 6  # clusters that differ by the same, from which on a sign test tells them from chance: 2 / 2**6 < 5%
SAME = 0.05  # arms whose rates differ by less than this everywhere are not told apart by a criterion (our judgement)

Value = Callable[[Graded], "float | None"]


@dataclass(frozen=True)
class Difference:
    """An arm against another: means over clusters, their paired difference, its interval; None where not testable."""

    arm: str
    against: str
    clusters: int
    mean: float
    base: float
    difference: float
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """In a word: higher, lower, or not told apart."""
        if self.low is None or self.high is None:
            told = self.clusters >= UNANIMOUS and self.difference != 0
        else:
            told = not self.low <= 0 <= self.high
        if not told:
            return "not told apart"
        return "higher" if self.difference > 0 else "lower"


def solved(graded: Graded) -> float | None:
    """1 for an answer that meets every key criterion, half of all, and says nothing wrong."""
    return float(graded.solved)


def share_of(kind: str) -> Value:
    """The share of an answer's criteria of a kind that it meets; None where it has none."""

    def value(graded: Graded) -> float | None:
        values = [s.value for s in graded.scores if s.kind == kind and s.value is not None]
        return fmean(values) if values else None

    return value


MEASURES: Mapping[str, Value] = {
    "solved": solved,
    "outcome": share_of(OUTCOME),
    "wording": share_of(WORDING),
    "wrong": share_of(WRONG),
    "loose": share_of(LOOSE),
}


def rates(answers: Iterable[Graded], value: Value, cluster: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Arm to cluster to mean value. ``cluster`` names the cluster of a problem; one that is missing is its own."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for graded in answers:
        measured = value(graded)
        if measured is not None:
            found[graded.arm][cluster.get(graded.problem, graded.problem)].append(measured)
    return {arm: {name: fmean(values) for name, values in by.items()} for arm, by in found.items()}


def difference(by_arm: Mapping[str, Mapping[str, float]], arm: str, against: str) -> Difference | None:
    """One arm against another over the clusters that both have; None without any.

    >>> rates = {"red": {"a": 0.2, "b": 0.4, "c": 0.3}, "green": {"a": 0.5, "b": 0.9, "c": 0.7}}
    >>> found = difference(rates, "green", "red")
    >>> round(found.difference, 2), round(found.low, 2), round(found.high, 2), found.verdict
    (0.4, 0.15, 0.65, 'higher')
    """
    ours, theirs = by_arm.get(arm, {}), by_arm.get(against, {})
    shared = sorted(set(ours) & set(theirs))
    if not shared:
        return None
    summary = paired([ours[name] - theirs[name] for name in shared])
    low, high = summary.interval(1 - LEVEL) if summary.testable else (None, None)
    return Difference(
        arm, against, len(shared), fmean(ours[n] for n in shared), fmean(theirs[n] for n in shared),
        summary.mean, low, high,
    )  # fmt: skip


@dataclass(frozen=True)
class Criterion:
    """One criterion over the arms: the rate at which it was met (for a wrong statement: made)."""

    name: str
    kind: str
    rates: Mapping[str, float]
    unjudged: int  # answers it could not be judged on

    @property
    def discriminates(self) -> bool:
        """Whether any two arms differ by it."""
        return len(self.rates) > 1 and max(self.rates.values()) - min(self.rates.values()) >= SAME


def criteria(answers: Sequence[Graded]) -> list[Criterion]:
    """All criteria that were scored, by kind and name."""
    kinds: dict[str, str] = {}
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    unjudged: dict[str, int] = defaultdict(int)
    for graded in answers:
        for score in graded.scores:
            kinds[score.criterion] = score.kind
            if score.value is None:
                unjudged[score.criterion] += 1
            else:
                values[score.criterion][graded.arm].append(score.value)
    order = (OUTCOME, WORDING, WRONG, LOOSE)
    names = sorted(kinds, key=lambda name: (order.index(kinds[name]), name))
    return [
        Criterion(name, kinds[name], {arm: fmean(found) for arm, found in values[name].items()}, unjudged[name])
        for name in names
    ]


@dataclass(frozen=True)
class Cost:
    """What the answers of an arm cost: medians of an answer, and how many there are and failed."""

    arm: str
    answers: int
    failed: int
    seconds: float
    tokens_in: float
    tokens_out: float
    calls: float


def costs(answers: Sequence[Graded]) -> list[Cost]:
    """The cost of each arm, in the order in which the arms first appear."""
    return [_cost(arm, [g for g in answers if g.arm == arm]) for arm in dict.fromkeys(g.arm for g in answers)]


def _cost(arm: str, of_arm: Sequence[Graded]) -> Cost:
    middle = {
        name: float(median(getattr(g.answer, name) for g in of_arm)) for name in ("seconds", "tokens_in", "tokens_out")
    }
    failed = sum(bool(g.answer.error) for g in of_arm)
    return Cost(arm, len(of_arm), failed, calls=float(median(len(g.answer.calls) for g in of_arm)), **middle)
