"""LR204: a milestone lies at or past the end of the training."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..finding import INFO, WARNING, Finding
from . import examples
from .base import LIKELY, PROVEN, Related, Rule
from .spans import Span, call, last_tick, literal, same_unit, spans, unjudged

_ARGUMENTS = {
    "MultiStepLR": "milestones",
    "StepLR": "step_size",
    "MultiStepLRScheduler": "decay_t",
    "StepLRScheduler": "decay_t",
}


class MilestoneNeverReached(Rule):
    id = "LR204"
    slug = "milestone-never-reached"
    severity = WARNING
    summary = "A drop is planned at or past the end of the training, so it never acts"
    why = """A milestone counts step() calls: the drop at 90 happens after the 90th, and in a training of 90
epochs no update comes after that. Where it is the last of several drops the schedule is a little other than
it reads (worth knowing, no more); where it is the only one, or step_size is as long as the training, the
learning rate never decays at all."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[90, 120])\n"),
        examples.per_epoch("scheduler = lr_scheduler.StepLR(optimizer, step_size=100)\n"),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[30, 60, 80])\n"),
        examples.per_epoch("scheduler = lr_scheduler.StepLR(optimizer, step_size=30)\n"),
    )
    sources = (
        "measured with torch 2.13: milestones 30, 60, 90 in 90 epochs give 1, 0.1 and 0.01 times the LR",
        "Goyal et al. 2017 drop at 30, 60 and 80 of 90 epochs",
    )
    fix_safety = "None: where the drops belong is a choice."
    covers = ("LR202", "LR211")

    def skipped(self, case: Case) -> str | None:
        return unjudged(case) if any(s.name in _ARGUMENTS for s in case.schedulers()) else None

    def check(self, case: Case) -> Iterable[Finding]:
        for found in spans(case):
            name = _ARGUMENTS.get(found.scheduler.name)
            if name in found.scheduler.arguments and found.comparable and same_unit(found):
                missed = [self._missed(found, name, outcome) for outcome in found.outcomes]
                if all(m is not None and m[0] for m in missed):
                    yield self._finding(found, name, [m for m in missed if m is not None])

    def _missed(self, found: Span, name: str, outcome: Outcome) -> tuple[list[float], int] | None:
        """The milestones no update comes after, and how many there are; None where they are not known."""
        value = found.scheduler.arguments[name].value
        exprs = value if isinstance(value, list) else [value]
        numbers = [found.case.number(expr, outcome.witness) for expr in exprs]
        if not numbers or any(number is None for number in numbers):
            return None
        last = last_tick(outcome)
        return [n for n in numbers if n is not None and n > last], len(numbers)

    def _finding(self, found: Span, name: str, missed: list[tuple[list[float], int]]) -> Finding:
        argument = found.scheduler.arguments[name]
        late, planned = missed[0]
        never = all(len(some) == count for some, count in missed)
        one = len(late) == 1
        drops = f"The drop{'' if one else 's'} at {', '.join(f'{n:g}' for n in sorted(late))}"
        outcome = found.outcome
        if found.exact:
            unit = "epoch" if found.per_epoch else "step"
            ends = f"the training ends after {outcome.ticks:,} {unit}{'' if outcome.ticks == 1 else 's'}"
        else:
            drops, ends = ("The drops" if len(late) > 1 else "The drop"), "the training ends before"
        tail = "the learning rate never decays" if never else f"{len(late)} of {planned} drops never act"
        return self.finding(
            argument.place,
            f"{drops} come{'s' if one else ''} too late ({name}={argument.text}): {ends}, so {tail}",
            severity=WARNING if never else INFO,
            certainty=LIKELY if literal(argument) else PROVEN,
            numbers={"milestone": min(late), "ticks": outcome.ticks} if found.exact else {},
            related=[Related(call(found.scheduler), "built here"), *found.related()],
            actual=outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )


RULE = MilestoneNeverReached()
