"""LR217: the schedule raises an exception inside the training."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Outcome
from ..errors import LrightError
from ..finding import ERROR, Finding
from ..schedule import emulate
from ..situation import Argument, Scheduler
from . import examples
from .base import PROVEN, Related, Rule
from .spans import DECAYS, Span, call, lengths_in, spans, steady, unknown_in

_SIZES = (*dict.fromkeys(DECAYS.values()), "T_0", "step_size", "milestones", "total_steps", "pct_start", "start_factor")
_CERTAIN = ("ZeroDivisionError", "ValueError", "TypeError", "RuntimeError", "OverflowError", "NotImplementedError")


class ScheduleRaisesInside(Rule):
    id = "LR217"
    slug = "schedule-raises"
    severity = ERROR
    summary = "The schedule raises an exception, or its learning rate stops being a real number"
    why = """Some schedules cannot be asked past their end: (1 - epoch / epochs) ** 0.9 is a power of a
negative number, complex in Python, and optimizer.step() refuses it. A length of 0, often an integer
division, makes the first step() divide by zero. Others refuse their arguments when they are built. The
training stops there, hours in if the schedule is merely too short."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: (1 - epoch / 50) ** 0.9)\n"),
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS // 100)\n"),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: (1 - epoch / EPOCHS) ** 0.9)\n"),
        examples.per_epoch("scheduler = lr_scheduler.PolynomialLR(optimizer, total_iters=EPOCHS, power=0.9)\n"),
    )
    sources = ("measured with torch 2.13: ZeroDivisionError for T_max=0; a complex learning rate is refused",)
    fix_safety = "None: the length that was meant is not known."
    covers = ("LR201", "LR202", "LR204", "LR208", "LR211", "LR214")
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        judged = {found.scheduler.number: found for found in spans(case)}
        for scheduler in case.schedulers():
            found = judged.get(scheduler.number)
            if found is not None:
                finding = self._stepped(found)
            else:
                finding = self._built(case, scheduler)
            if finding is not None:
                yield finding

    def _stepped(self, found: Span) -> Finding | None:
        """An exception at a step() call, or in the constructor, under all numbers that are tried."""
        raised = [(outcome, outcome.raised) for outcome in found.outcomes]
        if any(error is None or not self._certain(found.case, found.scheduler, error) for _, error in raised):
            return None
        outcome, error = raised[0]
        if error is None or not (found.comparable or error.tick is None or error.tick <= 1):
            return None
        return self._finding(found.case, found.scheduler, error, found, outcome)

    def _built(self, case: Case, scheduler: Scheduler) -> Finding | None:
        """An exception in the constructor, whatever comes after."""
        if not scheduler.known or unknown_in(case, lengths_in(case, scheduler)):
            return None
        try:
            emulated = case.emulate(scheduler)
            ticks = case.ticks(scheduler)
            first = bool(ticks) and not scheduler.plateau and all(steady(scheduler, tick) for tick in ticks)
            error = emulated.first_raise(1) if first else None
        except emulate.ScheduleRaises as raised:
            error = raised
        except (LrightError, ArithmeticError, TypeError, ValueError, LookupError):
            return None
        if error is None or not self._certain(case, scheduler, error):
            return None
        if error.tick is None and case.training.trace is not None:
            return None  # it was built: what raises here is that not every argument was recorded
        return self._finding(case, scheduler, error, None, None)

    def _certain(self, case: Case, scheduler: Scheduler, error: emulate.ScheduleRaises) -> bool:
        """Whether the exception does not rest on something that was made up: an unknown learning rate."""
        if error.exception not in _CERTAIN or "optimizer must support" in error.text:
            return False
        about_lr = "lr" in error.text.lower().replace("reducelronplateau", "") and not _unreal(error)
        return not about_lr or case.peak_known(case.optimizer(scheduler))

    def _finding(
        self,
        case: Case,
        scheduler: Scheduler,
        error: emulate.ScheduleRaises,
        found: Span | None,
        outcome: Outcome | None,
    ) -> Finding:
        name = scheduler.text or scheduler.name
        numbers: dict[str, float | int | str | bool | None] = {}
        what = f"The LR of {name} is no real number" if _unreal(error) else f"{name} raises {error.exception}"
        if error.tick is None:
            when = " when it is built"
        elif found is None or outcome is None or error.tick <= 1:
            when = " at its first step()"
        else:
            numbers = {"tick": error.tick, "update": outcome.update_after_tick(error.tick)} if found.exact else {}
            when = f" after {found.moment(error.tick)}"
            when += ": a negative number is raised to a power there" if _unreal(error) else ""
        message = f"{what}{when}"
        if error.tick is None and error.text:
            message += f": {error.text[:120]}"
        argument = self._argument(scheduler)
        related = [Related(argument.place, "its length")] if argument is not None else []
        return self.finding(
            call(scheduler),
            message,
            certainty=PROVEN,
            numbers=numbers,
            related=[*related, *(found.related() if found is not None else [])],
            actual=outcome.curve(label="actual") if outcome is not None else None,
            subjects=[scheduler.number],
            unless=found.unless() if found is not None else (),
        )

    def _argument(self, scheduler: Scheduler) -> Argument | None:
        return next((scheduler.arguments[name] for name in _SIZES if name in scheduler.arguments), None)


def _unreal(error: emulate.ScheduleRaises) -> bool:
    """A learning rate that optimizer.step() refuses."""
    return "the LR is" in error.text or "complex" in error.text


RULE = ScheduleRaisesInside()
