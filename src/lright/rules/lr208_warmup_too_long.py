"""LR208: the warmup takes half of the training or more, or none of it."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import WARNING, Finding
from ..quantity import Expr, Lit
from ..situation import Argument, Scheduler
from . import examples
from .base import LIKELY, PROVEN, Related, Rule
from .spans import Span, call, contains, highest, lengths_in, literal, same_unit, spans, throughout

HALF = 0.5

Warmup = tuple[Scheduler, str, Argument, Expr]


class WarmupTooLong(Rule):
    id = "LR208"
    slug = "warmup-too-long"
    severity = WARNING
    summary = "The warmup takes half of the training or more, or was rounded down to nothing"
    why = """A warmup is for the first updates, while weights and optimizer statistics are young: recipes
use a hundredth to a tenth of the training. One that takes half of it leaves little time at the rate that
was chosen. Often a number of steps was copied from a longer training. The reverse happens too: int(0.1) *
steps and 5 // 100 * steps are 0, and there is no warmup at all."""
    bad = (
        examples.per_epoch(
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=60)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 60)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[60])\n"
        ),
        examples.per_batch(
            "from transformers import get_linear_schedule_with_warmup\n"
            "total = EPOCHS * len(loader)\n"
            "warmup = 5 // 100 * total\n"
            "scheduler = get_linear_schedule_with_warmup(optimizer, warmup, num_training_steps=total)\n"
        ),
    )
    good = (
        examples.per_epoch(
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=5)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 5)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[5])\n"
        ),
        examples.per_batch(
            "from transformers import get_linear_schedule_with_warmup\n"
            "total = EPOCHS * len(loader)\n"
            "scheduler = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=0, num_training_steps=total)\n"
        ),
    )
    sources = ("warmups of published recipes: 0.1 to 11% of the training", "our judgement: half of it")
    fix_safety = "None: how long the warmup should be is a choice."
    covers = ("LR201", "LR202", "LR211")

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            for warmup in warmups(found):
                finding = self._judge(found, warmup)
                if finding is not None:
                    yield finding
                    break

    def _judge(self, found: Span, warmup: Warmup) -> Finding | None:
        expr = warmup[3]
        lengths = [found.case.number(expr, outcome.witness) for outcome in found.outcomes]
        if any(length is None for length in lengths):
            return None
        if all(length == 0 for length in lengths):
            return self._none(found, warmup) if truncated(found.case, expr) else None
        if not found.comparable or not same_unit(found):
            return None
        if not all(map(throughout, found.outcomes)):
            return None
        pairs = [(length or 0.0, outcome) for length, outcome in zip(lengths, found.outcomes, strict=True)]
        if all(
            length >= HALF * outcome.ticks - 1 and length > 1 and rises(outcome, length) for length, outcome in pairs
        ):
            return self._long(found, warmup, pairs[0][0])
        return None

    def _none(self, found: Span, warmup: Warmup) -> Finding:
        _, name, argument, _ = warmup
        message = f"The warmup of {found.name} is 0 steps: {name}={argument.text} is rounded down to 0"
        return self._finding(found, warmup, message, PROVEN, {"warmup": 0})

    def _long(self, found: Span, warmup: Warmup, length: float) -> Finding:
        _, name, argument, _ = warmup
        ticks = found.outcome.ticks
        written = f"{name}={argument.text}" if name != "lr_lambda" else f"its function counts {warmup[3]}"
        if found.exact:
            unit = "epochs" if found.per_epoch else "steps"
            message = f"The warmup of {found.name} takes {length:,.0f} of {ticks:,} {unit} ({written})"
        else:
            message = f"The warmup of {found.name} takes {length / ticks:.0%} of the training ({written})"
        message += ": the peak is never reached" if length >= ticks else ""
        numbers = {"warmup": length, "ticks": ticks} if found.exact else {}
        return self._finding(found, warmup, message, LIKELY if literal(argument) else PROVEN, numbers)

    def _finding(self, found: Span, warmup: Warmup, message: str, certainty: str, numbers: dict[str, float]) -> Finding:
        scheduler, name, argument, _ = warmup
        place = argument.place if name != "lr_lambda" else call(scheduler)
        return self.finding(
            place,
            message,
            certainty=certainty,
            numbers=dict(numbers),
            related=[Related(call(scheduler), "built here"), *found.related()],
            actual=found.outcome.curve(label="actual"),
            subjects=[found.scheduler.number, scheduler.number],
            unless=found.unless(),
        )


def warmups(found: Span) -> Iterable[Warmup]:
    """The arguments that say how long it warms up."""
    scheduler = found.scheduler
    for name in ("num_warmup_steps", "warmup_t"):
        argument = scheduler.arguments.get(name)
        if argument is not None and isinstance(argument.value, Expr):
            yield scheduler, name, argument, argument.value
    if scheduler.name == "SequentialLR":
        first, milestones = found.case.children(scheduler)[:1], scheduler.arguments.get("milestones")
        if first and first[0].name == "LinearLR" and rising(found.case, first[0]):
            total = first[0].arguments.get("total_iters")
            if total is not None and isinstance(total.value, Expr):
                yield first[0], "total_iters", total, total.value
            if milestones is not None and isinstance(milestones.value, list) and milestones.value:
                if isinstance(milestones.value[0], Expr):
                    yield scheduler, "milestones", milestones, milestones.value[0]
    if scheduler.name == "LambdaLR" and any(contains(e, "if", "min") for e in lengths_in(found.case, scheduler) if e):
        for length in found.case.lengths(scheduler):
            yield scheduler, "lr_lambda", length.argument, length.expr


def rising(case: Case, scheduler: Scheduler) -> bool:
    """Whether a LinearLR goes up (its defaults do: from a third to 1)."""
    start, end = scheduler.arguments.get("start_factor"), scheduler.arguments.get("end_factor")
    first = 1 / 3 if start is None else case.number(start.value)
    last = 1.0 if end is None else case.number(end.value)
    return first is not None and last is not None and first < last


def rises(outcome: Outcome, length: float) -> bool:
    """Whether the learning rate really climbs until then and is highest there."""
    end = int(min(length, 10**9))  # an endless one cannot be asked about
    start, half, peak = outcome.lr_at_tick(0), outcome.lr_at_tick(end // 2), outcome.lr_at_tick(end)
    top = highest(outcome, 0, max(end, outcome.ticks - 1))
    if start is None or half is None or peak is None or top is None:
        return False
    return start < half < 0.95 * peak and peak >= 0.999 * top


def truncated(case: Case, expr: Expr) -> bool:
    """A product that is 0 though none of the settings in it is."""
    if isinstance(expr, Lit):
        return False
    names = list(expr.symbols())
    return bool(names) and not any(case.number(case.training.definitions.get(n)) == 0 or _zero(case, n) for n in names)


def _zero(case: Case, name: str) -> bool:
    fact = case.training.facts.get(name)
    return fact is not None and fact.known and not fact.value


RULE = WarmupTooLong()
