"""What the runs say: the best peak of each schedule, the paired gains, what holds and what does not.

**The peak.** Each schedule is judged at its own best peak, or one would win by luck with the LR. The best is chosen by
the mean over the seeds, and there are two ways to judge it. On the same seeds: that flatters a schedule, the more the
more alike its peaks are. Or each seed at the peak that is best on the *other* seeds: that flatters nobody, but its
spread looks smaller than it is. Where one peak is clearly best the two are the same. So the gain shown is that of the
second way, its interval spans both, and a verdict needs both.

Measured by simulation (1500 ablations each, normal noise; ``tests/ablate/test_compare.py`` repeats it in small), what
95% intervals hold at 3, 5 and 10 seeds, over seven cases from "all peaks alike" to "one clearly best":
same seeds 88 to 99%, and nine alike peaks flatter by 1.49 standard deviations of a mean; left out 79 to 95%, without
flattery; both 94 to 99%.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean

from ..records import record, replace
from .job import OWN, Cell, Outcome, Peak
from .plan import Plan
from .stats import LEVEL, Paired, paired, seeds_needed, together

AS_IT_IS = "the script as it is"


@record(frozen=True)
class Tried:
    """A schedule at one peak: its values by seed, and the seeds in which it diverged or failed."""

    cell: Cell
    values: Mapping[int, float]
    diverged: tuple[int, ...]
    failed: tuple[int, ...]

    @property
    def mean(self) -> float | None:
        """Over the seeds with a value."""
        return fmean(self.values.values()) if self.values else None

    @property
    def seeds(self) -> set[int]:
        """Those with any outcome."""
        return {*self.values, *self.diverged, *self.failed}


@record(frozen=True)
class Entrant:
    """A schedule at its own best peak. ``chosen`` is, for each seed, the cell that is best on the others."""

    name: str
    tried: tuple[Tried, ...]  # by rising peak
    best: Tried | None  # over all seeds: the one to use
    chosen: Mapping[int, Tried]

    @property
    def values(self) -> dict[int, float]:
        """By seed, at the peak chosen without it."""
        return {seed: tried.values[seed] for seed, tried in self.chosen.items() if seed in tried.values}

    @property
    def lost(self) -> tuple[int, ...]:
        """The seeds at which it diverged at the peak chosen without them."""
        return tuple(seed for seed, tried in self.chosen.items() if seed in tried.diverged)

    @property
    def is_steady(self) -> bool:
        """Whether the same peak was chosen whatever seed was left out."""
        return len({tried.cell for tried in self.chosen.values()}) <= 1

    @property
    def edge(self) -> str:
        """"largest" or "smallest" where the best peak is at that end of those tried: beyond it may be a better one."""
        if self.best is None or len(self.tried) < 2:
            return ""
        place = self.tried.index(self.best)
        return {0: "smallest", len(self.tried) - 1: "largest"}.get(place, "")


@record(frozen=True)
class Comparison:
    """``first`` against ``second``: a positive gain means that ``first`` is better, whichever way the metric goes.

    ``low`` and ``high`` are the interval that holds together with those of all comparisons, ``p`` Holm's.
    """

    first: Entrant
    second: Entrant
    gains: Mapping[int, float]
    summary: Paired  # with the peaks chosen without the seed that is judged
    same: Paired  # with the peaks chosen on all seeds
    low: float = -math.inf
    high: float = math.inf
    p: float = 1.0
    comparisons: int = 1
    withheld: str = ""  # why nothing is said although the numbers would

    @property
    def verdict(self) -> str:
        """"better", "worse" or "unclear"."""
        if self.withheld or not (self.summary.testable and self.same.testable) or self.p > 1 - LEVEL:
            return "unclear"
        return "better" if self.summary.mean > 0 else "worse"

    @property
    def needed(self) -> int | None:
        """The seeds it takes at least, if the gain is what it looks like."""
        return seeds_needed(self.summary, self.comparisons)


@record(frozen=True)
class Analysis:
    """All that the runs say: the ``schedules`` at their peaks, and the ``comparisons``, corrected together.

    What is compared are the schedules, or the peaks where there is only one schedule; with ``baseline`` first of all.
    """

    plan: Plan
    outcomes: tuple[Outcome, ...]
    schedules: tuple[Entrant, ...]
    baseline: Entrant
    comparisons: tuple[Comparison, ...]
    own_peak: float | None
    seeds_matter: bool = True


def analyse(plan: Plan, outcomes: Sequence[Outcome]) -> Analysis:
    """Judge the runs that are there, all of them or some."""
    sign = 1.0 if plan.mode == "min" else -1.0
    schedules = [_entrant(name, _tried(plan, name, outcomes), sign) for name in plan.schedules]
    own_peak = own_peak_of(outcomes)
    entrants = _first(plan, schedules if len(schedules) > 1 else _peaks(schedules[0], own_peak))
    pairs = [(first, second) for second, first in combinations(entrants, 2)]
    if len(schedules) > 1:
        pairs += _against_untouched(plan, schedules, outcomes)
    compared = [_compared(first, second, sign) for first, second in pairs]
    judged = _judged([one for one in compared if one.gains])  # what never met is no comparison
    matter = _seeds_matter(outcomes, plan)
    return Analysis(plan, tuple(outcomes), tuple(schedules), entrants[0], tuple(judged), own_peak, matter)


def _peaks(schedule: Entrant, own_peak: float | None) -> list[Entrant]:
    """The peaks of one schedule, to be compared with each other."""
    return [_alone(one, f"peak {one.cell.peak.shown(own_peak)}") for one in schedule.tried]


def _first(plan: Plan, entrants: Sequence[Entrant]) -> list[Entrant]:
    """The baseline first: own among schedules, the own LR among peaks, else the first."""
    if len(plan.schedules) > 1:
        return sorted(entrants, key=lambda entrant: entrant.name != plan.baseline)
    return sorted(entrants, key=lambda entrant: entrant.tried[0].cell.peak.factor != 1)


def own_peak_of(outcomes: Iterable[Outcome]) -> float | None:
    """The peak of the script's own schedule, as the runs show it: best the one that left it alone."""
    known = [outcome for outcome in outcomes if outcome.measured.own_peak is not None]
    known.sort(key=lambda outcome: not outcome.job.cell.is_untouched)
    return known[0].measured.own_peak if known else None


