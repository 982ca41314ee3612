"""What a sweep of the learning rate says: a suggestion with an interval, or an abstention with its reason.

Two landmarks are read from the curve (:mod:`.curve`): the LR where half of the drop is reached, and the centre of the
valley where the loss is low. The first is a little low for a training, the second high, and the suggestion is a
weighted geometric mean of them. How the weights differ: with SGD the valley ends abruptly, where the loss blows up, and
its centre is a good LR already; adaptive optimizers bound their steps, so that the loss stays low over LRs that are
too high for a training, and their valley reaches too far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..knowledge import lookup
from ..records import record
from .curve import START, Sweep, read

HALF = 0.5  # the share of the drop of the first landmark
WEIGHT, WEIGHT_ADAPTIVE = 0.2, 0.4  # of the first landmark; flat optima on our development tasks
UNSTABLE = 0.5  # the share of the drop that must be lost again to call it unstable
RISEN = 0.1  # the same where the loss never fell: this share of where it started
# Standard errors that the valley must lie below the start. Noise alone, of which the lowest stretch is taken, gives
# about 1 to 2; a drop of this size is still doubtful, and the default of the optimizer weighs in by PULL.
CLEAR, PULL = 2.0, 2.0
MARGIN = math.log10(2)  # the suggestion stays below the LR of instability by a factor of 2 at least
# How sure: standard errors of the drop at least; the interval reaches from the suggestion by this factor up and down,
# but not beyond the LR of instability; and how often such an interval held the best LR of our development tasks (.94,
# .83 and .82 of 291 sweeps, rounded down, for the levels were set on the same tasks).
LEVELS = (("high", 40.0, 3.0, 0.9), ("fair", 10.0, 6.0, 0.8), ("low", 0.0, 10.0, 0.8))
# The starts in our tables are for networks of any size. On small ones, which sweeps are mostly run on, three times the
# start of an Adam lost least (the fact own_fixed_lr_per_optimizer: 3e-3).
MEASURED, MEASURED_FACTOR = "own_fixed_lr_per_optimizer", 3.0
# Our judgement, where nothing is known of an optimizer: the middle of what is usual with an Adam.
UNKNOWN_DEFAULT = (1e-3, 1e-4, 1e-2)

HIGH, FAIR, LOW = "high", "fair", "low"


@record(frozen=True)
class Suggestion:
    """What one or several sweeps say; LRs are those of the driven level.

    ``lr``: what to set, for an LR that decays; the default of the optimizer's family where it ``abstained``.
    ``interval``: where the best LR should lie; ``chance``: how often such an interval held it on our development
    tasks, 0 for an abstention; ``confidence`` is that in a word. ``unstable_from``: the LR from which half of the drop
    was lost for good, None if that never happened. ``sweeps``: the curves, None for what could not be read.
    """

    lr: float
    abstained: bool
    interval: tuple[float, float]
    confidence: str
    chance: float
    reason: str
    unstable_from: float | None = None
    notes: tuple[str, ...] = ()
    sweeps: tuple[Sweep | None, ...] = ()


@record(frozen=True)
class _Reading:
    """What one sweep says: log10 of the LR ``x``, with the weight ``pull`` of the default in it; or ``why`` nothing."""

    x: float = 0.0
    pull: float = 0.0
    why: str = ""


def suggest(
    lrs: Sequence[float],
    losses: Sequence[float],
    *,
    optimizer: str = "",
    seeds: Sequence[tuple[Sequence[float], Sequence[float]]] | None = None,
) -> Suggestion:
    """The suggestion from a sweep over ``lrs`` (rising, positive) that gave ``losses`` (NaN and infinity allowed).

    ``optimizer`` is the name of its class. ``seeds``: further sweeps as (lrs, losses). Never raises on numbers.

    >>> lrs = [10 ** (-6 + 7 * i / 199) for i in range(200)]
    >>> found = suggest(lrs, [1 / (1 + 100 * lr) + lr for lr in lrs], optimizer="SGD")
    >>> found.abstained, f"{found.lr:.1g}"
    (False, '0.05')
    >>> suggest(lrs, [0.7] * 200, optimizer="SGD").reason
    'the loss did not fall at any LR of the sweep'
    """
    sweeps = tuple(read(*pair) for pair in [(lrs, losses), *(seeds or ())])
    default = default_of(optimizer)
    readings = [_reading(sweep, default) for sweep in sweeps]
    good = [reading for reading in readings if not reading.why]
    if len(good) * 2 < len(readings) or not good:
        return _abstention(next(reading.why for reading in readings if reading.why), default, sweeps)
    return _combined(good, sweeps, optimizer)


def _abstention(why: str, default: Default, sweeps: tuple[Sweep | None, ...]) -> Suggestion:
    """No suggestion: the default in its place, unless the sweeps were unstable there already."""
    lr, low, high = default.lr, default.low, default.high
    unstable = _least(sweep.up_from_start(RISEN) for sweep in sweeps if sweep)
    notes = [f"the default is {default.source}"]
    limit = math.inf if unstable is None else unstable / 10**MARGIN
    if limit < lr:
        notes.append(f"it would be {lr:.2g}, but the sweep was unstable from {unstable:.2g}")
        lr, low, high = limit, min(low, limit / 10), limit
    return Suggestion(lr, True, (low, high), LOW, 0.0, why, unstable, (*notes, *_notes(sweeps)), sweeps)


def _combined(good: Sequence[_Reading], sweeps: tuple[Sweep | None, ...], optimizer: str) -> Suggestion:
    """One suggestion from the readings of all sweeps: their mean, in an interval around the furthest of them."""
    xs = [reading.x for reading in good]
    unstable = _least(sweep.up_by(UNSTABLE) for sweep in sweeps if sweep)
    lr = 10 ** (sum(xs) / len(xs))
    clear = min(sweep.clear for sweep in sweeps if sweep)
    confidence, _, reach, chance = next(level for level in LEVELS if clear >= level[1] or level[0] == LOW)
    high = 10 ** max(xs) * reach
    if unstable is not None:
        high = max(min(high, unstable), lr)
    reason = "between the LR where half of the drop was reached and the centre of the valley"
    if max(reading.pull for reading in good) > 0.1:
        reason += f", and drawn towards the default of {optimizer}, since the drop is hardly clear of the noise"
    interval = (10 ** min(xs) / reach, high)
    return Suggestion(lr, False, interval, confidence, chance, reason, unstable, tuple(_notes(sweeps)), sweeps)


def _reading(sweep: Sweep | None, default: Default) -> _Reading:
    """What a sweep says, drawn towards the default where its drop is doubtful, and kept below its instability."""
    if sweep is None:
        return _Reading(why="fewer than ten losses of the sweep were numbers")
    if sweep.drop <= 1e-5 * abs(sweep.start) or sweep.clear <= 0:
        return _Reading(why="the loss did not fall at any LR of the sweep")
    if sweep.bottom[1] < START:
        return _Reading(why="the loss was lowest where the sweep began, and rose from there")
    if sweep.clear < CLEAR:
        return _Reading(why="the loss fell by no more than its noise from batch to batch explains")
    weight = WEIGHT_ADAPTIVE if default.adaptive else WEIGHT
    x = weight * sweep.down_to(HALF) + (1 - weight) * sweep.valley
    unstable = sweep.up_by(UNSTABLE)
    if unstable is not None:
        x = min(x, unstable - MARGIN)
    pull = 1 / (1 + (sweep.clear / PULL) ** 2) if default.known else 0.0
    return _Reading((1 - pull) * x + pull * math.log10(default.lr), pull)


def _least(xs: Iterable[float | None]) -> float | None:
    """The lowest of some LRs given as log10, None where there is none."""
    found = [x for x in xs if x is not None]
    return float(10 ** min(found)) if found else None


def _notes(sweeps: Sequence[Sweep | None]) -> list[str]:
    """What is to be known of the sweeps besides."""
    seen = [sweep for sweep in sweeps if sweep]
    notes = []
    missing = sum(sweep.missing for sweep in seen)
    if missing:
        notes.append(
            f"{missing} {'loss was' if missing == 1 else 'losses were'} no number, between others that were: left out"
        )
    if any(sweep.bottom[1] == len(sweep.xs) - 1 and sweep.diverged is None for sweep in seen):
        notes.append("the loss was lowest up to the high end of the sweep: no LR of it was too high")
    return notes


@record(frozen=True)
class Default:
    """The LR of an optimizer's family, the range that is usual, where these come from, and whether it is adaptive."""

    lr: float
    low: float
    high: float
    source: str
    adaptive: bool = True
    known: bool = True


def default_of(optimizer: str) -> Default:
    """What to set where the sweep says nothing.

    >>> default_of("SGD").lr, default_of("Wonder").source
    (0.05, 'our judgement: nothing is known here of the optimizer Wonder')
    """
    entry = lookup.optimizer(optimizer)
    if not entry:
        name = f"of the optimizer {optimizer}" if optimizer else "of the optimizer"
        return Default(*UNKNOWN_DEFAULT, f"our judgement: nothing is known here {name}", known=False)
    usual = entry["lrs"][-1]
    sources = usual["source"] if isinstance(usual["source"], list) else [usual["source"]]
    source = f"what is usual with {entry['title']} ({', '.join(sources)})"
    start = float(usual["start"])
    if entry.get("adaptive") and MEASURED in sources:
        start *= MEASURED_FACTOR
    return Default(
        start, float(usual["low"]), float(usual["high"]), source, bool(entry.get("adaptive", True))
    )
