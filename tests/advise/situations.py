"""Situations to plan for: a grid of everything that can be known, drawn the same way every time."""

from __future__ import annotations

import random
from collections.abc import Iterator

from lright.knowledge import load
from lright.setting import DOMAINS, FAMILIES, FRAMEWORKS, GOALS, SYMPTOMS, Setting, Symptom

VALUES: dict[str, tuple[object, ...]] = {
    "domain": DOMAINS, "family": FAMILIES, "pretrained": (True, False), "adapter": ("lora", "qlora", "head", "none"),
    "norm": ("pre", "post"), "algorithm": ("ppo", "dqn", "sac"), "dataset": ("imagenet", "cifar10", "my own"),
    "samples": (60, 1000, 50_000, 1_281_167), "batch_size": (1, 8, 128, 4096), "accumulation": (1, 4, 5),
    "processes": (1, 2, 8), "drop_last": (True, False), "epochs": (1, 3, 12, 30, 90, 300), "steps": (50, 5000, 600_000),
    "tokens": (10**9, 3 * 10**11), "lr": (1e-6, 3e-4, 1e-3, 0.1, 3.0), "momentum": (0.0, 0.9), "beta2": (0.95, 0.999),
    "weight_decay": (0.0, 0.05, 0.5), "clip": (1.0, 5.0), "amp": (True, False), "ema": (True, False),
    "scheduler": ("constant", "CosineAnnealingLR", "OneCycleLR", "ReduceLROnPlateau"),
    "warmup": ("0", "5ep", "500 updates", "5%"), "floor": (0.0, 1e-5, 1e-6), "goal": GOALS, "framework": FRAMEWORKS,
    "reference_lr": (0.1, 1e-3), "reference_batch": (16, 256),
}  # fmt: skip


def situations(count: int, seed: int = 0) -> Iterator[Setting]:
    """``count`` situations: each knows a handful of facts; some have a model or an optimizer by name, some symptoms."""
    draw = random.Random(seed)
    models, optimizers = sorted(load("architectures")), sorted(load("optimizers"))
    for _ in range(count):
        setting = Setting()
        for name in draw.sample(sorted(VALUES), draw.randint(0, 12)):
            setting.know(name, draw.choice(VALUES[name]), "grid")  # type: ignore[arg-type]
        if draw.random() < 0.6:
            setting.know("model", draw.choice(models), "grid")
        if draw.random() < 0.6:
            setting.know("optimizer", draw.choice(optimizers), "grid")
        if draw.random() < 0.3:
            setting.symptoms.append(Symptom(draw.choice(sorted(SYMPTOMS)), epoch=draw.choice((None, 2, 10))))
        yield setting
