"""LR508: the LR changes, and nothing writes down what it is."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, LIKELY, Finding
from . import examples
from .base import Rule
from .spans import call


class LrNotLogged(Rule):
    id = "LR508"
    slug = "lr-not-logged"
    severity = INFO
    on = False
    summary = "The learning rate changes during the training and is written nowhere"
    why = """Most mistakes with schedules are seen at once in a picture of the learning rate, and not at
all in one of the loss. Log it beside the loss: scheduler.get_last_lr()[0], or
optimizer.param_groups[0]["lr"] where something else writes it.

This rule is off unless it is asked for: lright check --select LR508."""
    bad = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"),
        examples.per_epoch("scheduler = lr_scheduler.StepLR(optimizer, step_size=30)\n")
        + "    print(epoch, model.weight.norm().item())\n",
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n")
        + "    print(epoch, scheduler.get_last_lr()[0])\n",
        examples.per_epoch("scheduler = lr_scheduler.StepLR(optimizer, step_size=30)\n")
        + '    print(f"epoch {epoch}: lr {optimizer.param_groups[0][\'lr\']:.1e}")\n',
    )
    sources = ("our judgement",)
    fix_safety = "None: where it is logged to is a choice."

    def check(self, case: Case) -> Iterable[Finding]:
        training = case.training
        if "lr-shown" in training.marks or not training.complete or training.condition != "default":
            return
        for scheduler in case.schedulers():
            if scheduler.known and training.ticks(scheduler) and not case.escapes(scheduler):
                name = scheduler.text or "the scheduler"
                yield self.finding(
                    call(scheduler),
                    f"{name} changes the LR, and nothing in the script writes it down: log {name}.get_last_lr()[0]",
                    certainty=LIKELY,
                    subjects=[scheduler.number],
                )


RULE = LrNotLogged()
