"""LR507: pretrained weights are trained at the rate of a training from scratch."""

from __future__ import annotations

from collections.abc import Iterable

from ..finding import INFO
from . import examples
from .choices import ChoiceRule, Known, Verdict, lr_range, rate

TIMES = 2.0  # above what recipes for fine-tuning use
PARTS = ("detection", "segmentation", "diffusion", "gan", "rl")  # only a part is pretrained, or other customs

_BERT = """\
import torch
from transformers import AutoModelForSequenceClassification, get_linear_schedule_with_warmup

EPOCHS = 3
model = AutoModelForSequenceClassification.from_pretrained("bert-base-uncased")
loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True)
optimizer = torch.optim.AdamW(model.parameters(), lr={lr})
total = EPOCHS * len(loader)
scheduler = get_linear_schedule_with_warmup(optimizer, total // 10, total)
for epoch in range(EPOCHS):
    for batch in loader:
        optimizer.zero_grad()
        model(**batch).loss.backward()
        optimizer.step()
        scheduler.step()
"""
_VIT = "from torchvision import models\nmodel = models.vit_b_16(weights={weights})\n"


class FineTuneLrTooHigh(ChoiceRule):
    id = "LR507"
    slug = "fine-tune-lr-too-high"
    severity = INFO
    summary = "Pretrained weights are trained at the learning rate of a training from scratch"
    why = """Trained weights are worth something, and a high rate throws them away in the first updates:
BERT is fine-tuned at 2e-5 to 5e-5, ConvNeXt at 5e-5, where training from scratch uses 1e-4 to 4e-3. Full
fine-tuning can distort pretrained features even at good rates.

It does not speak of adapters (LoRA is trained at 1e-4 to 2e-4 and more), of a new head on frozen weights,
of optimizers whose groups have rates of their own, nor of detectors whose backbone alone is pretrained."""
    bad = (
        _BERT.format(lr="3e-4"),
        examples.trained(_VIT.format(weights='"IMAGENET1K_V1"'), "AdamW(model.parameters(), lr=3e-3)"),
    )
    good = (
        _BERT.format(lr="3e-5"),
        examples.trained(_VIT.format(weights='"IMAGENET1K_V1"'), "AdamW(model.heads.parameters(), lr=1e-3)"),
        examples.trained(_VIT.format(weights='"IMAGENET1K_V1"'), "AdamW(model.parameters(), lr=5e-5)"),
    )
    sources = (
        "google-research/bert run_classifier.py: 5e-5, sweep 2e-5 to 5e-5",
        "ConvNeXt: 5e-5 for fine-tuning, 4e-3 from scratch",
        "Kumar et al. 2022: full fine-tuning can distort pretrained features",
        "our judgement: twice what recipes for fine-tuning use",
    )
    fix_safety = "None: the rate that was meant is not known; lright plan proposes one."

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        lr = known.number("lr")
        if lr is None or not known.pretrained or known.adapted or known.trait("domain") in PARTS:
            return
        if known.trait("family") != "transformer" or not known.adaptive:
            return  # rates for fine-tuning others overlap with those from scratch
        found = lr_range(known)
        if found is None or lr <= TIMES * found[1]:
            return
        title = known.model_title
        what = title if "pretrained" in title else f"{title} with pretrained weights"
        yield self.verdict(
            f"{known.optimizer_at} on {what}: recipes for fine-tuning use {rate(found[0])} to {rate(found[1])}",
            [name for name in ("lr", "pretrained", "model") if name in known],
            numbers={"lr": lr, "low": found[0], "high": found[1]},
        )


RULE = FineTuneLrTooHigh()
