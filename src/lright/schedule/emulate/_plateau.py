"""torch 2.13's ReduceLROnPlateau.

Source: the documentation and behaviour of torch 2.13.0; held against it by
tests/schedule/test_emulate_torch.py.
"""

from __future__ import annotations

import math

from ._base import MetricDriven, per_group
from ._live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ReduceLROnPlateau(MetricDriven):
    """Multiplied by `factor` when the metric has not improved for more than `patience` steps."""

    def __init__(
        self,
        optimizer: Live,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
        if mode not in {"min", "max"}:
            raise ValueError("mode " + mode + " is unknown!")
        if threshold_mode not in {"rel", "abs"}:
            raise ValueError("threshold mode " + threshold_mode + " is unknown!")
        self.optimizer = optimizer
        self.min_lrs = per_group("min_lr", optimizer, min_lr)
        self.min_lr = min_lr
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self.best = math.inf if mode == "min" else -math.inf
        self.cooling = 0
        self.bad = 0

    def better(self, metric: float) -> bool:
        return improves(metric, self.best, self.mode, self.threshold, self.threshold_mode)

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        metric = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.better(metric):
            self.best = metric
            self.bad = 0
        else:
            self.bad += 1
        if self.cooling > 0:
            self.cooling -= 1
            self.bad = 0
        if self.bad > self.patience:
            self.reduce()
            self.cooling = self.cooldown
            self.bad = 0

    def reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # one was added since
            if isinstance(self.min_lr, (list, tuple)):
                raise RuntimeError(
                    f"The number of param groups in the `optimizer` ({len(groups)}) differs from when "
                    f"`ReduceLROnPlateau` was initialized ({len(self.min_lrs)}), usually due to a new param "
                    "group being added to the optimizer. Please modify the `min_lrs` field to match the "
                    "length of the `optimizer` param groups."
                )
            self.min_lrs = [self.min_lr] * len(groups)
        for group, floor in zip(groups, self.min_lrs, strict=True):
            rate = float(group["lr"])
            lower = max(rate * self.factor, floor)
            if rate - lower > self.eps:
                group["lr"] = lower


def improves(metric: float, best: float, mode: str, threshold: float, threshold_mode: str) -> bool:
    """Whether a metric beats the best so far by more than the threshold, relative or absolute."""
    if mode == "min":
        return metric < (best * (1.0 - threshold) if threshold_mode == "rel" else best - threshold)
    return metric > (best * (threshold + 1.0) if threshold_mode == "rel" else best + threshold)
