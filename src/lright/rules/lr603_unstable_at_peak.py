"""LR603: the loss leaves its level at the peak of the LR, or on the way to it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..finding import WARNING, Finding
from .example_runs import cosine, falling, made, one_cycle
from .recorded import BehaviourRule, Block, Run, rate_text, speaks, value

ROSE = 2.0  # times the LR of the start: before that nothing was on the way up
NEAR = 0.8  # of the highest LR so far
WORSE = 2.5  # times the best level so far
CLEAR = 6.0  # times the spread of the losses at that level
NOTABLE = 0.15  # of the level the loss started from: below, a relative rise is no trouble


class UnstableAtPeak(BehaviourRule):
    id = "LR603"
    slug = "unstable-at-peak"
    severity = WARNING
    summary = "The loss leaves its level at the peak of the LR or on the way to it"
    why = """A learning rate that climbs is a test of what the training bears. Where the loss leaves the level it had
reached while the rate is on the way up or at its top, the peak is too high: the rate at which it happened is near
the largest one that holds. Some runs come back when the rate falls, most end worse than with a peak of half the
height.

Small bumps near a peak are normal and are not reported: the loss must reach two and a half times the best level so
far."""
    bad_traces = (
        lambda: made(600, one_cycle(0.4, 600), lambda u: falling(1.0, 0.02, 0.2)(u) + (0.9 if 120 <= u < 145 else 0)),
        lambda: made(400, cosine(0.1, 400, 200), lambda u: falling(4.5, 1.0, 0.2)(u) * (5 if 150 <= u < 190 else 1)),
    )
    good_traces = (
        lambda: made(600, one_cycle(0.1, 600), lambda u: falling(2.3, 0.1, 0.05)(u) * (1.4 if 150 <= u < 260 else 1)),
        lambda: made(400, cosine(0.1, 400, 40), falling(4.5, 2.2, 0.2)),
    )
    sources = (
        "measured: a CNN with max_lr 0.4 and 0.8 failed at 0.25 to 0.33 on the way up; an MLP with max_lr 0.1 spiked "
        "near the peak and ended 24% worse than with 0.032; 22 healthy runs stayed below 1.8 times their best level",
        "our judgement: two and a half times the best level, and six times its spread",
    )
    fix_safety = "None: lower the peak, to half of the LR at which it happened or less."
    covers = ("LR602", "LR505", "LR609")

    def seen(self, run: Run) -> Iterable[Finding]:
        if not speaks(run) or not run.positive:
            return
        best: Block | None = None
        highest = run.rate(0)
        for one in run.blocks:
            highest = max(highest, one.highest_rate)
            if best is not None and self._rising(run, one, highest) and self._trouble(run, best, one):
                yield self._finding(run, best, one)
                return
            if one.median == one.median and (best is None or one.median < best.median):
                best = one

    def _rising(self, run: Run, one: Block, highest: float) -> bool:
        """Whether the LR is well above its start, and near the highest so far."""
        return one.highest_rate >= ROSE * run.rate(0) and one.highest_rate >= NEAR * highest

    def _trouble(self, run: Run, best: Block, one: Block) -> bool:
        if one.broken > (one.stop - one.start) // 2:
            return True
        return one.median >= max(self._level(run, best), NOTABLE * run.start)

    def _level(self, run: Run, best: Block) -> float:
        near = sorted(one.spread for one in run.blocks if abs(one.start - best.start) <= 4 * (best.stop - best.start))
        spread = max(near[len(near) // 2], best.spread, 0.02 * best.median)
        return max(WORSE * best.median, best.median + CLEAR * spread)

    def _finding(self, run: Run, best: Block, one: Block) -> Finding:
        at = run.first(one.start, one.stop, self._level(run, best))
        rate = run.rate(at)
        top = max((loss for loss in run.updates.losses[at : one.stop] if math.isfinite(loss)), default=math.nan)
        after = [block for block in run.blocks if block.start > at]
        now = after[-1].median if after else math.nan
        climbing = not after or max(block.highest_rate for block in after) > 1.05 * rate
        where = "on the way up" if climbing else "at its peak"
        message = (
            f"The loss left its level of {value(best.median)} for {value(top)} at update {run.number(at)}, with the LR "
            f"{where}, at {rate_text(rate)}: a peak below {rate_text(rate / 2)} is safer"
        )
        if now == now and now < self._level(run, best):
            message += f" (it came back, to {value(now)} by now)"
        return self.told(
            run, at, message, numbers={"before": best.median, "loss": top, "now": now if now == now else None,
                                       "climbing": climbing},
        )  # fmt: skip


RULE = UnstableAtPeak()
