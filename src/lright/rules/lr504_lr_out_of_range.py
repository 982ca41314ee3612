"""LR504: the LR is far outside of what recipes use with this optimizer."""

from __future__ import annotations

from collections.abc import Iterable

from ..finding import WARNING
from . import examples
from .choices import ChoiceRule, Known, Verdict, lr_range, rate

TIMES = 10.0  # outside of the range
SPREAD = 32.0  # of the batch, where it is not known
# Rates from scratch that are too usual to be called out of range: no table is read for them.
USUAL = {"sgd": (1e-3, 0.5), "adam": (1e-4, 3e-3), "adamw": (1e-4, 3e-3)}


class LrOutOfRange(ChoiceRule):
    id = "LR504"
    slug = "lr-out-of-range"
    severity = WARNING
    summary = "The learning rate is more than 10 times outside of what recipes use with this optimizer"
    why = """Learning rates of different optimizers are not comparable: 0.1 is the textbook rate of SGD,
and a hundred times that of Adam, whose steps have about the size of the rate itself in every weight. A rate
that was copied from another optimizer, or a from-scratch rate on a pretrained transformer, shows as a range
that is left by more than a factor of 10.

A range is what recipes use, no law: some problems (style transfer, a handful of parameters, physics) want
others. That is why a script that leaves it is only told so."""
    bad = (
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n",
            optimizer="Adam(model.parameters(), lr=0.5)",
        ),
        examples.trained(
            "from torchvision import models\nmodel = models.resnet18(num_classes=10)\n",
            "SGD(model.parameters(), lr=1e-8)",
        ),
    )
    good = (
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"),
        examples.per_epoch(
            "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n",
            optimizer="Adam(model.parameters(), lr=1e-2)",
        ),
        examples.per_epoch(
            "scheduler = lr_scheduler.LambdaLR(optimizer, lambda step: 64 ** -0.5 * min((step + 1) ** -0.5, "
            "(step + 1) * 4000 ** -1.5))\n",
            optimizer="Adam(model.parameters(), lr=1.0)",
        ),
    )
    sources = ("the learning rates of the recipes we hold", "our judgement: a factor of 10 on both sides")
    fix_safety = "None: the rate that was meant is not known."
    covers = ("LR507",)

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        lr = known.number("lr")
        if not lr or unsuspicious(known, lr):
            return
        found = lr_range(known, SPREAD)
        if found is None:
            return
        low, high = found
        if low / TIMES <= lr <= high * TIMES:
            return
        if lr < low and known.from_script and known.pretrained is not False:
            return  # a script that may be fine-tuning
        times = lr / high if lr > high else low / lr
        side = "above" if lr > high else "below"
        what = f" on {known.model_title}" if known.model or "family" in known else ""
        tuned = " for fine-tuning" if known.pretrained and not known.adapted else ""
        yield self.verdict(
            f"{known.optimizer_at}{what} is {times:,.3g} times {side} what recipes use{tuned} "
            f"({rate(low)} to {rate(high)})",
            [name for name in ("lr", "optimizer", "pretrained") if name in known],
            numbers={"lr": lr, "low": low, "high": high},
        )


def unsuspicious(known: Known, lr: float) -> bool:
    """Whether a rate is a usual one, so that no table need be read: that takes longer than all the rules."""
    if "parameters" in known or known.get("pretrained") or known.adapted:
        return False
    low, high = USUAL.get(known.text("optimizer").lower(), (1.0, 0.0))
    return low <= lr <= high


RULE = LrOutOfRange()
