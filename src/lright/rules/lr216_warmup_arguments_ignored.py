"""LR216: a schedule that has no warmup is given warmup steps."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..errors import LrightError
from ..finding import INFO, WARNING, Finding
from ..quantity import Expr, Lit
from ..situation import Argument, Scheduler
from . import examples
from .base import PROVEN, Related, Remedy, Rule
from .spans import call

_GET = "from transformers import get_scheduler\ntotal = EPOCHS * len(loader)\n"


class WarmupArgumentsIgnored(Rule):
    id = "LR216"
    slug = "warmup-arguments-ignored"
    severity = WARNING
    summary = "Warmup steps are given to a schedule that ignores them"
    why = """get_scheduler("constant", num_warmup_steps=500) returns a constant schedule: the warmup steps
are accepted and dropped, and training starts at the full learning rate. The schedule with a warmup is
"constant_with_warmup". The same holds for diffusers, whose training scripts default to "constant" with 500
warmup steps."""
    bad = (
        examples.per_batch(
            _GET + 'scheduler = get_scheduler("constant", optimizer, num_warmup_steps=500, num_training_steps=total)\n'
        ),
        examples.per_batch(
            _GET + 'scheduler = get_scheduler(name="constant", optimizer=optimizer, num_warmup_steps=total // 10)\n'
        ),
    )
    good = (
        examples.per_batch(
            _GET + 'scheduler = get_scheduler("constant_with_warmup", optimizer, num_warmup_steps=500)\n'
        ),
        examples.per_batch(_GET + 'scheduler = get_scheduler("constant", optimizer, num_warmup_steps=0)\n'),
    )
    sources = ("measured with transformers 5: the LR is the same at every step", "source of diffusers' optimization.py")
    fix_safety = 'Unsafe: "constant_with_warmup" changes the training; dropping the warmup steps would be right too.'

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            name, steps = scheduler.arguments.get("name"), scheduler.arguments.get("num_warmup_steps")
            if scheduler.name == "get_scheduler" and name is not None and steps is not None:
                if self._text(case, name) == "constant" and self._asked(case, steps):
                    yield self._finding(case, scheduler, name, steps)

    def _text(self, case: Case, name: Argument) -> object:
        try:
            return name.value.evaluate(case.training.values()) if isinstance(name.value, Expr) else None
        except (LrightError, ArithmeticError, TypeError, ValueError, LookupError):
            return None

    def _asked(self, case: Case, steps: Argument) -> bool:
        """Whether a warmup is asked for under all numbers that are tried."""
        numbers = [case.number(steps.value, witness) for witness in case.witnesses()]
        return all(number is not None and number > 0 for number in numbers)

    def _finding(self, case: Case, scheduler: Scheduler, name: Argument, steps: Argument) -> Finding:
        chosen = not isinstance(name.value, Lit)  # an option: its default leaves the warmup to other values
        return self.finding(
            name.place,
            f'"constant" has no warmup: num_warmup_steps={steps.text} is ignored',
            severity=INFO if chosen else WARNING,
            certainty=PROVEN,
            numbers={"warmup": case.number(steps.value)},
            related=[Related(steps.place, "the warmup that is asked for"), Related(call(scheduler), "built here")],
            remedies=[]
            if chosen
            else [Remedy("replace", 'use "constant_with_warmup"', name.place, '"constant_with_warmup"')],
            subjects=[scheduler.number],
        )


RULE = WarmupArgumentsIgnored()
