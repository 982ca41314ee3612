"""LR215: OneCycleLR with parameters that leave no cycle."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, WARNING, Finding
from ..situation import Argument, Scheduler
from . import examples
from .base import PROVEN, Related, Remedy, Rule
from .spans import call, span


class OneCycleDegenerate(Rule):
    id = "LR215"
    slug = "one-cycle-degenerate"
    severity = WARNING
    summary = "OneCycleLR's parameters leave no rise, no fall, or divide by zero"
    why = """OneCycleLR rises from max_lr / div_factor to max_lr in the fraction pct_start of its steps, and
falls in the rest. With pct_start=0 or div_factor=1 it starts at the peak, without the warmup it is for;
with pct_start=1.0 there is nothing to fall in, and the last step divides by zero. pct_start must be a
float: 0 and 1 are refused. It also takes over the optimizer's momentum: plain SGD silently gets 0.95 (worth
knowing, no more)."""
    bad = (
        examples.per_batch(
            "total = EPOCHS * len(loader)\n"
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total, pct_start=1.0)\n"
        ),
        examples.per_batch(
            "total = EPOCHS * len(loader)\n"
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total, div_factor=1)\n"
        ),
    )
    good = (
        examples.per_batch(
            "total = EPOCHS * len(loader)\n"
            "scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total, pct_start=0.1)\n"
        ),
        examples.per_batch(
            "total = EPOCHS * len(loader)\n"
            "scheduler = lr_scheduler.OneCycleLR(\n"
            "    optimizer, max_lr=0.1, total_steps=total, div_factor=10, final_div_factor=100)\n"
        ),
    )
    sources = ("measured with torch 2.13",)
    fix_safety = "Unsafe: the default of the parameter is offered."
    covers = ("LR203", "LR211", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if scheduler.name != "OneCycleLR":
                continue
            found = self._degenerate(case, scheduler)
            if found is not None:
                name, reason = found
                yield self._finding(case, scheduler, scheduler.arguments[name], name, reason)
            else:
                yield from self._momentum(case, scheduler)

    def _degenerate(self, case: Case, scheduler: Scheduler) -> tuple[str, str] | None:
        """The argument that is to blame, and what it does."""
        given = {name: case.number(argument.value) for name, argument in scheduler.arguments.items()}
        start, div, final = given.get("pct_start"), given.get("div_factor"), given.get("final_div_factor")
        if start is not None and 0 <= start <= 1 and isinstance(start, int):
            return "pct_start", "is not a float: the constructor raises ValueError"
        if start == 0:
            return "pct_start", "leaves no warmup: the LR starts next to its peak"
        if start == 1:
            return "pct_start", "leaves nothing to come down in: the last step divides by zero"
        if div is not None and div <= 1:
            what = "starts at the peak" if div == 1 else "starts above the peak and falls to it"
            return "div_factor", f"leaves no rise: the LR {what}"
        if final is not None and final * (25 if div is None else div) <= 1:
            return "final_div_factor", "leaves no fall: the LR ends at its peak or above"
        return None

    def _finding(self, case: Case, scheduler: Scheduler, argument: Argument, name: str, reason: str) -> Finding:
        default = {"pct_start": "0.3", "div_factor": "25.0", "final_div_factor": "1e4"}[name]
        judged = span(case, scheduler)
        return self.finding(
            argument.place,
            f"{name}={argument.text} {reason}",
            certainty=PROVEN,
            numbers={name: case.number(argument.value)},
            related=[Related(call(scheduler), "built here"), *(judged.related() if judged is not None else [])],
            remedies=[Remedy("replace", f"{name}={default}, the default", argument.place, default)],
            actual=judged.outcome.curve(label="actual") if judged is not None else None,
            subjects=[scheduler.number],
        )

    def _momentum(self, case: Case, scheduler: Scheduler) -> Iterable[Finding]:
        """Plain SGD gets a momentum nobody asked for."""
        optimizer, cycled = case.optimizer(scheduler), scheduler.arguments.get("cycle_momentum")
        if optimizer is None or optimizer.name != "SGD" or not optimizer.seen or cycled is not None:
            return
        if any(case.number(group.get("momentum")) != 0 and "momentum" in group for group in optimizer.groups):
            return
        if "**" in optimizer.arguments:
            return
        yield self.finding(
            call(scheduler),
            "OneCycleLR gives this SGD a momentum of 0.85 to 0.95, though it was made without one",
            severity=INFO,
            certainty=PROVEN,
            related=[Related(optimizer.place, "made without momentum")],
            remedies=[Remedy("insert-argument", "cycle_momentum=False", call(scheduler), "cycle_momentum=False")],
            subjects=[scheduler.number],
        )


RULE = OneCycleDegenerate()
