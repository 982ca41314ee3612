"""LR505: one cycle is unstable on the way to its peak or near it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, LIKELY, Finding
from ..setting import Setting, Symptom
from .choices import ChoiceRule, Known, Verdict

RISE = 0.3  # of the run: torch's default
NEAR = 0.5  # of the peak


def _with(symptom: Symptom, lr: float, scheduler: str = "OneCycleLR", epochs: int = 20) -> Setting:
    setting = Setting.of(scheduler=scheduler, lr=lr, epochs=epochs)
    setting.symptoms.append(symptom)
    return setting


class OneCyclePeakUntuned(ChoiceRule):
    id = "LR505"
    slug = "one-cycle-peak-untuned"
    severity = INFO
    summary = "One cycle becomes unstable on the way to its peak or near it: max_lr is too high"
    why = """One cycle climbs to max_lr and stays near it for long: with torch's defaults the peak is at
30% of the run, and at half of the run the rate is still 81% of it. Trouble there says that max_lr is too
high, and not that the schedule is wrong. We measured runs with a max_lr that is too high failing at or
before the peak, at a third to a half of it.

Find max_lr with an LR range test, and name the reading: from the valley or the steepest point try it and
two to three times it; from the minimum of the loss go down by 3 to 10. No source supports "2 to 10 times
the optimum"."""
    bad_settings = (
        _with(Symptom("unstable", epoch=10), epochs=20, lr=0.1),
        _with(Symptom("nan"), lr=0.8),
    )
    good_settings = (
        _with(Symptom("unstable", epoch=19), epochs=20, lr=0.1),
        _with(Symptom("overfit"), epochs=20, lr=0.1),
        _with(Symptom("nan", epoch=3), scheduler="CosineAnnealingLR", epochs=20, lr=0.1),
    )
    sources = (
        "torch.optim.lr_scheduler.OneCycleLR: pct_start=0.3, cosine",
        "measured: a CNN with max_lr 0.4 and 0.8 went to NaN at 0.25 to 0.33, on the way up",
        "fastai's lr_find: valley, steepest point, and a tenth of the minimum",
        "our judgement: trouble at half of the peak or more is trouble with the peak",
    )
    fix_safety = "None: the peak is to be found by a range test, or by halving it."
    in_code = False
    live = True

    def check(self, case: Case) -> Iterable[Finding]:
        """Of a recorded run: that it was one cycle which became unstable on the way to its peak or near it."""
        if case.training.trace is None:
            return
        from .lr603_unstable_at_peak import RULE as UNSTABLE
        from .recorded import runs

        for run in runs(case):
            if "OneCycleLR" not in run.schedulers():
                continue
            for found in UNSTABLE.seen(run):
                lr = found.numbers["lr"]
                message = f"One cycle became unstable at an LR of {lr:.3g}: find max_lr with a range test, or halve it"
                yield self.finding(
                    found.place, message, certainty=LIKELY, numbers=found.numbers, subjects=found.subjects
                )

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        seen = known.setting.saw("nan", "diverged", "unstable", "spike")
        if not known.one_cycle or seen is None:
            return
        share = self._share(known, seen)
        if share is not None and (level(share) < NEAR and share > RISE):
            return
        numbers: dict[str, float | None] = {"max_lr": known.number("lr")}
        epochs = known.number("epochs")
        told = "One cycle became unstable"
        if epochs is not None:
            told += f": over {epochs:g} epochs it peaks at epoch {RISE * epochs:.3g} (pct_start {RISE})"
            numbers.update(epochs=epochs, peak_epoch=RISE * epochs)
        if share is not None and epochs is not None:
            told += f", and at epoch {share * epochs:.3g} the LR is {level(share):.0%} of the peak"
            numbers["level"] = round(level(share), 3)
        yield self.verdict(
            f"{told}; find max_lr with a range test, or halve it",
            [name for name in ("lr", "scheduler", "epochs") if name in known],
            numbers=numbers,
        )

    def _share(self, known: Known, seen: Symptom) -> float | None:
        """The part of the run after which the trouble began."""
        epochs, updates = known.number("epochs"), known.updates
        if seen.epoch is not None and epochs:
            return min(seen.epoch / epochs, 1.0)
        return min(seen.step / updates, 1.0) if seen.step is not None and updates else None


def level(share: float) -> float:
    """The LR of one cycle after a part of the run, as a part of the peak (torch's defaults).

    >>> level(0.3), round(level(0.5), 2)
    (1.0, 0.81)
    """
    if share <= RISE:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * share / RISE)) / 2
    return (1 + math.cos(math.pi * (share - RISE) / (1 - RISE))) / 2


RULE = OneCyclePeakUntuned()
