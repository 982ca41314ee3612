"""LR218: a fraction where a number of steps is meant, or the reverse."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import ERROR, Finding
from ..quantity import Expr
from ..situation import Argument, Scheduler
from . import examples
from .base import PROVEN, Related, Remedy, Rule
from .spans import call, factor

_STEPS = (
    "num_warmup_steps", "num_training_steps", "num_decay_steps", "num_stable_steps", "T_max", "total_iters",
    "step_size", "milestones", "warmup_t", "t_initial", "decay_t", "step_size_up", "step_size_down", "patience",
)  # fmt: skip
_WHOLE = {"num_warmup_steps": "num_training_steps", "warmup_t": "t_initial"}


class FractionForSteps(Rule):
    id = "LR218"
    slug = "fraction-for-steps"
    severity = ERROR
    summary = "A fraction stands where a number of steps is counted, or a number where a fraction is meant"
    why = """num_warmup_steps=0.1 does not mean a tenth of the training but a tenth of one step: there is no
warmup. (The trainer of transformers takes a ratio; its schedule functions do not.) Milestones of 0.5 and
0.75 are never reached, because the step count is compared with them exactly. pct_start of OneCycleLR is the
other way round: a fraction, not a number."""
    bad = (
        examples.per_batch(
            "from transformers import get_cosine_schedule_with_warmup\n"
            "total = EPOCHS * len(loader)\n"
            "scheduler = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=0.1, num_training_steps=total)\n"
        ),
        examples.per_epoch("scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[0.5, 0.75])\n"),
    )
    good = (
        examples.per_batch(
            "from transformers import get_cosine_schedule_with_warmup\n"
            "total = EPOCHS * len(loader)\n"
            "scheduler = get_cosine_schedule_with_warmup(optimizer, int(0.1 * total), total)\n"
        ),
        examples.per_epoch(
            "scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[int(0.5 * EPOCHS), int(0.75 * EPOCHS)])\n"
        ),
    )
    sources = ("measured with transformers 5 and torch 2.13",)
    fix_safety = "Safe for a warmup fraction of a known total; else none."
    covers = ("LR201", "LR202", "LR203", "LR204", "LR208", "LR211", "LR215", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        tops = [scheduler for scheduler in case.schedulers() if scheduler.known]
        for scheduler in [*tops, *(child for top in tops for child in case.children(top))]:
            for name in _STEPS:
                argument = scheduler.arguments.get(name)
                if argument is not None and self._fraction(case, argument):
                    yield self._steps(case, scheduler, name, argument)
                    break
            else:
                start = scheduler.arguments.get("pct_start") if scheduler.name == "OneCycleLR" else None
                number = case.number(start.value) if start is not None else None
                if start is not None and number is not None and number > 1:
                    yield self._number(case, scheduler, start, number)

    def _fraction(self, case: Case, argument: Argument) -> bool:
        """Whether it is a number between 0 and 1 (for a list: all of them)."""
        values = argument.value if isinstance(argument.value, list) else [argument.value]
        numbers = [case.number(value) for value in values if isinstance(value, Expr)]
        return bool(numbers) and all(number is not None and 0 < number < 1 for number in numbers)

    def _steps(self, case: Case, scheduler: Scheduler, name: str, argument: Argument) -> Finding:
        number = case.number(argument.value) if isinstance(argument.value, Expr) else None
        message = f"{name}={argument.text} is a fraction, but {scheduler.name} counts steps there"
        message += f" ({number:g})" if number is not None and argument.text.replace(".", "").isalnum() is False else ""
        message += ": there is no warmup" if "warmup" in name else ""
        whole = scheduler.arguments.get(_WHOLE.get(name, ""))
        remedies = []
        if whole is not None:
            text = f"int({factor(argument.text)} * {factor(whole.text)})"
            remedies.append(Remedy("replace", f"{name}={text}", argument.place, text, safe=True))
        return self._finding(scheduler, argument, message, {name: number} if number is not None else {}, remedies)

    def _number(self, case: Case, scheduler: Scheduler, argument: Argument, number: float) -> Finding:
        message = f"pct_start={argument.text} is a number of steps, but OneCycleLR takes a fraction of them there"
        total = scheduler.arguments.get("total_steps")
        remedies = []
        if total is not None and number > 1:
            text = f"{factor(argument.text)} / {factor(total.text)}"
            remedies.append(Remedy("replace", f"pct_start={text}", argument.place, text))
        return self._finding(scheduler, argument, f"{message}: ValueError", {"pct_start": number}, remedies)

    def _finding(
        self, scheduler: Scheduler, argument: Argument, message: str, numbers: dict[str, float], remedies: list[Remedy]
    ) -> Finding:
        subjects = [scheduler.number, *([scheduler.parent] if scheduler.parent is not None else [])]
        return self.finding(
            argument.place,
            message,
            certainty=PROVEN,
            numbers=dict(numbers),
            related=[Related(call(scheduler), "built here")],
            remedies=remedies,
            subjects=subjects,
        )


RULE = FractionForSteps()
