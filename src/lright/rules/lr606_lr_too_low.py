"""LR606: the loss falls smoothly, slowly and still at the end."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from ..finding import INFO, Finding
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, rate_text, speaks, value

PARTS = 9
AT_LEAST = 200  # updates; 1000 where nobody knows how long the run is
LONG = 1000
STEADY = 0.5  # of the highest LR: the updates below are warmup or decay
SLOW = 0.6  # of the level at the start: a loss that is still above has not got far
UNDIMINISHED = 0.8  # the fall of the last third, as a part of that of the first


class LrTooLow(BehaviourRule):
    id = "LR606"
    slug = "lr-too-low"
    severity = INFO
    summary = "The loss falls smoothly and slowly, and as fast at the end as at the start: the LR could be higher"
    why = """A loss normally falls fast at first and ever more slowly. One that falls in an almost straight line,
without unrest, and still does so at the end, has only begun: with this many updates a higher learning rate would
have come much further. A range test tells how much higher."""
    bad_traces = (
        lambda: made(800, 2e-4, lambda u: 2.3 - 0.0004 * u, shaken=0.02),
        lambda: made(800, 1e-5, lambda u: 2.3 - 0.3 * (u / 800) ** 2, shaken=0.02),
    )
    good_traces = (
        lambda: made(800, 0.01, falling(2.3, 0.3, 0.02)),
        lambda: made(800, cosine(0.1, 800, 80), falling(2.3, 1.5, 0.005)),
    )
    sources = (
        "measured: a CNN at a constant LR of 2e-4 fell from 2.30 to 1.94 in 780 updates, fastest at the end; at 0.05 "
        "it was at 0.17",
        "our judgement: above 60% of the level at the start, and the last third falls at least 0.8 times as much as "
        "the first",
    )
    fix_safety = "None: try 3 and 10 times the LR, or find it with a range test."

    def seen(self, run: Run) -> Iterable[Finding]:
        if not speaks(run) or not run.positive or not self._due(run):
            return
        blocks = [one for one in run.blocks if one.lowest_rate >= STEADY * run.peak and one.median == one.median]
        if len(blocks) < PARTS or blocks[-1].stop - blocks[0].start < 0.75 * run.count:
            return
        edges = [round(part * len(blocks) / PARTS) for part in range(PARTS + 1)]
        levels = [_median([one.median for one in blocks[low:high]]) for low, high in pairwise(edges)]
        falls = [first - second for first, second in pairwise(levels)]
        noise = _median([one.spread for one in blocks])
        third = len(falls) // 3
        early, late = sum(falls[:third]), sum(falls[-third:])
        smooth = sum(fall > 0 for fall in falls) >= len(falls) - 1
        if smooth and late >= UNDIMINISHED * early > 0 and levels[-1] > SLOW * run.start and late > 0.1 * noise:
            yield self._finding(run, levels)

    def _due(self, run: Run) -> bool:
        """Whether enough has been seen: the run is over or half over, or long."""
        if run.total is None:
            return run.count >= LONG
        return run.count >= max(AT_LEAST, run.total / 2)

    def _finding(self, run: Run, levels: list[float]) -> Finding:
        message = (
            f"The loss falls slowly and evenly, from {value(run.start)} to {value(levels[-1])} in {run.count} updates, "
            f"and is still falling: at LR {rate_text(run.peak)} there is room above"
        )
        return self.told(run, run.count - 1, message, numbers={"start": run.start, "loss": levels[-1]})


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


RULE = LrTooLow()
