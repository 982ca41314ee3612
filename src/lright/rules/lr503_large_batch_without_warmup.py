"""LR503: the LR was scaled up for a large batch and is there from the first update on."""

from __future__ import annotations

from collections.abc import Iterable

from ..finding import INFO
from . import examples
from .choices import ChoiceRule, Known, Verdict, rate

TIMES = 4.0  # above the LR that is known to be stable at the start
REFERENCE = (0.1, 256)  # SGD on convolutional networks

_CNN = """\
import torch
from torchvision import datasets, models

EPOCHS = 90
loader = torch.utils.data.DataLoader(datasets.CIFAR10("data", train=True), batch_size={batch}, shuffle=True)
model = models.resnet50(num_classes=10)
optimizer = torch.optim.SGD(model.parameters(), lr={lr}, momentum=0.9)
{schedule}for epoch in range(EPOCHS):
    for images, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    scheduler.step()
"""
_COSINE = "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"


class LargeBatchWithoutWarmup(ChoiceRule):
    id = "LR503"
    slug = "large-batch-without-warmup"
    severity = INFO
    summary = "The learning rate was scaled up for a large batch, and there is no warmup"
    why = """A larger batch allows a higher learning rate, but not at once: while the weights are young the
loss is curved more sharply, and the rate that is right later is too high. On ImageNet with batches of 8,192
(LR 3.2) Goyal et al. lost about 1.2 points without a warmup and 0.14 with a linear one of five epochs; a
warmup that stays low and then jumps was worse than none.

What counts is the rate against the one that is known to be stable at the start, not a size of batch:
recipes warm up at a batch of 16 and skip it at 256. The threshold here, four times that rate, is our
judgement. Without a rate that is told, the reference is SGD's 0.1 at 256 for convolutional networks."""
    bad = (
        _CNN.format(batch=2048, lr="0.8", schedule=_COSINE),
        _CNN.format(batch=4096, lr="0.1 * 4096 / 256", schedule=_COSINE),
    )
    good = (
        _CNN.format(batch=256, lr="0.1", schedule=_COSINE),
        _CNN.format(
            batch=2048,
            lr="0.8",
            schedule="warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=5)\n"
            "decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 5)\n"
            "scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[5])\n",
        ),
        examples.per_epoch("scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n"),
    )
    sources = (
        "Goyal et al. 2017, arXiv:1706.02677: warmup for batches of 8,192",
        "our judgement: four times the LR that is known to be stable",
    )
    fix_safety = "None: how long the warmup should be is a choice; lright plan proposes one."

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        lr, batch = known.number("lr"), known.batch
        if not known.cold or lr is None or batch is None or known.pretrained or known.adapted:
            return
        if known.trait("family") == "transformer" and known.adaptive:
            return  # LR501 speaks of these
        reference = self._reference(known)
        if reference is None or lr < TIMES * reference[0] * (1 - 1e-9) or batch <= reference[1]:
            return
        stable, at = reference
        yield self.verdict(
            f"{known.optimizer_title} starts at {rate(lr)} with a batch of {batch:,.0f}, {lr / stable:.3g} times the "
            f"{rate(stable)} that is stable at {at:,.0f}, without a ramp: at 8,192 one was worth about 1 point on "
            "ImageNet",
            [name for name in ("lr", "batch_size", "accumulation", "processes") if name in known],
            numbers={"lr": lr, "batch": batch, "reference_lr": stable, "reference_batch": at},
        )

    def _reference(self, known: Known) -> tuple[float, float] | None:
        """An LR that is known to be stable, and the batch it belongs to."""
        lr, batch = known.number("reference_lr"), known.number("reference_batch")
        if lr and batch:
            return lr, batch
        plain_sgd = known.text("optimizer").lower() in ("sgd", "nesterov", "momentum")
        return REFERENCE if plain_sgd and known.trait("family") == "cnn" else None


RULE = LargeBatchWithoutWarmup()
