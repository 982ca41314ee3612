"""LR205: the length counts batches, but the scheduler is stepped once per optimizer update."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import EVERY_UPDATE, Case, Length
from ..finding import ERROR, Finding
from ..quantity import Expr, Op, Sym, Unit
from . import examples
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .spans import Span, call, per_loader, spans

_STEPS = """\
for epoch in range(EPOCHS):
    for i, (x,) in enumerate(loader):
        model(x).pow(2).mean().backward()
        if (i + 1) % ACCUMULATION == 0:
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
"""


class AccumulationIgnoredInLength(Rule):
    id = "LR205"
    slug = "accumulation-ignored-in-length"
    severity = ERROR
    summary = "The length counts batches, but under accumulation the scheduler is stepped once per update"
    why = """With gradient accumulation there is one optimizer update, and one step() of the scheduler, for
every few batches. A length of epochs * len(loader) is then several times too long: with a factor of 4 the
training ends in the first quarter of the schedule, a warmup takes four times as long as meant, and a decay
never happens."""
    bad = (
        examples.loop(
            "ACCUMULATION = 4\n"
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))\n" + _STEPS
        ),
        examples.loop(
            "ACCUMULATION = 8\n"
            "total_steps = len(loader) * EPOCHS\n"
            "scheduler = lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=total_steps)\n" + _STEPS
        ),
    )
    good = (
        examples.loop(
            "ACCUMULATION = 4\n"
            "updates = EPOCHS * (len(loader) // ACCUMULATION)\n"
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=updates)\n" + _STEPS
        ),
        examples.loop(
            "ACCUMULATION = 1\n"
            "updates = EPOCHS * len(loader) // ACCUMULATION\n"
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=updates)\n" + _STEPS
        ),
        examples.per_batch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS * len(loader))\n"),
    )
    sources = ("torch 2.13 documentation: schedulers count calls of step()",)
    fix_safety = (
        "Unsafe: the length is divided by the accumulation factor; what happens to a remainder is for you to say."
    )
    covers = ("LR201", "LR202", "LR203", "LR208", "LR211", "LR611")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            factor = case.accumulation(found.scheduler.optimizer)
            if factor is None or not case.accumulates(found.scheduler.optimizer) or not found.comparable:
                continue
            if any(tick.rate.unit != EVERY_UPDATE for tick in found.ticks):
                continue
            in_batches = [length for length in case.lengths(found.scheduler) if length.unit is Unit.BATCH]
            if in_batches and self._too_long(found, factor, in_batches):
                yield self._finding(found, factor, in_batches)

    def _too_long(self, found: Span, factor: Expr, lengths: list[Length]) -> bool:
        """Whether the longest of the lengths really exceeds the ticks by the factor."""
        for outcome in found.outcomes:
            numbers = [found.case.number(length.expr, outcome.witness) for length in lengths]
            k = found.case.number(factor, outcome.witness)
            if k is None or k <= 1 or any(number is None for number in numbers):
                return False
            longest = max(number for number in numbers if number is not None)
            if not 0.6 * k < longest / outcome.ticks < 1.6 * k:
                return False
        return True

    def _finding(self, found: Span, factor: Expr, lengths: list[Length]) -> Finding:
        case, outcome = found.case, found.outcome
        longest = max(lengths, key=lambda length: case.number(length.expr, outcome.witness) or 0)
        name, k = f"{longest.name}={longest.argument.text}", case.number(factor)
        numbers: dict[str, float | int | str | bool | None] = {"accumulation": k}
        message = f"{found.name} is stepped once per optimizer update, but {name} counts batches"
        if found.exact:
            sized = case.number(longest.expr) or 1
            numbers |= {"length": sized, "ticks": outcome.ticks}
            message += (
                f": {sized:,.0f} against {outcome.ticks:,} steps, so it is cut off after {outcome.ticks / sized:.0%}"
            )
        else:
            message += f": with {k:g} batches per update the training ends after 1/{k:g} of it"
        sure = case.proven(longest.expr)
        return self.finding(
            call(longest.scheduler),
            message,
            certainty=PROVEN if sure else LIKELY,
            numbers=numbers,
            related=[Related(length.argument.place, f"{length.name} counts batches") for length in lengths]
            + found.related(),
            remedies=self._remedies(found, factor, lengths),
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number, longest.scheduler.number],
            unless=found.unless(),
        )

    def _remedies(self, found: Span, factor: Expr, lengths: list[Length]) -> list[Remedy]:
        """Every loader's length divided by the factor, in each argument that counts batches."""
        case = found.case
        if any(length.unit is None and per_loader(case, length.expr) for length in case.lengths(found.scheduler)):
            return []  # it may count batches too, and would be left behind
        steps = {loader.length.name: Op("//", (loader.length, factor)) for loader in case.training.loaders.values()}
        made: list[Remedy] = []
        for length in lengths:
            value = length.argument.value
            mended = value.substituted(steps) if isinstance(value, Expr) else None
            text = case.source(mended)
            if text is None or mended == value or isinstance(value, Sym) and text == length.argument.text:
                return []
            made.append(Remedy("replace", f"count updates: {length.name}={text}", length.argument.place, text))
        return [Remedy("replace", made[0].title, made[0].place, made[0].text, then=tuple(made[1:]))]


RULE = AccumulationIgnoredInLength()
