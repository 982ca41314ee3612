"""An ablation in sentences: what the runs show, what they do not, and how that was come by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median, stdev

from .compare import AS_IT_IS, Analysis, Comparison, Entrant
from .job import OWN, Outcome, Peak
from .stats import LEVEL


class Words:
    """What an analysis says; ``planned`` is how many runs there are to be. Gains are positive where it is better."""

    def __init__(self, analysis: Analysis, planned: int) -> None:
        self.analysis, self.planned = analysis, planned
        self.plan = analysis.plan
        self.digits = _digits(analysis)

    @property
    def schedules(self) -> Sequence[Entrant]:
        """The schedules, each at its best peak."""
        return self.analysis.schedules

    def number(self, value: float) -> str:
        """A value of the metric, with as many digits as the spread of the seeds makes sense of."""
        return f"{value:.{self.digits}f}"

    def gain(self, value: float) -> str:
        """A gain, with its sign."""
        return f"{value:+.{self.digits}f}"

    def peak(self, peak: Peak) -> str:
        """A peak as an LR where the script's own is known, else as a multiple of it."""
        return peak.shown(self.analysis.own_peak)

    def at(self, entrant: Entrant) -> str:
        """A schedule with its best peak."""
        if entrant.best is None or len(entrant.tried) < 2:
            return named(entrant)
        return f"{named(entrant)} (peak {self.peak(entrant.best.cell.peak)})"

    def interval(self, one: Comparison) -> str:
        """The interval of a gain."""
        if not (math.isfinite(one.low) and math.isfinite(one.high)):
            return "no interval"
        return f"[{self.gain(one.low)}, {self.gain(one.high)}]"

    def shown(self) -> Iterator[str]:
        """What the data show, in sentences."""
        for one in self.analysis.comparisons:
            if one.verdict != "unclear":
                yield self._settled(one)
        for tried in (tried for entrant in self.schedules for tried in entrant.tried if tried.diverged):
            share = f"{len(tried.diverged)} of {counted(len(tried.seeds), 'seed')}"
            yield f"{quoted(tried.cell.schedule)} diverged at peak {self.peak(tried.cell.peak)} with {share}."

    def _settled(self, one: Comparison) -> str:
        first, second = (one.first, one.second) if one.verdict == "better" else (one.second, one.first)
        ends = sorted((abs(one.low), abs(one.high)))
        way = "lower" if self.plan.mode == "min" else "higher"
        return (
            f"{self.at(first)} is better than {self.at(second)}: {self.plan.metric} is {way} by "
            f"{self.number(abs(one.summary.mean))} ({self.number(ends[0])} to {self.number(ends[1])}), "
            f"{counted(one.summary.n, 'seed')}."
        )

    def hidden(self) -> Iterator[str]:
        """What the data do not show."""
        yield from self._unfinished()
        if not self.analysis.seeds_matter:
            yield (
                "Nothing about chance: every seed gave the same value, so the seeds did not reach the script. If it "
                "takes a seed as an option, give it as '-- --seed {seed}'."
            )
        else:
            yield from self._unranked()
        yield from self._edges()
        yield from self._unsteady()
        yield from self._lengths()

    def _unfinished(self) -> Iterator[str]:
        missing = self.planned - len(self.analysis.outcomes)
        if missing:
            yield f"{counted(missing, 'run')} not made yet: the same command goes on with {_them(missing)}."
        failed = [outcome for outcome in self.analysis.outcomes if outcome.failed]
        if failed:
            yield (
                f"{counted(len(failed), 'run')} failed and {'is' if len(failed) == 1 else 'are'} left out: "
                f"{failed[0].job}, {failed[0].why}{' (the first of them)' if len(failed) > 1 else ''}. --retry makes "
                f"{_them(len(failed))} again."
            )

    def _unranked(self) -> Iterator[str]:
        unclear = [one for one in self.analysis.comparisons if one.verdict == "unclear"]
        between = [one for one in unclear if one.second.name != AS_IT_IS and not one.withheld]
        names = list(dict.fromkeys(named(entrant) for one in between for entrant in (one.second, one.first)))
        seeds = f"at {counted(max((one.summary.n for one in between), default=0), 'seed')}"
        if len(names) > 2 and len(between) == len(names) * (len(names) - 1) // 2:
            needed = [one.needed for one in between]
            yield f"No ranking among {_and(names)} can be told {seeds}.{_more(needed, 'for those furthest apart')}"
        else:
            for one in between:
                pair = f"{named(one.second)} and {named(one.first)}"
                yield f"No ranking of {pair} can be told {seeds}.{_more([one.needed])}"
        for one in unclear:
            if one.withheld:
                yield f"No ranking of {named(one.second)} and {named(one.first)}: {one.withheld}."
            elif one.second.name == AS_IT_IS:
                yield f"Whether own gains from another LR alone cannot be told {seeds}.{_more([one.needed])}"

    def _edges(self) -> Iterator[str]:
        for edge, way in (("largest", "higher"), ("smallest", "lower")):
            names = [named(entrant) for entrant in self.schedules if entrant.edge == edge]
            if names:
                yield f"How good {_and(names)} can be: the best peak is the {edge} tried. Try {way} ones."

    def _unsteady(self) -> Iterator[str]:
        for entrant in self.schedules:
            if not entrant.is_steady:
                chosen = {one.cell for one in entrant.chosen.values()}
                peaks = [self.peak(one.cell.peak) for one in entrant.tried if one.cell in chosen]
                yield f"Which peak is best for {named(entrant)}: without one seed it is {_and(peaks, 'or')}."

    def _lengths(self) -> Iterator[str]:
        updates = {one.measured.updates for one in self.analysis.outcomes if _counts(one)}
        if len(updates) > 1:
            yield (
                f"Runs of the same length: they took {min(updates)} to {max(updates)} updates. A schedule that is cut "
                "off never comes down."
            )

    def method(self) -> Iterator[str]:
        """How the numbers were come by."""
        plan, compared = self.plan, self.analysis.comparisons
        most = max((one.summary.n for one in compared), default=0)
        if most > 1:
            yield (
                "The runs of one seed are a pair: a gain is the mean of their differences, with a t interval "
                f"({counted(most - 1, 'degree')} of freedom)."
            )
        elif most == 1:
            yield "One seed gives no interval: --seeds 5 or more would."
        if len(compared) > 1 and most > 1:
            yield (
                f"{len(compared)} comparisons are made at once: the intervals are widened so that all of them hold "
                f"together with {LEVEL:.0%} (Bonferroni), and a verdict is one that Holm's correction leaves, at p "
                f"below {1 - LEVEL:.2g}."
            )
        if len(plan.peaks) > 1 and len(plan.schedules) > 1 and most > 1:
            yield (
                "Each schedule is judged at its best peak. So that the choice flatters nobody, a seed is judged at the "
                "peak that is best on the other seeds; intervals and verdicts hold for the peak that is best on all "
                "seeds too."
            )
            yield f"The peaks were chosen by {plan.metric}: on data without a part in the choice gains can be smaller."
        updates = {one.measured.updates for one in self.analysis.outcomes if _counts(one)}
        if len(updates) == 1:
            length = counted(updates.pop(), "update")
            yield f"All this is about {length} of this script; a longer training may rank otherwise."


