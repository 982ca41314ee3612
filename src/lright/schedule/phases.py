"""The algebra of schedules: phases in sequence (``>>``) and multiplied (``*``).

A schedule is a pure function of time. It knows neither the peak LR nor the length of the training until it is
resolved against a budget:

>>> from lright.schedule.constructors import cosine, warmup
>>> schedule = warmup("5ep") >> cosine(to=0)
>>> lr = schedule.resolve(Budget(epochs=90, batches_per_epoch=391), peak=0.1)
>>> lr(1955), round(lr(18572), 4), lr(35190)
(0.1, 0.05, 0.0)

Conventions, once for all shapes:

- Time t counts optimizer updates from 0, and the value at t is the one that update t uses.
- A phase of n updates that begins at update a has progress x = (t - a) / n. Update a uses its first value;
its last
  value is used from update a + n on, which is the first update of the next phase (or lies past the end).
- Values are multiples of the peak (``to=0.1`` is a tenth of it); ``Absolute(1e-5)`` or ``"1e-5 abs"`` is an
LR. - A phase starts where the one before it ended. A jump is only there where ``start`` says so. The first
phase starts
  at the peak; a first ``warmup`` of n updates at 1/(n + 1) of its target, so that no update is wasted on an
  LR of 0.
- A phase without a length takes what the others leave of the training.
- Past its end a schedule holds its last value, unless it was told to ``cycle`` or to raise an ``error``.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import TYPE_CHECKING, Any

from ..clock import Budget, Length, as_length
from ..errors import LrightError
from .shapes import SHAPES, Family, Kind, Shape, plain_anneal
from .values import Absolute, Extent, Point, Share, Value, as_budget, as_extent, as_number, as_value, value_text

if TYPE_CHECKING:
    from .lint import Note
    from .resolve import Resolved

ENDS = ("hold", "error", "cycle")


class Schedule:
    """Anything with a value at every time. See the module's text for the conventions."""

    __slots__ = ()
    measured = False  # whether a metric decides it

    @property
    def open_ended(self) -> bool:
        """Whether it takes what others leave of the training, having no length of its own."""
        raise NotImplementedError

    @property
    def timeless(self) -> bool:
        """Whether it takes, as a factor, whatever time the others do: a constant, or a metric's."""
        return self.measured

    def __rshift__(self, after: Schedule) -> Schedule:
        """This schedule and then ``after``, which starts where this one ends."""
        if not isinstance(after, Schedule):
            return NotImplemented
        return sequence([self, after])

    def __mul__(self, factor: Schedule | float) -> Schedule:
        """The product: the first factor is the base, the others multiply it (1 means no change)."""
        if isinstance(factor, (int, float)):
            factor = make("hold", None, factor, None)
        if not isinstance(factor, Schedule):
            return NotImplemented
        return product([self, factor])

    def past_end(self, end: str) -> Schedule:
        """The same schedule, past its end to ``hold`` its last value, ``cycle``, or raise an ``error``."""
        return sequence([self], end)

    def resolve(
        self, budget: Budget | Length | str | int, peak: float | None = None, metrics: Seq[float] = ()
    ) -> Resolved:
        """The schedule for a training: every length in updates, every value in numbers.

        ``budget`` may be a :class:`Budget`, a length such as "1000 updates", or a number of updates.
        ``peak`` is the value that 1 stands for; without it the values stay multiples. ``metrics`` is the
        trace that plateau and greedy see. Raises :class:`LrightError` where something needed is not known.
        """
        from .resolve import resolve

        return resolve(self, as_budget(budget), peak, metrics)

    def lint(self, budget: Budget | Length | str | int | None = None, peak: float | None = None) -> list[Note]:
        """What is odd about the schedule alone, and in the training of ``budget`` where one is given."""
        from .lint import lint

        return lint(self, None if budget is None else as_budget(budget), peak)

    @staticmethod
    def parse(text: str) -> Schedule:
        """Read the text form, such as ``warmup 5ep > cosine to 0``; ``str(schedule)`` writes it."""
        from .text import parse

        return parse(text)

    def to_json(self) -> dict[str, Any]:
        """The schedule as plain dicts, lists, strings and numbers; :meth:`from_json` reads them again."""
        from .codec import to_json

        return to_json(self)

    @staticmethod
    def from_json(data: object) -> Schedule:
        """The schedule that :meth:`to_json` wrote; :class:`LrightError` names what is wrong with ``data``."""
        from .codec import from_json

        return from_json(data)

    def __str__(self) -> str:
        from .text import to_text

        return to_text(self)

    def _key(self) -> tuple[object, ...]:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._key()))


