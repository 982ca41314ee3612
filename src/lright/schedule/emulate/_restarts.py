"""torch 2.13's schedulers that go up and down: warm restarts, CyclicLR, OneCycleLR. Closed forms all.

Source: the documentation and behaviour of torch 2.13.0; held against it by
tests/schedule/test_emulate_torch.py.
"""

from __future__ import annotations

import math

from ._base import LRScheduler, per_group
from ._live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine again and again, each T_mult times as long as the one before."""

    closed = True

    def __init__(self, optimizer: Live, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: Any = last_epoch
        super().__init__(optimizer, last_epoch)

    def at(self, base: Any, into: Any, length: Any) -> Any:
        """The LR `into` ticks after a restart."""
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * into / length)) / 2

    def rates(self) -> list[Any]:
        return [self.at(base, self.T_cur, self.T_i) for base in self.base_lrs]

    def step(self, epoch: Any = None) -> None:
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            self.place(epoch)
        self.last_epoch = math.floor(epoch)
        self.optimizer.write(self.rates())

    def place(self, epoch: Any) -> None:
        """Find the cycle of a given epoch the way torch does: by a logarithm, whose rounding is off at some
        restarts."""
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            cycle = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**cycle - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**cycle

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        into, length = self.T_cur + ticks, self.T_i
        if self.T_mult == 1:
            into %= length
        while into >= length:
            into -= length
            length *= self.T_mult
        return self.at(self.base_lrs[group], into, length)

    def length(self) -> int | None:
        return self.T_0

    def past_end(self) -> str:
        return "cycle"


class CyclesMomentum(LRScheduler):
    """What CyclicLR and OneCycleLR share: they move momentum (or beta1) against the LR."""

    closed = True

    def take_momentum(self, base_momentum: Any, max_momentum: Any, fresh: bool) -> None:
        """Check that the optimizer has a momentum, and start it at its maximum."""
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
        self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
        if fresh:
            for group, low, high in zip(optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
                self.put_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low

    def put_momentum(self, group: dict[str, Any], value: Any) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(CyclesMomentum):
    """A triangle wave between base_lr and max_lr."""

    def __init__(
        self,
        optimizer: Live,
        base_lr: Any,
        max_lr: Any,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[Any], Any] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.8,
        max_momentum: Any = 0.9,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            optimizer.write(base_lrs)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self.scale_fn = scale_fn
        self.opaque = scale_fn is not None
        self.per_cycle = scale_mode == "cycle" if scale_fn is not None else mode != "exp_range"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.take_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def height(self, epoch: Any) -> tuple[float, Any]:
        """How high in its cycle an epoch is (0 to 1), and the factor on the whole cycle."""
        cycle = math.floor(1 + epoch / self.total_size)
        into = 1.0 + epoch / self.total_size - cycle
        if into <= self.step_ratio:
            height = into / self.step_ratio
        else:
            height = (into - 1) / (self.step_ratio - 1)
        return height, self.scale(cycle if self.per_cycle else epoch)

    def scale(self, x: Any) -> Any:
        if self.scale_fn is not None:
            return self.scale_fn(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x

    def rates(self) -> list[Any]:
        height, scale = self.height(self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                self.put_momentum(group, high - (high - low) * height * scale)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height * scale for low, high in pairs]

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        height, scale = self.height(self.last_epoch + ticks)
        low = self.base_lrs[group]
        return low + (self.max_lrs[group] - low) * height * scale

    def length(self) -> int | None:
        return math.ceil(self.total_size)

    def past_end(self) -> str:
        return "cycle"


class OneCycleLR(CyclesMomentum):
    """Up from max_lr / div_factor to max_lr, and down to far below where it began."""

    def __init__(
        self,
        optimizer: Live,
        max_lr: Any,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Any = 0.85,
        max_momentum: Any = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = optimizer
        self.total_steps = one_cycle_length(total_steps, epochs, steps_per_epoch)
        last = self.total_steps - 1
        warm = float(pct_start * self.total_steps) - 1
        # each phase: its last step, then the names of the LR and the momentum it goes from and to
        self.phases: list[tuple[float, str, str, str, str]] = [
            (warm, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        ]
        if three_phase:
            back = float(2 * pct_start * self.total_steps) - 2
            self.phases.append((back, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
            self.phases.append((last, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
        else:
            self.phases.append((last, "max_lr", "min_lr", "base_momentum", "max_momentum"))
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.anneal_strategy = anneal_strategy
        max_lrs = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for index, group in enumerate(optimizer.param_groups):
                group["initial_lr"] = max_lrs[index] / div_factor
                group["max_lr"] = max_lrs[index]
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.take_momentum(base_momentum, max_momentum, last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    def anneal(self, start: Any, end: Any, done: float) -> Any:
        if self.anneal_strategy == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1)
        return (end - start) * done + start

    def phase(self, step: Any) -> tuple[tuple[float, str, str, str, str], float]:
        """The phase a step falls in, and how much of it is done (above 1 past the end)."""
        start = 0.0
        for phase in self.phases[:-1]:
            if step <= phase[0]:
                break
            start = phase[0]
        else:
            phase = self.phases[-1]
        return phase, (step - start) / (phase[0] - start)

    def rates(self) -> list[Any]:
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"Tried to step {self.last_epoch} times. The specified number of total steps is {self.total_steps}"
            )
        rates = []
        for group in self.optimizer.param_groups:
            (_, start, end, from_momentum, to_momentum), done = self.phase(self.last_epoch)
            rates.append(self.anneal(group[start], group[end], done))
            if self.cycle_momentum:
                self.put_momentum(group, self.anneal(group[from_momentum], group[to_momentum], done))
        return rates

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        (_, start, end, _, _), done = self.phase(self.last_epoch + ticks)
        fields = self.optimizer.param_groups[group]
        return self.anneal(fields[start], fields[end], done)

    def fails_in(self) -> int | None:
        before, last = self.phases[-2][0], self.phases[-1][0]
        # A last phase without length divides by zero on the one step that falls into it.
        end = self.total_steps if before == last else self.total_steps + 1
        return max(1, end - self.last_epoch)

    def length(self) -> int | None:
        return self.total_steps

    def past_end(self) -> str:
        return "raise"


def one_cycle_length(total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
    """OneCycleLR's total number of steps; ValueError where torch refuses the numbers."""
    if total_steps is not None:
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    if not isinstance(epochs, int) or epochs <= 0:
        raise ValueError(f"Expected positive integer epochs, but got {epochs}")
    if not isinstance(steps_per_epoch, int) or steps_per_epoch <= 0:
        raise ValueError(f"Expected positive integer steps_per_epoch, but got {steps_per_epoch}")
    return epochs * steps_per_epoch
