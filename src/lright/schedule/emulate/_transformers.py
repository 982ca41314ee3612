"""The schedules of `transformers.optimization` (5.x), which are LambdaLR with a factor of the step, and
GreedyLR.

Source: the documentation and behaviour of transformers 5.23.0; held against it by
tests/schedule/test_emulate_transformers.py.
"""

from __future__ import annotations

import math

from ._base import MetricDriven, per_group
from ._live import Live
from ._plateau import ReduceLROnPlateau, improves
from ._torch import LambdaLR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._base import LRScheduler

RAMPS: dict[str, Callable[[float], float]] = {
    "linear": lambda done: done,
    "cosine": lambda done: 0.5 * (1.0 - math.cos(math.pi * done)),
    "1-sqrt": lambda done: 1.0 - math.sqrt(1.0 - done),
}


class Factor(LambdaLR):
    """base * factor(step), with what the factor's maker knows of its length and its end."""

    def __init__(
        self, optimizer: Live, factor: Callable[[int], float], last_epoch: int, ticks: Any, end: str = "hold"
    ) -> None:
        self.ticks = ticks
        self.end = end
        super().__init__(optimizer, factor, last_epoch)

    def length(self) -> int | None:
        return None if self.ticks is None else math.ceil(self.ticks)

    def past_end(self) -> str:
        return self.end

    def landmarks(self) -> list[int]:
        last = self.length()
        return [] if last is None else [last, last + 1]


def get_constant_schedule(optimizer: Live, last_epoch: int = -1) -> LRScheduler:
    return Factor(optimizer, lambda _: 1, last_epoch, None)


def get_constant_schedule_with_warmup(optimizer: Live, num_warmup_steps: int, last_epoch: int = -1) -> LRScheduler:
    def factor(step: int) -> float:
        return step / float(max(1.0, num_warmup_steps)) if step < num_warmup_steps else 1.0

    return Factor(optimizer, factor, last_epoch, num_warmup_steps)


def warmed(step: int, steps: Any) -> float:
    """The factor during a linear warmup."""
    return step / float(max(1, steps))


def progress(step: int, warmup: Any, total: Any) -> float:
    """How much of the time after the warmup is over; above 1 past the end."""
    return float(step - warmup) / float(max(1, total - warmup))


def after_cosine(num_cycles: float) -> str:
    """What a cosine does past its end: one that ends in a valley climbs out of it."""
    return "rise" if (2 * num_cycles) % 2 == 1 else "cycle"


def get_linear_schedule_with_warmup(
    optimizer: Live, num_warmup_steps: int, num_training_steps: int, last_epoch: int = -1
) -> LRScheduler:
    def factor(step: int) -> float:
        if step < num_warmup_steps:
            return warmed(step, num_warmup_steps)
        left = float(num_training_steps - step)
        return max(0.0, left / float(max(1, num_training_steps - num_warmup_steps)))

    return Factor(optimizer, factor, last_epoch, num_training_steps)


def get_cosine_schedule_with_warmup(
    optimizer: Live,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> LRScheduler:
    factor = cosine_factor(num_warmup_steps, num_training_steps, num_cycles, 0.0)
    return Factor(optimizer, factor, last_epoch, num_training_steps, after_cosine(num_cycles))


def cosine_factor(warmup: Any, total: Any, cycles: Any, floor: Any) -> Callable[[int], float]:
    """Linear warmup, then cosine waves between 1 and `floor`."""

    def factor(step: int) -> float:
        if step < warmup:
            return warmed(step, warmup)
        wave = 0.5 * (1.0 + math.cos(math.pi * float(cycles) * 2.0 * progress(step, warmup, total)))
        return float(max(0.0, wave * (1 - floor) + floor))

    return factor


def get_cosine_with_hard_restarts_schedule_with_warmup(
    optimizer: Live,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: int = 1,
    last_epoch: int = -1,
) -> LRScheduler:
    def factor(step: int) -> float:
        if step < num_warmup_steps:
            return warmed(step, num_warmup_steps)
        done = progress(step, num_warmup_steps, num_training_steps)
        if done >= 1.0:
            return 0.0
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * (float(num_cycles) * done % 1.0))))

    return Factor(optimizer, factor, last_epoch, num_training_steps)


def get_polynomial_decay_schedule_with_warmup(
    optimizer: Live,
    num_warmup_steps: int,
    num_training_steps: int,
    lr_end: float = 1e-7,
    power: float = 1.0,
    last_epoch: int = -1,
) -> LRScheduler:
    peak = optimizer.defaults["lr"]
    if not (peak > lr_end):
        raise ValueError(f"lr_end ({lr_end}) must be smaller than initial lr ({peak})")

    def factor(step: int) -> float:
        if step < num_warmup_steps:
            return warmed(step, num_warmup_steps)
        if step > num_training_steps:
            return float(lr_end / peak)
        left = 1 - (step - num_warmup_steps) / (num_training_steps - num_warmup_steps)
        return float(((peak - lr_end) * left**power + lr_end) / peak)

    return Factor(optimizer, factor, last_epoch, num_training_steps)


