"""LR112: the mode of ReduceLROnPlateau contradicts the metric it is given."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import Finding
from ..situation import Scheduler
from . import examples
from .base import LIKELY, Related, Remedy, Rule
from .plateaus import fed, mode_of, mode_remedy
from .ticking import name_of


class PlateauWrongMode(Rule):
    id = "LR112"
    slug = "plateau-wrong-mode"
    severity = "error"
    summary = "ReduceLROnPlateau waits for the metric to go the wrong way"
    why = """The default mode is "min": the metric is better when it falls. An accuracy that rises then looks as if
it never improved after the first epoch, and the learning rate is cut every patience + 1 epochs however well
training goes. A loss with mode "max" is the same mistake the other way round."""
    bad = (
        examples.plateau_on_evaluate("    scheduler.step(val_acc)\n"),
        examples.plateau_on_loss("    scheduler.step(val_loss)\n", arguments=', mode="max", patience=5'),
    )
    good = (
        examples.plateau_on_evaluate("    scheduler.step(val_acc)\n", arguments=', mode="max", patience=5'),
        examples.plateau_on_evaluate("    scheduler.step(1 - val_acc)\n"),
    )
    sources = ("torch 2.13 documentation, ReduceLROnPlateau: mode is 'min' unless given",)
    fix_safety = "Unsafe: the direction of the metric is read from its name."
    covers = ("LR610", "LR219")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler, tick, metric in fed(case):
            mode = mode_of(case, scheduler)
            if metric.direction is None or mode is None or metric.negated or metric.direction == mode:
                continue
            yield self._finding(scheduler, tick, mode, metric.direction)

    def _finding(self, scheduler: Scheduler, tick: Tick, mode: str, direction: str) -> Finding:
        better = "larger" if direction == "max" else "smaller"
        given = f'mode="{mode}"' if "mode" in scheduler.arguments else 'the default mode "min"'
        message = (
            f"{name_of(scheduler)} has {given}, but {tick.text} is better when {better}: "
            "the LR is cut while training improves"
        )
        argument = scheduler.arguments.get("mode")
        remedy: Remedy | None = mode_remedy(scheduler, direction)
        return self.finding(
            tick.site.place, message, certainty=LIKELY, numbers={"mode": mode, "direction": direction},
            related=[Related(argument.place if argument is not None else scheduler.place, given)],
            remedies=[remedy] if remedy is not None else [], subjects=[scheduler.number],
        )  # fmt: skip


RULE = PlateauWrongMode()
