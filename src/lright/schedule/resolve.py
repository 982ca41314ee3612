"""A schedule in one training: lengths in updates, values in numbers, and the function of time it is."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..clock import Budget, Length, MissingFact
from ..errors import LrightError
from ..quantity import Unit
from .grid import Line
from .metric import MetricFactor
from .phases import Phase, Product, Schedule, make
from .phases import Sequence as Sequenced
from .shapes import SCALAR, Family, Kind, Maths, Real, arrays
from .values import Absolute, Extent, Share, Value, value_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


# Times evaluated at once: so few that the intermediate arrays stay in the cache.
CHUNK = 32768


class PastTheEnd(LrightError):
    """A schedule with ``end="error"`` was asked for a value past its end."""


class Row(NamedTuple):
    """A line of :meth:`Resolved.table`: one phase, from update ``begin`` to just before ``end``.

    ``length`` is as it was written; ``begin_written`` and ``end_written`` are the bounds in its unit (None
    for a share, for what is left, and where the budget cannot convert). ``factor`` counts the factor of a
    product it belongs to.
    """

    phase: str
    length: str
    begin: int
    end: int
    begin_written: Length | None
    end_written: Length | None
    first: float
    last: float
    factor: int


class Segment:
    """A phase with everything bound: it holds from update ``begin`` until ``end``."""

    __slots__ = ("phase", "begin", "end", "start", "to", "params")

    def __init__(
        self, phase: Phase, begin: int, end: int, start: float, to: float, params: Mapping[str, object]
    ) -> None:
        self.phase = phase
        self.begin = begin
        self.end = end
        self.start = start
        self.to = to
        self.params = params

    def evaluate(self, t: Real, m: Maths) -> Real:
        return self.phase.shape.value(t - self.begin, self.end - self.begin, self.start, self.to, m, self.params)

    def segments(self, factor: int = 0) -> Iterator[tuple[Segment, int]]:
        yield self, factor

    @property
    def final(self) -> float:
        """The value at its end, which the next piece takes over; exactly ``to`` where that is the aim."""
        if self.phase.shape.family is Family.ANNEAL:
            return self.to
        return float(self.evaluate(self.end, SCALAR))

    def breaks(self) -> Iterator[float]:
        """The times inside the segment at which it may jump."""
        for name, kind in self.phase.shape.params.items():
            value: Any = self.params.get(name)
            if kind is Kind.LENGTHS:
                yield from (self.begin + at for at in value)
            elif kind is Kind.LENGTH and name in ("every", "period"):
                count = min(int((self.end - self.begin) / value), 256)
                yield from (self.begin + index * value for index in range(1, count + 1))
            elif kind is Kind.POINTS:
                yield from (self.begin + at for at in self.params["times"])  # type: ignore[attr-defined]


class Track:
    """Pieces one after the other. Past the end it does what ``behaviour`` says."""

    __slots__ = ("pieces", "begin", "end", "behaviour", "_all", "_begins")
    begin: int
    end: int

    def __init__(self, pieces: list[Piece], begin: int, end: int, behaviour: str) -> None:
        self._all = pieces  # the empty ones too, which only a table shows
        self.pieces = [piece for piece in pieces if piece.end > piece.begin] or pieces[-1:]
        self.begin = begin
        self.end = end
        self.behaviour = behaviour
        self._begins = [piece.begin for piece in self.pieces]

    @property
    def final(self) -> float:
        return self.pieces[-1].final

    def evaluate(self, t: Real, m: Maths) -> Real:
        if m is not SCALAR:
            return self._many(t, m)
        if t >= self.end:
            if self.behaviour == "error":
                raise PastTheEnd(f"the schedule ends after update {self.end - 1}: it has no value at {t:g}")
            if self.behaviour == "hold" or self.end == self.begin:
                return self.final
            t = self.begin + (t - self.begin) % (self.end - self.begin)
        return self.pieces[max(bisect_right(self._begins, t) - 1, 0)].evaluate(t, m)

    def _many(self, t: NDArray[Any] | Line, m: Maths) -> NDArray[Any]:
        """Many times at once: those of a :class:`Line` piece by piece, others by masks."""
        import numpy as np

        if isinstance(t, Line):
            late = t.part(self.end, math.inf)
            if not late.count or self.behaviour == "hold":
                return self._line(t, late.count, m)
            t = t.__array__()
        out = np.empty(t.shape)
        past = t >= self.end
        if past.any() and self.behaviour != "hold":
            self.evaluate(float(t[past][0]), SCALAR)  # raises where that is what it does
            t = self.begin + (t - self.begin) % max(self.end - self.begin, 1)
            past = np.zeros(t.shape, dtype=bool)
        for piece, begin, after in self._spans():
            here = (t >= begin) & (t < after) & ~past
            if here.any():
                out[here] = piece.evaluate(t[here], m)
        out[past] = self.final
        return out

    def _line(self, t: Line, late: int, m: Maths) -> NDArray[Any]:
        import numpy as np

        out = np.empty(t.count)
        for piece, begin, after in self._spans():
            part = t.part(begin, min(after, self.end))
            if part.count:
                place = int(part.first - t.first)
                out[place : place + part.count] = piece.evaluate(part, m)
        out[t.count - late :] = self.final
        return out

    def _spans(self) -> Iterator[tuple[Piece, float, float]]:
        return zip(self.pieces, self._begins, [*self._begins[1:], math.inf], strict=True)

    def segments(self, factor: int = 0) -> Iterator[tuple[Segment, int]]:
        for piece in self._all:
            yield from piece.segments(factor)


class Factors:
    """Tracks multiplied."""

    __slots__ = ("tracks", "begin", "end")

    def __init__(self, tracks: list[Piece], begin: int, end: int) -> None:
        self.tracks = tracks
        self.begin = begin
        self.end = end

    @property
    def final(self) -> float:
        return math.prod(track.final for track in self.tracks)

    def evaluate(self, t: Real, m: Maths) -> Real:
        value = self.tracks[0].evaluate(t, m)
        for track in self.tracks[1:]:
            value = value * track.evaluate(t, m)
        return value

    def segments(self, factor: int = 0) -> Iterator[tuple[Segment, int]]:
        for index, track in enumerate(self.tracks):
            yield from track.segments(factor + index)


class Steps:
    """A factor that metrics decide: it changes at ``times``."""

    __slots__ = ("begin", "end", "times", "factors")

    def __init__(self, begin: int, end: int, times: list[float], factors: list[float]) -> None:
        self.begin = begin
        self.end = end
        self.times = times
        self.factors = factors

    @property
    def final(self) -> float:
        return float(self.evaluate(self.end, SCALAR))

    def evaluate(self, t: Real, m: Maths) -> Real:
        return m.pick(self.factors, m.count(self.times, t))

    def segments(self, factor: int = 0) -> Iterator[tuple[Segment, int]]:
        return iter(())


if TYPE_CHECKING:
    Piece = Segment | Track | Factors | Steps


class Resolved:
    """A schedule in one training. Call it with a time in updates for the value there.

    ``schedule``, ``budget`` and ``peak`` are what it was made of; ``length`` is where the schedule itself
    ends and ``updates`` where the training does, both in updates.
    """

    __slots__ = ("schedule", "budget", "peak", "length", "updates", "_root")

    def __init__(
        self, schedule: Schedule, budget: Budget, peak: float | None, root: Piece, updates: int | None
    ) -> None:
        self.schedule = schedule
        self.budget = budget
        self.peak = peak
        self.length = root.end
        self.updates = root.end if updates is None else updates
        self._root = root

    def __call__(self, t: float) -> float:
        """The value that update ``t`` >= 0 uses. Needs no numpy."""
        if t < 0:
            raise LrightError(f"updates count from 0: there is no value at {t}")
        return float(self._root.evaluate(t, SCALAR))

    def array(self, ts: ArrayLike) -> NDArray[np.float64]:
        """The values at the times ``ts`` (any shape), as a float64 array of that shape. Needs numpy."""
        import numpy as np

        times = np.asarray(ts, dtype=np.float64)
        if times.size and times.min() < 0:
            raise LrightError(f"updates count from 0: there is no value at {times.min():g}")
        flat, values, m = times.ravel(), np.empty(times.size), arrays()
        for first in range(0, times.size, CHUNK):
            values[first : first + CHUNK] = self._root.evaluate(flat[first : first + CHUNK], m)
        return values.reshape(times.shape)

    def curve(self) -> NDArray[np.float64]:
        """The values of all updates of the training: float64, of length ``updates``. Needs numpy."""
        import numpy as np

        values, m = np.empty(self.updates), arrays()
        for first in range(0, self.updates, CHUNK):
            count = min(CHUNK, self.updates - first)
            values[first : first + count] = self._root.evaluate(Line(first, 1, count), m)
        return values

    def points(self, most: int = 800, unit: Unit = Unit.UPDATE) -> list[tuple[float, float]]:
        """About ``most`` (time, value) points that show the curve, both sides of every jump among them.

        Times are in ``unit``. Needs no numpy.
        """
        last = self.updates
        times = {last * index / most for index in range(most + 1)}
        for segment, _ in self.segments():
            for at in (segment.begin, *segment.breaks()):
                if 0 < at <= last:
                    times.update((at, max(at - 1e-6 * max(at, 1.0), 0.0)))
        size = self.budget.convert(Length(1, unit), Unit.UPDATE).number
        end = self._root.end
        if isinstance(self._root, Track) and self._root.behaviour == "error":
            times = {t for t in times if t < end}
        return [(t / size, self(t)) for t in sorted(times)]

    def segments(self) -> Iterator[tuple[Segment, int]]:
        """The bound phases in order, each with the number of the factor that it belongs to (0: the base)."""
        return self._root.segments()

    def tracks(self) -> Iterator[Track]:
        """The sequences in it: the whole, and those inside products."""
        return _tracks(self._root)

    def table(self) -> list[Row]:
        """What the schedule became: one row a phase."""
        return [self._row(segment, factor) for segment, factor in self.segments()]

    def _row(self, segment: Segment, factor: int) -> Row:
        phase = segment.phase
        begin, end = self._written(segment.begin, phase.length), self._written(segment.end, phase.length)
        first, last = float(segment.evaluate(segment.begin, SCALAR)), segment.final
        length = "what is left" if phase.length is None else str(phase.length)
        if phase.shape.family is Family.POINTS and phase.length is None:
            length = str(phase.param("points")[-1].at)
        return Row(
            phase.shape.name,
            length,
            segment.begin,
            segment.end,
            begin,
            end,
            float(first),
            float(last),
            factor,
        )

    def _written(self, t: int, length: Extent) -> Length | None:
        if not isinstance(length, Length):
            return None
        if length.unit is None:
            return Length(t / self.updates, None) if self.updates else None
        try:
            return self.budget.convert(Length(t, Unit.UPDATE), length.unit, length.scope)
        except LrightError:
            return None

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        rows = [("phase", "length", "updates", "in its unit", "from", "to")]
        for row in self.table():
            rows.append(
                (
                    ("* " * bool(row.factor)) + row.phase,
                    row.length,
                    f"{row.begin} .. {row.end}",
                    " .. ".join(_short(at) for at in (row.begin_written, row.end_written) if at is not None),
                    f"{row.first:.4g}",
                    f"{row.last:.4g}",
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        after = self._root.behaviour if isinstance(self._root, Track) else "hold"
        if self.length < self.updates:
            word = {"hold": "the last value is held", "cycle": "it begins again", "error": "it raises"}[after]
            lines.append(f"then, until update {self.updates}: {word}")
        elif self.length > self.updates:
            lines.append(f"training ends at update {self.updates}, before the schedule does")
        return "\n".join(lines)


def _tracks(piece: Piece) -> Iterator[Track]:
    if isinstance(piece, Track):
        yield piece
    inner = piece.pieces if isinstance(piece, Track) else piece.tracks if isinstance(piece, Factors) else ()
    for part in inner:
        yield from _tracks(part)


def _short(length: Length) -> str:
    return str(Length(float(f"{length.number:.4g}"), length.unit, length.scope))


def resolve(schedule: Schedule, budget: Budget, peak: float | None, metrics: Sequence[float] = ()) -> Resolved:
    """See :meth:`Schedule.resolve`."""
    resolver = _Resolver(budget, peak, metrics)
    whole = schedule if isinstance(schedule, (Product, Sequenced)) else Sequenced((schedule,))
    root = resolver.build(whole, 0, resolver.total, None, resolver.base)
    return Resolved(schedule, budget, peak, root, resolver.total)


class _Scale(NamedTuple):
    """What 1 means here: the peak in the base, 1 in the factors of a product."""

    one: float
    absolute: str  # "" where absolute values are fine, else why they are not


class _Resolver:
    def __init__(self, budget: Budget, peak: float | None, metrics: Sequence[float]) -> None:
        self.budget = budget
        self.metrics = metrics
        unknown = "the peak is not known: resolve(budget, peak=...) or --peak"
        self.base = _Scale(1.0 if peak is None else float(peak), unknown if peak is None else "")
        self.total: int | None
        try:
            self.total = budget.updates
        except MissingFact:  # a schedule of absolute lengths needs no training to be drawn
            self.total = None

    def build(self, node: Schedule, begin: int, room: int | None, before: float | None, scale: _Scale) -> Piece:
        """``node`` from update ``begin``, with room until ``room``, after one that ended at ``before``."""
        if isinstance(node, Sequenced):
            return self._sequence(node, begin, room, before, scale)
        if isinstance(node, Product):
            return self._product(node, begin, room, before, scale)
        if isinstance(node, MetricFactor):
            return self._product(Product((make("hold", None, None, None), node)), begin, room, before, scale)
        assert isinstance(node, Phase)
        return self._sequence(Sequenced((node,)), begin, room, before, scale)

    def _sequence(self, node: Sequenced, begin: int, room: int | None, before: float | None, scale: _Scale) -> Track:
        bounds = self._bounds(node, begin, room)
        pieces: list[Piece] = []
        for part, first, last in zip(node.parts, bounds[:-1], bounds[1:], strict=True):
            piece: Piece
            if isinstance(part, Phase):
                piece = self._segment(part, first, last, before, scale)
            else:
                piece = self.build(part, first, last, before, scale)
            before = piece.final
            pieces.append(piece)
        return Track(pieces, begin, bounds[-1], node.end)

    def _bounds(self, node: Sequenced, begin: int, room: int | None) -> list[int]:
        """Where the parts begin, in whole updates, and where the last one ends.

        The exact bounds are rounded, not the lengths, so that errors do not add up.
        """
        extents = [self._extent(part) for part in node.parts]
        weight = sum(-extent for extent in extents if extent < 0)
        left = 0.0
        if weight:
            if room is None:
                flexible = next(part for part, extent in zip(node.parts, extents, strict=True) if extent < 0)
                self.budget.convert(Length(1, None), Unit.UPDATE)  # says what is missing
                raise MissingFact("total", f"'{flexible}' takes what is left of the training")
            left = max(room - begin - sum(extent for extent in extents if extent > 0), 0.0)
        exact, bounds = float(begin), [begin]
        for extent in extents:
            exact += extent if extent >= 0 else left * -extent / weight
            bounds.append(math.floor(exact + 0.5))
        return bounds

    def _extent(self, node: Schedule) -> float:
        """The updates that ``node`` takes; minus its weight if it takes a share of what is left."""
        if node.open_ended:
            share = node.length if isinstance(node, Phase) else None
            return -share.weight if isinstance(share, Share) else -1.0
        if isinstance(node, Sequenced):
            return sum(self._extent(part) for part in node.parts)
        if isinstance(node, Product):
            return max(self._extent(factor) for factor in node.factors if not factor.timeless)
        assert isinstance(node, Phase)
        if isinstance(node.length, Length):
            return self._updates(node.length)
        return max(self._updates(point.at) for point in node.param("points"))

    def _product(self, node: Product, begin: int, room: int | None, before: float | None, scale: _Scale) -> Factors:
        extent = self._extent(node)
        end = room if extent < 0 or room is None else min(room, begin + math.floor(extent + 0.5))
        if end is None:
            if extent < 0:
                raise MissingFact("total", f"'{node}' takes what is left of the training")
            end = begin + math.floor(extent + 0.5)
        one = _Scale(1.0, "a factor only multiplies the base: write a number, not an absolute value")
        tracks: list[Piece] = []
        for factor in node.factors:
            if isinstance(factor, MetricFactor):
                tracks.append(self._metric(factor, begin, end))
            elif factor is node.base:
                tracks.append(self.build(factor, begin, end, before, scale))
            else:
                tracks.append(self.build(factor, begin, end, None, one))
        return Factors(tracks, begin, end)

    def _metric(self, node: MetricFactor, begin: int, end: int) -> Steps:
        every = self._updates(node.every) if self.metrics else 0.0
        times = [begin + every * (index + 1) for index in range(len(self.metrics))]
        return Steps(begin, end, times, [1.0, *node.factors(self.metrics)])

    def _segment(self, phase: Phase, begin: int, end: int, before: float | None, scale: _Scale) -> Segment:
        to = scale.one if phase.to is None else self._value(phase.to, scale)
        start = self._start(phase, end - begin, before, to, scale)
        params: dict[str, object] = {}
        for name, value in phase.params:
            kind = phase.shape.params[name]
            if kind is Kind.LENGTH:
                params[name] = self._updates(value)
            elif kind is Kind.LENGTHS:
                params[name] = tuple(sorted(self._updates(item) for item in value))
            elif kind is Kind.POINTS:
                ordered = sorted(((self._updates(p.at), p) for p in value), key=lambda pair: pair[0])
                params["times"] = tuple(at for at, _ in ordered)
                params["values"] = tuple(self._value(point.value, scale) for _, point in ordered)
            else:
                params[name] = value
        if phase.shape.name == "exponential" and params["ratio"] is None:
            if not (start > 0 and to > 0):
                raise LrightError(f"'{phase}' goes from {start:g} to {to:g}: it needs both above 0")
            params["ratio"] = to / start
        return Segment(phase, begin, end, start, to, params)

    def _start(self, phase: Phase, n: int, before: float | None, to: float, scale: _Scale) -> float:
        if phase.start is not None:
            return self._value(phase.start, scale)
        if before is not None:
            return before
        return to / (n + 1) if phase.shape.name == "warmup" else scale.one

    def _value(self, value: Value, scale: _Scale) -> float:
        if not isinstance(value, Absolute):
            return value * scale.one
        if scale.absolute:
            raise LrightError(f"cannot place {value_text(value)}: {scale.absolute}")
        return value.value

    def _updates(self, length: Length) -> float:
        return self.budget.convert(length, Unit.UPDATE).number
