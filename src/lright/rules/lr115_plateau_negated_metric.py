"""LR115: ReduceLROnPlateau is given a negated metric, with a relative threshold."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import Finding
from . import examples
from .base import LIKELY, Related, Remedy, Rule
from .plateaus import argument_number, argument_text, fed, mode_of, mode_remedy
from .ticking import name_of


class PlateauNegatedMetric(Rule):
    id = "LR115"
    slug = "plateau-negated-metric"
    severity = "info"
    summary = "A negated metric meets a relative threshold: equal values count as better"
    why = """With the default threshold_mode "rel" a value is better in mode "min" if it is below best * (1 -
threshold). For a negative best that bound lies above it: -0.9 counts as better than -0.9, and so does a slightly
worse value. The patience is reset by a metric that has stalled, and the learning rate may never be cut."""
    bad = (
        examples.plateau_on_evaluate("    scheduler.step(-val_acc)\n"),
        examples.plateau_on_evaluate("    scheduler.step(-val_loss)\n", arguments=', mode="max", patience=5'),
    )
    good = (
        examples.plateau_on_evaluate("    scheduler.step(val_acc)\n", arguments=', mode="max", patience=5'),
        examples.plateau_on_evaluate("    scheduler.step(-val_acc)\n", arguments=', patience=5, threshold_mode="abs"'),
    )
    sources = ("measured with torch 2.13: after 200 steps at -0.9 the LR is as it was; at 0.9 with 'max' it is cut",)
    fix_safety = "Unsafe: the metric is given as it is, with the other mode, which is the same but for the threshold."
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        for scheduler, tick, metric in fed(case):
            threshold = argument_number(case, scheduler, "threshold", 1e-4)
            relative = argument_text(case, scheduler, "threshold_mode", "rel") == "rel"
            mode = mode_of(case, scheduler)
            if not metric.negated or not relative or mode is None or not threshold:
                continue
            remedies = []
            turned = mode_remedy(scheduler, "max" if mode == "min" else "min")
            if turned is not None and tick.argument_place is not None and tick.text.startswith("-"):
                title = f"give {tick.text[1:]} itself, with the other mode"
                remedies.append(Remedy("replace", title, tick.argument_place, tick.text[1:].strip(), then=(turned,)))
            message = (
                f"{name_of(scheduler)} is given {tick.text}: with a relative threshold a negative metric that stays "
                "the same counts as better, and the LR may never be cut"
            )
            yield self.finding(
                tick.site.place, message, certainty=LIKELY, numbers={"threshold": threshold},
                related=[Related(scheduler.place, "created here")], remedies=remedies, subjects=[scheduler.number],
            )  # fmt: skip


RULE = PlateauNegatedMetric()
