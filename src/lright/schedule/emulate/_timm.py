"""timm 1.0's schedulers: functions of the time they are told, by step(epoch) or by step_update(num_updates).

Source: the documentation and behaviour of timm 1.0.31; held against it by
tests/schedule/test_emulate_timm.py.
"""

from __future__ import annotations

import math
from bisect import bisect_right

from ._base import FOREVER, LRScheduler, MetricDriven
from ._live import Live
from ._plateau import ReduceLROnPlateau

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Scheduler(LRScheduler):
    """What all of them share: linear warmup, noise, per-group `lr_scale`, and the flag that says who ticks
    them."""

    warmup_prefix = False

    def __init__(
        self,
        optimizer: Live,
        t_in_epochs: bool,
        noise_range_t: Any,
        noise_pct: float,
        noise_std: float,
        noise_seed: int | None,
        initialize: bool,
        noise_type: str = "normal",
    ) -> None:
        self.optimizer = optimizer
        for index, group in enumerate(optimizer.param_groups):
            if initialize:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"initial_lr missing from param_groups[{index}]")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.t_in_epochs = t_in_epochs
        self.noise_range_t = noise_range_t
        self.noise_pct = noise_pct
        self.noise_std = noise_std
        self.noise_seed = 42 if noise_seed is None else noise_seed
        self.noise_type = noise_type
        self.put(self.base_lrs)

    def initial_step(self) -> None:
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '_initial_step'")

    def warm_up(self, warmup_t: Any, warmup_lr_init: Any, targets: list[Any] | None = None) -> None:
        """Start a linear warmup from warmup_lr_init to the targets (the base LRs) if it has a length."""
        self.warmup_t = warmup_t
        self.warmup_lr_init = warmup_lr_init
        self.warmup_steps: list[Any] = [1 for _ in self.base_lrs]
        if warmup_t:
            self.warmup_steps = [(lr - warmup_lr_init) / warmup_t for lr in targets or self.base_lrs]
            self.put([warmup_lr_init] * len(self.base_lrs))

    def put(self, values: list[Any]) -> None:
        """Write the LRs, times each group's lr_scale (layer decay) where it has one."""
        for group, value in zip(self.optimizer.param_groups, values, strict=False):
            group["lr"] = value * group["lr_scale"] if "lr_scale" in group else value

    def values(self, t: Any) -> list[Any]:
        """The LR of each group at time t, before noise and lr_scale."""
        if t < self.warmup_t:
            return [self.warmup_lr_init + t * step for step in self.warmup_steps]
        return self.after_warmup(t - self.warmup_t if self.warmup_prefix else t)

    def after_warmup(self, t: Any) -> list[Any]:
        """The LR of each group at time t of the schedule proper."""
        raise NotImplementedError

    def step(self, epoch: Any, metric: Any = None) -> None:  # type: ignore[override]
        if self.t_in_epochs:
            self.put(self.noisy(self.values(epoch), epoch))

    def step_update(self, num_updates: Any, metric: Any = None) -> None:
        """Told the number of updates: nothing happens if time is counted in epochs."""
        if not self.t_in_epochs:
            self.put(self.noisy(self.values(num_updates), num_updates))

    def tick(self, number: int, *given: Any) -> None:
        if self.t_in_epochs:
            self.step(number, *given)
        else:
            self.step_update(number, *given)

    def reach(self) -> int:
        return FOREVER

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        value = self.noisy(self.values(ticks), ticks)[group]
        fields = self.optimizer.param_groups[group]
        return value * fields["lr_scale"] if "lr_scale" in fields else value

    def noisy(self, values: list[Any], t: Any) -> list[Any]:
        """The values, each with the same relative noise while t is in the noise range."""
        if not self.has_noise(t):
            return values
        noise = self.noise(t)
        return [value + value * noise for value in values]

    def has_noise(self, t: Any) -> bool:
        limits = self.noise_range_t
        if limits is None:
            return False
        return bool(limits[0] <= t < limits[1] if isinstance(limits, (list, tuple)) else t >= limits)

    def noise(self, t: Any) -> float:
        """timm seeds a torch generator with the time, so the noise is a function of it."""
        from ._noise import Generator

        generator = Generator(self.noise_seed + t)
        if self.noise_type != "normal":
            return 2 * (generator.rand() - 0.5) * self.noise_pct
        while True:
            noise = generator.randn() * self.noise_std
            if abs(noise) < self.noise_pct:
                return noise

    def past_end(self) -> str:
        return "hold"