def _digits(analysis: Analysis) -> int:
    """Two digits of the spread of the seeds."""
    cells = [list(one.values.values()) for entrant in analysis.schedules for one in entrant.tried]
    spreads = [stdev(values) for values in cells if len(values) > 1]
    spread = median(spreads) if spreads else 0.0
    if spread <= 0:
        spread = max((abs(value) for values in cells for value in values), default=1.0) / 100 or 1.0
    return min(max(1 - math.floor(math.log10(spread)), 0), 8)


def _counts(one: Outcome) -> bool:
    return not one.failed and not one.diverged


def named(entrant: Entrant) -> str:
    """What is compared, as sentences name it: a schedule, a peak, or the script as it is."""
    return quoted(entrant.name) if entrant.name == entrant.tried[0].cell.schedule else entrant.name


def quoted(schedule: str) -> str:
    """A schedule as sentences name it."""
    return schedule if schedule == OWN else f"'{schedule}'"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _and(names: Sequence[str], word: str = "and") -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]


def _more(needed: Sequence[int | None], what: str = "") -> str:
    known = [count for count in needed if count is not None]
    if not known:
        return ""
    return f" If the gain is what it looks like, it takes {min(known)} seeds or more{' ' + what if what else ''}."


def counted(number: int, word: str) -> str:
    """A count with its word, as in 1 seed, 5 seeds."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
