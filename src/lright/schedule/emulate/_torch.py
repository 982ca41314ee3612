"""torch 2.13's schedulers at work on a live optimizer, faults included.

Each class has the constructor of its namesake in `torch.optim.lr_scheduler` (swa_utils for SWALR), takes the same
steps and raises the same exceptions, so that a replay of calls is a replay of what torch does. `leap` is the way
around the replay: the LR after n further calls in one formula, used wherever the formula and torch's own recursion agree
to 1e-9 of the peak. `reach` says how many calls ahead it may look.

Source: the documentation and behaviour of torch 2.13.0; every class is held against it by
tests/schedule/test_emulate_torch.py.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from ._live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

FOREVER = 1 << 62  # a reach no training gets to
NO_INITIAL_LR = (
    "param 'initial_lr' is not specified in param_groups[{}] when resuming scheduler with last_epoch >= 0.\n"
    "This typically happens when:\n"
    "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer state\n"
    "2. You're using last_epoch >= 0 for a fresh training run (not recommended)"
)


def whole(value: Any) -> bool:
    """Whether a number counts ticks exactly (an int, or a float without a fraction)."""
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def power(base: Any, exponent: Any) -> Any:
    """base ** exponent, infinite where a product of factors would have become infinite."""
    try:
        return float(base) ** exponent
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 else math.inf


def per_group(name: str, optimizer: Live, value: Any) -> list[Any]:
    """One value for each group, from a list of as many or from one for all."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {groups}."
        )
    return list(value)


