"""A drop-in for torch's learning-rate schedulers that follows a lright schedule.

>>> import torch
>>> weight = torch.nn.Parameter(torch.zeros(2))
>>> optimizer = torch.optim.SGD([weight], lr=0.1)
>>> scheduler = Scheduler(optimizer, "warmup 2 updates > cosine to 0", total=10)
>>> for _ in range(6):
...     optimizer.step()
...     scheduler.step()
>>> scheduler.last_epoch, round(optimizer.param_groups[0]["lr"], 4)
(6, 0.05)

What it does otherwise than torch's schedulers:

- **Time is the optimizer's updates.** ``step()`` sets the values for the next update, whatever the number of updates
  since the last call: called once an epoch, it keeps up; called twice, or after an update that a GradScaler skipped,
  it changes nothing; called before ``optimizer.step()``, it does no harm. Lengths therefore count real updates of
  this process: not micro-batches, and not times the number of processes. (Accelerate calls a prepared scheduler
  ``num_processes`` times an update: that changes nothing either.) Two exceptions: a fused optimizer skips inside its
  kernel, where nobody sees it, so such an update is counted; and an optimizer that updates through another object
  needs ``clock="calls"``, with which every call of ``step()`` is an update.
- **It is a pure function of time.** The values are those of the closed form, without drift, also in float32 tensors
  (which are filled in place). A value written by hand holds until the next ``step()``; whatever was written, the
  schedule goes on as if it had not been. For a lasting change build another schedule.
- **Past the end** it does what the schedule says: it holds the last value, cycles, or raises. It never rises silently.
- **A checkpoint** holds the position and the schedule. It may be loaded before or after the optimizer's, or without it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Union

import torch
from torch.compiler import is_dynamo_compiling
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..clock import Budget, Length
from ..errors import LrightError, UsageError
from ..schedule.phases import Schedule
from ..schedule.plan import Plan
from ..schedule.resolve import PastTheEnd
from ..schedule.values import as_budget, as_number
from .course import Course, begins_at_peak, budget_from_json, budget_to_json, course_of, longer, split
from .groups import RATE, Group, Place, find_place, own_value, separate
from .updates import Updates, updates_of

Peak = Union[float, Sequence[float], None]
Table = list[float]

CHUNK = 4096  # updates in a table
CELLS = 65536  # numbers in all tables together, where there are many
FORMAT = "lright-scheduler"
ON_CHANGE = ("error", "keep", "rebase")
CLOCKS = ("updates", "calls")
NEVER = 1000  # calls of step() without a single update, after which something must be wrong: our judgement
_ABSENT: Any = object()


class Scheduler(LRScheduler):
    """Sets the learning rate (and other hyper-parameters) of an optimizer before each of its updates.

    :param optimizer: any torch optimizer; a wrapper of Accelerate or Lightning around one will do.
    :param schedule: a :class:`~lright.Schedule`, its text form, or a :class:`~lright.Plan` (or a dict) for several
        hyper-parameters: ``lr``, ``weight_decay``, ``momentum`` (the first beta where there are betas), ``betas[1]``,
        or any other number in the parameter groups. What is not named is left alone. A group that differs is known to
        the plan by its ``name`` in the optimizer (``{"params": ..., "name": "head"}``) or by its number.
    :param total: the length of the training as the algebra takes it: a number of updates, a text such as "90ep", a
        :class:`~lright.Budget`. May be missing where no phase needs it.
    :param peak: what 1 stands for. For ``lr`` each group's own LR (``initial_lr`` where a scheduler has been there
        before, as in torch), or a number for all groups, or a list with one for each. A dict says it for several
        hyper-parameters; None in it means the group's own. Without a peak the values of ``weight_decay``,
        ``momentum`` ... are those written in the schedule.
    :param on_change: what loading does if the checkpoint was made with another schedule, length or peak: ``error``;
        ``keep``: the checkpoint's goes on and this one is dropped; ``rebase``: this one, from the update reached.
    :param clock: ``updates`` the optimizer really makes, or ``calls`` of ``step()``, as in torch.
    :param last_epoch: start after this update, as in torch: -1 is the beginning.

    Raises :class:`LrightError` for what makes no sense, and where a length cannot be known.

    >>> weight = torch.nn.Parameter(torch.zeros(2))
    >>> optimizer = torch.optim.AdamW([weight], lr=3e-4, weight_decay=0.1)
    >>> Scheduler(optimizer, {"lr": "warmup 5% > cosine to 0", "weight_decay": "linear to 0.4 from 0.1"}, total="90ep")
    Traceback (most recent call last):
    ...
    lright.clock.MissingFact: to turn 90ep into updates, the length of an epoch must be known: give ...
    """

    _step_count = 1  # Accelerate counts it up where it gathers gradients; the position is last_epoch
    _first: int  # the update at which the tables begin
    _index: int  # the place of the next update in them
    _width: int  # their length
    _origin: int  # what the counter of updates showed, or would have, at their beginning
    _overrun: float  # the update at which it is said that the training goes on past its length

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: Schedule | Plan | Mapping[str, Schedule | str] | str,
        *,
        total: Budget | Length | str | int | None = None,
        peak: Peak | Mapping[str, Peak] = None,
        on_change: str = "error",
        clock: str = "updates",
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise UsageError(f"{type(optimizer).__name__} is no optimizer: give a torch.optim.Optimizer")
        self.optimizer = optimizer
        self.plan = _as_plan(schedule)
        self.budget = Budget() if total is None else as_budget(_whole(total))
        self.on_change = _one_of("on_change", on_change, ON_CHANGE)
        self.clock = _one_of("clock", clock, CLOCKS)
        self.extensions: list[tuple[int, Budget]] = []
        self.metrics: list[float] = []
        self.peaks: list[dict[str, float]] = []
        self._given = _given_peaks(peak, self.plan, len(optimizer.param_groups))
        _check_groups(self.plan, optimizer.param_groups)
        self.last_epoch = last_epoch + 1

    # The door of torch's schedulers.

    def step(self, metric: float | None = None) -> None:
        """Set the values for the next update: call it after ``optimizer.step()``, at best each time.

        ``metric`` is for schedules with a plateau: the value of a validation, which then counts from this update on.
        """
        index = self._updates.made - self._origin
        if not self._index < index < self._width or metric is not None:
            return self._advance(metric)
        self._index = index
        if self._scale is None:
            return self._write()
        rate = self._rate[index] * self._scale
        for group in self.optimizer.param_groups:
            if type(group["lr"]) is float:
                group["lr"] = rate
            else:
                RATE.write(group, rate)
        return None

    @property
    def last_epoch(self) -> int:
        """The updates made, and so the number of the next one, from 0."""
        return self._first + self._index

    @last_epoch.setter
    def last_epoch(self, position: int) -> None:
        if position < 0:
            raise LrightError(f"a schedule begins at update 0, not {position}. To join schedules write first >> second")
        self._stand_at(position)

    def get_last_lr(self) -> list[float]:  # type: ignore[override]
        """The LR of each group for the update that comes next, as in torch; :meth:`at` has those of other updates."""
        if len(self._scales) == len(self.optimizer.param_groups):
            return [self._rate[self._index] * scale for scale in self._scales]
        rates = [values.get("lr") for values in self.at(self.last_epoch)]
        return [RATE.read(group) if rate is None else rate for group, rate in zip(self.optimizer.param_groups, rates)]

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """The same as :meth:`get_last_lr`."""
        return self.get_last_lr()

    @property
    def _last_lr(self) -> list[float]:  # type: ignore[override]
        return self.get_last_lr()

    @property
    def base_lrs(self) -> list[float]:  # type: ignore[override]
        """The LR that 1 stands for, of each group."""
        groups = self.optimizer.param_groups
        return [peaks.get("lr", RATE.read(group)) for group, peaks in zip(groups, self.peaks)]

    def state_dict(self) -> dict[str, Any]:
        """The position and the schedule as plain data, which ``torch.load(weights_only=True)`` accepts.

        An update that the optimizer has made and ``step()`` has not seen yet is counted.
        """
        return {
            "format": FORMAT,
            "version": 1,
            "last_epoch": self.last_epoch + self._pending(),
            "clock": self.clock,
            "plan": self.plan.to_json(),
            "budget": budget_to_json(self.budget),
            "peaks": [dict(peaks) for peaks in self.peaks],
            "extensions": [[at, budget_to_json(budget)] for at, budget in self.extensions],
            "metrics": list(self.metrics),
        }

    def load_state_dict(self, state_dict: dict[str, Any], on_change: str | None = None) -> None:
        """Go on where the scheduler of ``state_dict`` was; the next update has the LR of that position.

        ``on_change`` is that of the constructor unless given. Schedules are the same if their values are the same
        at every update, however they are written; a training that was extended may be given its old length or its
        new one. Raises :class:`LrightError` for the state of another kind of scheduler.
        """
        what = _one_of("on_change", on_change or self.on_change, ON_CHANGE)
        saved = _Saved(state_dict)
        change = self._change(saved)
        if change and what == "error":
            raise LrightError(
                f"the checkpoint (at update {saved.position}) was made with another schedule: {change}. "
                "on_change='keep' goes on with the checkpoint's, which extend(to=...) can then make longer without a "
                "jump; on_change='rebase' goes on with this one from the update reached"
            )
        if not change or what == "keep":
            self.plan, self.budget, self.clock = saved.plan, saved.budget, saved.clock
            self.peaks = [*saved.peaks, *self.peaks[len(saved.peaks) :]]
            self.extensions = saved.extensions
        self.metrics = saved.metrics
        self._stand_at(saved.position)

    # What torch's do not have.

    def at(self, update: int) -> list[dict[str, float]]:
        """What each group uses in ``update`` (from 0), past or to come; nothing is stepped.

        A metric counts as it stands now: what it will do is not known.
        """
        if update < 0:
            raise LrightError(f"updates count from 0: there is no value at {update}")
        return [
            {name: course.values(update, 1)[0] * scale for name, course, scale in self._cells(index)}
            for index in range(len(self.peaks))
        ]

    def extend(self, to: Budget | Length | str | int) -> None:
        """Make the training longer, ``to`` being its new whole length, without a jump and without a rise.

        The curve up to now stays as it is. The phase under way goes on from the progress it has made to the value
        it aims at, and ends where it would in a training of the new length; a law of time (hold, step, inverse-sqrt)
        goes on at its pace. The phases to come are those of a training of the new length. So a decay that has begun
        gets slower and never goes up again, while ``warmup > hold > decay 20%``, extended before its decay, just
        holds for longer. A schedule that is over is refused: only a rise could go on from there.

        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> scheduler = Scheduler(optimizer, "linear to 0", total=100, last_epoch=49)
        >>> scheduler.extend(to=150)
        >>> [round(scheduler.at(update)[0]["lr"], 4) for update in (50, 100, 150)]
        [0.5, 0.25, 0.0]
        """
        budget = longer(self._last_budget, _whole(to))
        at = self.last_epoch + self._pending()
        if all(course.over(at) for course in self._courses.values()):
            raise LrightError(
                f"the schedule is over at update {at}, so nothing of it is left to stretch: going on needs a schedule "
                "of its own, such as Scheduler(optimizer, 'warmup 1% > cosine to 0', total=..., peak=...)"
            )
        extensions = [*self.extensions, (at, budget)]
        for schedule, peak in self._courses:
            course_of(schedule, self.budget, peak, extensions)  # raises before anything has changed
        self.extensions = extensions
        self._stand_at(self.last_epoch, self._pending())

    def __repr__(self) -> str:
        schedule = str(self.plan["lr"]) if list(self.plan) == ["lr"] and not self.plan.groups else repr(self.plan)
        length = "" if self._length is None else f", {self._length} updates"
        return f"Scheduler({schedule!r}{length}, at update {self.last_epoch})"

    # How it is done: the values stand in tables, a chunk of updates at a time. A cell says which number of a group
    # follows which table, and what the values there are multiplied by: for the LRs of the groups `_rate` and
    # `_scales` (`_scale` if they are all alike and there is nothing else), for everything else `_others`.

    def refresh(self) -> None:
        """Bind the groups there are now, and write what they should hold. Called when the optimizer has changed."""
        groups = self.optimizer.param_groups
        for index in range(len(self.peaks), len(groups)):
            self.peaks.append(self._peaks_of(index, groups[index]))
        separate(groups, self.optimizer.defaults)
        self._courses: dict[tuple[Schedule, float | None], Course] = {}
        tables: dict[int, Table] = {}
        self._scales: list[float] = []
        self._others: list[tuple[int, Place, Table, float]] = []
        for index, group in enumerate(groups):
            for name, course, scale in self._cells(index):
                table = tables.setdefault(id(course), [])
                place = find_place(group, name, index)
                if place == RATE and len(self._scales) == index and len(tables) == 1:
                    self._scales.append(scale)
                else:
                    self._others.append((index, place, table, scale))
        self._tables = [(course, tables[id(course)]) for course in self._courses.values()]
        self._rate = self._tables[0][1]
        alike = not self._others and len(set(self._scales)) == 1
        self._scale = self._scales[0] if alike else None
        self._width = 0
        self._move(self.last_epoch, self._pending())

    def _cells(self, index: int) -> list[tuple[str, Course, float]]:
        """The hyper-parameters of a group: name, course, and what the values of the course are multiplied by."""
        peaks = self.peaks[index]
        return [(name, *self._course(schedule, peaks.get(name, 1.0))) for name, schedule in self._schedules(index)]

    def _schedules(self, index: int) -> list[tuple[str, Schedule]]:
        return _schedules(self.plan, self.optimizer.param_groups, index)

    def _course(self, schedule: Schedule, peak: float) -> tuple[Course, float]:
        """The course of a schedule. One serves every peak, unless the schedule has absolute values."""
        base, measured = split(schedule)
        factor = math.prod(node.factors(self.metrics)[-1] for node in measured) if self.metrics else 1.0
        if (base, peak) in self._courses:
            return self._courses[base, peak], factor
        if (base, None) not in self._courses:
            try:
                self._courses[base, None] = course_of(base, self.budget, None, self.extensions)
            except LrightError:  # an absolute value, or what raises again
                self._courses[base, peak] = course_of(base, self.budget, peak, self.extensions)
                return self._courses[base, peak], factor
        return self._courses[base, None], factor * peak

    def _peaks_of(self, index: int, group: Group) -> dict[str, float]:
        """What 1 stands for in a group, for the hyper-parameters that have a peak."""
        peaks = {}
        for name, schedule in self._schedules(index):
            given = self._given.get(name, None if name == "lr" else _ABSENT)
            if isinstance(given, list):
                given = given[index] if index < len(given) else None
            if given is None:
                peaks[name] = own_value(group, name, index)
            elif given is not _ABSENT:
                peaks[name] = given
            elif begins_at_peak(split(schedule)[0]):
                raise LrightError(
                    f"the schedule '{schedule}' of {name!r} begins at its peak, and none is given: say where it "
                    f"begins, as in 'linear to 0 from 0.1', or peak={{{name!r}: 0.1}} (None: the optimizer's own)"
                )
        return peaks

    def _move(self, t: int, pending: int = 0) -> None:
        """Let update ``t`` be the next one, and put its values into the groups; ``pending`` were made after it."""
        if not self._first <= t < self._first + self._width:
            self._fill(t)
        self._index = t - self._first
        self._origin = self._updates.total() - pending - self._index
        self._write()

    def _write(self) -> None:
        groups, rate = self.optimizer.param_groups, self._rate[self._index]
        for group, scale in zip(groups, self._scales):
            if type(group["lr"]) is float:
                group["lr"] = rate * scale
            else:
                RATE.write(group, rate * scale)
        for number, place, table, scale in self._others:
            place.write(groups[number], table[self._index] * scale)

    def _fill(self, t: int) -> None:
        """Have the tables begin at update ``t``."""
        limit = min(course.limit for course, _ in self._tables)
        if t > limit:  # at the limit itself it is only the step() after the last update
            raise PastTheEnd(f"the schedule ends after update {limit - 1:.0f}, and the optimizer goes on")
        if t >= self._overrun:
            self._warn_of_overrun()
        count = int(min(CHUNK, max(CELLS // len(self._tables), 64), limit + 1 - t, self._overrun - t))
        for course, table in self._tables:
            table[:] = course.values(t, count)
        self._first, self._width = t, count

    def _advance(self, metric: float | None) -> None:
        """What ``step`` does where it is not about a value in the tables."""
        if is_dynamo_compiling():
            return _uncompiled(self, metric)
        ahead = self._pending() if self._counts else 1
        if metric is not None:
            self._observe(metric)
        if not ahead:
            self._warn_of_no_updates()
        return self._move(self.last_epoch + ahead)

    def _observe(self, metric: float) -> None:
        schedules = [schedule for index in range(len(self.peaks)) for _, schedule in self._schedules(index)]
        if not any(split(schedule)[1] for schedule in schedules):
            raise LrightError(
                f"step({metric!r}): no part of the schedule follows a metric, and updates are counted, not told: "
                "call step() with nothing. To join schedulers join their schedules: first >> second, first * second"
            )
        self.metrics.append(float(metric))
        self.refresh()

    def _change(self, saved: _Saved) -> str:
        """What the schedule of a checkpoint does otherwise than this one, in words; empty if nothing."""
        if saved.clock != self.clock:
            return f"its clock is {saved.clock}, this one's {self.clock}"
        for index, (old, new) in enumerate(zip(saved.peaks, self.peaks)):
            for name in old.keys() & new.keys():
                if not math.isclose(old[name], new[name], rel_tol=1e-6):
                    return f"the peak of {name!r} in group {index} was {old[name]:g} and is {new[name]:g}"
        if not any(self._same(saved.plan, budget) for budget in (saved.budget, saved.last_budget)):
            return f"{_words(saved.plan, saved.last_budget)} became {_words(self.plan, self._last_budget)}"
        return ""

    def _same(self, plan: Plan, budget: Budget) -> bool:
        """Whether ``plan`` would have the values of this scheduler's plan in every group, at every update."""
        groups = self.optimizer.param_groups
        for index, peaks in enumerate(self.peaks):
            mine, others = dict(self._schedules(index)), dict(_schedules(plan, groups, index))
            if mine.keys() != others.keys():
                return False
            for name, schedule in mine.items():
                (base, measured), (other, measured_too) = split(schedule), split(others[name])
                peak = peaks.get(name, 1.0)
                if measured != measured_too or not Course(base, self.budget, peak).equals(Course(other, budget, peak)):
                    return False
        return True

    # Time.

    @property
    def _last_budget(self) -> Budget:
        return self.extensions[-1][1] if self.extensions else self.budget

    @property
    def _length(self) -> int | None:
        """The updates of the training, where its length was given."""
        return None if self._last_budget.total is None else self._last_budget.updates

    def _stand_at(self, position: int, pending: int = 0) -> None:
        """Begin to follow the optimizer at a position. A stand-in, as in a preview, cannot be followed: calls count."""
        updates = updates_of(self.optimizer)
        self._counts = self.clock == "updates" and updates is not None
        self._updates: Updates | _Still = updates if self._counts and updates is not None else _Still()
        self._first, self._index = position, 0
        self._origin = self._updates.total() - pending
        self._calls = 0
        self._overrun = math.inf if self._length is None else math.ceil(self._length * 1.01) + 1
        if updates is not None:
            updates.followers.add(self)
        self.refresh()

    def _pending(self) -> int:
        """The updates made since ``step`` was last called."""
        return self._updates.total() - self._origin - self._index

    def _warn_of_overrun(self) -> None:
        self._overrun = math.inf
        warnings.warn(
            f"{self!r}: the training goes on past its length. If it was not meant as optimizer updates, give it a "
            "unit: total=Budget('90ep', batches_per_epoch=...)",
            stacklevel=5,
        )

    def _warn_of_no_updates(self) -> None:
        self._calls += 1
        if self._calls == NEVER and self._updates.made == 0:
            warnings.warn(
                f"{self!r}: {NEVER} calls of step(), and the optimizer has not been updated once, so the LR stands "
                "still. If the updates go through another object give clock='calls'; to see what a schedule does use "
                "at() or lright.preview",
                stacklevel=4,
            )

    # Copies and pickles take the optimizer along, as those of torch's schedulers do.

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_updates", "_courses", "_tables", "_rate", "_others")
        state = {name: value for name, value in self.__dict__.items() if name not in left_out}
        return {**state, "_stands_at": (self.last_epoch, self._pending())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        stands_at = state.pop("_stands_at")
        self.__dict__.update(state)
        self._stand_at(*stands_at)


class _Still:
    """The counter of an optimizer that nobody counts."""

    made = 0

    def total(self) -> int:
        return 0


class _Saved:
    """A checkpoint of a scheduler, read."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        if state.get("format") != FORMAT:
            position = state.get("last_epoch", "N")
            raise LrightError(
                "this is the state of another kind of scheduler. To take over its position alone, load nothing and "
                f"build Scheduler(..., last_epoch={position} - 1)"
            )
        if state["version"] != 1:
            raise LrightError(f"the checkpoint is of version {state['version']}, this lright knows 1: use a newer one")
        self.position = int(state["last_epoch"])
        self.clock = str(state["clock"])
        self.plan = Plan.from_json(state["plan"])
        self.budget = budget_from_json(state["budget"])
        self.peaks = [dict(peaks) for peaks in state["peaks"]]
        self.extensions = [(int(at), budget_from_json(budget)) for at, budget in state["extensions"]]
        self.metrics = [float(metric) for metric in state["metrics"]]

    @property
    def last_budget(self) -> Budget:
        return self.extensions[-1][1] if self.extensions else self.budget


def _uncompiled(scheduler: Scheduler, metric: float | None) -> None:
    """``step`` is no part of a graph: its numbers change at each call. Importing the compiler takes long: only here."""
    torch.compiler.disable(Scheduler.step)(scheduler, metric)  # type: ignore[no-untyped-call]


def _as_plan(schedule: object) -> Plan:
    if isinstance(schedule, Plan):
        return schedule
    if isinstance(schedule, Mapping):
        return Plan(groups=None, **{str(name): _as_schedule(one) for name, one in schedule.items()})
    return Plan(lr=_as_schedule(schedule))


def _as_schedule(schedule: object) -> Schedule:
    if isinstance(schedule, str):
        return Schedule.parse(schedule)
    if isinstance(schedule, Schedule):
        return schedule
    raise UsageError(f"{schedule!r} is no schedule: give a lright.Schedule, its text, or a lright.Plan")


def _whole(total: Any) -> Budget | Length | str | int:
    """A length as given; a whole number of numpy's or torch's becomes one of Python's."""
    if isinstance(total, (Budget, Length, str)) or not hasattr(total, "__index__"):
        return total  # type: ignore[no-any-return]
    return int(total)


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise UsageError(f"{name}={value!r} is unknown: write {', '.join(choices[:-1])} or {choices[-1]}")
    return value


def _given_peaks(peak: Peak | Mapping[str, Peak], plan: Plan, groups: int) -> dict[str, float | list[float] | None]:
    """The peaks as given, by hyper-parameter: one for all groups, one for each, or None for the optimizer's own."""
    given = peak if isinstance(peak, Mapping) else {"lr": peak}
    peaks: dict[str, float | list[float] | None] = {}
    for name, value in given.items():
        what = f"the peak of {name!r}"
        if isinstance(value, (list, tuple)):
            if len(value) != groups:
                raise UsageError(f"{what} has {len(value)} values, the optimizer {groups} groups: give one for each")
            peaks[name] = [as_number(what, one) for one in value]
        else:
            peaks[name] = None if value is None else as_number(what, value)
        known = {*plan, *(one for inner in plan.groups.values() if isinstance(inner, dict) for one in inner)}
        if value is not None and name not in known:
            raise UsageError(f"{what} is given, but the plan has no schedule for it: it has {', '.join(sorted(known))}")
    return peaks


def _check_groups(plan: Plan, groups: Sequence[Group]) -> None:
    there = {_name_in(plan, group, index) for index, group in enumerate(groups)}
    missing = next((name for name in plan.groups if name not in there), None)
    if missing is not None:
        raise UsageError(
            f"the plan has a group {missing!r}, the optimizer has none of that name: give it one, as in "
            f"{{'params': ..., 'name': {missing!r}}}, or use its number. A group added later has its own LR as its peak"
        )


def _name_in(plan: Plan, group: Group, index: int) -> str | None:
    """What a plan calls a group: its name or its number; None if it says nothing about it."""
    return next((name for name in (group.get("name"), str(index)) if name in plan.groups), None)


def _schedules(plan: Plan, groups: Sequence[Group], index: int) -> list[tuple[str, Schedule]]:
    """The schedules of a group, by hyper-parameter."""
    return list(plan.group(_name_in(plan, groups[index], index)).items())


def _words(plan: Plan, budget: Budget) -> str:
    text = ", ".join(f"{name} '{schedule}'" for name, schedule in plan.items())
    return text if budget.total is None else f"{text} over {budget.updates} updates"
