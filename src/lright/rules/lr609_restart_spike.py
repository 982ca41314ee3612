"""LR609: the loss jumps at every restart or at a resume."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..finding import WARNING, Finding
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, rate_text, speaks, value

AROUND = 16  # updates before and after that are compared
JUMP = 2.0  # times the LR before, in one update: a restart
LOST = 0.25  # of what was learned
CLEAR = 5.0  # times the spread of the losses before


class RestartSpike(BehaviourRule):
    id = "LR609"
    slug = "restart-spike"
    severity = WARNING
    summary = "The loss jumps at each restart of the LR, or at a resume"
    why = """A warm restart throws the weights out of the basin they had found, and part of every cycle goes into
getting back. A large jump says that the restart goes too high: let the peaks fall from cycle to cycle, or do
without restarts. At a resume the loss should go on where it was; a jump says that something was not restored,
usually the optimizer's state or the schedule's position."""
    bad_traces = (
        lambda: made(600, lambda u: cosine(0.1, 200)(u % 200), lambda u: falling(2.3, 0.1, 0.5)(u % 200) + 0.02),
        lambda: made(400, 0.01, lambda u: falling(2.3, 0.1, 0.1)(u if u < 200 else u - 195), resumed=200),
    )
    good_traces = (
        lambda: made(600, lambda u: cosine(0.1, 200)(u % 200), falling(2.3, 0.1, 0.1)),
        lambda: made(400, 0.01, falling(2.3, 0.1, 0.1), resumed=200),
    )
    sources = (
        "Loshchilov and Hutter 2017 (arXiv:1608.03983): warm restarts",
        "our judgement: a quarter of what was learned, and five times the spread of the losses before",
    )
    fix_safety = "None: lower the later peaks, or restore optimizer and scheduler at the resume."

    def seen(self, run: Run) -> Iterable[Finding]:
        if not speaks(run) or not run.positive:
            return
        resumes = [(at, self._jump(run, at)) for at in run.updates.joints if at < run.count]
        found = next(((at, jump) for at, jump in resumes if jump is not None), None)
        if found is not None:
            at, (before, after) = found
            message = (
                f"The loss jumped from {value(before)} to {value(after)} at the resume at update {run.number(at)}: was "
                f"the state of the optimizer and of the scheduler restored?"
            )
            yield self.told(run, at, message, numbers={"before": before, "loss": after, "resume": True})
            return
        yield from self._restarts(run)

    def _restarts(self, run: Run) -> Iterable[Finding]:
        restarts = [at for at in self._risen(run) if run.count - at >= AROUND]
        jumps = [self._jump(run, at) for at in restarts]
        if len(restarts) < 2 or any(jump is None for jump in jumps):
            return
        at, last = restarts[1], jumps[1]
        assert last is not None
        message = (
            f"The loss jumps at each of the {len(restarts)} restarts of the LR: at update {run.number(at)} from "
            f"{value(last[0])} to {value(last[1])}, as the LR went back to {rate_text(run.rate(at))}"
        )
        yield self.told(run, at, message, numbers={"restarts": len(restarts), "before": last[0], "loss": last[1]})

    def _risen(self, run: Run) -> list[int]:
        """The positions at which the LR jumped up in one update, after it had come down."""
        found = []
        for one in run.blocks:
            if one.highest_rate < JUMP * one.lowest_rate and one.lowest_rate > 0 and not self._edge(run, one.start):
                continue
            for at in range(max(one.start, 1), one.stop):
                before, now = run.rate(at - 1), run.rate(at)
                if now >= JUMP * before and now - before >= 0.3 * run.peak and at > 1:
                    found.append(at)
        return found

    def _edge(self, run: Run, start: int) -> bool:
        return start > 0 and run.rate(start) >= JUMP * run.rate(start - 1)

    def _jump(self, run: Run, at: int) -> tuple[float, float] | None:
        """The levels before and after, if the loss jumped there."""
        before = sorted(loss for loss in run.updates.losses[max(at - AROUND, 0) : at] if math.isfinite(loss))
        after = sorted(loss for loss in run.updates.losses[at : at + AROUND] if math.isfinite(loss))
        if len(before) < AROUND // 2 or len(after) < AROUND // 2:
            return None
        low, high = before[len(before) // 2], after[len(after) // 2]
        spread = before[3 * len(before) // 4] - before[len(before) // 4]
        rise = high - low
        return (low, high) if rise >= LOST * (run.start - low) > 0 and rise >= CLEAR * spread else None


RULE = RestartSpike()