class Phase(Schedule):
    """One shape over one stretch of time. Made by the constructors below.

    ``length`` is a :class:`Length`, a :class:`Share` or None (what is left); ``start`` None means where the
    phase before ended; ``to`` is None for laws, which have no target; ``params`` are the parameters of the
    shape by name, in its order.
    """

    __slots__ = ("shape", "length", "start", "to", "params")

    def __init__(
        self,
        shape: Shape,
        length: Extent = None,
        start: Value | None = None,
        to: Value | None = None,
        params: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        self.shape = shape
        self.length = length
        self.start = start
        self.to = to
        self.params = params

    @property
    def open_ended(self) -> bool:
        """See :class:`Schedule`. Points last until the last of them."""
        return isinstance(self.length, Share) or (self.length is None and self.shape.family is not Family.POINTS)

    @property
    def timeless(self) -> bool:
        """See :class:`Schedule`."""
        return self.shape.name == "hold" and self.start is not None and self.length is None

    def param(self, name: str) -> Any:
        """The parameter ``name`` of the shape."""
        return dict(self.params)[name]

    def _key(self) -> tuple[object, ...]:
        return (self.shape.name, self.length, self.start, self.to, self.params)

    def __repr__(self) -> str:
        parts = []
        if self.shape.name == "points":
            parts.append(repr([(str(p.at), _plain_value(p.value)) for p in self.param("points")]))
        if self.length is not None:
            leads = self.shape.family is Family.ANNEAL or self.shape.name == "hold"
            parts.append(_literal(self.length) if leads else f"length={_literal(self.length)}")
        for name, value in (("to", self.to), ("at" if self.shape.name == "hold" else "start", self.start)):
            if value is not None:
                parts.append(f"{name}={value_text(value) if isinstance(value, float) else repr(value)}")
        for name, value in self.params:
            if name != "points" and value != self.shape.defaults.get(name, self):
                parts.append(f"{name}={_literal(value)}")
        return f"{self.shape.constructor}({', '.join(parts)})"


class Sequence(Schedule):
    """Schedules one after the other, and what happens past the end of the last."""

    __slots__ = ("parts", "end")

    def __init__(self, parts: tuple[Schedule, ...], end: str = "hold") -> None:
        self.parts = parts
        self.end = end

    @property
    def open_ended(self) -> bool:
        """See :class:`Schedule`."""
        return any(part.open_ended for part in self.parts)

    def _key(self) -> tuple[object, ...]:
        return (self.parts, self.end)

    def __repr__(self) -> str:
        text = " >> ".join(repr(part) for part in self.parts)
        return text if self.end == "hold" else f"({text}).past_end({self.end!r})"


class Product(Schedule):
    """Schedules multiplied over the same time: the first is the base, the others are factors on it."""

    __slots__ = ("factors",)

    def __init__(self, factors: tuple[Schedule, ...]) -> None:
        self.factors = factors

    @property
    def base(self) -> Schedule:
        """The factor that the others multiply: the first that is no metric's."""
        return next((factor for factor in self.factors if not factor.measured), self.factors[0])

    @property
    def open_ended(self) -> bool:
        """See :class:`Schedule`."""
        timed = [factor for factor in self.factors if not factor.timeless]
        return not timed or any(factor.open_ended for factor in timed)

    def _key(self) -> tuple[object, ...]:
        return self.factors

    def __repr__(self) -> str:
        return " * ".join(
            f"({factor!r})" if isinstance(factor, Sequence) and factor.end == "hold" else repr(factor)
            for factor in self.factors
        )


def sequence(parts: Seq[Schedule], end: str = "hold") -> Schedule:
    """``parts`` one after the other; the same as ``>>``, with the behaviour past the end."""
    if end not in ENDS:
        raise LrightError(f"end={end!r} is unknown: a schedule past its end can hold, cycle or raise an error")
    flat: list[Schedule] = []
    for part in parts:
        if isinstance(part, Sequence):
            if part.end != "hold" and len(parts) > 1:
                raise LrightError(f"nothing can follow or precede '{part}', which says what comes after its end")
            flat.extend(part.parts)
        else:
            flat.append(part)
    if not flat:
        raise LrightError("a schedule needs at least one phase")
    open_ended = [part for part in flat if part.open_ended and not _shared(part)]
    if len(open_ended) > 1:
        raise LrightError(
            f"'{open_ended[0]}' and '{open_ended[1]}' both take what is left of the training: "
            "give all but one a length, or give them shares (over 1 share)"
        )
    return flat[0] if len(flat) == 1 and end == "hold" else Sequence(tuple(flat), end)


def product(factors: Seq[Schedule]) -> Schedule:
    """``factors`` multiplied; the same as ``*``."""
    flat: list[Schedule] = []
    for factor in factors:
        flat.extend(factor.factors if isinstance(factor, Product) else (factor,))
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def _shared(part: Schedule) -> bool:
    return isinstance(part, Phase) and isinstance(part.length, Share)


# Making phases: what the constructors, the text form and the JSON form share.


def make(name: str, length: object, start: object, to: object, **params: object) -> Phase:
    """A phase of the shape called ``name``, everything checked; :class:`LrightError` says what is wrong."""
    shape = SHAPES[name]
    checked = tuple((key, _checked(shape, key, params.get(key, shape.defaults.get(key)))) for key in shape.params)
    target = _target(shape) if to is None else as_value(to)
    phase = Phase(shape, as_extent(length), _optional_value(start), target, checked)
    _check_phase(phase)
    return phase


def _target(shape: Shape) -> float | None:
    """Where a phase goes when nobody says: to the peak or to 0; laws and points go nowhere."""
    if shape.family in (Family.LAW, Family.POINTS):
        return None
    if shape.name == "exponential":
        raise LrightError("exponential needs the value it goes to, above 0: to=0.01, or 'to 0.01'")
    falls = shape.family is Family.ANNEAL or shape.name == "restarts"
    return 0.0 if falls and shape.name != "warmup" else 1.0


def _check_phase(phase: Phase) -> None:
    name = phase.shape.name
    if name == "exponential" and phase.param("ratio") is None and phase.to in (0.0, Absolute(0.0)):
        raise LrightError("exponential never reaches 0: give a target above 0, or a ratio such as 0.01")
    if phase.shape.family is Family.SWING and name != "restarts" and phase.start is None:
        raise LrightError(f"{name} needs the value its cycles start from: start=0.1, or 'from 0.1'")
    params = dict(phase.params)
    if "up" in params and not 0 < params["up"] < 1:
        raise LrightError(f"{name}: up={params['up']} must lie between 0 and 1 (the share of a cycle that rises)")
    for key in ("gamma", "power", "k", "mult", "decay", "ratio"):
        if isinstance(params.get(key), float) and not params[key] > 0:
            raise LrightError(f"{name}: {key}={value_text(params[key])} must be greater than 0")
    if params.get("mult", 1.0) < 1:
        raise LrightError(f"{name}: mult={value_text(params['mult'])} must be at least 1, or the cycles die out")
    if name == "tanh" and not params["lower"] < params["upper"]:
        raise LrightError("tanh: lower must be less than upper")


def _checked(shape: Shape, key: str, value: object) -> object:
    kind = shape.params[key]
    if value is None:
        if key in shape.defaults:
            return None
        raise LrightError(f"{shape.name} needs {key}")
    if kind is Kind.NUMBER:
        return as_number(f"{shape.name}: {key}", value)
    if kind is Kind.LENGTH:
        return _positive(shape, key, as_length(value))  # type: ignore[arg-type]
    if kind is Kind.LENGTHS:
        return _milestones(shape, key, value)
    if kind is Kind.POINTS:
        return _points(value)
    word = str(value)
    return word if shape.name == "points" and word == "hold" else plain_anneal(word).name


def _positive(shape: Shape, key: str, length: Length) -> Length:
    if isinstance(length.value, (int, float)) and not length.value > 0:
        raise LrightError(f"{shape.name}: {key} {length} must be longer than nothing")
    return length


def _milestones(shape: Shape, key: str, value: object) -> tuple[Length, ...]:
    if isinstance(value, (str, Length)) or not isinstance(value, (list, tuple)) or not value:
        raise LrightError(f"{shape.name}: {key} takes a list of lengths, such as ['30ep', '60ep']")
    return tuple(as_length(item) for item in value)


def _points(value: object) -> tuple[Point, ...]:
    if not isinstance(value, (list, tuple)) or len(value) < 2:
        raise LrightError("points takes two or more points, such as [('0ep', 0.1), ('5ep', 1)]")
    return tuple(Point(as_length(at), as_value(height)) for at, height in value)


def _optional_value(value: object) -> Value | None:
    return None if value is None else as_value(value)


def _plain_value(value: Value) -> object:
    return str(value) if isinstance(value, Absolute) else int(value) if value.is_integer() else value


def _literal(value: object) -> str:
    """The shortest Python for a length, a list of them, or a number."""
    if isinstance(value, Length):
        return repr(value) if value.is_symbolic else repr(str(value))
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return value_text(value) if isinstance(value, float) else repr(value)
