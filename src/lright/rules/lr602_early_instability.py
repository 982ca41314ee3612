"""LR602: the loss jumps in the first updates, at a high LR."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..finding import WARNING, Finding
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, finite, rate_text, speaks, value

YOUNG, SHARE = 100, 0.1  # updates, or the part of the run, in which weights are young
SPIKE = 2.0  # times the level the loss started from
CLEAR = 3.0  # times as far above the middle of the later losses as the highest of these
SOON, LATER = 20, 64  # updates after a spike that still belong to it; losses, at least, that it is held against
HIGH = 0.5  # of the highest LR so far: a run that warms up is still below it
STUCK = 0.98  # of the level the loss started from: nothing learned


class EarlyInstability(BehaviourRule):
    id = "LR602"
    slug = "early-instability"
    severity = WARNING
    summary = "The loss jumps in the first updates, while the LR is high and the weights are young"
    why = """In the first updates the weights are far from anything sensible, gradients are large and Adam's averages
hold few of them. A learning rate that is fine later can throw the weights where nothing is learned any more: the
loss jumps once, comes back to the level of guessing, and stays there, often without a single NaN. A warmup over
the first updates, or a lower peak, is the usual cure.

A spike that comes back within a few updates may leave no trace in the result; a run that is stuck afterwards has
failed and should be stopped."""
    bad_traces = (
        lambda: made(300, 0.6, lambda u: 2.3 if u < 6 else 9.0 - (u - 6) / 2 if u < 19 else 2.32),
        lambda: made(300, 3e-3, lambda u: 30.0 if 2 <= u < 5 else falling(6.9, 4.0, 0.02)(u)),
    )
    good_traces = (
        lambda: made(300, cosine(0.1, 300, 30), falling(pace=0.05)),
        lambda: made(300, 0.01, falling(4.5, 2.2, 0.2)),
    )
    sources = (
        "measured: a CNN at a constant LR of 0.6 and of 2.0 spiked to 9 and 339 within 25 updates, then stayed",
        "Goyal et al. 2017 (arXiv:1706.02677): warmup against early instability",
        "our judgement: twice the level at the start, and three times as high as later losses reach, within the first "
        "100 updates or the first tenth of the run",
    )
    fix_safety = "None: add a warmup over the first updates, or lower the LR."
    covers = ("LR601", "LR606")

    def seen(self, run: Run) -> Iterable[Finding]:
        if not speaks(run) or not run.positive:
            return
        until = min(run.count, int(max(YOUNG, SHARE * (run.total or run.count))))
        for one in run.blocks:
            if one.start >= until:
                return
            if one.high <= SPIKE * run.start and not one.broken:
                continue
            at = self._spike(run, one.start, min(one.stop, until))
            if at is not None:
                yield self._finding(run, at, until)
                return

    def _spike(self, run: Run, start: int, stop: int) -> int | None:
        """The first update at which the loss stands clearly above where it started, at a high LR."""
        level = SPIKE * max(run.start, run.loss(0) if math.isfinite(run.loss(0)) else 0.0)
        for position in range(max(start, 1), stop):
            if run.loss(position) > level and self._clear(run, position):
                highest = max(run.rate(earlier) for earlier in range(position + 1))
                if run.rate(0) >= HIGH * highest:
                    return position
        return None

    def _clear(self, run: Run, position: int) -> bool:
        """Whether a loss stands far above the highest of the later ones, as a difference and as a ratio: where batches
        are small or samples differ much, high losses go on coming."""
        later = sorted(finite(run.updates.losses[position + SOON : position + SOON + 4 * LATER]))
        if len(later) < LATER:
            return False  # too early to tell
        middle = later[len(later) // 2]
        loss, top = run.loss(position), later[-1]
        return loss - middle >= CLEAR * (top - middle) and loss / run.start >= SPIKE * top / middle

    def _finding(self, run: Run, at: int, until: int) -> Finding:
        top = max(range(at, min(at + 20, run.count)), key=lambda position: _finite(run.loss(position)))
        rate = rate_text(run.rate(at))
        message = (
            f"The loss jumped from {value(run.start)} to {value(run.loss(top))} at update {run.number(at)}, "
            f"at LR {rate}"
        )
        numbers: dict[str, float | int | str | bool | None] = {"start": run.start, "loss": run.loss(top)}
        later = [one.median for one in run.blocks if one.start >= max(until, at + 50) and one.median == one.median]
        if len(later) >= 4 and min(later) > STUCK * run.start:
            message += f", and nothing has been learned since: it is at {value(later[-1])} after {run.count} updates"
            numbers["stuck"] = later[-1]
        else:
            message += " while the weights were young: a warmup, or a lower LR, would spare it"
        return self.told(run, at, message, numbers=numbers)


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


RULE = EarlyInstability()
