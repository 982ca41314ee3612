"""LR607: the loss left and did not come back."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise

from ..finding import ERROR, PROVEN, Finding
from .base import LIKELY
from .example_runs import cosine, falling, made, one_cycle
from .recorded import BehaviourRule, Block, Numbers, Run, direction, rate_text, speaks, value

IN_A_ROW = 5  # updates without a finite loss before they are believed
ABOVE = 4.0  # times the level that the loss started from
LEARNED = 0.7  # of that level: what a run must have got below to have learned something
BACK = 0.8  # of what was learned: lost again
CLEAR = 4.0  # times the usual spread of the losses
AT_LEAST = 32  # updates that it must last, and a tenth of the run
RISEN = 0.2  # of what the training loss had fallen by, when a metric of validation has collapsed
FEW = 3  # evaluations before it, and since


class Diverged(BehaviourRule):
    id = "LR607"
    slug = "diverged"
    severity = ERROR
    summary = "The loss left the level it had reached and did not come back"
    why = """A loss that is NaN or infinite stays so: the weights themselves are no numbers any more, and every
further update is wasted. A loss that jumps and stays up is the same failure without a NaN. What remains is to
go back to a checkpoint from before the jump, or to start again, with a lower peak or a longer warmup.

Where several updates in a row have no finite loss, that is proven. A loss that stays at four times the level it
started from, or that has lost four fifths of what was learned and stays there for a tenth of the run (and at
least 32 updates), is taken for diverged. A loss that is raised on purpose, by another task or other data, looks the
same."""
    bad_traces = (
        lambda: made(200, one_cycle(0.8, 780), lambda u: falling(pace=0.05)(u) if u < 150 else math.nan, ended=""),
        lambda: made(400, 0.5, lambda u: falling(pace=0.05)(u) if u < 120 else 40.0),
    )
    good_traces = (
        lambda: made(400, cosine(0.1, 400, 40), falling(pace=0.05)),
        lambda: made(400, cosine(0.1, 400, 40), lambda u: falling(pace=0.05)(u) + (3.0 if 200 <= u < 206 else 0)),
    )
    sources = (
        "fastai and Lightning stop a range test at 4 times the best loss, torch-lr-finder at 5 times",
        "measured: a CNN at max_lr 0.4 and 0.8 went to NaN on the way up and never came back",
        "our judgement: how long it must last, and the four fifths",
    )
    fix_safety = "None: go back to a checkpoint from before the jump, with a lower peak or a longer warmup."
    covers = ("LR602", "LR603", "LR505", "LR601")

    def seen(self, run: Run) -> Iterable[Finding]:
        found = self._broken(run)
        if found is None and run.positive and speaks(run):
            found = self._left(run) or self._collapsed(run)
        if found is not None:
            yield found

    def _broken(self, run: Run) -> Finding | None:
        """The losses have not been finite since an update."""
        broken, losses = run.updates.broken, run.updates.losses
        last = run.count - 1
        while broken and last >= 0 and not math.isfinite(losses[last]):
            last -= 1
        first = bisect_left(broken, last)
        lasted = len(broken) - first
        if not lasted or lasted < IN_A_ROW and not run.ended:
            return None
        at = broken[first]
        kind = "NaN" if run.loss(at) != run.loss(at) else "infinite"
        message = f"The loss became {kind} at update {run.number(at)}{self._rate(run, at)}, and has stayed so"
        return self.told(
            run, at, message, certainty=PROVEN, numbers={"lasted": lasted, "before": self._before(run, at)}
        )

    def _left(self, run: Run) -> Finding | None:
        """The loss went up and has stayed up for a tenth of the run."""
        blocks = [one for one in run.blocks if one.median == one.median]
        best = [run.start]
        for one in blocks:
            best.append(min(best[-1], one.median))
        for number in range(len(blocks) - 1, -1, -1):  # the last blocks that are all high
            if blocks[number].median < self._level(run, best[number]):
                number += 1
                break
        tail = blocks[number:]
        if not tail or run.count - tail[0].start < max(AT_LEAST, run.count / 10):
            return None
        lowest = best[number]
        if not number or not self._jumped(run, blocks[: number + 1], lowest):
            return None
        at = run.first(blocks[number - 1].start, tail[0].stop, self._level(run, lowest))
        now = tail[-1].median
        message = (
            f"The loss jumped from {value(lowest)} to {value(now)} at update {run.number(at)}{self._rate(run, at)}, "
            f"and has not come back for {run.count - at} updates"
        )
        return self.told(
            run, at, message, certainty=LIKELY, numbers={"before": lowest, "loss": now, "start": run.start}
        )

    def _collapsed(self, run: Run) -> Finding | None:
        """A metric of validation has lost what it had gained, and the training loss has risen with it."""
        for readings in run.readings():
            sign = -1 if direction(readings.name) == "max" else 1
            values = [sign * reading for reading in readings.values]
            if len(values) < 2 * FEW or not all(map(math.isfinite, values)):
                continue
            best = min(values)
            steps = sorted(abs(second - first) for first, second in pairwise(values))
            if values[0] - best <= 4 * steps[len(steps) // 2]:
                continue  # never got out of its noise
            lost = best + BACK * (values[0] - best)
            since = len(values)
            while since and values[since - 1] >= lost:
                since -= 1
            if since < FEW or len(values) - since < max(FEW, len(values) // 10):
                continue
            at = min(max(readings.updates[since] - run.number(0), 0), run.count) - 1
            before = [one.median for one in run.blocks if one.stop <= at]
            after = [one for one in run.blocks if one.start >= at]
            if before and after and after[-1].median > min(before) + RISEN * (run.start - min(before)):
                message = (
                    f"{readings.name} fell back from {value(sign * best)} to {value(readings.values[-1])} at update "
                    f"{run.number(at)}{self._rate(run, at)}: what was learned is lost, and has not come back in "
                    f"{len(values) - since} evaluations"
                )
                numbers: Numbers = {"before": sign * best, "metric": readings.name, "evaluations": len(values) - since}
                return self.told(run, at, message, certainty=LIKELY, numbers=numbers)
        return None

    def _level(self, run: Run, best: float) -> float:
        """What a loss must be above to count as gone."""
        if best <= LEARNED * run.start:
            lost = max(best + BACK * (run.start - best), best + CLEAR * run.spread)
            return min(lost, ABOVE * run.start)
        return ABOVE * run.start

    def _jumped(self, run: Run, blocks: list[Block], best: float) -> bool:
        """Whether it went up within a twentieth of the run: what creeps up is another story."""
        low = best + (self._level(run, best) - best) / 3
        since = next((one.stop for one in reversed(blocks[:-1]) if one.median <= low), None)
        length = blocks[0].stop - blocks[0].start
        return since is not None and blocks[-1].start - since <= max(run.count / 20, 2 * length)

    def _before(self, run: Run, at: int) -> float | None:
        finite = [loss for loss in run.updates.losses[max(at - 20, 0) : at] if math.isfinite(loss)]
        return sorted(finite)[len(finite) // 2] if finite else None

    def _rate(self, run: Run, at: int) -> str:
        """The LR there, and where its course stood."""
        rate, opening = run.rate(at), run.rate(0)
        earlier = max((run.rate(position) for position in range(max(at - 50, 0), at)), default=rate)
        text = f", at LR {rate_text(rate)}"
        if rate > 1.5 * opening and rate >= earlier:
            return text + f" on the way up from {rate_text(opening)}"
        return text


RULE = Diverged()