class Cycles(Scheduler):
    """Cycles of a curve from each base LR to lr_min; past the last one lr_min is held."""

    t_initial: Any
    lr_min: Any
    cycle_mul: Any
    cycle_decay: Any
    cycle_limit: Any

    def take_cycles(self, t_initial: Any, lr_min: Any, mul: Any, decay: Any, limit: Any) -> None:
        assert t_initial > 0
        assert lr_min >= 0
        self.t_initial = t_initial
        self.lr_min = lr_min
        self.cycle_mul = mul
        self.cycle_decay = decay
        self.cycle_limit = limit
        self.opaque = mul != 1  # the logarithm below fails where shrinking cycles have used up all time

    def after_warmup(self, t: Any) -> list[Any]:
        mul = self.cycle_mul
        if mul != 1:
            cycle = math.floor(math.log(1 - t / self.t_initial * (1 - mul), mul))
            length = mul**cycle * self.t_initial
            into = t - (1 - mul**cycle) / (1 - mul) * self.t_initial
        else:
            cycle = t // self.t_initial
            length = self.t_initial
            into = t - self.t_initial * cycle
        if cycle >= self.cycle_limit:
            return [self.lr_min for _ in self.base_lrs]
        gamma = self.cycle_decay**cycle
        return [self.curve(base * gamma, into, length) for base in self.base_lrs]

    def curve(self, peak: Any, into: Any, length: Any) -> Any:
        """The LR `into` a cycle that starts at `peak`."""
        raise NotImplementedError

    def get_cycle_length(self, cycles: int = 0) -> int:
        """The time so many cycles take (all, if 0), warmup included where it comes before them."""
        cycles = max(1, cycles or self.cycle_limit)
        if self.cycle_mul == 1.0:
            time = self.t_initial * cycles
        else:
            mul = self.cycle_mul
            time = math.floor(-self.t_initial * (mul**cycles - 1) / (1 - mul))
        return int(time + self.warmup_t if self.warmup_prefix else time)

    def length(self) -> int | None:
        return self.get_cycle_length()

    def past_end(self) -> str:
        return "raise" if self.cycle_mul < 1 else "hold"