class LRScheduler:
    """The protocol all torch schedulers share. `rates` is one recursive step; `rates_at` the closed form that
    `step(epoch)` and SequentialLR's hand-over use."""

    closed = False  # whether leap() is this class's whole truth
    opaque = False  # whether a function of the user's decides
    cycle_momentum = False  # whether momentum (or beta1) moves too
    scales = False  # whether a step only multiplies the LR it finds

    def __init__(self, optimizer: Live, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(NO_INITIAL_LR.format(index))
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self.initial = False
        self.initial_step()

    def initial_step(self) -> None:
        """The step a constructor takes by itself."""
        self.step_count = 0
        self.initial = True
        try:
            self.step()
        finally:
            self.initial = False

    def step(self, epoch: Any = None) -> None:
        """One call of step(), with torch's deprecated `epoch` or without."""
        self.step_count += 1
        self.update(epoch)

    def tick(self, number: int, *given: Any) -> None:
        """The call of step() that a program makes as its tick `number`, with what it gives (a metric)."""
        self.step(*given)

    def skip(self, ticks: int) -> None:
        """Set the clock ahead and leave the LR alone."""
        self.last_epoch += ticks

    def update(self, epoch: Any = None) -> None:
        """Move to the next epoch, or to the one given, and write the LRs."""
        if epoch is None:
            self.last_epoch += 1
            rates = self.rates()
        else:
            self.last_epoch = epoch
            rates = self.rates_at()
        self.optimizer.write(rates)

    def rates(self) -> list[Any]:
        """The LR of each group at `last_epoch`, from what the groups hold now."""
        raise NotImplementedError

    def rates_at(self) -> list[Any]:
        """The LR of each group at `last_epoch` from scratch, where torch has a closed form; else one recursive step."""
        return self.rates()

    def reach(self) -> int:
        """How many further ticks leap() may look ahead."""
        return FOREVER if self.closed and self.last_epoch >= 0 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        """The LR of one group `ticks` >= 1 calls from now, where it holds `rate` now."""
        raise NotImplementedError

    def fails_in(self) -> int | None:
        """The number of further calls of which the last one raises, if leap() would overlook that."""
        return None

    def landmarks(self) -> Iterable[int]:
        """Ticks at which something happens that happens at no other."""
        return ()

    def members(self) -> Sequence[LRScheduler]:
        """The schedulers inside this one."""
        return ()

    def length(self) -> int | None:
        """The ticks after which the stated shape is over; None where it has no end of its own."""
        return None

    def past_end(self) -> str:
        """What happens after that, or, without an end, as time goes on: hold (or fall), rise, cycle, raise, unknown."""
        return "unknown"


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

    def __init__(
        self, optimizer: Live, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
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

    def __init__(
        self, optimizer: Live, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
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
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1."
            )
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
        return FOREVER if self.last_epoch >= 0 else 0

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

    def __init__(
        self, optimizer: Live, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
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
        return FOREVER if whole(self.T_max) and self.last_epoch >= 0 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        # The ratios telescope from the last minimum passed, so that torch's rounding there is kept, not smoothed.
        now, size = self.last_epoch, abs(self.T_max)
        then = now + ticks
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


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine again and again, each T_mult times as long as the one before."""

    closed = True

    def __init__(
        self, optimizer: Live, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
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
        """Find the cycle of a given epoch the way torch does: by a logarithm, whose rounding is off at some restarts."""
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
            for group, low, high in zip(
                optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
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
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
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
                f"Tried to step {self.last_epoch} times. "
                f"The specified number of total steps is {self.total_steps}"
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
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
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


class Combined(LRScheduler):
    """SequentialLR and ChainedScheduler: schedulers that hold schedulers."""

    schedulers: Sequence[LRScheduler]

    def check_members(self, optimizer: Live, schedulers: Sequence[Any]) -> None:
        """Refuse what torch refuses."""
        name = type(self).__name__
        for index, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name} at index {index} should have `optimizer` as its attribute.")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs to be "
                    f"specified when calling `step`, but got one at index {index} in the given schedulers sequence."
                )
            if optimizer is not scheduler.optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but got scheduler "
                    f"{type(scheduler).__name__} at index {index} of another optimizer."
                )

    def members(self) -> Sequence[LRScheduler]:
        return self.schedulers

    def separate(self) -> bool:
        """Whether no scheduler stands in two places, so that each one's clock is its own."""
        return len({id(scheduler) for scheduler in self.schedulers}) == len(self.schedulers)


class Phase:
    """One stretch of a SequentialLR: from tick `start` on, `scheduler` goes on from `rates`."""

    __slots__ = ("rates", "scheduler", "start")

    def __init__(self, start: int, scheduler: LRScheduler, rates: list[Any]) -> None:
        self.start = start
        self.scheduler = scheduler
        self.rates = rates


class SequentialLR(Combined):
    """One scheduler after the other; each begins at its own epoch 0, from the base LR, wherever the last one ended."""

    def __init__(
        self, optimizer: Live, schedulers: Sequence[Any], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        self.check_members(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of "
                f"milestone points, but got number of schedulers {len(schedulers)} and the number of milestones to be "
                f"equal to {len(milestones)}"
            )
        self.schedulers = schedulers
        self.milestones = milestones
        self.fresh = last_epoch == -1
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        optimizer.write([group["initial_lr"] for group in optimizer.param_groups])
        take_back(schedulers)
        schedulers[bisect_right(milestones, 0)].initial_step()
        self.phases: list[Phase] = []
        self.covered = 0

    def step(self) -> None:  # type: ignore[override]
        self.last_epoch += 1
        index = bisect_right(self.milestones, self.last_epoch)
        if index > 0 and self.milestones[index - 1] == self.last_epoch:
            self.schedulers[index].update(0)
        else:
            self.schedulers[index].step()

    def skip(self, ticks: int) -> None:
        self.last_epoch += ticks
        index = bisect_right(self.milestones, self.last_epoch)
        self.schedulers[index].last_epoch = self.last_epoch - (self.milestones[index - 1] if index else 0)

    def reach(self) -> int:
        ordered = all(isinstance(item, int) and item >= 0 for item in self.milestones) and all(
            a < b for a, b in zip(self.milestones, self.milestones[1:])
        )
        plain = not any(scheduler.members() for scheduler in self.schedulers)
        if not (self.fresh and ordered and plain and self.separate()):
            return 0
        if not self.phases:
            self.covered = self.lay_out()
        return self.covered

    def lay_out(self) -> int:
        """Leap from hand-over to hand-over, note where each phase starts, and return how many ticks that covers.

        Leaves the live optimizer somewhere on the way: never step this scheduler afterwards.
        """
        index = bisect_right(self.milestones, 0)
        self.phases.append(Phase(0, self.schedulers[index], self.optimizer.rates()))
        for start, scheduler in zip(self.milestones[index:], self.schedulers[index + 1 :]):
            before = self.phases[-1]
            ticks = start - 1 - before.start
            if before.scheduler.reach() < ticks:
                break
            failing = before.scheduler.fails_in()
            if failing is not None and failing <= ticks:
                break
            try:
                if ticks:
                    leap = before.scheduler.leap
                    self.optimizer.write([leap(rate, ticks, i) for i, rate in enumerate(before.rates)])
                scheduler.update(0)
            except Exception:  # the replay meets it again and can tell its tick
                return before.start + max(0, ticks - 1)
            self.phases.append(Phase(start, scheduler, self.optimizer.rates()))
        last = self.phases[-1]
        return last.start + last.scheduler.reach()

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        phase = self.phases[-1]
        if ticks < phase.start:
            phase = self.phases[bisect_right([phase.start for phase in self.phases], ticks) - 1]
        into = ticks - phase.start
        return phase.scheduler.leap(phase.rates[group], into, group) if into else phase.rates[group]

    def fails_in(self) -> int | None:
        last = self.phases[-1]
        failing = last.scheduler.fails_in()
        return None if failing is None or last.start + failing > self.covered else last.start + failing

    def length(self) -> int | None:
        last = self.schedulers[-1].length()
        return None if last is None else (self.milestones[-1] if self.milestones else 0) + last

    def past_end(self) -> str:
        if any(scheduler.members() for scheduler in self.schedulers[1:]):
            return "raise"  # torch cannot hand over to a scheduler of schedulers
        return self.schedulers[-1].past_end()


def take_back(schedulers: Sequence[LRScheduler]) -> None:
    """SequentialLR undoes the step each member's constructor took: all but what it did to the LR."""
    for scheduler in schedulers:
        if scheduler.members():
            take_back(scheduler.members())
        else:
            scheduler.last_epoch -= 1


class ChainedScheduler(Combined):
    """All of them at every tick, in turn, on one LR."""

    def __init__(self, schedulers: Sequence[Any], optimizer: Live | None = None) -> None:
        if len(schedulers) < 1:
            raise ValueError("ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.")
        optimizer = optimizer or schedulers[0].optimizer
        self.check_members(optimizer, schedulers)
        self.schedulers = schedulers
        self.optimizer = optimizer

    def step(self) -> None:  # type: ignore[override]
        for scheduler in self.schedulers:
            scheduler.step()

    def skip(self, ticks: int) -> None:
        for scheduler in self.schedulers:
            scheduler.skip(ticks)

    def reach(self) -> int:
        return min(map(scaling_reach, self.schedulers)) if self.separate() else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        for scheduler in self.schedulers:
            rate = scheduler.leap(rate, ticks, group)
        return rate

    def fails_in(self) -> int | None:
        failing = [scheduler.fails_in() for scheduler in self.schedulers]
        return min((ticks for ticks in failing if ticks is not None), default=None)

    def length(self) -> int | None:
        lengths = [scheduler.length() for scheduler in self.schedulers]
        return max((ticks for ticks in lengths if ticks is not None), default=None)

    def past_end(self) -> str:
        ends = {scheduler.past_end() for scheduler in self.schedulers}
        return next(end for end in ("raise", "unknown", "rise", "cycle", "hold") if end in ends)


def scaling_reach(scheduler: LRScheduler) -> int:
    """How many ticks ahead a scheduler only multiplies the LR, so that its factors may be taken together."""
    if isinstance(scheduler, CosineAnnealingLR) and scheduler.eta_min == 0 and scheduler.reach():
        return int(max(0, abs(scheduler.T_max) - scheduler.last_epoch))
    return scheduler.reach() if scheduler.scales else 0


class MetricDriven(LRScheduler):
    """A scheduler whose step() takes a metric."""


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
        for group, floor in zip(self.optimizer.param_groups, self.min_lrs):
            rate = float(group["lr"])
            lower = max(rate * self.factor, floor)
            if rate - lower > self.eps:
                group["lr"] = lower


def improves(metric: float, best: float, mode: str, threshold: float, threshold_mode: str) -> bool:
    """Whether a metric beats the best so far by more than the threshold, relative or absolute."""
    if mode == "min":
        return metric < (best * (1.0 - threshold) if threshold_mode == "rel" else best - threshold)
    return metric > (best * (threshold + 1.0) if threshold_mode == "rel" else best + threshold)
