"""LR509: decoupled weight decay shrinks the weights faster than they can be learned."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..finding import INFO
from . import examples
from .choices import ChoiceRule, Known, Verdict, rate

SHARE = 0.01  # of the weights, taken away in one update
DECOUPLED = ("adamw", "pagedadamw", "lion", "sgdw", "adan", "lamb")
_COSINE = "scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"


class WeightDecayOutOfRange(ChoiceRule):
    id = "LR509"
    slug = "weight-decay-out-of-range"
    severity = INFO
    summary = "Decoupled weight decay takes over a hundredth of the weights away in every update"
    why = """AdamW multiplies every weight by 1 - lr * weight_decay in each update, whatever its gradient
is. So only the product counts, and 1 / (lr * weight_decay) is the number of updates that the weights
remember. The strongest among the recipes we hold is that of ViT on ImageNet, 3e-3 * 0.3: about 1,100
updates. At a hundred and less the decay takes away what was learned an instant ago.

Often a decay was copied together with the rate of another optimizer: Lion's decay is 3 to 10 times that of
AdamW at a rate 3 to 10 times lower."""
    bad = (
        examples.per_epoch(_COSINE, optimizer="AdamW(model.parameters(), lr=3e-3, weight_decay=10)"),
        examples.per_epoch(_COSINE, optimizer="AdamW(model.parameters(), lr=1e-2, weight_decay=5.0)"),
    )
    good = (
        examples.per_epoch(_COSINE, optimizer="AdamW(model.parameters(), lr=3e-3, weight_decay=0.3)"),
        examples.per_epoch(_COSINE, optimizer="AdamW(model.parameters(), lr=1e-4, weight_decay=10)"),
        examples.per_epoch(_COSINE, optimizer="SGD(model.parameters(), lr=0.5, weight_decay=5e-2)"),
    )
    sources = (
        "Loshchilov and Hutter 2019, arXiv:1711.05101; torch.optim.AdamW decays by lr * weight_decay",
        "torchvision's ViT recipe: 3e-3 and 0.3",
        "our judgement: ten times the strongest of the recipes we hold",
    )
    fix_safety = "None: the decay that was meant is not known."

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        lr, decay = known.number("lr"), known.number("weight_decay")
        share = (lr or 0.0) * (decay or 0.0)
        if lr is None or decay is None or share <= SHARE or not known.optimizer_id.startswith(DECOUPLED):
            return
        half = max(1, math.ceil(math.log(0.5) / math.log(1 - share))) if share < 1 else 1
        yield self.verdict(
            f"{known.optimizer_title} with LR {rate(lr)} and weight decay {decay:g} takes {share:.2g} of every weight "
            f"in one update: what was learned is halved after {half:,} updates (the strongest recipe we hold: 770)",
            ("weight_decay", "lr"),
            numbers={"lr": lr, "weight_decay": decay, "share": share, "half_life": half},
        )


RULE = WeightDecayOutOfRange()
