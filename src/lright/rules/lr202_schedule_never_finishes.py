"""LR202: the training is over before the learning rate has come down."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import WARNING, Finding
from . import examples
from .base import LIKELY, PROVEN, Rule
from .spans import COSINES, Span, end_of, fit, highest, last_tick, literal, same_unit, spans, unjudged
from .ticking import rate_text

MARGIN, COSINE_MARGIN = 1.10, 1.25  # the schedule's length against the training's
HEIGHT = 0.05  # of the way down that is left


class ScheduleNeverFinishes(Rule):
    id = "LR202"
    slug = "schedule-never-finishes"
    severity = WARNING
    summary = "The schedule is longer than the training: the learning rate never comes down"
    why = """Most of what a decay gains is gained near its end, where the learning rate is low. A schedule
that is cut off leaves the weights where a high learning rate put them. Language models trained with a
cosine over 25% longer than the run ended clearly worse than with one that fitted; other shapes are high for
longer the more is cut off."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=200)\n"),
        examples.per_batch(
            "total = 3 * EPOCHS * len(loader)\n"
            "scheduler = lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=total)\n"
        ),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"),
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS + 10)\n"),
        examples.per_epoch("scheduler = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=5)\n"),
    )
    sources = (
        "Hoffmann et al. 2022, figure A1: a cosine over 25% too long hurts clearly",
        "our judgement: 10% for other shapes, and a twentieth of the way down left",
    )
    fix_safety = (
        "Unsafe: the length of the training is offered as the length of the schedule; a longer training would do too."
    )
    covers = ("LR211", "LR601", "LR611")

    def skipped(self, case: Case) -> str | None:
        return unjudged(case)
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            if found.comparable and same_unit(found) and all(self._cut_off(found, o) for o in found.outcomes):
                yield self._finding(found)

    def _cut_off(self, found: Span, outcome: Outcome) -> bool:
        end, last = end_of(found, outcome), last_tick(outcome)
        if end is None or end <= (COSINE_MARGIN if found.last().name in COSINES else MARGIN) * outcome.ticks:
            return False
        floor, top, final = outcome.lr_at_tick(end), highest(outcome, 0, last), outcome.lr_at_tick(last)
        if floor is None or top is None or final is None or floor >= top * (1 - 1e-6):
            return False
        return final - floor > HEIGHT * (top - floor)

    def _finding(self, found: Span) -> Finding:
        outcome = found.outcome
        end, final = end_of(found, outcome) or 0, outcome.lr_at_tick(last_tick(outcome)) or 0.0
        peak = highest(outcome, 0, last_tick(outcome)) or 1.0
        share = final / peak
        written = f" ({found.written()})" if found.written() else ""
        if found.exact:
            unit = "epochs" if found.per_epoch else "steps"
            message = (
                f"{found.name}{written} takes {end:,} {unit} to come down, but it is stepped {outcome.ticks:,} times"
            )
        else:
            message = f"{found.name}{written} is {end / outcome.ticks:.3g} times as long as the training"
        at = f"{rate_text(final)}, " if found.exact and found.case.peak_known(outcome.optimizer) else ""
        return self.finding(
            found.place(),
            f"{message}: the training ends at {at}{share:.0%} of the peak",
            certainty=LIKELY if literal(found.length()) else PROVEN,
            numbers={"length": end, "ticks": outcome.ticks, "final_lr": final, "share": round(share, 4)}
            if found.exact
            else {},
            related=found.related(),
            remedies=fit(found),
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )


RULE = ScheduleNeverFinishes()
