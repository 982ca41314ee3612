"""LR214: warm restarts end in the middle of a cycle."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import WARNING, Finding
from ..quantity import Expr, Lit
from . import examples
from .base import LIKELY, PROVEN, Related, Rule
from .spans import Span, call, last_tick, literal, same_unit, spans
from .ticking import rate_text

DONE = 0.75  # of the last cycle: the learning rate is below 15% of its peak from there on


class RestartAtTheEnd(Rule):
    id = "LR214"
    slug = "restart-at-the-end"
    severity = WARNING
    summary = "The training ends in the middle of a restart cycle, at a high learning rate"
    why = """With warm restarts the weights are good at the end of a cycle, when the learning rate has come
down, and worse right after a restart. A training that is not a whole number of cycles long stops where they
are worse. Cycles of T_0 and T_mult=2 end after 1, 3, 7, 15 times T_0; with T_mult=1 after every T_0."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=40)\n", epochs=100),
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2)\n", epochs=100
        ),
    )
    good = (
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=10, T_mult=2)\n", epochs=70
        ),
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=EPOCHS // 3)\n", epochs=90
        ),
    )
    sources = (
        "Loshchilov and Hutter 2017 compare their results at the ends of cycles",
        "our judgement: less than three quarters of the last cycle done",
    )
    fix_safety = "None: the training could be longer or shorter, or the cycles other."

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            if found.scheduler.name != "CosineAnnealingWarmRestarts" or not found.comparable or not same_unit(found):
                continue
            positions = [self._position(found, outcome) for outcome in found.outcomes]
            if all(p is not None and 0 < p[0] < DONE for p in positions):
                yield self._finding(found, positions[0] or (0.0, 0))

    def _position(self, found: Span, outcome: Outcome) -> tuple[float, int] | None:
        """How much of the last cycle is done, and which cycle it is (from 1)."""
        arguments, case = found.scheduler.arguments, found.case
        first = case.number(arguments["T_0"].value if "T_0" in arguments else None, outcome.witness)
        multiple = case.number(arguments["T_mult"].value if "T_mult" in arguments else Lit(1), outcome.witness)
        if first is None or multiple is None or first < 1 or multiple < 1:
            return None
        length, left, cycle = int(first), last_tick(outcome) + 1, 1
        while left > length and cycle < 100_000:
            left -= length
            length *= int(multiple)
            cycle += 1
        return (0.0 if left == length else left / length), cycle

    def _finding(self, found: Span, position: tuple[float, int]) -> Finding:
        outcome, argument = found.outcome, found.scheduler.arguments["T_0"]
        final = outcome.lr_at_tick(last_tick(outcome)) or 0.0
        extremes = outcome.extremes()
        share = final / extremes[1] if extremes and extremes[1] else 0.0
        done, cycle = position
        message = f"The training ends {done:.0%} into cycle {cycle} of {found.name}, at "
        known = found.exact and found.case.peak_known(outcome.optimizer)
        message += f"{rate_text(final)}, {share:.0%} of the peak" if known else f"{share:.0%} of the peak"
        bare = literal(argument) and isinstance(argument.value, Expr)
        return self.finding(
            argument.place,
            message,
            severity=WARNING,
            certainty=LIKELY if bare else PROVEN,
            numbers={"cycle": cycle, "done": round(done, 4), "ticks": outcome.ticks} if found.exact else {},
            related=[Related(call(found.scheduler), "built here"), *found.related()],
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )


RULE = RestartAtTheEnd()