def get_inverse_sqrt_schedule(
    optimizer: Live, num_warmup_steps: int, timescale: int | None = None, last_epoch: int = -1
) -> LRScheduler:
    scale: Any = (num_warmup_steps or 10_000) if timescale is None else timescale

    def factor(step: int) -> float:
        if step < num_warmup_steps:
            return warmed(step, num_warmup_steps)
        return float(1.0 / math.sqrt((step + (scale - num_warmup_steps)) / scale))

    return Factor(optimizer, factor, last_epoch, None)


def floor_rate(optimizer: Live, min_lr: Any, min_lr_rate: Any) -> Any:
    """The floor as a fraction of the optimizer's default LR, from one of the two ways of giving it."""
    if min_lr is not None and min_lr_rate is not None:
        raise ValueError("Only one of min_lr or min_lr_rate should be set")
    if min_lr is not None:
        return min_lr / optimizer.defaults["lr"]
    if min_lr_rate is None:
        raise ValueError("One of min_lr or min_lr_rate should be set through the `lr_scheduler_kwargs`")
    return min_lr_rate


def get_cosine_with_min_lr_schedule_with_warmup(
    optimizer: Live,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
) -> LRScheduler:
    floor = floor_rate(optimizer, min_lr, min_lr_rate)
    factor = cosine_factor(num_warmup_steps, num_training_steps, num_cycles, floor)
    return Factor(optimizer, factor, last_epoch, num_training_steps, after_cosine(num_cycles))


def get_cosine_with_min_lr_schedule_with_warmup_lr_rate(
    optimizer: Live,
    num_warmup_steps: int,
    num_training_steps: int,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
    min_lr: float | None = None,
    min_lr_rate: float | None = None,
    warmup_lr_rate: float | None = None,
) -> LRScheduler:
    floor = floor_rate(optimizer, min_lr, min_lr_rate)

    def factor(step: int) -> float:
        warmup, total = float(num_warmup_steps), float(num_training_steps)
        if step < warmup:
            if warmup_lr_rate is None:
                return (step + 1.0) / max(1.0, warmup)
            start = float(warmup_lr_rate)
            return start + (1.0 - start) * step / max(1, warmup - 1)
        done = (step - warmup + 1.0) / max(1.0, total - warmup)
        wave = 0.5 * (1.0 + math.cos(math.pi * num_cycles * 2.0 * done))
        return float(max(0, wave * (1 - floor) + floor))

    return Factor(optimizer, factor, last_epoch, num_training_steps, after_cosine(num_cycles))


def get_wsd_schedule(
    optimizer: Live,
    num_warmup_steps: int,
    num_decay_steps: int,
    num_training_steps: int | None = None,
    num_stable_steps: int | None = None,
    warmup_type: str = "linear",
    decay_type: str = "cosine",
    min_lr_ratio: float = 0,
    num_cycles: float = 0.5,
    last_epoch: int = -1,
) -> LRScheduler:
    if num_training_steps is None and num_stable_steps is None:
        raise ValueError("Either num_training_steps or num_stable_steps must be specified.")
    for kind, given in (("warmup", warmup_type), ("decay", decay_type)):
        if given not in RAMPS:
            raise ValueError(f"Unknown {kind} type: {given}, expected 'linear', 'cosine' or '1-sqrt'")
    stable: Any = num_stable_steps
    if stable is None:
        stable = num_training_steps - num_warmup_steps - num_decay_steps  # type: ignore[operator]
    decay_start = num_warmup_steps + stable

    def decayed(done: float) -> float:
        if decay_type == "linear":
            return 1.0 - done
        if decay_type == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * float(num_cycles) * 2.0 * done))
        return 1.0 - math.sqrt(done)

    def factor(step: int) -> float:
        if step < num_warmup_steps:
            level = RAMPS[warmup_type](warmed(step, num_warmup_steps))
        elif step < decay_start:
            return 1.0
        elif step < decay_start + num_decay_steps:
            level = decayed(float(step - num_warmup_steps - stable) / float(max(1, num_decay_steps)))
        else:
            return min_lr_ratio
        return max(0.0, level * (1.0 - min_lr_ratio) + min_lr_ratio)

    return Factor(optimizer, factor, last_epoch, decay_start + num_decay_steps)


def get_reduce_on_plateau_schedule(optimizer: Live, **kwargs: Any) -> LRScheduler:
    return ReduceLROnPlateau(optimizer, **kwargs)


def get_greedy_schedule(optimizer: Live, **kwargs: Any) -> LRScheduler:
    return GreedyLR(optimizer, **kwargs)


