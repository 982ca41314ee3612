"""LR111: ReduceLROnPlateau is stepped without a metric."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case, Tick
from ..finding import Finding, Remedy
from ..situation import Scheduler
from . import examples
from .base import PROVEN, Related, Rule
from .ticking import name_of


class PlateauWithoutMetric(Rule):
    id = "LR111"
    slug = "plateau-without-metric"
    severity = "error"
    summary = "ReduceLROnPlateau is stepped without a metric"
    why = """ReduceLROnPlateau decides by a metric, so its step() requires one: called without, it raises a
TypeError in the first epoch. The line is often left over from another scheduler, or shared by several of them."""
    bad = (
        examples.plateau_on_loss("    scheduler.step()\n"),
        examples.plateau_on_evaluate("    print(val_loss, val_acc)\n    scheduler.step()\n", arguments=", factor=0.5"),
    )
    good = (
        examples.plateau_on_loss("    scheduler.step(val_loss)\n"),
        examples.plateau_on_evaluate("    scheduler.step(metrics=val_loss)\n", arguments=", factor=0.5"),
    )
    sources = ("measured with torch 2.13: ReduceLROnPlateau.step() raises TypeError",)
    fix_safety = """Safe, where exactly one validation metric has a name at that line and goes the way the scheduler
watches; none is
offered elsewhere, because which metric is meant cannot be known."""
    covers = ("LR112", "LR113", "LR114", "LR115", "LR217")

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler in case.schedulers():
            if scheduler.name not in ("ReduceLROnPlateau", "GreedyLR"):
                continue
            for tick in case.ticks(scheduler):
                if tick.has_argument:
                    continue
                name = name_of(scheduler)
                message = f"{name} is a {scheduler.name}, whose step() needs a metric: it raises a TypeError"
                yield self.finding(
                    tick.site.place, message, certainty=PROVEN, related=[Related(scheduler.place, "created here")],
                    remedies=self._remedies(case, scheduler, tick), subjects=[scheduler.number],
                )  # fmt: skip

    def _remedies(self, case: Case, scheduler: Scheduler, tick: Tick) -> list[Remedy]:
        """The validation metric that has a name there, where only one goes the way the scheduler watches."""
        mode = scheduler.arguments.get("mode")
        watched = "min" if mode is None else case.value(mode.value)
        names = [name for name, direction in tick.metrics_at_hand if direction == watched]
        if len(names) != 1:
            return []
        title = f"give it the metric: step({names[0]})"
        return [Remedy("insert-argument", title, tick.site.place, names[0], safe=True)]


RULE = PlateauWithoutMetric()
