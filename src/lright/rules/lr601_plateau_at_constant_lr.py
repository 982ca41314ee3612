"""LR601: the validation metric stalls while the LR has not moved."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

from ..finding import WARNING, Finding
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, direction, rate_text, runs, speaks, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..case import Case
    from ..trace import Readings

FEWEST = 4  # readings; the stall takes the last 40% of them, and at least 3
STALL = 0.4
GAIN = 0.02  # of all that was gained: less counts as nothing
OVERFITTED = 0.25  # of the best validation loss: the training loss of a model that knows its samples by heart
LEARNED = 0.1  # of a loss: a run that gained less has learned nothing, which is another matter
UNMOVED = 0.85  # the lowest LR of the stall, as a part of the highest
HIGH = 0.5  # of the peak: below, the LR has come down already
OVERFIT = 0.03  # of all that was gained: a metric that is worse than its best by more has not stalled
DECAYING = (
    "Cosine", "Linear", "Polynomial", "OneCycle", "Lambda", "Exponential", "Step", "MultiStep", "WSD", "Sequential",
    "Chained", "get_", "cosine", "linear", "polynomial", "warmup_stable",
)  # fmt: skip


class PlateauAtConstantLr(BehaviourRule):
    id = "LR601"
    slug = "plateau-at-constant-lr"
    severity = WARNING
    summary = "The validation metric stalls while the LR has not moved"
    why = """A learning rate that stays high keeps the weights moving around the minimum: the metric levels off
at a height that depends on the rate, and falls at once when the rate is cut. Where it has stalled for 40% of the
evaluations at the rate it started with, a decay would still gain something, and a higher number of epochs
would not.

A metric that gets worse is overfitting or something else, and is not reported; neither is a schedule that has its
decay still before it."""
    bad_traces = (
        lambda: made(800, 0.05, falling(2.3, 0.9, 0.1), readings={"val_loss": [1.2, 1.0] + [0.95, 0.952, 0.951] * 6}),
        lambda: made(
            400, 0.03, lambda u: 4.5 if u < 4 else 3.01, readings={"eval loss": [3.016, 3.019, 3.016, 3.018]}
        ),
    )
    good_traces = (
        lambda: made(800, 0.05, falling(), readings={"val_loss": [1.2 / (1 + 0.2 * k) for k in range(20)]}),
        lambda: made(
            800, 0.05, falling(), readings={"val_loss": [0.8, 0.7, 0.75, 0.8, 0.9, 1.0, 1.05, 1.1, 1.2, 1.3]}
        ),
        lambda: made(800, cosine(0.05, 800), falling(), readings={"val_loss": [1.0, 0.9] + [0.85] * 18}),
    )
    sources = (
        "measured: a CNN at a constant LR stayed at 0.097 for three quarters of 200 epochs",
        "our judgement: a gain of less than 2% of what was gained before, over the last 40% of the evaluations",
    )
    fix_safety = "None: let the LR fall, by a schedule to the end of the run or by ReduceLROnPlateau."
    covers = ("LR502",)
    needs_loss = False

    def seen(self, run: Run) -> Iterable[Finding]:
        if not speaks(run):
            return
        readings = list(run.readings())
        losses = [one for one in readings if "loss" in one.name]
        found = [self._stall(run, one) for one in losses or readings]  # a loss tells more than a count of hits
        if found and found[0] is not None and None not in found:
            yield found[0]

    def skipped(self, case: Case) -> str | None:
        reason = super().skipped(case)
        if reason is None and case.training.trace is not None and not any(any(run.readings()) for run in runs(case)):
            return "no metric of validation was recorded"
        return reason

    def _stall(self, run: Run, readings: Readings) -> Finding | None:
        sign = -1 if direction(readings.name) == "max" else 1
        values = [sign * reading for reading in readings.values if math.isfinite(reading)]
        if len(values) < FEWEST:
            return None
        length = max(math.ceil(STALL * len(values)), 3)
        earlier, lately = values[: len(values) - length], values[-length:]
        best = min(values)
        first = self._start(run, readings.name, earlier[0])
        gained = first - best
        if gained <= (LEARNED * first if best > 0 else 0) or min(earlier) - min(lately) > GAIN * gained:
            return None
        if self._worse(lately, best, gained) or self._overfits(run, readings.name, best):
            return None
        start = self._position(run, readings, len(readings) - length)
        if not self._unmoved(run, start):
            return None
        return self._finding(run, readings, start, length, sign * best)

    def _start(self, run: Run, name: str, first: float) -> float:
        """Where the metric started from: before its first reading much may have been gained already, and of a loss that
        is the same in training that is known."""
        if name not in ("eval loss", "val_loss", "eval_loss") or not run.positive:
            return first
        opening = max(run.start, run.loss(0) if math.isfinite(run.loss(0)) else 0.0)
        return max(first, opening) if 0.2 * opening <= first <= 2 * opening else first

    def _position(self, run: Run, readings: Readings, number: int) -> int:
        """The position of the update before which a reading was taken."""
        update = readings.updates[max(number, 0)]
        if update >= 0:
            return min(max(update - run.number(0), 0), run.count - 1)
        return run.count * number // max(len(readings), 1)

    def _worse(self, lately: list[float], best: float, gained: float) -> bool:
        """Whether the metric has left its best behind by more than it moves from one evaluation to the next: that is no
        stall but overfitting, or worse."""
        steps = [abs(second - first) for first, second in pairwise(lately)]
        last = _middle(lately[-max(len(lately) // 3, 2) :])
        return last - best > max(OVERFIT * gained, 2 * _middle(steps))

    def _overfits(self, run: Run, name: str, best: float) -> bool:
        """Whether the training loss is far below the best loss of validation: the LR is not what is missing."""
        last = run.blocks[-1].median
        return "loss" in name and run.positive and last < OVERFITTED * best

    def _unmoved(self, run: Run, start: int) -> bool:
        """Whether the LR stayed where it was, high, and no decay is still to come."""
        blocks = [one for one in run.blocks if one.stop > start]
        lowest, highest = min(one.lowest_rate for one in blocks), max(one.highest_rate for one in blocks)
        if lowest < UNMOVED * highest or highest < HIGH * run.peak or run.plateau_driven():
            return False
        coming = any(name.startswith(DECAYING) for name in run.schedulers()) or lowest < highest
        return bool(run.ended) or not coming

    def _finding(self, run: Run, readings: Readings, start: int, length: int, best: float) -> Finding:
        rate = rate_text(run.rate(run.count - 1))
        message = (
            f"{readings.name} has not improved on {value(best)} over the last {length} of {len(readings)} evaluations "
            f"(since update {run.number(start)}), and the LR has stayed at {rate}: let it fall"
        )
        return self.told(
            run, run.count - 1, message, numbers={"since": run.number(start), "best": best, "evaluations": length,
                                                  "metric": readings.name},
        )  # fmt: skip


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


RULE = PlateauAtConstantLr()
