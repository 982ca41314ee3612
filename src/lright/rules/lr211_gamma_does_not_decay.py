"""LR211: gamma hardly decays the learning rate, raises it, or has it vanish."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, WARNING, Finding
from ..quantity import Expr, Lit
from ..situation import Argument
from . import examples
from .base import LIKELY, PROVEN, Related, Rule
from .spans import Span, call, last_tick, same_unit, spans

_GAMMAS = {
    "StepLR": "gamma", "MultiStepLR": "gamma", "ExponentialLR": "gamma",
    "StepLRScheduler": "decay_rate", "MultiStepLRScheduler": "decay_rate",
}  # fmt: skip
VANISHED = 1e-4  # of the peak, before half of the training
FLAT, HIGH = 0.9, 0.5  # of the peak, at the end


class GammaDoesNotDecay(Rule):
    id = "LR211"
    slug = "gamma-does-not-decay"
    severity = WARNING
    summary = "gamma keeps the learning rate where it is, raises it, or takes it to nothing too soon"
    why = """gamma multiplies the learning rate at every drop. At 1 nothing happens, above 1 it grows
without bound, and at 0.999 a step it is still at 90% after a hundred. A gamma of 0.1 meant for three drops
takes the learning rate of an ExponentialLR to 1e-8 of its peak in eight epochs: the rest of the training
changes no weight."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.1)\n"),
        examples.per_epoch("scheduler = lr_scheduler.StepLR(optimizer, step_size=30, gamma=1.0)\n"),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.95)\n"),
        examples.per_epoch("scheduler = lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)\n"),
    )
    sources = ("our judgement: below 1e-4 of the peak before half of the training, or above 90% of it at the end",)
    fix_safety = "None: the right gamma depends on where the decay should end."

    def check(self, case: Case) -> Iterable[Finding]:
        yield from (f for found in spans(case) for f in self._grows(found))
        for found in spans(case):
            name = _GAMMAS.get(found.scheduler.name, "")
            argument = found.scheduler.arguments.get(name)
            gamma = case.number(argument.value) if argument is not None else None
            if gamma is not None and not 0 < gamma < 1:
                continue
            if name and found.comparable and same_unit(found):
                yield from self._pace(found, argument)

    def _grows(self, found: Span) -> Iterable[Finding]:
        argument = found.scheduler.arguments.get(_GAMMAS.get(found.scheduler.name, ""))
        if argument is None or not isinstance(argument.value, Expr):
            return
        gamma = found.case.number(argument.value)
        if gamma is None or gamma < 1 or self._searches(found, argument):
            return
        what = "the learning rate never changes" if gamma == 1 else "every drop raises the learning rate"
        chosen = gamma == 1 and not isinstance(argument.value, Lit)  # an option whose default is off
        yield self._finding(
            found, argument, f"gamma is {gamma:g}: {what}", INFO if chosen else WARNING, PROVEN, {"gamma": gamma}
        )

    def _searches(self, found: Span, argument: Argument) -> bool:
        """A sweep of the learning rate grows on purpose, by a factor that is computed."""
        where = found.scheduler.function.lower()
        swept = found.scheduler.name == "ExponentialLR" and not isinstance(argument.value, Lit)
        return swept or "find" in where

    def _pace(self, found: Span, argument: Argument | None) -> Iterable[Finding]:
        ends = [self._end(found, position) for position in range(len(found.outcomes))]
        written = f" ({argument.text})" if argument is not None else ""
        collapsed = [outcome.collapse(VANISHED) for outcome in found.outcomes]
        if all(c is not None and c < 0.5 for c in collapsed):
            at = collapsed[0] or 0.0
            message = f"gamma{written} takes the LR below a ten-thousandth of its peak after {at:.0%} of the training"
            yield self._finding(found, argument, message, WARNING, PROVEN, {"vanished_after": round(at, 4)})
        elif all(end is not None and end > HIGH for end in ends) and self._drops(found):
            end = ends[0] or 0.0
            flat = all(e is not None and e > FLAT for e in ends)
            message = f"gamma{written} hardly decays the LR: the training ends at {end:.0%} of the peak"
            yield self._finding(found, argument, message, WARNING if flat else INFO, LIKELY, {"end": round(end, 4)})

    def _end(self, found: Span, position: int) -> float | None:
        outcome = found.outcomes[position]
        first, last = outcome.lr_at_tick(0), outcome.lr_at_tick(last_tick(outcome))
        return None if not first or last is None else last / first

    def _drops(self, found: Span) -> bool:
        """Whether there is a drop at all: none is another rule's finding."""
        return all((self._end(found, position) or 1.0) < 1.0 for position in range(len(found.outcomes)))

    def _finding(
        self,
        found: Span,
        argument: Argument | None,
        message: str,
        severity: str,
        certainty: str,
        numbers: dict[str, float],
    ) -> Finding:
        place = argument.place if argument is not None else call(found.scheduler)
        return self.finding(
            place,
            message,
            severity=severity,
            certainty=certainty,
            numbers=dict(numbers),
            related=[Related(call(found.scheduler), "built here"), *found.related()],
            actual=found.outcome.curve(label="actual"),
            subjects=[found.scheduler.number],
            unless=found.unless(),
        )


RULE = GammaDoesNotDecay()
