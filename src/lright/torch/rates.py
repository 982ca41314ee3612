"""The learning rates of an optimizer's parameter groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

__all__ = ["base_rates", "groups", "put", "ratios", "read"]


def groups(optimizer: Any) -> Any:
    """The mappings that hold an optimizer's rates: its parameter groups, or what fastai has in their place."""
    return optimizer.hypers if hasattr(optimizer, "hypers") else optimizer.param_groups


def read(optimizer: Any) -> list[float]:
    """The LR of every group, as numbers."""
    return [float(group["lr"]) for group in groups(optimizer)]


def put(optimizer: Any, rates: Sequence[float]) -> None:
    """Set the LR of every group; a tensor is filled, so that compiled and captured optimizers see it."""
    for group, rate in zip(groups(optimizer), rates):
        current = group["lr"]
        if isinstance(current, torch.Tensor):
            current.fill_(rate)
        else:
            group["lr"] = rate


def base_rates(optimizer: Any) -> list[float]:
    """The LR that every group was given before a scheduler wrote into it."""
    return [float(group.get("initial_lr", group["lr"])) for group in groups(optimizer)]


def ratios(base: Sequence[float]) -> list[float]:
    """What every group's LR is of the highest: 1 for that one. All 1 where none has an LR.

    >>> ratios([0.001, 0.0001])
    [1.0, 0.1]
    """
    peak = max(base, default=0.0)
    return [rate / peak if peak > 0 else 1.0 for rate in base]
