"""torch 2.13's schedulers of schedulers, with their faults: clocks that restart, LRs that are wiped,
hand-overs that raise.

Source: the documentation and behaviour of torch 2.13.0; held against it by
tests/schedule/test_emulate_torch.py.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from ._base import LRScheduler
from ._live import Live
from ._plateau import ReduceLROnPlateau

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


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
                    f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs "
                    f"to be specified when calling `step`, but got one at index {index} in the given "
                    "schedulers sequence."
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
    """One scheduler after the other; each begins at its own epoch 0, wherever the last one ended."""

    def __init__(
        self, optimizer: Live, schedulers: Sequence[Any], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        self.check_members(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than the number "
                f"of milestone points, but got number of schedulers {len(schedulers)} and the number of "
                f"milestones to be equal to {len(milestones)}"
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
            a < b for a, b in pairwise(self.milestones)
        )
        plain = not any(scheduler.members() for scheduler in self.schedulers)
        if not (self.fresh and ordered and plain and self.separate()):
            return 0
        if not self.phases:
            self.covered = self.lay_out()
        return self.covered

    def lay_out(self) -> int:
        """Leap from hand-over to hand-over, note where each phase starts, and return how many ticks that
        covers.

        Leaves the live optimizer somewhere on the way: never step this scheduler afterwards.
        """
        index = bisect_right(self.milestones, 0)
        self.phases.append(Phase(0, self.schedulers[index], self.optimizer.rates()))
        for start, scheduler in zip(self.milestones[index:], self.schedulers[index + 1 :], strict=True):
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
            except Exception:  # noqa: BLE001  the replay meets it again and can tell its tick
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
        return min(item.scaling_reach() for item in self.schedulers) if self.separate() else 0

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
