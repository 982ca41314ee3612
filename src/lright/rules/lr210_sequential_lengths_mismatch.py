"""LR210: SequentialLR hands over at another time than its phases expect, or holds what it cannot hold."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import ERROR, WARNING, Finding
from ..quantity import Expr
from ..situation import Scheduler
from . import examples
from .base import LIKELY, PROVEN, Related, Remedy, Rule
from .lr208_warmup_too_long import rising
from .spans import DECAYS, SEQUENCES, Span, call, literal, same_unit, spans

SLACK = 0.05  # of the phase

_PLATEAU = """\
warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=5)
plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, plateau], milestones=[5])
"""


class SequentialLengthsMismatch(Rule):
    id = "LR210"
    slug = "sequential-lengths-mismatch"
    severity = WARNING
    summary = "SequentialLR's milestones and its phases' own lengths disagree, or a phase cannot be part of it"
    why = """A milestone of SequentialLR says when the next phase begins; how long a phase takes is its own
argument. If a warmup of 15 steps is left after 5, the learning rate jumps from a third of the way to the
peak; if a cosine is over before its milestone, it climbs again. ReduceLROnPlateau inside is refused,
because step() gives it no metric, and a SequentialLR or ChainedScheduler as a later phase raises
NotImplementedError at its milestone."""
    bad = (
        examples.per_epoch(
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=15)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 5)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[5])\n"
        ),
        examples.per_epoch(_PLATEAU),
    )
    good = (
        examples.per_epoch(
            "warmup = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=5)\n"
            "decay = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 5)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[5])\n"
        ),
        examples.per_epoch(
            "flat = lr_scheduler.ConstantLR(optimizer, factor=0.1, total_iters=10)\n"
            "decay = lr_scheduler.ExponentialLR(optimizer, gamma=0.95)\n"
            "scheduler = lr_scheduler.SequentialLR(optimizer, [flat, decay], milestones=[10])\n"
        ),
    )
    sources = (
        "measured with torch 2.13: ValueError for ReduceLROnPlateau inside; NotImplementedError for a nested one",
        "our judgement: a twentieth of the phase, and more than one step",
    )
    fix_safety = "Unsafe: the phase is made as long as its milestones say."
    covers = ("LR201", "LR202", "LR209", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if scheduler.name in SEQUENCES:
                yield from self._members(case, scheduler)
        for found in spans(case):
            if found.scheduler.name == "SequentialLR" and same_unit(found):
                yield from self._lengths(found)

    def _members(self, case: Case, scheduler: Scheduler) -> Iterable[Finding]:
        for position, child in enumerate(case.children(scheduler)):
            nested = child.name in SEQUENCES and position > 0 and scheduler.name == "SequentialLR"
            if child.name != "ReduceLROnPlateau" and not nested:
                continue
            if nested:
                message = (
                    f"{child.name} is a later phase of {scheduler.name}: it raises NotImplementedError at its milestone"
                )
            else:
                message = (
                    f"{scheduler.name} cannot hold ReduceLROnPlateau, whose step() needs a metric: it raises ValueError"
                )
            related = [Related(call(child), "the phase")]
            yield self.finding(
                call(scheduler),
                message,
                severity=ERROR,
                certainty=PROVEN,
                related=related,
                subjects=[scheduler.number, child.number],
            )

    def _lengths(self, found: Span) -> Iterable[Finding]:
        case = found.case
        children, milestones = case.children(found.scheduler), found.scheduler.arguments.get("milestones")
        if milestones is None or not isinstance(milestones.value, list):
            return
        marks = [mark for mark in milestones.value if isinstance(mark, Expr)]
        if len(marks) != len(children) - 1 or len(marks) != len(milestones.value):
            return
        for position, child in enumerate(children[:-1]):
            finding = self._phase(found, child, marks[position], marks[position - 1] if position else None)
            if finding is not None:
                yield finding
                return

    def _phase(self, found: Span, child: Scheduler, end: Expr, start: Expr | None) -> Finding | None:
        """A phase that takes another number of steps than it is given."""
        case = found.case
        if child.name not in ("LinearLR", "CosineAnnealingLR", "PolynomialLR"):
            return None
        argument = child.arguments.get(DECAYS[child.name])
        pairs: list[tuple[float, float]] = []
        for outcome in found.outcomes:
            last, first = case.number(end, outcome.witness), case.number(start, outcome.witness) if start else 0.0
            takes = case.number(argument.value, outcome.witness) if argument is not None else 5.0  # torch's default
            if last is None or first is None or takes is None:
                return None
            pairs.append((takes, last - first))
        if all(abs(takes - given) <= max(1.0, SLACK * given) for takes, given in pairs):
            return None
        longer = all(takes > given for takes, given in pairs)
        if not longer and not all(takes < given for takes, given in pairs):
            return None
        if not longer and child.name != "CosineAnnealingLR" and not (child.name == "LinearLR" and rising(case, child)):
            return None  # it rests at its floor until the next phase begins
        return self._finding(found, child, pairs[0], longer, end, start)

    def _finding(
        self, found: Span, child: Scheduler, pair: tuple[float, float], longer: bool, end: Expr, start: Expr | None
    ) -> Finding:
        name, case = DECAYS[child.name], found.case
        argument = child.arguments.get(name)
        takes, given = pair
        written = f"{name}={argument.text}" if argument is not None else f"{name}=5, the default"
        message = f"{child.name} takes {takes:,.0f} steps ({written}), but SequentialLR gives it {given:,.0f}: "
        if longer:
            message += "it is cut off on its way"
        else:
            message += (
                "the LR rises again" if child.name == "CosineAnnealingLR" else "the LR rests at the peak in between"
            )
        remedies = []
        text = case.source(end if start is None else end - start)
        if text is not None and argument is not None:
            remedies.append(Remedy("replace", f"{name}={text}", argument.place, text))
        elif text is not None:
            remedies.append(Remedy("insert-argument", f"{name}={text}", call(child), f"{name}={text}"))
        place = argument.place if argument is not None else call(child)
        return self.finding(
            place,
            message,
            certainty=LIKELY if literal(argument) else PROVEN,
            numbers={"takes": takes, "given": given} if found.exact else {},
            related=[Related(call(found.scheduler), "handed over here"), *found.related()],
            remedies=remedies,
            actual=found.outcome.curve(label="actual"),
            subjects=[found.scheduler.number, child.number],
            unless=found.unless(),
        )


RULE = SequentialLengthsMismatch()
