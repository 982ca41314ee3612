"""Short trainings around a suggestion: which LR to try next, and what they say together.

A sweep sees each LR for one step only. A training of a few dozen steps with the LR falling to 0 sees what it does, so
trials decide where there are any. They lie on a ladder of factors of ``APART`` around the suggestion, and the search
climbs from the best rung so far: up first, then down, then halfway to its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .result import Trial

APART = 3.0  # finer differences drown in the noise of a short training
LONGER = 1.25  # a training that is longer than a trial wants its LR lower by about this (own development tasks)
TAIL = 0.2  # the share of a trial's end whose mean training loss it is judged by


def trial_of(lr: float, losses: Sequence[float], validation: float | None, diverged: bool) -> Trial:
    """A finished trial. Its loss is infinite if it diverged.

    >>> trial_of(0.1, [2.0, 1.5, 1.0, 0.8, 0.6], None, False).loss
    0.6
    """
    last = [loss for loss in losses[-max(round(TAIL * len(losses)), 1) :] if math.isfinite(loss)]
    loss = validation if validation is not None else sum(last) / len(last) if last else math.inf
    lost = diverged or not math.isfinite(loss)
    return Trial(lr, math.inf if lost else loss, None if lost else validation, lost, len(losses))


def next_peak(trials: Sequence[Trial], center: float, low: float, high: float) -> float | None:
    """The LR to try after ``trials`` around ``center``, between ``low`` and ``high``; None if nothing is left to try.

    >>> next_peak([], 0.1, 1e-6, 10)
    0.1
    >>> round(next_peak([Trial(0.1, 1.0), Trial(0.3, 0.8)], 0.1, 1e-6, 10), 3)
    0.9
    """
    if not trials:
        return center
    tried = [_rung(trial.lr, center) for trial in trials]
    first = min(trials, key=lambda trial: (trial.loss, trial.lr))
    best = _rung(first.lr, center)
    up = (best + 1, best - 1, best + 0.5, best - 0.5)
    for rung in up if math.isfinite(first.loss) else (best - 1,):
        peak: float = center * APART**rung
        if low <= peak <= high and not any(abs(rung - other) < 0.25 for other in tried):
            return peak
    return None


def chosen(trials: Sequence[Trial]) -> float | None:
    """The LR that ``trials`` speak for; None if all diverged.

    That is the lowest point of the parabola in log LR through the best trial and its neighbours, or the best itself
    where a neighbour is missing or diverged, divided by ``LONGER``. The highest LR tried is taken as it is: the best
    may lie beyond.

    >>> round(chosen([Trial(0.01, 1.2), Trial(0.1, 1.0), Trial(1.0, 1.2)]), 3)
    0.08
    """
    lowest = _lowest(trials)
    if lowest is None or at_edge(trials) == "highest":
        return lowest
    return lowest / LONGER


def _lowest(trials: Sequence[Trial]) -> float | None:
    """Where the parabola through the best trial and its neighbours is lowest; None if all diverged."""
    ordered = sorted(trials, key=lambda trial: trial.lr)
    best = min(range(len(ordered)), key=lambda i: ordered[i].loss)
    if not math.isfinite(ordered[best].loss):
        return None
    around = ordered[max(best - 1, 0) : best + 2]
    if len(around) < 3 or not all(math.isfinite(trial.loss) for trial in around):
        return ordered[best].lr
    x0, x1, x2 = (math.log10(trial.lr) for trial in around)
    left, right = around[0].loss - around[1].loss, around[2].loss - around[1].loss  # both >= 0
    if left + right <= 0:
        return ordered[best].lr
    down, up = x1 - x0, x2 - x1
    lowest: float = x1 + (left * up**2 - right * down**2) / (2 * (left * up + right * down))
    return float(10.0 ** min(max(lowest, x1 - down / 2), x1 + up / 2))


def at_edge(trials: Sequence[Trial]) -> str:
    """Whether the best of ``trials`` is the "lowest" or the "highest" LR tried; "" if it lies between."""
    best = min(trials, key=lambda trial: trial.loss).lr
    lrs = [trial.lr for trial in trials]
    return "highest" if best == max(lrs) else "lowest" if best == min(lrs) else ""


def _rung(lr: float, center: float) -> float:
    return math.log(lr / center) / math.log(APART)
