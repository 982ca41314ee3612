"""What varies between scripts without meaning anything: names, imports, configuration, loops, data."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

EPOCHS = (12, 20, 24, 30, 40, 50, 60, 80, 90, 100, 120, 150, 200)

NAMES = {
    "model": ("model", "net", "model"),
    "optimizer": ("optimizer", "opt", "optimizer"),
    "scheduler": ("scheduler", "sched", "lr_scheduler", "lrs", "scheduler", "lr_sched"),
    "train": ("train_loader", "dataloader", "trainloader", "dl", "train_dl", "loader"),
    "val": ("val_loader", "valid_loader", "testloader", "val_dl", "test_loader"),
    "criterion": ("criterion", "loss_fn", "criterion"),
    "x": ("x", "inputs", "images", "data", "xb"),
    "y": ("y", "targets", "labels", "target", "yb"),
}
VALUE_NAMES = {
    "epochs": ("epochs", "num_epochs", "n_epochs", "max_epochs", "epochs"),
    "lr": ("lr", "learning_rate", "base_lr", "lr"),
    "batch_size": ("batch_size", "bs", "train_batch_size", "batch_size"),
    "accum": ("accum_steps", "grad_accum", "accumulation_steps", "gradient_accumulation_steps"),
    "warmup": ("warmup_epochs", "warmup", "n_warmup"),
    "warmup_steps": ("warmup_steps", "num_warmup_steps", "warmup_iters"),
    "max_steps": ("max_steps", "total_steps", "num_steps", "total_iters"),
    "patience": ("patience", "lr_patience", "plateau_patience"),
    "stop": ("early_stop", "early_stopping_patience", "stop_after"),
    "resume": ("resume", "checkpoint", "resume_from"),
    "gamma": ("gamma", "lr_gamma", "lr_decay"),
    "step_size": ("step_size", "lr_step", "decay_every"),
    "weight_decay": ("weight_decay", "wd", "weight_decay"),
    "out": ("ckpt_path", "save_path", "output"),
}

CONFIGS = ("const", "argparse", "argparse", "dict", "dataclass", "mainargs", "local", "literal", "yaml")
STRUCTURES = ("flat", "main", "helper", "trainer")
EPOCH_LOOPS = ("range", "range", "range1", "trange", "start", "while")
BATCH_LOOPS = ("plain", "enumerate", "tqdm", "enum_tqdm", "tqdm_enum", "unpack", "range_len", "pbar")
INDEXED_LOOPS = ("enumerate", "enum_tqdm", "tqdm_enum", "range_len")
IMPORTS = ("direct", "alias", "optim", "full", "module")
DATA = ("known", "known", "known", "dataset", "vision", "import")


@dataclass(frozen=True)
class Plan:
    """Every choice behind one script. Recipes read it, ``draw`` makes one."""

    kind: str = "steplr"
    unit: str = "epoch"
    config: str = "const"
    structure: str = "main"
    epoch_loop: str = "range"
    batch_loop: str = "plain"
    imports: str = "direct"
    data: str = "known"
    budget: str = "epochs"
    epochs: int = 30
    batches: int = 40
    batch_size: int = 32
    drop_last: bool = False
    accum: int = 1
    accum_default: int = 1
    accum_rest: str = "drop"
    amp: bool = False
    clip: bool = False
    log_lr: bool = False
    evaluate: bool = True
    inline_eval: bool = False
    early_stop: bool = False
    save: str = "none"
    resume: bool = False
    ddp: bool = False
    groups: bool = False
    pass_scheduler: bool = False
    split_calls: bool = False
    total_variable: bool = True
    warmup: str = "usual"
    unfreeze: bool = False
    scale_lr: bool = False
    optimizer: str = "SGD"
    metric: str = "loss"
    names: dict[str, str] = field(default_factory=dict)
    value_names: dict[str, str] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """Size of the training set: a loader of ``batches`` batches, the last one short unless dropped."""
        short = self.batch_size // 2 if not self.drop_last else -(self.batch_size // 3)
        return self.batches * self.batch_size - short


def draw_names(rng: random.Random, imports: str) -> dict[str, str]:
    """One name for each object; a scheduler never shadows the module it comes from."""
    names = {key: rng.choice(choices) for key, choices in NAMES.items()}
    taken = {"alias": "lrs", "module": "lr_scheduler"}.get(imports)
    if names["scheduler"] == taken:
        names["scheduler"] = "scheduler"
    return names


def draw(rng: random.Random, **fixed: object) -> Plan:
    """A random plan with some choices fixed; impossible combinations are mended, never the fixed ones."""
    imports = str(fixed.get("imports") or rng.choice(IMPORTS))
    accum = rng.choice((1, 1, 1, 2, 4, 8))
    plan = Plan(
        config=rng.choice(CONFIGS),
        structure=rng.choice(STRUCTURES),
        epoch_loop=rng.choice(EPOCH_LOOPS),
        batch_loop=rng.choice(BATCH_LOOPS),
        imports=imports,
        data=rng.choice(DATA),
        epochs=rng.choice(EPOCHS),
        batches=rng.choice((16, 24, 32, 40, 48, 64, 80)),
        batch_size=rng.choice((16, 32, 64, 128)),
        drop_last=rng.random() < 0.3,
        accum=accum,
        accum_rest=rng.choice(("drop", "keep")),
        amp=rng.random() < 0.2,
        clip=rng.random() < 0.25,
        log_lr=rng.random() < 0.3,
        evaluate=rng.random() < 0.7,
        inline_eval=rng.random() < 0.3,
        save=rng.choice(("none", "none", "model", "full")),
        groups=rng.random() < 0.15,
        pass_scheduler=rng.random() < 0.3,
        split_calls=rng.random() < 0.25,
        total_variable=rng.random() < 0.6,
        optimizer=rng.choice(("SGD", "Adam", "AdamW")),
        names=draw_names(rng, imports),
        value_names={key: rng.choice(choices) for key, choices in VALUE_NAMES.items()},
    )
    plan = replace(plan, **fixed)  # type: ignore[arg-type]
    return mend(rng, plan, frozenset(fixed))


def mend(rng: random.Random, plan: Plan, fixed: frozenset[str]) -> Plan:
    """Make the free choices agree with each other and with the fixed ones."""
    if plan.accum > 1 and "accum_default" not in fixed:
        plan = replace(plan, accum_default=plan.accum)
    if plan.accum > 1 and plan.batch_loop not in INDEXED_LOOPS:
        plan = replace(plan, batch_loop=rng.choice(INDEXED_LOOPS))
    if plan.resume:
        plan = replace(plan, save="full", epoch_loop="start")
    if plan.epoch_loop == "start" and not plan.resume:
        plan = replace(plan, epoch_loop="range")
    if plan.unit == "frac" or plan.kind.startswith("manual"):
        plan = replace(plan, epoch_loop="start" if plan.resume else rng.choice(("range", "trange")))
    if plan.unit == "frac":
        plan = replace(plan, batch_loop=rng.choice(("enumerate", "tqdm_enum", "range_len")), accum=1)
    if plan.early_stop or plan.unit == "val":
        plan = replace(plan, evaluate=True)
    if plan.structure == "helper" and plan.unit in ("update", "frac"):
        plan = replace(plan, pass_scheduler=True)
    if plan.budget != "epochs":
        plan = replace(plan, structure=rng.choice(("flat", "main")), inline_eval=False, accum=1)
    if plan.unfreeze or plan.kind == "cyclic":
        plan = replace(plan, groups=False)
    if plan.data == "vision" and plan.batch_size * plan.batches > 50_000:
        plan = replace(plan, data="known")
    return plan
