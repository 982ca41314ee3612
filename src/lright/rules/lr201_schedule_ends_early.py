"""LR201: the schedule is over long before the training is."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import ERROR, INFO, WARNING, Finding
from . import examples
from .base import LIKELY, PROVEN, Rule
from .spans import LAMBDAS, Span, agreed, end_of, fit, highest, last_tick, literal, same_unit, spans, unjudged
from .ticking import rate_text

MARGIN = 0.10  # of the training, spent at the floor
RISE = 0.01  # of the way back up to the peak
LOW = 0.101  # of the peak: a floor above that may be meant


class ScheduleEndsEarly(Rule):
    id = "LR201"
    slug = "schedule-ends-early"
    severity = WARNING
    summary = "The schedule is shorter than the training: it stays at its floor, or a cosine rises again"
    why = """Past its length a linear or polynomial decay stays at its last value, so the rest of the
training hardly learns. CosineAnnealingLR and the cosine schedules of transformers do worse: the formula is
periodic and the learning rate climbs again, which undoes the decay. With T_max=50 and 100 epochs the last
epochs run at the peak."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=45)\n"),
        examples.per_batch(
            "scheduler = lr_scheduler.PolynomialLR(optimizer, total_iters=EPOCHS // 2 * len(loader), power=1.0)\n"
        ),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"),
        examples.per_epoch("scheduler = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=5)\n"),
        examples.per_epoch("scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60])\n"),
    )
    sources = (
        "measured with torch 2.13 and transformers 5: a cosine with T_max=10 is back at its peak after 20",
        "Hoffmann et al. 2022: a cosine should be as long as the run",
        "our judgement: a tenth of the training at the floor, a rise of a hundredth of the peak",
    )
    fix_safety = """Unsafe: the length of the training is offered as the length of the schedule; shortening
the training would be right too."""
    covers = ("LR214", "LR604", "LR605", "LR611")

    def skipped(self, case: Case) -> str | None:
        return unjudged(case)
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            if found.comparable and same_unit(found):
                verdict = agreed([self._verdict(found, outcome) for outcome in found.outcomes])
                if verdict is not None:
                    yield self._finding(found, verdict)

    def _verdict(self, found: Span, outcome: Outcome) -> str | None:
        """error, warning or info; None where all is well."""
        end, last = end_of(found, outcome), last_tick(outcome)
        if end is None or last <= end:
            return None
        floor, top, after = outcome.lr_at_tick(end), highest(outcome, 0, end), highest(outcome, end + 1, last)
        if floor is None or top is None or after is None or floor >= top * (1 - 1e-6):
            return None
        written = found.last().name in LAMBDAS  # a function of the user's: only what trains nothing is certain
        if after > floor + RISE * (top - floor):
            return WARNING if written else ERROR
        if (outcome.lr_at_tick(last) or 0.0) < -RISE * top:
            return ERROR
        if last + 1 - end > MARGIN * outcome.ticks:
            return WARNING if floor <= (0.0 if written else LOW * top) else INFO
        return None

    def _finding(self, found: Span, verdict: str) -> Finding:
        outcome = found.outcome
        end, last = end_of(found, outcome) or 0, last_tick(outcome)
        floor, after = outcome.lr_at_tick(end) or 0.0, highest(outcome, end + 1, last) or 0.0
        written = f" ({found.written()})" if found.written() else ""
        message = f"{found.name}{written} is at its lowest after {found.moment(end)}{self._then(found, floor, after)}"
        return self.finding(
            found.place(),
            message,
            severity=verdict,
            certainty=LIKELY if literal(found.length()) else PROVEN,
            numbers={"length": end, "ticks": outcome.ticks, "floor": floor, "highest_after": after}
            if found.exact
            else {},
            related=found.related(),
            remedies=fit(found),
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )

    def _then(self, found: Span, floor: float, after: float) -> str:
        """What the learning rate does in the rest of the training."""
        outcome = found.outcome
        peak = highest(outcome, 0, end_of(found, outcome) or 0) or 1.0
        final = outcome.lr_at_tick(last_tick(outcome)) or 0.0
        known = found.exact and found.case.peak_known(outcome.optimizer)

        def said(lr: float) -> str:
            if known:
                return rate_text(lr)
            return (
                "its peak"
                if lr > 0.995 * peak
                else f"{lr / peak:{'.0%' if abs(lr) >= 0.01 * peak else '.2g'}} of its peak"
            )

        if after > floor + RISE * (peak - floor):
            return f" and then rises again, to {said(after)}"
        if final < -RISE * peak:
            return f" and then turns negative, down to {said(final)}"
        return f": the rest of the training runs at {said(floor)}"


RULE = ScheduleEndsEarly()
