"""Lightning: a LightningModule whose configure_optimizers says how often the scheduler is stepped."""

from __future__ import annotations

import re

from ._base import Curve, Job, Snippet, Ticks, from_import, indent, module, number, take_apart, unit_of, whole_epochs
from ._torch import SCHEDULERS, first_lr, optimizer_line, schedulers

STEPS = """def __init__(self, model, loss_fn):
    super().__init__()
    self.model = model
    self.loss_fn = loss_fn

def training_step(self, batch, batch_idx):
    x, y = batch
    return self.loss_fn(self.model(x), y)

def validation_step(self, batch, batch_idx):
    x, y = batch
    self.log("val_loss", self.loss_fn(self.model(x), y))
"""


def write(job: Job) -> Snippet:
    """A LightningModule and the Trainer that goes with it."""
    unit = unit_of(job)
    epochs = unit == "update" and whole_epochs(job.budget.total) is not None
    per_epoch = "total_updates // self.trainer.max_epochs" if epochs else None
    ticks = Ticks(job, unit, per_epoch=per_epoch, total="self.trainer.estimated_stepping_batches")
    if epochs:  # here the whole is known and the epoch follows from it
        ticks.names = {name: ticks.names[name] for name in sorted(ticks.names, key="updates_per_epoch".__eq__)}
    curve = take_apart(job, ticks)
    built = schedulers(curve, job)
    optimizer = optimizer_line(job.optimizer, first_lr(curve, job.peak)).replace("model.", "self.", 1)
    warmed = curve.metric is not None and curve.warmup is not None
    built = built._replace(lines=[line.replace("the loop", "lr_scheduler_step") for line in built.lines])
    made = [re.sub(r"\bepochs\b", "self.trainer.max_epochs", line) for line in built.lines]
    names = [re.sub(r"\bepochs\b", "self.trainer.max_epochs", line) for line in ticks.lines(*built.lines)]
    names = [line for line in names if not line.startswith("self.trainer.max_epochs =")]
    returned = _returned(curve, bool(built.lines), warmed)
    setup = "\n".join(["def configure_optimizers(self):", indent([*names, optimizer, *made, *returned])])
    methods = [*STEPS.split("\n"), setup]
    if warmed and curve.warmup is not None:
        methods += ["", *_hand_over(curve.warmup.n.value)]
    body = "class Model(L.LightningModule):\n" + indent(methods)
    train = "\n".join([_HEAD, indent(_trainer(job, ticks))])
    found = from_import("torch.optim.lr_scheduler", SCHEDULERS, body.replace("isinstance(", ""))
    code = module(["import math", "import lightning as L", "import torch", *([found] if found else [])], body, train)
    return curve.snippet(code, setup, built.notes, built.lr)


_HEAD = "def train(model, train_loader, val_loader, loss_fn=torch.nn.functional.cross_entropy):"


def _returned(curve: Curve, scheduled: bool, warmed: bool) -> list[str]:
    if not scheduled:
        return ["return optimizer"]
    if warmed:
        return [
            "configs = [",
            '    {"scheduler": warmup, "interval": "epoch"},',
            '    {"scheduler": plateau, "interval": "epoch", "monitor": "val_loss"},',
            "]",
            "return [optimizer], configs",
        ]
    interval = "epoch" if curve.ticks.unit == "epoch" else "step"
    config = f'{{"scheduler": scheduler, "interval": "{interval}"}}'
    if curve.metric is not None:
        config = '{"scheduler": scheduler, "interval": "epoch", "monitor": "val_loss"}'
    reason = ["# the default interval is an epoch"] if interval == "step" else []
    return [*reason, f'return {{"optimizer": optimizer, "lr_scheduler": {config}}}']


def _hand_over(epochs: float) -> list[str]:
    return [
        "def lr_scheduler_step(self, scheduler, metric):",
        "    # the warmup first, the plateau after it: never both",
        f"    warming = self.current_epoch < {epochs:.0f}",
        "    if isinstance(scheduler, ReduceLROnPlateau):",
        "        if not warming:",
        "            scheduler.step(metric)",
        "    elif warming:",
        "        scheduler.step()",
    ]


def _trainer(job: Job, ticks: Ticks) -> list[str]:
    length = f"max_epochs={ticks.epochs}" if ticks.epochs is not None else f"max_steps={round(ticks.total.value)}"
    if ticks.epochs is None:
        length = f"max_epochs=-1, {length}"
    options = [length]
    if job.accumulate > 1:
        options.append(f"accumulate_grad_batches={job.accumulate}")
    if job.clip is not None:
        options.append(f"gradient_clip_val={number(job.clip)}")
    return [
        f"trainer = L.Trainer({', '.join(options)})",
        "trainer.fit(Model(model, loss_fn), train_loader, val_loader)",
        "return model",
    ]
