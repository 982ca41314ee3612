"""The protocol of torch's schedulers, and the way around a replay.

Each scheduler has the constructor of its namesake, takes the same steps on a live optimizer and raises the
same exceptions, so that a replay of calls is a replay of what the framework does. `leap` is the way around
the replay: the LR after n further calls in one formula, used wherever the formula and the framework's own
recursion agree to 1e-9 of the peak. `reach` says how many calls ahead it may look.
"""

from __future__ import annotations

import math

from ._live import Live

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
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
        """The LR of each group at `last_epoch` from scratch, where torch has a closed form; else one
        recursive step."""
        return self.rates()

    def reach(self) -> int:
        """How many further ticks leap() may look ahead."""
        return FOREVER if self.closed and self.last_epoch >= 0 else 0

    def leap(self, rate: Any, ticks: int, group: int) -> Any:
        """The LR of one group `ticks` >= 1 calls from now, where it holds `rate` now."""
        raise NotImplementedError

    def scaling_reach(self) -> int:
        """How many ticks ahead a step only multiplies the LR by what depends on the time alone, and leap()
        knows it."""
        return self.reach() if self.scales else 0

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
        """What happens after that, or, without an end, as time goes on: hold (or fall), rise, cycle, raise,
        unknown."""
        return "unknown"


class MetricDriven(LRScheduler):
    """A scheduler whose step() takes a metric."""
