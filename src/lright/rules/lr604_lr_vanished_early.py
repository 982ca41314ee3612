"""LR604: the LR is at (nearly) zero long before the end."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..finding import WARNING, Finding
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, rate_text

# (LR as a part of its peak, part of the run that it may spend below): a thousandth for 15%, a hundredth for half.
DEAD = ((1.001e-3, 0.15), (1e-2, 0.5))
AT_LEAST = 50  # updates


class LrVanishedEarly(BehaviourRule):
    id = "LR604"
    slug = "lr-vanished-early"
    severity = WARNING
    summary = "The LR is at (nearly) zero long before the end"
    why = """At a thousandth of its peak the learning rate moves the weights no more than noise does: the training
goes on, and costs as much as before, without result. The schedule is shorter than the run, is stepped too often, or
decays too steeply. Of two otherwise equal runs of ours, the one whose rate was down to a hundredth after 60% of the
updates ended at 2.45, the other at 2.27.

The usual step decays stay silent: they spend a third of the run at a hundredth of the peak."""
    bad_traces = (
        lambda: made(600, lambda u: 0.1 * 0.1 ** (u // 100), falling()),
        lambda: made(600, lambda u: cosine(0.1, 300)(min(u, 300)), falling()),
    )
    good_traces = (
        lambda: made(600, lambda u: 0.1 * 0.1 ** (u // 200), falling()),
        lambda: made(600, cosine(0.1, 600), falling()),
    )
    sources = (
        "measured: a small GPT with the LR at 1% of its peak from 60% of the run and 0.1% from 80% (val 2.453 against "
        "2.269)",
        "pytorch/examples imagenet: steps of 0.1 every 30 of 90 epochs, a third of the run at 1% of the peak",
        "our judgement: 0.1% of the peak for 15% of the run, or 1% for half of it",
    )
    fix_safety = "None: make the schedule as long as the run, or decay less steeply."
    needs_loss = False

    def seen(self, run: Run) -> Iterable[Finding]:
        if run.peak <= 0 or run.plateau_driven():
            return
        for part, share in DEAD:
            since = self._since(run, part * run.peak)
            if since is None:
                continue
            total = max(run.total or 0, run.count)
            known = run.total is not None
            # Of a run that goes on the end is not known: it has been dead for a share of what there is so far.
            due = since + share * total if known else since / (1 - share)
            at = math.ceil(max(due, since + AT_LEAST))
            if run.count > at:
                yield self._finding(run, since, at, part)
                return

    def _since(self, run: Run, level: float) -> int | None:
        """The first position from which the LR has been at or below a level, after its peak."""
        blocks = run.blocks
        first = len(blocks)
        while first and blocks[first - 1].highest_rate <= level:
            first -= 1
        if first == 0 or first == len(blocks):
            return None
        before = blocks[first - 1]
        return next((at for at in range(before.start, before.stop) if self._below(run, at, before.stop, level)),
                    before.stop)  # fmt: skip

    def _below(self, run: Run, start: int, stop: int, level: float) -> bool:
        return all(run.rate(at) <= level for at in range(start, stop))

    def _finding(self, run: Run, since: int, at: int, part: float) -> Finding:
        spent = run.count - since
        message = (
            f"The LR has been at {rate_text(run.rate(run.count - 1))}, {run.rate(since) / run.peak:.2g} of its peak "
            f"{rate_text(run.peak)} or less, since update {run.number(since)}: {spent} of {run.count} updates so far"
        )
        return self.told(run, at, message, numbers={"since": run.number(since), "peak": run.peak, "spent": spent})


RULE = LrVanishedEarly()