class GreedyLR(MetricDriven):
    """Divided by `factor` while the metric keeps improving, multiplied by it while it does not."""

    def __init__(
        self,
        optimizer: Live,
        mode: str = "min",
        factor: float = 0.95,
        patience: int = 10,
        threshold: float = 1e-6,
        threshold_mode: str = "abs",
        cooldown: int = 0,
        warmup: int = 0,
        min_lr: Any = 1e-3,
        max_lr: Any = 1.0,
        eps: float = 1e-8,
        verbose: bool = False,
        smooth: bool = False,
        window_size: int = 50,
        reset_start: int = 500,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        groups = len(optimizer.param_groups)
        for name, value in (("min", min_lr), ("max", max_lr)):
            if isinstance(value, (list, tuple)) and len(value) != groups:
                raise ValueError(f"expected {groups} {name}_lrs, got {len(value)}")
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.optimizer = optimizer
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.warmup = warmup
        self.min_lrs = per_group("min_lr", optimizer, min_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        self.eps = eps
        self.smooth = smooth
        self.window_size = window_size
        self.reset_start = reset_start
        self.initial_lrs = optimizer.rates()
        self.last_epoch = 0
        self.restart()

    def restart(self) -> None:
        """Forget everything seen of the metric."""
        self.best = math.inf if self.mode == "min" else -math.inf
        self.bad = self.good = self.waiting = 0
        self.resets_in = self.reset_start
        self.window: list[float] = []
        self.window_sum = 0.0

    def smoothed(self, metric: float) -> float:
        """The mean of the last `window_size` metrics."""
        self.window.append(metric)
        self.window_sum += metric
        if len(self.window) > self.window_size:
            self.window_sum -= self.window.pop(0)
        return self.window_sum / len(self.window)

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        metric = float(metrics)
        if self.smooth:
            metric = self.smoothed(metric)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.waiting > 0:
            self.waiting -= 1
            self.bad = self.good = 0
            return
        if improves(metric, self.best, self.mode, self.threshold, self.threshold_mode):
            self.best = metric
            self.bad, self.good = 0, self.good + 1
        else:
            self.bad, self.good = self.bad + 1, 0
        if self.good > self.patience:
            self.increase()
            self.waiting = self.warmup
            self.good = 0
        elif self.bad > self.patience:
            self.reduce()
            self.waiting = self.cooldown
            self.bad = 0

    def increase(self) -> None:
        for group, ceiling in zip(self.optimizer.param_groups, self.max_lrs, strict=False):
            rate = float(group["lr"])
            higher = min(rate / self.factor, ceiling)
            if higher - rate > self.eps:
                group["lr"] = higher
        self.resets_in = self.reset_start

    def reduce(self) -> None:
        groups = self.optimizer.param_groups
        for group, floor in zip(groups, self.min_lrs, strict=False):
            rate = float(group["lr"])
            lower = max(rate * self.factor, floor)
            if rate - lower > self.eps:
                group["lr"] = lower
        if any(group["lr"] > floor for group, floor in zip(groups, self.min_lrs, strict=False)):
            return
        self.resets_in -= 1
        if self.resets_in <= 0:
            self.optimizer.write(self.initial_lrs, strict=False)
            self.restart()


BY_NAME: dict[str, Callable[..., LRScheduler]] = {
    "linear": get_linear_schedule_with_warmup,
    "cosine": get_cosine_schedule_with_warmup,
    "cosine_with_restarts": get_cosine_with_hard_restarts_schedule_with_warmup,
    "polynomial": get_polynomial_decay_schedule_with_warmup,
    "constant": get_constant_schedule,
    "constant_with_warmup": get_constant_schedule_with_warmup,
    "inverse_sqrt": get_inverse_sqrt_schedule,
    "reduce_lr_on_plateau": get_reduce_on_plateau_schedule,
    "cosine_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup,
    "cosine_warmup_with_min_lr": get_cosine_with_min_lr_schedule_with_warmup_lr_rate,
    "warmup_stable_decay": get_wsd_schedule,
    "greedy": get_greedy_schedule,
}


def get_scheduler(
    name: str,
    optimizer: Live,
    num_warmup_steps: int | None = None,
    num_training_steps: int | None = None,
    scheduler_specific_kwargs: dict[str, Any] | None = None,
) -> LRScheduler:
    """The schedule of that name, given only the arguments it takes, as transformers does."""
    if name not in BY_NAME:
        raise ValueError(f"{name} is not a valid SchedulerType, please select one of {list(BY_NAME)}")
    schedule = BY_NAME[name]
    if name == "constant":
        return schedule(optimizer)
    specific = scheduler_specific_kwargs or {}
    if name in ("reduce_lr_on_plateau", "greedy"):
        return schedule(optimizer, **specific)
    member = f"SchedulerType.{name.upper()}"
    if num_warmup_steps is None:
        raise ValueError(f"{member} requires `num_warmup_steps`, please provide that argument.")
    if name == "constant_with_warmup":
        return schedule(optimizer, num_warmup_steps=num_warmup_steps)
    if name == "inverse_sqrt":
        return schedule(optimizer, num_warmup_steps=num_warmup_steps, **specific)
    if num_training_steps is None and name != "warmup_stable_decay":
        raise ValueError(f"{member} requires `num_training_steps`, please provide that argument.")
    lengths = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    return schedule(optimizer, **lengths, **specific)
