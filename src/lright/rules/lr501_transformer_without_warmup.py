"""LR501: a transformer is trained from scratch at its full rate from the first update on."""

from __future__ import annotations

from collections.abc import Iterable

from ..finding import INFO, WARNING
from . import examples
from .choices import SELF_WARMING, ChoiceRule, Known, Verdict, rate

QUIET = 1e-4  # DETR and FT-Transformer train without a warmup at this rate
POST_LN = 5e-4  # the lower of the rates at which Xiong et al. show that Post-LN needs it
HIGH = 3e-3  # the highest peak among the transformer recipes we hold, all with a warmup
LARGE = 1024  # samples: every ViT recipe we hold of this size or more warms up
UNSTABLE = ("nan", "spike", "unstable", "diverged", "stuck")
EARLY = 0.2  # of the training


class TransformerWithoutWarmup(ChoiceRule):
    id = "LR501"
    slug = "transformer-without-warmup"
    severity = INFO
    summary = "A transformer is trained from scratch with an adaptive optimizer and no warmup"
    why = """Warmup is the default for transformers from scratch, and for a Post-LN transformer at usual
rates it is required: without it Xiong et al. measured 8.45 BLEU where 34 are reached with it. It is no law:
Pre-LN transformers were trained to the same quality without one, and DETR and FT-Transformer do without at
1e-4. It costs little, so leave it out only where you have compared.

In the first updates Adam's second moments are estimated from few gradients, and the steps are erratic. For
them 2 / (1 - beta2) updates are a sound floor: 2,000 at 0.999, 40 at 0.95. Recipes use 0.1 to 1% of the run
for language models and 2 to 11% for ViTs. Lengthen it if the early loss spikes.

It is a warning for Post-LN at 5e-4 and more, at any rate above 3e-3, for batches of 1,024 and more, and
where early trouble is reported; otherwise it is only worth knowing. We measured that failures of this kind
often show no NaN: the loss stays where it is for guessing."""
    bad = (
        examples.trained(
            "layer = torch.nn.TransformerEncoderLayer(d_model=512, nhead=8)\n"
            "model = torch.nn.TransformerEncoder(layer, num_layers=6)\n",
            "Adam(model.parameters(), lr=1e-3)",
        ),
        examples.trained(
            "from torchvision import models\nmodel = models.vit_b_16(num_classes=10)\n",
            "AdamW(model.parameters(), lr=1e-3)",
            schedule="scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)\n",
            tick="    scheduler.step()\n",
        ),
    )
    good = (
        examples.trained(
            "from torchvision import models\nmodel = models.vit_b_16(num_classes=10)\n",
            "AdamW(model.parameters(), lr=1e-3)",
            schedule="warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=5)\n"
            "decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS - 5)\n"
            "scheduler = torch.optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[5])\n",
            tick="    scheduler.step()\n",
        ),
        examples.trained(
            "from torchvision import models\nmodel = models.vit_b_16(weights=models.ViT_B_16_Weights.DEFAULT)\n",
            "AdamW(model.parameters(), lr=3e-5)",
        ),
        examples.trained(
            "layer = torch.nn.TransformerEncoderLayer(d_model=512, nhead=8)\n"
            "model = torch.nn.TransformerEncoder(layer, num_layers=6)\n",
            "Adam(model.parameters(), lr=1e-4)",
        ),
    )
    sources = (
        "Xiong et al. 2020, arXiv:2002.04745: Post-LN needs it, Pre-LN was trained without",
        "torchvision, DeiT and Swin recipes: 5 to 30 epochs of warmup",
        "DETR and the FT-Transformer package: AdamW at 1e-4, no warmup",
        "our judgement: the rates and the batch at which it is a warning",
    )
    fix_safety = "None: how long the warmup should be is a choice; lright plan proposes one."
    loud_in_code = True

    def verdicts(self, known: Known) -> Iterable[Verdict]:
        if not known.cold or known.trait("family") != "transformer" or known.adapted:
            return
        if known.pretrained or (known.pretrained is None and known.from_script):
            return
        if not known.adaptive or known.optimizer_id.startswith(SELF_WARMING):
            return
        reason = self._reason(known)
        lr = known.number("lr")
        if not reason and (lr is None or lr <= QUIET or known.trait("domain") in ("rl", "tabular")):
            return
        floor = round(2 / (1 - min(known.number("beta2") or 0.999, 0.99999)))
        what = f"{known.optimizer_at} on {known.model_title} from scratch with no warmup{reason}"
        yield self.verdict(
            f"{what}: {self._usual(known)}; for Adam {floor:,} updates are a sound floor",
            [name for name in ("lr", "model", "family", "warmup", "norm") if name in known],
            severity=WARNING if reason else INFO,
            numbers={"lr": lr, "floor": floor},
        )

    def _reason(self, known: Known) -> str:
        """Why it is more than worth knowing; empty where it is not."""
        lr, batch, seen = known.number("lr"), known.batch, known.setting.saw(*UNSTABLE)
        if seen is not None and _early(known, seen.epoch, seen.step):
            return ", and it became unstable early"
        if lr is not None and lr > HIGH:
            return f", above the {rate(HIGH)} that is the highest peak of the recipes we hold"
        if lr is not None and lr >= POST_LN and known.trait("norm") == "post":
            return ", and it normalises after the residual (Post-LN)"
        if batch is not None and batch >= LARGE and lr is not None and lr > QUIET:
            return f" at a batch of {batch:,.0f}"
        return ""

    def _usual(self, known: Known) -> str:
        """What recipes do."""
        if known.trait("norm") == "post":
            return "Post-LN needs one at usual rates (8.45 BLEU without, 34 with it)"
        if known.trait("domain") == "language-model":
            return "recipes for language models ramp over 0.1 to 1% of the run"
        if known.trait("domain") in ("classification", "self-supervised"):
            return "recipes for it ramp over 5-30 epochs"
        return "recipes for transformers ramp over 0.1 to 11% of the run"


def _early(known: Known, epoch: float | None, step: float | None) -> bool:
    """Whether trouble began in the first part of the training (or nobody said when)."""
    epochs, updates = known.number("epochs"), known.updates
    if epoch is not None:
        return epoch <= (EARLY * epochs if epochs else 5)
    if step is not None:
        return step <= (EARLY * updates if updates else 2000)
    return True


RULE = TransformerWithoutWarmup()
