"""The values of a schedule over one training, also when the training is made longer while it runs. No torch here.

>>> from lright.schedule import cosine, warmup
>>> course = Course(warmup("10 updates") >> cosine(to=0), Budget(updates=100), peak=0.1)
>>> course.extend(55, Budget(updates=200))
>>> [round(value, 4) for value in course.values(54, 3)], round(course.values(200, 1)[0], 4)
([0.0517, 0.05, 0.0495], 0.0)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from ..clock import Budget, Length, Scope
from ..errors import LrightError
from ..quantity import Expr, Unit
from ..schedule.metric import MetricFactor
from ..schedule.phases import Phase, Product, Schedule, make, product, sequence
from ..schedule.phases import Sequence as Sequenced
from ..schedule.resolve import Resolved, Segment
from ..schedule.shapes import Family, Kind
from ..schedule.values import Absolute, Point, as_budget

FOREVER = 1 << 48  # updates that no training gets to, and that a float still counts one by one


class Course:
    """What a schedule does over one training.

    ``peak`` is the value that 1 stands for; without it the values are multiples of it. Extended, the curve so far
    stays as it is, and what is left of it is stretched; see :meth:`extend`.
    """

    __slots__ = ("tracks",)

    def __init__(self, schedule: Schedule, budget: Budget, peak: float | None) -> None:
        base = schedule.base if isinstance(schedule, Product) else schedule
        factors = schedule.factors if isinstance(schedule, Product) else (schedule,)
        self.tracks = [Track(factor, budget, peak if factor is base else None) for factor in factors]

    @property
    def limit(self) -> float:
        """The first update that has no value, where the schedule is told to raise past its end; else infinity."""
        return min(track.limit for track in self.tracks)

    def values(self, first: int, count: int) -> list[float]:
        """The values of ``count`` updates from ``first`` on. From ``limit`` on they are the last one there is."""
        import numpy as np

        times = np.minimum(np.arange(first, first + count, dtype=np.float64), self.limit - 1)
        values: list[float] = self._array(times).tolist()
        return values

    def equals(self, other: Course) -> bool:
        """Whether two courses have the same values, but for rounding: at the updates that show their curves best."""
        import numpy as np

        if self.limit != other.limit:
            return False
        marks = {near for course in (self, other) for at in course._marks() for near in (int(at), int(at) + 1)}
        times = np.minimum(np.array(sorted(marks), dtype=np.float64), self.limit - 1)
        mine, others = self._array(times), other._array(times)
        return bool(np.allclose(mine, others, rtol=1e-9, atol=1e-12 * np.abs(mine).max()))

    def _array(self, times: Any) -> Any:
        values = self.tracks[0].array(times)
        for track in self.tracks[1:]:
            values = values * track.array(times)
        return values

    def _marks(self) -> set[float]:
        """Times that show the whole curve, both sides of its jumps among them."""
        legs = [leg.resolved for track in self.tracks for leg in track.legs]
        doubling = {float(2**power) for leg in legs for power in range(leg.length.bit_length())}
        return doubling | {at for leg in legs for at, _ in leg.points()}

    def over(self, at: int) -> bool:
        """Whether nothing of the schedule is left at update ``at``."""
        return all(track.over(at) for track in self.tracks)

    def extend(self, at: int, budget: Budget) -> None:
        """From update ``at`` on, go on to the end of the longer training ``budget``.

        Nothing before ``at`` changes, and at ``at`` nothing jumps. The phase under way goes on from the progress it
        has to the value it aims at, and ends where it would in a training of the new length; a law of time (hold,
        step, inverse-sqrt ...) just goes on at its pace. The phases to come are those of the new length.
        """
        for track in self.tracks:
            if not track.over(at):
                track.legs.append(track.stretched(at, budget))


def course_of(
    schedule: Schedule, budget: Budget, peak: float | None, extensions: Iterable[tuple[int, Budget]]
) -> Course:
    """A course that was extended at some updates, in order, to trainings of other lengths."""
    course = Course(schedule, budget, peak)
    for at, to in extensions:
        course.extend(at, to)
    return course


class Leg(NamedTuple):
    """From update ``begin`` on, ``resolved`` holds, read at a clock of its own until update ``end``.

    The clock shows ``clock`` at ``begin`` and runs evenly, so that at ``end`` it shows the update again.
    """

    begin: int
    resolved: Resolved
    clock: float
    end: int

    def time(self, t: Any) -> Any:
        """What the clock shows at update ``t`` >= begin, up to ``end``."""
        return self.clock + (t - self.begin) * ((self.end - self.clock) / (self.end - self.begin))


class Track:
    """One factor of a course: legs, one more for each extension."""

    __slots__ = ("schedule", "peak", "legs")

    def __init__(self, schedule: Schedule, budget: Budget, peak: float | None) -> None:
        self.schedule = schedule
        self.peak = peak
        self.legs = [Leg(0, _endless(schedule, budget).resolve(budget, peak), 0, 0)]

    @property
    def limit(self) -> float:
        ends = [track.end for track in self.legs[-1].resolved.tracks() if track.behaviour == "error"]
        return min(ends, default=math.inf)

    def over(self, at: int) -> bool:
        return at >= self.legs[-1].resolved.length

    def array(self, times: Any) -> Any:
        """The values at the times of an array in order."""
        import numpy as np

        last = self.legs[-1]
        if times[0] >= last.end:
            return last.resolved.array(times)
        parts = []
        for leg, after in pairwise([*self.legs, None]):
            assert leg is not None
            here = times[(times >= leg.begin) & (times < (after.begin if after else math.inf))]
            parts.append(leg.resolved.array(np.where(here < leg.end, leg.time(here) if leg.end else here, here)))
        return np.concatenate(parts)

    def stretched(self, at: int, budget: Budget) -> Leg:
        """The leg that begins at ``at`` when the training becomes as long as ``budget``."""
        leg = self.legs[-1]
        parts, current = _phases(self.schedule), _phases(leg.resolved.schedule)
        old = [segment for segment, _ in leg.resolved.segments()]
        new = [segment for segment, _ in self.schedule.resolve(budget, self.peak).segments()]
        clock = leg.time(at) if at < leg.end else at
        now = next(index for index, segment in enumerate(old) if segment.begin <= clock < segment.end)
        begin, end = old[now].begin, new[now].end
        if end <= at:
            raise LrightError(f"'{parts[now]}' would end at update {end} in the new training, and this is update {at}")
        under_way = _pinned(current[now], old[now], leg.resolved.budget, end - begin, self.peak)
        done = [make("hold", _updates(segment.end - segment.begin), 1, None) for segment in old[:now]]
        later = [
            _with_length(part, segment.end - segment.begin)
            for part, segment in zip(parts[now + 1 :], new[now + 1 :], strict=True)
        ]
        resolved = sequence([*done, under_way, *later], _end(self.schedule)).resolve(budget, self.peak)
        if parts[now].shape.family is not Family.ANNEAL:
            return Leg(at, resolved, at, 0)
        progress = (clock - begin) / (old[now].end - begin)
        return Leg(at, resolved, begin + progress * (end - begin), end)


def _phases(schedule: Schedule) -> list[Phase]:
    """The phases of a plain sequence, the only thing that can be stretched."""
    if isinstance(schedule, Sequenced) and schedule.end == "cycle":
        raise LrightError(f"'{schedule}' begins again past its end: there is nothing to extend")
    parts = schedule.parts if isinstance(schedule, Sequenced) else (schedule,)
    nested = next((part for part in parts if not isinstance(part, Phase)), None)
    if nested is not None:
        raise LrightError(f"cannot extend '{schedule}': '{nested}' inside it is no plain phase")
    return [part for part in parts if isinstance(part, Phase)]


def _endless(schedule: Schedule, budget: Budget) -> Schedule:
    """``schedule`` as it is where the training has no length: a last phase that is a law of time goes on for ever."""
    parts = schedule.parts if isinstance(schedule, Sequenced) else (schedule,)
    last = parts[-1]
    if budget.total is not None or not isinstance(last, Phase) or last.length is not None:
        return schedule
    if last.shape.family not in (Family.LAW, Family.SWING):
        return schedule
    return sequence([*parts[:-1], _with_length(last, FOREVER)], _end(schedule))


def _end(schedule: Schedule) -> str:
    return schedule.end if isinstance(schedule, Sequenced) else "hold"


def _updates(count: int) -> Length:
    return Length(count, Unit.UPDATE)


def _with_length(phase: Phase, count: int) -> Phase:
    if phase.shape.family is Family.POINTS and phase.length is None:
        return phase  # it lasts until its last point
    return Phase(phase.shape, _updates(count), phase.start, phase.to, phase.params)


def _pinned(phase: Phase, bound: Segment, budget: Budget, count: int, peak: float | None) -> Phase:
    """The phase with what it was bound to so far written into it, so that another budget cannot change it."""

    def length(value: Length) -> Length:
        return budget.convert(value, Unit.UPDATE)

    params = []
    for name, value in phase.params:
        kind = phase.shape.params[name]
        if kind is Kind.LENGTH:
            value = length(value)
        elif kind is Kind.LENGTHS:
            value = tuple(length(item) for item in value)
        elif kind is Kind.POINTS:
            value = tuple(Point(length(point.at), point.value) for point in value)
        params.append((name, value))
    start = phase.start
    if phase.shape.family is not Family.POINTS:
        start = bound.start if peak is None else Absolute(bound.start)
    return _with_length(Phase(phase.shape, phase.length, start, phase.to, tuple(params)), count)


def begins_at_peak(schedule: Schedule) -> bool:
    """Whether the first value of a schedule is the peak, or is made from it, without anybody having written it."""
    if isinstance(schedule, Product):
        return begins_at_peak(schedule.base)
    if isinstance(schedule, Sequenced):
        return begins_at_peak(schedule.parts[0])
    assert isinstance(schedule, Phase)
    if schedule.shape.family is Family.POINTS:
        return False
    return schedule.start is None and (schedule.shape.name != "warmup" or schedule.to == 1.0)


def split(schedule: Schedule) -> tuple[Schedule, tuple[MetricFactor, ...]]:
    """A schedule as its pure base and the factors that a metric decides."""
    if isinstance(schedule, MetricFactor):
        return make("hold", None, None, None), (schedule,)
    if isinstance(schedule, Sequenced) and len(schedule.parts) == 1:
        base, measured = split(schedule.parts[0])
        return sequence([base], schedule.end), measured
    measured = ()
    if isinstance(schedule, Product):
        measured = tuple(factor for factor in schedule.factors if isinstance(factor, MetricFactor))
        pure = [factor for factor in schedule.factors if not isinstance(factor, MetricFactor)]
        schedule = product(pure) if pure else make("hold", None, None, None)
    if _measured(schedule):
        raise LrightError(f"a metric can only multiply a whole schedule: write ({schedule}) with plateau as a factor")
    return schedule, measured


def _measured(schedule: Schedule) -> bool:
    inner: tuple[Schedule, ...] = ()
    if isinstance(schedule, Sequenced):
        inner = schedule.parts
    elif isinstance(schedule, Product):
        inner = schedule.factors
    return schedule.measured or any(_measured(part) for part in inner)


# Budgets as plain data.


def budget_to_json(budget: Budget) -> dict[str, Any]:
    """A budget as strings and numbers. Symbolic budgets must be bound first."""
    data: dict[str, Any] = {}
    for name in Budget.__slots__:
        value = getattr(budget, name)
        symbolic = isinstance(value, Length) and value.is_symbolic
        if symbolic or isinstance(value, Expr):
            raise LrightError(f"{name} of the budget is symbolic, '{value}': give its symbols values with bind()")
        if isinstance(value, (Length, Scope)):
            data[name] = str(value)
        elif value is not None and not name.startswith("_"):
            data[name] = value if isinstance(value, (bool, str)) else _plain(value)
    return data


def _plain(value: Any) -> int | float:
    """A number of Python's own, whatever numpy or torch made it."""
    number = float(value)
    return int(value) if number.is_integer() else number


def budget_from_json(data: Mapping[str, Any]) -> Budget:
    """The budget that :func:`budget_to_json` wrote."""
    return Budget(**data)


def longer(budget: Budget, to: Budget | Length | str | int) -> Budget:
    """``budget`` with the length ``to``, which must be more than it has."""
    made = to if isinstance(to, Budget) else budget_from_json({**budget_to_json(budget), **_total(to)})
    if budget.total is None:
        raise LrightError("the length of the training was never given: there is nothing to extend")
    if made.updates <= budget.updates:
        raise LrightError(f"extend(to={to}) is no extension: the training already has {budget.updates} updates")
    return made


def _total(to: Length | str | int) -> dict[str, Any]:
    return {"total": str(as_budget(to).total)}
