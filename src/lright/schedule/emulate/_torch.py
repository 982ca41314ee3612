"""torch 2.13's schedulers with one shape and one clock.

Source: the documentation and behaviour of torch 2.13.0; held against it by
tests/schedule/test_emulate_torch.py.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from ._base import FOREVER, LRScheduler, per_group, power, whole
from ._live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


class LambdaLR(LRScheduler):
    """LR = base * f(t)."""

    closed = True
    opaque = True

    def __init__(self, optimizer: Live, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas = functions(optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        pairs = zip(self.lr_lambdas, self.base_lrs, strict=True)
        return [base * function(self.last_epoch) for function, base in pairs]

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        return self.base_lrs[group] * self.lr_lambdas[group](self.last_epoch + ticks)


def functions(optimizer: Live, given: Any) -> list[Callable[[Any], Any]]:
    """One function for each group."""
    groups = len(optimizer.param_groups)
    if not isinstance(given, (list, tuple)):
        return [given] * groups
    if len(given) != groups:
        raise ValueError(f"Expected {groups} lr_lambdas, but got {len(given)}")
    return list(given)


class MultiplicativeLR(LRScheduler):
    """LR(t) = LR(t - 1) * f(t)."""

    scales = True

    def __init__(self, optimizer: Live, lr_lambda: Any, last_epoch: int = -1) -> None:
        self.lr_lambdas = functions(optimizer, lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"lr_lambda should be a function, but got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        if self.initial:
            return self.optimizer.rates()
        groups = self.optimizer.param_groups
        return [group["lr"] * f(self.last_epoch) for f, group in zip(self.lr_lambdas, groups, strict=True)]


class StepLR(LRScheduler):
    """Multiplied by gamma at every multiple of step_size."""

    scales = True

    def __init__(self, optimizer: Live, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return self.optimizer.rates()
        return [rate * self.gamma for rate in self.optimizer.rates()]

    def rates_at(self) -> list[Any]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]

    def reach(self) -> int:
        return FOREVER if whole(self.step_size) and self.last_epoch >= 0 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        size = abs(self.step_size)
        drops = (self.last_epoch + ticks) // size - self.last_epoch // size
        return rate * power(self.gamma, drops)

    def fails_in(self) -> int | None:
        return 1 if self.step_size == 0 else None

    def past_end(self) -> str:
        return "rise" if self.gamma > 1 else "hold"


class MultiStepLR(LRScheduler):
    """Multiplied by gamma at each milestone; one at 0 acts in the constructor."""

    scales = True

    def __init__(self, optimizer: Live, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        from collections import Counter

        self.milestones = Counter(milestones)
        self.gamma = gamma
        numbers = [item for item in self.milestones.elements() if isinstance(item, (int, float))]
        self.reached = sorted(item for item in numbers if whole(item))
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        if self.last_epoch not in self.milestones:
            return self.optimizer.rates()
        times = self.milestones[self.last_epoch]
        return [rate * self.gamma**times for rate in self.optimizer.rates()]

    def rates_at(self) -> list[Any]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]

    def reach(self) -> int:
        return FOREVER

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        now = self.last_epoch
        drops = bisect_right(self.reached, now + ticks) - bisect_right(self.reached, now)
        return rate * power(self.gamma, drops)

    def length(self) -> int | None:
        return int(self.reached[-1]) if self.reached else None

    def past_end(self) -> str:
        return "hold"


class ConstantLR(LRScheduler):
    """base * factor for total_iters ticks, then divided by the factor again."""

    scales = True

    def __init__(self, optimizer: Live, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        if factor > 1.0 or factor < 0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        rates = self.optimizer.rates()
        if self.last_epoch == 0:
            return [rate * self.factor for rate in rates]
        if self.last_epoch != self.total_iters:
            return rates
        return [rate * (1.0 / self.factor) for rate in rates]

    def rates_at(self) -> list[Any]:
        over = self.last_epoch >= self.total_iters
        return [base * (self.factor + over * (1 - self.factor)) for base in self.base_lrs]

    def reach(self) -> int:
        return FOREVER if self.last_epoch >= 0 else 0

    def restored_in(self) -> int | None:
        """Ticks until the factor is taken back; None when that is past or falls between two ticks."""
        left = self.total_iters - self.last_epoch
        return int(left) if left > 0 and whole(self.total_iters) else None

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        left = self.restored_in()
        return rate * (1.0 / self.factor) if left is not None and ticks >= left else rate

    def fails_in(self) -> int | None:
        return self.restored_in() if self.factor == 0 else None

    def length(self) -> int | None:
        return math.ceil(self.total_iters)

    def past_end(self) -> str:
        return "hold"


class LinearLR(LRScheduler):
    """A straight line from base * start_factor to base * end_factor in total_iters ticks."""

    scales = True

    def __init__(
        self,
        optimizer: Live,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if start_factor > 1.0 or start_factor <= 0:
            raise ValueError("Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        if end_factor > 1.0 or end_factor < 0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        rates = self.optimizer.rates()
        if self.last_epoch == 0:
            return [rate * self.start_factor for rate in rates]
        if self.initial or self.last_epoch > self.total_iters:
            return rates
        slope = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * slope
        return [rate * (1.0 + slope / before) for rate in rates]

    def rates_at(self) -> list[Any]:
        slope = self.end_factor - self.start_factor
        done = min(self.total_iters, self.last_epoch)
        return [base * (self.start_factor + slope * done / self.total_iters) for base in self.base_lrs]

    def reach(self) -> int:
        # From a start next to nothing torch's own factors overflow: those are replayed.
        return FOREVER if self.last_epoch >= 0 and self.start_factor > 1e-200 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        now = self.last_epoch
        then = min(now + ticks, math.floor(self.total_iters))
        if then <= now:
            return rate
        slope = self.end_factor - self.start_factor
        level = self.total_iters * self.start_factor
        return rate * ((level + then * slope) / (level + now * slope))

    def length(self) -> int | None:
        return math.ceil(self.total_iters)

    def past_end(self) -> str:
        return "hold"


class ExponentialLR(LRScheduler):
    """Multiplied by gamma at every tick."""

    scales = True
    closed = True

    def __init__(self, optimizer: Live, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        rates = self.optimizer.rates()
        return rates if self.initial else [rate * self.gamma for rate in rates]

    def rates_at(self) -> list[Any]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        return rate * power(self.gamma, ticks)

    def past_end(self) -> str:
        return "rise" if self.gamma > 1 else "hold"


class PolynomialLR(LRScheduler):
    """base * (1 - t / total_iters) ** power, then held."""

    scales = True

    def __init__(self, optimizer: Live, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def rates(self) -> list[Any]:
        rates = self.optimizer.rates()
        if self.initial or self.last_epoch > self.total_iters:
            return rates
        left = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        factor = (left / before) ** self.power
        return [rate * factor for rate in rates]

    def rates_at(self) -> list[Any]:
        done = min(self.total_iters, self.last_epoch)
        return [base * (1.0 - done / self.total_iters) ** self.power for base in self.base_lrs]

    def reach(self) -> int:
        return FOREVER if self.last_epoch >= 0 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        now = self.last_epoch
        then = min(now + ticks, math.floor(self.total_iters))
        if then <= now:
            return rate
        left = 1.0 - then / self.total_iters
        before = 1.0 - now / self.total_iters
        return rate * (left / before) ** self.power

    def fails_in(self) -> int | None:
        left = self.total_iters - self.last_epoch
        return int(left) if self.power < 0 and left > 0 and whole(self.total_iters) else None

    def length(self) -> int | None:
        return math.ceil(self.total_iters)

    def past_end(self) -> str:
        return "hold"


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from base to eta_min in T_max ticks, and up again in the next T_max."""

    def __init__(self, optimizer: Live, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        self.meets_minimum = whole(T_max)
        super().__init__(optimizer, last_epoch)

    def wave(self, epoch: Any) -> float:
        """1 + cos, from 2 at a maximum to 0 at a minimum."""
        return 1 + math.cos(math.pi * epoch / self.T_max)

    def rise(self, base: Any) -> Any:
        """What torch adds on the tick after a minimum, where its ratio would be 0 / 0."""
        return (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2

    def rates(self) -> list[Any]:
        rates = self.optimizer.rates()
        if self.initial:
            return rates
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            return [rate + self.rise(base) for base, rate in zip(self.base_lrs, rates, strict=True)]
        ratio = self.wave(self.last_epoch) / self.wave(self.last_epoch - 1)
        return [ratio * (rate - self.eta_min) + self.eta_min for rate in rates]

    def rates_at(self) -> list[Any]:
        wave = self.wave(self.last_epoch)
        return [self.eta_min + (base - self.eta_min) * wave / 2 for base in self.base_lrs]

    def reach(self) -> int:
        if self.last_epoch < 0:
            return 0
        if self.meets_minimum:
            return FOREVER
        # Between two ticks a minimum is only come near to: torch's rounding grows there, unless the floor
        # is 0.
        turns = 1 if self.eta_min else 3
        return max(0, math.floor(turns * abs(self.T_max)) - self.last_epoch - 1)

    def scaling_reach(self) -> int:
        return min(self.reach(), max(0, math.floor(abs(self.T_max)) - self.last_epoch)) if self.eta_min == 0 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        # The ratios telescope from the last minimum passed, so that torch's rounding there is kept, not
        # smoothed.
        now, size = self.last_epoch, abs(self.T_max)
        then = now + ticks
        if then <= size or not self.meets_minimum:
            return self.wave(then) / self.wave(now) * (rate - self.eta_min) + self.eta_min
        minimum = size + 2 * size * ((then - 1 - size) // (2 * size))
        if minimum >= now and minimum > 0:
            bottom = rate if minimum == now else self.eta_min
            rate = bottom + self.rise(self.base_lrs[group])
            now = minimum + 1
            if now == then:
                return rate
        return self.wave(then) / self.wave(now) * (rate - self.eta_min) + self.eta_min

    def fails_in(self) -> int | None:
        return 1 if self.T_max == 0 else None

    def length(self) -> int | None:
        return math.ceil(abs(self.T_max))

    def past_end(self) -> str:
        if all(base == self.eta_min for base in self.base_lrs):
            return "hold"
        return "rise" if any(base > self.eta_min for base in self.base_lrs) else "cycle"


class SWALR(LRScheduler):
    """From the LR it finds to swa_lr in anneal_epochs ticks, then held there."""

    def __init__(
        self,
        optimizer: Live,
        swa_lr: Any,
        anneal_epochs: Any = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for target, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = target
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def done(self, step: int) -> float:
        """How much of the way to swa_lr is behind at a step: 0 to 1."""
        part = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * part)) / 2 if self.anneal_strategy == "cos" else part

    def rates(self) -> list[Any]:
        step = self.step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self.done(step - 1), self.done(step)
        rates = []
        for group in self.optimizer.param_groups:
            target = group["swa_lr"]
            start = target if before == 1 else (group["lr"] - before * target) / (1 - before)
            rates.append(target * now + start * (1 - now))
        return rates

    def length(self) -> int | None:
        return self.anneal_epochs

    def past_end(self) -> str:
        return "hold"
