"""LR502: the end of the training is known, and the LR never comes down."""

from __future__ import annotations

from collections.abc import Iterable

from ..case import Case
from ..finding import INFO, Finding
from . import examples
from .choices import ChoiceRule, Known, Verdict, plain, rate

SHORT = 1000  # updates
CONSTANT = ("gan", "rl", "diffusion", "graph", "tabular")  # where a constant LR is standard practice
SUPERVISED = ("classification", "detection", "segmentation", "nlp", "language-model", "translation", "speech")
DECAYLESS = ("schedulefree", "prodigy", "dadapt", "lbfgs")

_DATA = """\
import torch
from torchvision import datasets, models

EPOCHS = 90
loader = torch.utils.data.DataLoader(datasets.CIFAR10("data", train=True), batch_size=128, shuffle=True)
model = models.resnet18(num_classes=10)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
{schedule}for epoch in range({epochs}):
    for images, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
{tick}"""


class FixedBudgetConstantLr(ChoiceRule):
    id = "LR502"
    slug = "fixed-budget-constant-lr"
    severity = INFO
    summary = "The length of the training is known, and the learning rate never decays"
    why = """At a constant learning rate the weights keep jumping about a minimum at a distance that grows
with the rate. Where the end is known and the last weights are the ones to be used, decaying to that end
usually helps: a language model at a constant rate ended 0.04 to 0.08 nats above the same run with a cosine.
We measured a cut of the error by 6 to 9% on two tasks, nothing on a third, and harm where training stopped
far from convergence. How much it gives on yours is a thing to measure; between two sensible shapes of decay
expect tenths of a point.

The decision does not hang on a number of epochs. A constant rate is standard where weights are averaged
(EMA), where the end is open or found by early stopping, in diffusion, StyleGAN, DQN, SAC and small graph
networks."""
    bad = (
        _DATA.format(schedule="", epochs="EPOCHS", tick=""),
        _DATA.format(schedule="model.train()\n", epochs="200", tick="    print(epoch)\n"),
    )
    good = (
        _DATA.format(
            schedule="scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n",
            epochs="EPOCHS",
            tick="    scheduler.step()\n",
        ),
        _DATA.format(
            schedule="ema = torch.optim.swa_utils.AveragedModel(model)\n",
            epochs="EPOCHS",
            tick="        ema.update_parameters(model)\n",
        ),
        examples.loop(
            "for step in range(200):\n    optimizer.zero_grad()\n    model(dataset[step][0]).pow(2).mean().backward()\n"
            "    optimizer.step()\n"
        ),
    )
    sources = (
        "Luo et al. 2025 (multi-power law): a constant LR against a cosine on language models",
        "measured: four small tasks, five seeds, each schedule at its own best LR",
        "recipes of DDPM, StyleGAN2-ADA, DQN, SAC and GCN: a constant LR",
        f"our judgement: runs of fewer than {SHORT:,} updates are left alone",
    )
    fix_safety = "None: whether and how to decay is a choice; lright plan proposes a schedule."

    def check(self, case: Case) -> Iterable[Finding]:
        """A script that stops when the metric does has no known end."""
        return () if "early-stopping" in case.training.marks else super().check(case)

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        if known.text("scheduler") != "constant" or not self._wanted(known) or known.get("ema"):
            return
        if plain(known.text("optimizer")).startswith(DECAYLESS):
            return
        updates, epochs = known.updates, known.number("epochs")
        if (updates is None and epochs is None) or (updates is not None and updates < SHORT):
            return
        told = f"all {epochs:,.3g} epochs" if epochs is not None else f"all {updates:,.0f} updates"
        if epochs is not None and updates is not None:
            told += f" ({updates:,.0f} updates)"
        lr = known.number("lr")
        yield self.verdict(
            f"The LR stays{f' at {rate(lr)}' if lr is not None else ''} for {told}: where the last weights are the "
            "ones to be used, decaying it by the end of a known budget usually helps",
            [name for name in ("lr", "optimizer", "epochs", "steps") if name in known],
            numbers={"lr": lr, "epochs": epochs, "updates": updates},
        )

    def _wanted(self, known: Known) -> bool:
        """Whether the best final weights are wanted, as far as is said or usual for the task."""
        goal, domain = known.text("goal"), known.trait("domain")
        if goal == "best":
            return domain not in CONSTANT
        return not goal and domain in SUPERVISED and not known.adapted


RULE = FixedBudgetConstantLr()
