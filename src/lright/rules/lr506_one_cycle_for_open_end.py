"""LR506: a schedule of fixed length where nobody knows how long the training will be."""

from __future__ import annotations

from collections.abc import Iterable

from ..finding import INFO
from ..setting import Setting
from .choices import ChoiceRule, Known, Verdict, plain

FIXED = ("cosine", "linear", "poly", "getcosineschedule", "getlinearschedule", "getpolynomial")
NOT_FIXED = ("warmrestarts", "hardrestarts", "constant")


class OneCycleForOpenEnd(ChoiceRule):
    id = "LR506"
    slug = "one-cycle-for-open-end"
    severity = INFO
    summary = "A decay of fixed length is used where the end of the training is not known"
    why = """One cycle, a cosine and a linear decay are made for one length: their rate is right at every
moment only if the training ends where they do. Stopped early they end at a high rate, run on they stay at
the floor, rise again or raise an exception; a cosine that is over 25% too long hurts clearly.

Where the end is open, hold the rate and decay when you decide to stop (warmup, stable, decay), average the
weights (EMA, schedule-free), or let a metric decide (ReduceLROnPlateau)."""
    bad_settings = (
        Setting.of(goal="open-end", scheduler="OneCycleLR"),
        Setting.of(goal="open-end", scheduler="CosineAnnealingLR", lr=1e-3),
    )
    good_settings = (
        Setting.of(goal="open-end", scheduler="ReduceLROnPlateau"),
        Setting.of(goal="open-end", scheduler="CosineAnnealingWarmRestarts"),
        Setting.of(goal="best", scheduler="OneCycleLR", epochs=20),
        Setting.of(goal="open-end", scheduler="constant"),
    )
    sources = (
        "Hoffmann et al. 2022: a cosine should be as long as the run",
        "Hagele et al. 2024, arXiv:2405.18392: a constant rate with a cooldown, at any length",
    )
    fix_safety = "None: what takes its place is a choice; lright plan --goal open-end proposes one."
    in_code = False

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        name = plain(known.text("scheduler"))
        fixed = known.one_cycle or (name.startswith(FIXED) and not any(part in name for part in NOT_FIXED))
        if known.text("goal") != "open-end" or not fixed:
            return
        yield self.verdict(
            f"{known.text('scheduler')} is made for one length, and the end is open: hold the LR and decay it when you "
            "decide to stop, or average the weights",
            ("scheduler", "goal"),
        )


RULE = OneCycleForOpenEnd()