def _tried(plan: Plan, schedule: str, outcomes: Sequence[Outcome]) -> list[Tried]:
    return [_at(Cell(schedule, peak), outcomes, plan) for peak in plan.peaks]


def _at(cell: Cell, outcomes: Sequence[Outcome], plan: Plan) -> Tried:
    here = [outcome for outcome in outcomes if outcome.job.cell == cell]
    values = {one.job.seed: one.value(plan.mode, plan.take) for one in here}
    return Tried(
        cell,
        {seed: value for seed, value in values.items() if value is not None},
        tuple(one.job.seed for one in here if one.diverged),
        tuple(one.job.seed for one in here if one.failed),
    )


def _entrant(name: str, tried: Sequence[Tried], sign: float) -> Entrant:
    """A schedule with its peaks chosen: on seeds that all its peaks have been through, so that none is favoured."""
    begun = [one for one in tried if one.seeds]
    seeds = sorted(set.intersection(*(one.seeds for one in tried))) if tried else []
    if not seeds or len(begun) < len(tried):  # too early: what is there is all there is
        seeds = sorted({seed for one in begun for seed in one.seeds})
    chosen = {seed: best(tried, [other for other in seeds if other != seed] or [seed], sign) for seed in seeds}
    return Entrant(name, tuple(tried), best(tried, seeds, sign), {s: one for s, one in chosen.items() if one})


def best(tried: Sequence[Tried], seeds: Sequence[int], sign: float) -> Tried | None:
    """The peak with the fewest divergences on these seeds, and among those the best mean; the smaller of equals."""

    def cost(one: Tried) -> tuple[float, float]:
        values = [sign * one.values[seed] for seed in seeds if seed in one.values]
        diverged = sum(seed in one.diverged for seed in seeds)
        told = len(values) + diverged
        return (diverged / told if told else 2.0, fmean(values) if values else math.inf)

    costs = [cost(one) for one in tried]
    usable = [index for index, (share, _) in enumerate(costs) if share <= 1]
    return tried[min(usable, key=lambda index: costs[index])] if usable else None


def _alone(tried: Tried, name: str) -> Entrant:
    """One cell, with nothing to choose."""
    return Entrant(name, (tried,), tried, dict.fromkeys(sorted(tried.seeds), tried))


def _against_untouched(
    plan: Plan, schedules: Sequence[Entrant], outcomes: Sequence[Outcome]
) -> list[tuple[Entrant, Entrant]]:
    """The script's own schedule at its best peak and the script untouched: what another LR alone gains.

    Nothing where its own LR is the best or was not tried with every seed.
    """
    own = next((entrant for entrant in schedules if entrant.name == OWN), None)
    untouched = _at(Cell(OWN, Peak(factor=1)), outcomes, plan)
    if own is None or own.best is None or own.best.cell == untouched.cell or untouched.cell.peak not in plan.peaks:
        return []
    return [(own, _alone(untouched, AS_IT_IS))]


def _compared(first: Entrant, second: Entrant, sign: float) -> Comparison:
    gains = _gains(first.values, second.values, sign)
    summary, same = paired(list(gains.values())), paired(list(_gains(_at_best(first), _at_best(second), sign).values()))
    better, worse = (first, second) if summary.mean > 0 else (second, first)
    lost = sorted(set(better.lost) - set(worse.lost))
    withheld = f"{better.name} looks better where it did not diverge, but did with seed {_listed(lost)}" if lost else ""
    return Comparison(first, second, gains, summary, same, withheld=withheld)


def _at_best(entrant: Entrant) -> Mapping[int, float]:
    return entrant.best.values if entrant.best else {}


def _gains(ours: Mapping[int, float], theirs: Mapping[int, float], sign: float) -> dict[int, float]:
    return {seed: sign * (theirs[seed] - ours[seed]) for seed in ours if seed in theirs}


UNTOLD = Paired(0, math.nan, 0.0, 1.0)


def _judged(compared: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with intervals and p that hold together. One that is withheld keeps its place, without them."""
    ways = [[UNTOLD] if one.withheld else [one.summary, one.same] for one in compared]
    return [
        replace(one, low=low, high=high, p=p, comparisons=len(compared))
        for one, (low, high, p) in zip(compared, together(ways), strict=True)
    ]


def _seeds_matter(outcomes: Sequence[Outcome], plan: Plan) -> bool:
    """False where no cell with several seeds has two different values: then the seeds never reached the script."""
    cells: dict[Cell, list[float]] = {}
    for outcome in outcomes:
        value = outcome.value(plan.mode, plan.take)
        if value is not None:
            cells.setdefault(outcome.job.cell, []).append(value)
    several = [values for values in cells.values() if len(values) > 1]
    return not several or any(len(set(values)) > 1 for values in several)


def _listed(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds))