class CosineLRScheduler(Cycles):
    """Cosine cycles, with k-decay."""

    def __init__(
        self,
        optimizer: Live,
        t_initial: int,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        k_decay: float = 1.0,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, t_in_epochs, noise_range_t, noise_pct, noise_std, noise_seed, initialize)
        self.take_cycles(t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
        self.warmup_prefix = warmup_prefix
        self.k_decay = k_decay
        self.warm_up(warmup_t, warmup_lr_init)

    def curve(self, peak: Any, into: Any, length: Any) -> Any:
        k = self.k_decay
        return self.lr_min + 0.5 * (peak - self.lr_min) * (1 + math.cos(math.pi * into**k / length**k))


class TanhLRScheduler(Cycles):
    """Hyperbolic-tangent cycles; without a prefix the warmup aims at the curve, not at the base LR."""

    def __init__(
        self,
        optimizer: Live,
        t_initial: int,
        lb: float = -7.0,
        ub: float = 3.0,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, t_in_epochs, noise_range_t, noise_pct, noise_std, noise_seed, initialize)
        self.take_cycles(t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
        assert lb < ub
        assert cycle_limit >= 0
        assert warmup_t >= 0
        assert warmup_lr_init >= 0
        self.lb = lb
        self.ub = ub
        self.warmup_prefix = warmup_prefix
        targets = None if warmup_prefix or not warmup_t else self.after_warmup(warmup_t)
        self.warm_up(warmup_t, warmup_lr_init, targets)

    def curve(self, peak: Any, into: Any, length: Any) -> Any:
        done = into / length
        fall = 1 - math.tanh(self.lb * (1.0 - done) + self.ub * done)
        return self.lr_min + 0.5 * (peak - self.lr_min) * fall


class PolyLRScheduler(Cycles):
    """Polynomial cycles, with k-decay."""

    def __init__(
        self,
        optimizer: Live,
        t_initial: int,
        power: float = 0.5,
        lr_min: float = 0.0,
        cycle_mul: float = 1.0,
        cycle_decay: float = 1.0,
        cycle_limit: int = 1,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = False,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        k_decay: float = 1.0,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, t_in_epochs, noise_range_t, noise_pct, noise_std, noise_seed, initialize)
        self.take_cycles(t_initial, lr_min, cycle_mul, cycle_decay, cycle_limit)
        self.power = power
        self.warmup_prefix = warmup_prefix
        self.k_decay = k_decay
        self.warm_up(warmup_t, warmup_lr_init)

    def curve(self, peak: Any, into: Any, length: Any) -> Any:
        k = self.k_decay
        return self.lr_min + (peak - self.lr_min) * (1 - into**k / length**k) ** self.power


class StepLRScheduler(Scheduler):
    """Multiplied by decay_rate every decay_t."""

    def __init__(
        self,
        optimizer: Live,
        decay_t: float,
        decay_rate: float = 1.0,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = True,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, t_in_epochs, noise_range_t, noise_pct, noise_std, noise_seed, initialize)
        self.decay_t = decay_t
        self.decay_rate = decay_rate
        self.warmup_prefix = warmup_prefix
        self.opaque = decay_t == 0  # dividing by it fails once the warmup is over
        self.warm_up(warmup_t, warmup_lr_init)

    def after_warmup(self, t: Any) -> list[Any]:
        return [base * self.decay_rate ** (t // self.decay_t) for base in self.base_lrs]

    def past_end(self) -> str:
        return "rise" if self.decay_rate > 1 else "hold"


class MultiStepLRScheduler(Scheduler):
    """Multiplied by decay_rate at each of the times in decay_t, one tick earlier than torch would."""

    def __init__(
        self,
        optimizer: Live,
        decay_t: list[int],
        decay_rate: float = 1.0,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        warmup_prefix: bool = True,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, t_in_epochs, noise_range_t, noise_pct, noise_std, noise_seed, initialize)
        self.decay_t = decay_t
        self.decay_rate = decay_rate
        self.warmup_prefix = warmup_prefix
        self.opaque = not isinstance(decay_t, (list, tuple))  # an int has no members to look through
        self.warm_up(warmup_t, warmup_lr_init)

    def after_warmup(self, t: Any) -> list[Any]:
        drops = bisect_right(self.decay_t, t + 1)
        return [base * self.decay_rate**drops for base in self.base_lrs]

    def length(self) -> int | None:
        if not self.decay_t or self.opaque:
            return None
        return math.ceil(self.decay_t[-1] + (self.warmup_t if self.warmup_prefix else 0)) - 1


class PlateauLRScheduler(Scheduler, MetricDriven):
    """torch's ReduceLROnPlateau after a linear warmup that ignores the metric. Its mode is "max" by
    default."""

    def __init__(
        self,
        optimizer: Live,
        decay_rate: float = 0.1,
        patience_t: int = 10,
        threshold: float = 1e-4,
        cooldown_t: int = 0,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        lr_min: float = 0.0,
        mode: str = "max",
        noise_range_t: Any = None,
        noise_type: str = "normal",
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int | None = None,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, True, noise_range_t, noise_pct, noise_std, noise_seed, initialize, noise_type)
        self.plateau = ReduceLROnPlateau(
            optimizer,
            mode=mode,
            factor=decay_rate,
            patience=patience_t,
            threshold=threshold,
            cooldown=cooldown_t,
            min_lr=lr_min,
        )
        self.warm_up(warmup_t, warmup_lr_init)
        self.before_noise: list[Any] | None = None

    def step(self, epoch: Any, metric: Any = None) -> None:  # type: ignore[override]
        if epoch <= self.warmup_t:
            self.put([self.warmup_lr_init + epoch * step for step in self.warmup_steps])
            return
        if self.before_noise is not None:
            self.optimizer.write(self.before_noise, strict=False)
            self.before_noise = None
        if metric is not None:
            self.plateau.step(metric)
        if self.has_noise(epoch):
            self.before_noise = [float(rate) for rate in self.optimizer.rates()]
            self.optimizer.write(self.noisy(self.before_noise, epoch))

    def step_update(self, num_updates: Any, metric: Any = None) -> None:
        """Nothing: a plateau counts epochs."""

    def reach(self) -> int:
        return 0

    def past_end(self) -> str:
        return "unknown"


class WSDLRScheduler(Scheduler):
    """Warmup, a stable phase, and a decay to lr_min over the last decay_t of t_initial."""

    warmup_prefix = True

    def __init__(
        self,
        optimizer: Live,
        t_initial: int,
        decay_t: int,
        lr_min: float = 0.0,
        stable_fn: str = "constant",
        stable_timescale: float | None = None,
        stable_power: float = 0.5,
        decay_fn: str | Callable[[float], float] = "1-sqrt",
        decay_power: float = 0.5,
        decay_ratio: float = 0.1,
        warmup_t: int = 0,
        warmup_lr_init: float = 0.0,
        t_in_epochs: bool = True,
        noise_range_t: Any = None,
        noise_pct: float = 0.67,
        noise_std: float = 1.0,
        noise_seed: int = 42,
        initialize: bool = True,
    ) -> None:
        super().__init__(optimizer, t_in_epochs, noise_range_t, noise_pct, noise_std, noise_seed, initialize)
        stables = ("constant", "rsqrt", "power")
        decays = ("linear", "1-sqrt", "cosine", "power", "exp")
        if t_initial <= 0:
            raise ValueError(f"Invalid t_initial ({t_initial}), must be > 0.")
        if not 0 < decay_t <= t_initial:
            raise ValueError(f"Invalid decay_t ({decay_t}), must be in (0, t_initial] w/ t_initial={t_initial}.")
        if lr_min < 0:
            raise ValueError(f"Invalid lr_min ({lr_min}), must be >= 0.")
        if stable_fn not in stables:
            raise ValueError(f"Invalid stable_fn ({stable_fn}), must be one of {stables}.")
        if isinstance(decay_fn, str) and decay_fn not in decays:
            raise ValueError(f"Invalid decay_fn ({decay_fn}), must be one of {decays} or a callable.")
        if not 0.0 < decay_ratio < 1.0:
            raise ValueError(f"Invalid decay_ratio ({decay_ratio}), must be in (0, 1).")
        for name, given in (("decay_power", decay_power), ("stable_power", stable_power)):
            if given <= 0:
                raise ValueError(f"Invalid {name} ({given}), must be > 0.")
        timescale = warmup_t if stable_timescale is None else stable_timescale
        if stable_fn != "constant" and timescale <= 0:
            raise ValueError(
                f"stable_fn={stable_fn} requires a positive stable_timescale, it defaults to warmup_t "
                f"({warmup_t}), set it explicitly when there is no warmup."
            )
        self.t_initial = t_initial
        self.decay_t = decay_t
        self.lr_min = lr_min
        self.stable_fn = stable_fn
        self.stable_timescale = timescale
        self.stable_power = 0.5 if stable_fn == "rsqrt" else stable_power
        self.decay_fn = decay_fn
        self.decay_power = decay_power
        self.decay_ratio = decay_ratio
        self.opaque = callable(decay_fn)
        self.warm_up(warmup_t, warmup_lr_init)

    def stable(self, t: Any) -> Any:
        """The factor of the stable phase, 1 when the warmup ends."""
        if self.stable_fn == "constant":
            return 1.0
        return (1.0 + t / self.stable_timescale) ** -self.stable_power

    def decay(self, done: float) -> Any:
        """The factor of the decay, from 1 to 0."""
        if callable(self.decay_fn):
            return self.decay_fn(done)
        if self.decay_fn == "linear":
            return 1.0 - done
        if self.decay_fn == "1-sqrt":
            return 1.0 - math.sqrt(done)
        if self.decay_fn == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * done))
        if self.decay_fn == "power":
            return 1.0 - done**self.decay_power
        ratio = self.decay_ratio
        return (ratio**done - ratio) / (1.0 - ratio)

    def after_warmup(self, t: Any) -> list[Any]:
        stable = [max(base * self.stable(t), self.lr_min) for base in self.base_lrs]
        decaying = t - (self.t_initial - self.decay_t)
        if decaying <= 0:
            return stable
        factor = self.decay(min(decaying / self.decay_t, 1.0))
        return [self.lr_min + (lr - self.lr_min) * factor for lr in stable]

    def get_cycle_length(self, cycles: int = 0) -> int:
        """The whole length, warmup included."""
        return int(self.warmup_t + self.t_initial)

    def length(self) -> int | None:
        return self.get_cycle_length()
