"""LR611: the run stopped before the LR came down."""

from __future__ import annotations

from collections.abc import Iterable

from ..finding import INFO, Finding
from .example_runs import cosine, falling, made
from .recorded import BehaviourRule, Run, rate_text

HIGH = 0.3  # of the peak
AT_LEAST = 20  # updates
DECAYING = ("Cosine", "OneCycle", "Polynomial", "WSD", "get_cosine", "get_linear", "get_polynomial", "get_wsd")


class EndedAtHighLr(BehaviourRule):
    id = "LR611"
    slug = "ended-at-high-lr"
    severity = INFO
    summary = "The run stopped before the LR came down"
    why = """Much of the gain of a decaying schedule comes in its last part, when the rate is small. A run that is
stopped at a high rate, by early stopping, by hand, or because the schedule is longer than the training, does not
get it, and its weights are worse than they need be. A short decay to zero from a late checkpoint often recovers it."""
    bad_traces = (
        lambda: made(300, cosine(0.1, 780), falling(), ended="stopped"),
        lambda: made(300, cosine(0.05, 300 * 30), falling()),
    )
    good_traces = (
        lambda: made(300, cosine(0.1, 300, 30), falling()),
        lambda: made(300, lambda u: 0.1 * min(1.0, (u + 1) / 30), falling()),
        lambda: made(300, 0.1, falling()),
        lambda: made(300, cosine(0.1, 780), falling(), ended=""),
    )
    sources = (
        "measured: with WSD the loss of a small GPT fell from 2.39 to 2.27 in the final decay alone",
        "our judgement: above 30% of the peak",
    )
    fix_safety = "None: train to the end of the schedule, or decay from the last checkpoint."
    covers = ("LR202",)
    needs_loss = False

    def seen(self, run: Run) -> Iterable[Finding]:
        if run.ended in ("", "crashed") or run.count < AT_LEAST or run.peak <= 0 or run.plateau_driven():
            return
        last = run.rate(run.count - 1)
        if last <= HIGH * run.peak or not self._decaying(run, last):
            return
        how = {"finished": "ended", "stopped": "was stopped", "interrupted": "was interrupted"}.get(run.ended, "ended")
        message = (
            f"The run {how} after {run.count} updates with the LR at {rate_text(last)}, {last / run.peak:.0%} of its "
            f"peak {rate_text(run.peak)}: the schedule had its decay still before it"
        )
        yield self.told(run, run.count - 1, message, numbers={"peak": run.peak, "ended": run.ended})

    def _decaying(self, run: Run, last: float) -> bool:
        """Whether the LR was on its way down, or a schedule that brings it down is at work."""
        if run.schedulers():
            return any(name.startswith(DECAYING) for name in run.schedulers())
        return last < run.peak and run.rate(run.count - 1) < run.rate(max(run.count - 2 - run.count // 5, 0))


RULE = EndedAtHighLr()
