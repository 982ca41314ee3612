"""Training time: lengths that know their unit, tick rates, and the budget that converts between units.

>>> budget = Budget(epochs=90, batches_per_epoch=391, accumulate=4)
>>> print(budget.convert(Length.parse("5ep"), Unit.UPDATE))
488.75 updates
>>> budget.updates
8797
>>> Length.parse("5ep") + Length.parse("300 batches")
Traceback (most recent call last):
...
lright.quantity.DimensionError: 5ep and 300 batches count different things: ...
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import NamedTuple, Union

from .errors import LrightError
from .quantity import DimensionError, Expr, Lit, Op, Scalar, Unit, op

Number = Union[int, float, Expr]


class Scope(str, Enum):
    """Whether a length counts what one process does or what all processes do together."""

    PROCESS = "process"
    GLOBAL = "global"

    def __str__(self) -> str:
        return self.value


# What a unit counts unless it is said: a loader belongs to its process, a data set to everybody.
_DEFAULT_SCOPE = {Unit.BATCH: Scope.PROCESS, Unit.SAMPLE: Scope.GLOBAL, Unit.TOKEN: Scope.GLOBAL}

_WORDS = {
    Unit.EPOCH: ("ep", "epoch", "epochs"),
    Unit.BATCH: ("ba", "batch", "batches", "micro-batch", "micro-batches"),
    Unit.UPDATE: ("up", "update", "updates", "step", "steps"),
    Unit.SAMPLE: ("sp", "sample", "samples"),
    Unit.TOKEN: ("tok", "token", "tokens"),
    Unit.VALIDATION: ("val", "validation", "validations"),
}
_UNITS = {word: unit for unit, words in _WORDS.items() for word in words}
_SUFFIXES = {"k": 3, "K": 3, "M": 6, "B": 9, "G": 9, "T": 12}


class Length:
    """A stretch of training: ``value`` of a ``unit``, or a fraction of the whole when ``unit`` is None.

    ``value`` is a number or a symbolic :class:`~lright.quantity.Expr`. ``scope`` says whether batches,
    samples and tokens are counted per process or over all processes (default: batches per process, samples
    and tokens over all); epochs, updates and validations are the same for all. Lengths of one unit add,
    subtract and compare; others raise :class:`~lright.quantity.DimensionError`.

    >>> Length(5, Unit.EPOCH) * 2
    Length.parse('10ep')
    """

    __slots__ = ("value", "unit", "scope")
    value: Number
    unit: Unit | None
    scope: Scope

    def __init__(self, value: Number, unit: Unit | None, scope: Scope | None = None) -> None:
        if unit is Unit.PROCESS:
            raise LrightError("processes are no length of training: count epochs, batches, updates, samples")
        default = _DEFAULT_SCOPE.get(unit, Scope.GLOBAL) if unit else Scope.GLOBAL
        scoped = unit in _DEFAULT_SCOPE and scope is not None
        object.__setattr__(self, "value", _tidy(value))
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "scope", scope if scoped else default)

    @classmethod
    def parse(cls, text: str) -> Length:
        """Read ``5ep``, ``300 batches``, ``2k updates``, ``1.5M samples per process``, ``2e9tok``, ``2%``.

        ``step`` and ``steps`` mean optimizer updates. Raises :class:`LrightError` naming what is wrong.
        """
        length, end = scan_length(text, 0)
        if text[end:].strip():
            raise LrightError(f"cannot read {text[end:].strip()!r} at the end of the length {text!r}")
        return length

    @property
    def is_fraction(self) -> bool:
        """Whether this is a part of the whole training."""
        return self.unit is None

    @property
    def is_symbolic(self) -> bool:
        """Whether the value is an expression that nobody has given numbers yet."""
        return isinstance(self.value, Expr)

    @property
    def number(self) -> float:
        """The value as a number; raises :class:`LrightError` while it is symbolic."""
        if isinstance(self.value, Expr):
            raise LrightError(f"the length '{self}' is symbolic: give its symbols values with bind()")
        return self.value

    def bind(self, values: Mapping[str, Scalar]) -> Length:
        """The same length with the symbols in ``values`` replaced by their numbers."""
        if not isinstance(self.value, Expr):
            return self
        return Length(_bound(self.value, values), self.unit, self.scope)

    def __add__(self, other: Length) -> Length:
        self._same_unit(other)
        return Length(_add(self.value, other.value), self.unit, self.scope)

    def __sub__(self, other: Length) -> Length:
        self._same_unit(other)
        return Length(_add(self.value, _mul(other.value, -1)), self.unit, self.scope)

    def __mul__(self, factor: Number) -> Length:
        return Length(_mul(self.value, factor), self.unit, self.scope)

    __rmul__ = __mul__

    def __truediv__(self, divisor: Number) -> Length:
        return Length(_div(self.value, divisor), self.unit, self.scope)

    def __lt__(self, other: Length) -> bool:
        self._same_unit(other)
        return self.number < other.number

    def __le__(self, other: Length) -> bool:
        self._same_unit(other)
        return self.number <= other.number

    def _same_unit(self, other: Length) -> None:
        if not isinstance(other, Length):
            raise DimensionError(f"{self} and {other!r}: a length combines with lengths only")
        if self.unit is not other.unit or self.scope is not other.scope:
            raise DimensionError(
                f"{self} and {other} count different things: convert one of them first (Budget.convert)"
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Length):
            return NotImplemented
        return (self.value, self.unit, self.scope) == (other.value, other.unit, other.scope)

    def __hash__(self) -> int:
        return hash((self.value, self.unit, self.scope))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Length does not change: make another one")

    def __reduce__(self) -> tuple[type[Length], tuple[Number, Unit | None, Scope]]:
        return Length, (self.value, self.unit, self.scope)

    def __str__(self) -> str:
        if self.unit is None:
            symbolic = isinstance(self.value, Expr)
            return f"({self.value}) of the whole" if symbolic else _percent_text(self.number)
        amount = f"({self.value})" if isinstance(self.value, Op) else _number_text(self.value)
        usual = self.scope is _DEFAULT_SCOPE.get(self.unit, Scope.GLOBAL)
        tail = "" if usual else f" {_SCOPE_TEXT[self.scope]}"
        if self.unit is Unit.EPOCH and not isinstance(self.value, Expr):
            return f"{amount}ep"
        return f"{amount} {self.unit.value if self.value == 1 else plural(self.unit)}{tail}"

    def __repr__(self) -> str:
        if isinstance(self.value, Expr):
            return f"Length({self.value!r}, {self.unit!r}, {self.scope!r})"
        return f"Length.parse({str(self)!r})"


_SCOPE_TEXT = {Scope.PROCESS: "per process", Scope.GLOBAL: "global"}


def plural(unit: Unit) -> str:
    """The word for several of a unit: epochs, batches ..."""
    return "batches" if unit is Unit.BATCH else f"{unit.value}s"


def as_length(value: Length | str) -> Length:
    """``value`` itself, or the length it spells. A bare number is refused: it has no unit.

    >>> as_length("5ep")
    Length.parse('5ep')
    """
    if isinstance(value, Length):
        return value
    if isinstance(value, str):
        return Length.parse(value)
    raise LrightError(f"{value!r} has no unit: write '{value}ep', '{value} updates', '{value}%' or a Length")


def scan_length(text: str, position: int) -> tuple[Length, int]:
    """The length that begins at ``position`` (blanks allowed before it) and where it ends."""
    start = _skip_blanks(text, position)
    digits = _digits_end(text, start)
    if digits == start:
        found = text[start:] or "nothing"
        raise LrightError(f"a length begins with a number, as in 5ep, 300 batches or 2%: {found!r} does not")
    amount = text[start:digits].replace("_", "")
    if text[digits : digits + 1] == "%":
        return Length(_shifted(amount, -2), None), digits + 1
    end, word = _word(text, _skip_blanks(text, digits))
    suffixed = _SUFFIXES.get(text[digits : digits + 1])
    if suffixed is not None and word.lower() not in _UNITS:
        amount = repr(_shifted(amount, suffixed))
        end, word = _word(text, _skip_blanks(text, digits + 1))
    unit = _UNITS.get(word.lower())
    if unit is None:
        raise LrightError(_unit_remedy(text[start:end].strip(), word, text[start:digits]))
    scope, end = _scan_scope(text, end) if unit in _DEFAULT_SCOPE else (None, end)
    return Length(_shifted(amount, 0), unit, scope), end


def _unit_remedy(written: str, word: str, digits: str) -> str:
    if not word:
        return f"{written!r} has no unit: write {digits}ep, {digits} batches, {digits} updates or {digits}%"
    if word.lower() in ("it", "its", "iter", "iters", "iteration", "iterations"):
        return f"{word!r} is ambiguous: write batches (micro-batches) or updates (optimizer steps)"
    return f"unknown unit {word!r} in {written!r}: write ep, batches, updates, samples, tokens or %"


def _scan_scope(text: str, position: int) -> tuple[Scope | None, int]:
    end, word = _word(text, _skip_blanks(text, position))
    if word == "global":
        return Scope.GLOBAL, end
    if word == "per":
        last, process = _word(text, _skip_blanks(text, end))
        if process == "process":
            return Scope.PROCESS, last
    return None, position


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _digits_end(text: str, position: int) -> int:
    """Where the number that begins at ``position`` ends; the e of ``5ep`` is no exponent."""
    end = position
    while end < len(text) and (text[end].isdigit() or text[end] in "._"):
        end += 1
    if end > position and text[end : end + 1] in ("e", "E"):
        exponent = end + 2 if text[end + 1 : end + 2] in ("+", "-") else end + 1
        last = exponent
        while last < len(text) and text[last].isdigit():
            last += 1
        if last > exponent:
            return last
    return end


def _word(text: str, position: int) -> tuple[int, str]:
    end = position
    while end < len(text) and (text[end].isalpha() or (text[end] == "-" and end > position)):
        end += 1
    return end, text[position:end]


def _shifted(amount: str, places: int) -> int | float:
    """``amount`` times ten to ``places``, rounded once: exact where a float can be."""
    mantissa, _, exponent = amount.lower().partition("e")
    try:
        value = float(f"{mantissa}e{int(exponent or 0) + places}")
    except ValueError:
        raise LrightError(f"{amount!r} is no number") from None
    if not math.isfinite(value):
        raise LrightError(f"{amount!r} is too large for a length")
    return int(value) if value.is_integer() and value < 1e15 else value


def _number_text(value: Number) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _percent_text(value: float) -> str:
    """The fraction in percent, such that reading it gives the same number again."""
    mantissa, _, exponent = repr(float(value)).partition("e")
    short = _number_text(_shifted(f"{mantissa}e{exponent or 0}", 2))
    if _shifted(short, -2) == value:
        return f"{short}%"
    return f"{mantissa}e{int(exponent or 0) + 2}%"


class Rate:
    """How often something ticks: ``ticks`` times in every ``every``.

    >>> budget = Budget(epochs=10, batches_per_epoch=100)
    >>> Rate.parse("every 2 epochs").count(Length.parse("10ep"), budget)
    5
    >>> print(Rate.parse("every batch"), "/", Rate.parse("4 per update"))
    every batch / 4 per update
    """

    __slots__ = ("ticks", "every")

    def __init__(self, every: Length | str, ticks: Number = 1) -> None:
        self.every = as_length(every)
        self.ticks = _tidy(ticks)

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``every batch``, ``every 2 epochs`` or ``4 per update``."""
        words = text.split()
        if words[:1] == ["every"] and len(words) > 1:
            rest = " ".join(words[1:])
            return cls(Length.parse(rest if rest[0].isdigit() else f"1 {rest}"))
        if len(words) == 3 and words[1] == "per" and words[2] in _UNITS:
            return cls(Length(1, _UNITS[words[2]]), _shifted(words[0], 0))
        raise LrightError(f"cannot read the rate {text!r}: write 'every batch', 'every 2 epochs', '4 per update'")

    def count(self, length: Length, budget: Budget) -> Number:
        """The ticks in ``length``: whole ones, since a tick comes when its interval is complete."""
        assert self.every.unit is not None
        spans = _div(budget.convert(length, self.every.unit, self.every.scope).value, self.every.value)
        return _floor(_mul(spans, self.ticks))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rate) and (self.every, self.ticks) == (other.every, other.ticks)

    def __hash__(self) -> int:
        return hash((self.every, self.ticks))

    def __str__(self) -> str:
        assert self.every.unit is not None
        if self.ticks != 1:
            return f"{self.ticks} per {self.every.unit if self.every.value == 1 else self.every}"
        return f"every {self.every.unit if self.every.value == 1 else self.every}"

    def __repr__(self) -> str:
        return f"Rate({self.every!r}, {self.ticks!r})"


class MissingFact(LrightError):
    """A conversion needs something nobody gave. ``fact`` names it as an argument of :class:`Budget`."""

    def __init__(self, fact: str, why: str) -> None:
        super().__init__(f"{why}: give {_HOW[fact]}")
        self.fact = fact


_HOW = {
    "total": "the length of the training: Budget('90ep'), Budget(updates=...), or --epochs 90",
    "batches_per_epoch": "batches_per_epoch= (--steps-per-epoch), or dataset= and batch_size= "
    "(--samples, --batch-size)",
    "batch_size": "batch_size= (--batch-size)",
    "tokens_per_sample": "tokens_per_sample= (the sequence length)",
}


def _purpose(asked: Length, unit: Unit, fact: str) -> str:
    return f"to turn {asked} into {plural(unit)}, {fact} must be known"


class Row(NamedTuple):
    """A line of :meth:`Budget.table`. ``origin`` is given, derived or assumed; ``how`` says from what."""

    quantity: str
    value: Number
    unit: str
    origin: str
    how: str


class Pace(NamedTuple):
    """One of a unit takes ``numerator / denominator`` of ``base``, epochs or batches (a pair stays exact)."""

    numerator: Number
    denominator: Number
    base: Unit


_REMAINDER_TEXT = {
    "carry": "carried into the next epoch",
    "drop": "dropped",
    "flush": "flushed in an update of their own",
}
_COUNTS = ("batches_per_epoch", "dataset", "batch_size", "accumulate", "processes", "tokens_per_sample")


class Budget:
    """How long a training is and how its units convert.

    :param total: the whole training as a length ("90ep", "10k updates", "2e9tok"); ``epochs``, ``updates``,
        ``samples`` and ``tokens`` are short forms of it, and only one may be given.
    :param batches_per_epoch: micro-batches of one epoch in each process, as ``len(loader)`` is there; or
    :param dataset: samples in the data set, from which they follow with ``batch_size``.
    :param batch_size: samples of a micro-batch, per process unless ``batch_scope`` is "global".
    :param drop_last: whether the last, smaller batch of an epoch is dropped (assumed: no).
    :param accumulate: micro-batches per optimizer update, >= 1 (assumed: 1).
    :param remainder: what becomes of an epoch's last ``batches mod accumulate`` batches: ``carry`` them
        into the next epoch, ``drop`` them, or ``flush`` them in an update of their own (assumed: carry).
    :param processes: data-parallel processes, >= 1 (assumed: 1). A data set is split as DistributedSampler
        does: each process gets ``ceil(dataset / processes)`` samples.
    :param tokens_per_sample: tokens in one sample.
    :param validate_every: the time between validations (assumed: one epoch).

    Every number may be symbolic. A conversion goes at the average pace of whole epochs, so it is exact at
    epoch boundaries, additive and invertible in between.
    """

    __slots__ = (
        "total", "batches_per_epoch", "dataset", "batch_size", "batch_scope", "drop_last", "accumulate",
        "remainder", "processes", "tokens_per_sample", "validate_every", "_assumed",
    )  # fmt: skip

    def __init__(
        self,
        total: Length | str | None = None,
        *,
        epochs: Number | None = None,
        updates: Number | None = None,
        samples: Number | None = None,
        tokens: Number | None = None,
        batches_per_epoch: Number | None = None,
        dataset: Number | None = None,
        batch_size: Number | None = None,
        batch_scope: Scope | str = Scope.PROCESS,
        drop_last: bool | None = None,
        accumulate: Number | None = None,
        remainder: str | None = None,
        processes: Number | None = None,
        tokens_per_sample: Number | None = None,
        validate_every: Length | str | None = None,
    ) -> None:
        short = {Unit.EPOCH: epochs, Unit.UPDATE: updates, Unit.SAMPLE: samples, Unit.TOKEN: tokens}
        self.total = _one_total(total, short)
        self.batches_per_epoch = batches_per_epoch
        self.dataset = dataset
        self.batch_size = batch_size
        self.batch_scope = Scope(batch_scope)
        self.drop_last = bool(drop_last)
        self.accumulate: Number = 1 if accumulate is None else accumulate
        self.remainder = remainder or "carry"
        self.processes: Number = 1 if processes is None else processes
        self.tokens_per_sample = tokens_per_sample
        self.validate_every = Length(1, Unit.EPOCH) if validate_every is None else as_length(validate_every)
        given = {
            "drop_last": drop_last, "accumulate": accumulate, "remainder": remainder,
            "processes": processes, "validate_every": validate_every,
        }  # fmt: skip
        self._assumed = frozenset(name for name, value in given.items() if value is None)
        self._check()

    def _check(self) -> None:
        if self.remainder not in ("carry", "drop", "flush"):
            raise LrightError(f"remainder={self.remainder!r} is unknown: write carry, drop or flush")
        for name in _COUNTS:
            value: Number | None = getattr(self, name)
            if not isinstance(value, (Expr, type(None))) and not value > 0:
                raise LrightError(f"{name}={value} makes no sense: it must be greater than 0")
        if self.total is not None and self.total.is_fraction:
            raise LrightError(f"the training cannot be {self.total} of itself: give epochs, updates, ...")
        every = self.validate_every
        if every.is_fraction and self.total is None:
            raise MissingFact("total", f"a validation every {every} needs the whole")
        if every.unit is Unit.VALIDATION or (not isinstance(every.value, Expr) and not every.value > 0):
            raise LrightError(f"validate_every='{every}' makes no sense: write '1ep', '500 updates', ...")
        if not isinstance(self.updates_per_epoch, (Expr, type(None))) and self.updates_per_epoch == 0:
            raise LrightError(
                f"no update ever happens: an epoch of {self.batch_count} batches is dropped before "
                f"{self.accumulate} are gathered; use remainder='flush' or a smaller accumulate"
            )

    # What one epoch holds. None where it is not known.

    @property
    def samples_per_batch(self) -> Number | None:
        """Samples in a micro-batch of one process."""
        if self.batch_size is None or self.batch_scope is Scope.PROCESS:
            return self.batch_size
        return _div(self.batch_size, self.processes)

    @property
    def batch_count(self) -> Number | None:
        """Micro-batches per epoch in each process."""
        if self.batches_per_epoch is not None:
            return self.batches_per_epoch
        size = self.samples_per_batch
        if self.dataset is None or size is None:
            return None
        share = _ceil(_div(self.dataset, self.processes))
        return _floor(_div(share, size)) if self.drop_last else _ceil(_div(share, size))

    @property
    def updates_per_epoch(self) -> Number | None:
        """Optimizer updates per epoch; a fraction where leftover batches are carried into the next epoch."""
        batches = self.batch_count
        if batches is None:
            return None
        ratio = _div(batches, self.accumulate)
        if self.remainder == "carry":
            return ratio
        return _floor(ratio) if self.remainder == "drop" else _ceil(ratio)

    @property
    def samples_per_epoch(self) -> Number | None:
        """Samples per epoch that all processes see together."""
        batches, size = self.batch_count, self.samples_per_batch
        if self.dataset is not None and not (self.drop_last and batches is not None and size is not None):
            return _mul(_ceil(_div(self.dataset, self.processes)), self.processes)
        if batches is None or size is None:
            return None
        return _mul(_mul(batches, size), self.processes)

    # Conversion.

    def convert(self, length: Length, unit: Unit, scope: Scope | None = None) -> Length:
        """``length`` counted in ``unit``: a real number, not rounded, symbolic where something is.

        Raises :class:`MissingFact` naming what is not known and how to give it.
        """
        if length.is_fraction:
            if self.total is None:
                raise MissingFact("total", f"{length} of the training in {plural(unit)} needs its length")
            length = self.total * length.value
        target = Length(1, unit, scope)
        if (length.unit, length.scope) == (target.unit, target.scope):
            return length
        source = self._pace(length, length, unit)
        wanted = self._pace(target, length, unit)
        if source.base is not wanted.base:
            source, wanted = (self._in_batches(pace, length, unit) for pace in (source, wanted))
        over = _mul(_mul(length.value, source.numerator), wanted.denominator)
        return Length(_div(over, _mul(source.denominator, wanted.numerator)), unit, scope)

    def _pace(self, length: Length, asked: Length, unit: Unit) -> Pace:
        """How much of an epoch or a batch one of ``length``'s unit takes."""
        kind, everybody = length.unit, length.scope is Scope.GLOBAL
        if kind is Unit.EPOCH:
            return Pace(1, 1, Unit.EPOCH)
        if kind is Unit.BATCH:
            return Pace(1, self.processes if everybody else 1, Unit.BATCH)
        if kind is Unit.UPDATE:
            per_epoch, batches = self.updates_per_epoch, self.batch_count
            if self.remainder == "carry" or per_epoch is None or batches is None:
                return Pace(self.accumulate, 1, Unit.BATCH)
            return Pace(batches, per_epoch, Unit.BATCH)
        if kind is Unit.VALIDATION:
            every = self.validate_every
            if every.is_fraction and self.total is not None:
                every = self.total * every.value
            inner = self._pace(every, asked, unit)
            return Pace(_mul(inner.numerator, every.value), inner.denominator, inner.base)
        pace = self._sample_pace(asked, unit)
        denominator = pace.denominator if everybody else _div(pace.denominator, self.processes)
        if kind is Unit.TOKEN:
            if self.tokens_per_sample is None:
                raise MissingFact("tokens_per_sample", _purpose(asked, unit, "the tokens of a sample"))
            denominator = _mul(denominator, self.tokens_per_sample)
        return Pace(pace.numerator, denominator, pace.base)

    def _sample_pace(self, asked: Length, unit: Unit) -> Pace:
        """Of one sample of all processes."""
        per_epoch, size = self.samples_per_epoch, self.samples_per_batch
        if per_epoch is not None:
            return Pace(1, per_epoch, Unit.EPOCH)
        if size is None:
            raise MissingFact("batch_size", _purpose(asked, unit, "the samples of a batch"))
        return Pace(1, _mul(size, self.processes), Unit.BATCH)

    def _in_batches(self, pace: Pace, asked: Length, unit: Unit) -> Pace:
        if pace.base is Unit.BATCH:
            return pace
        batches = self.batch_count
        if batches is None:
            raise MissingFact("batches_per_epoch", _purpose(asked, unit, "the length of an epoch"))
        return Pace(_mul(pace.numerator, batches), pace.denominator, Unit.BATCH)

    @property
    def updates(self) -> int:
        """The optimizer updates of the whole training, whole ones.

        Raises :class:`MissingFact` where they cannot be known, :class:`LrightError` where they are symbolic.
        """
        return _floor_number(self.convert(Length(1, None), Unit.UPDATE).number)

    def bind(self, values: Mapping[str, Scalar]) -> Budget:
        """The same budget with symbols replaced by their values."""
        made = object.__new__(Budget)
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, Length):
                value = value.bind(values)
            elif isinstance(value, Expr):
                value = _bound(value, values)
            setattr(made, name, value)
        made._check()
        return made

    def table(self) -> list[Row]:
        """What is known about the training: one row a quantity, with where it comes from."""
        return list(self._rows())

    def _rows(self) -> Iterator[Row]:
        if self.total is not None and self.total.unit is not None:
            yield Row("training", self.total.value, plural(self.total.unit), "given", "")
        if self.dataset is not None:
            yield Row("data set", self.dataset, "samples", "given", "")
        if self.batch_size is not None:
            where = "per process" if self.batch_scope is Scope.PROCESS else "over all processes"
            yield Row("batch size", self.batch_size, f"samples {where}", "given", "")
        yield Row("processes", self.processes, "processes", self._origin("processes"), "")
        if self.batch_count is not None:
            origin = "derived" if self.batches_per_epoch is None else "given"
            yield Row("epoch", self.batch_count, "batches per process", origin, self._batches_text())
        yield Row("accumulation", self.accumulate, "batches per update", self._origin("accumulate"), "")
        if self.updates_per_epoch is not None:
            yield Row("epoch", self.updates_per_epoch, "updates", "derived", self._remainder_text())
        every = self.validate_every
        unit = "of the whole" if every.unit is None else plural(every.unit)
        yield Row("validation every", every.value, unit, self._origin("validate_every"), "")
        if self.total is not None and self.total.unit is not Unit.UPDATE:
            try:
                total = self.convert(self.total, Unit.UPDATE).value
            except MissingFact:  # then the table simply has no such row
                return
            yield Row("training", _floor(total), "updates", "derived", "the above together")

    def _batches_text(self) -> str:
        if self.batches_per_epoch is not None:
            return ""
        share = "data set" if self.processes == 1 else "ceil(data set / processes)"
        assumed = ", assumed" if "drop_last" in self._assumed else ""
        rounding = "floor" if self.drop_last else "ceil"
        return f"{rounding}({share} / batch size), drop_last={self.drop_last}{assumed}"

    def _origin(self, name: str) -> str:
        return "assumed" if name in self._assumed else "given"

    def _remainder_text(self) -> str:
        batches = self.batch_count
        if isinstance(batches, Expr) or isinstance(self.accumulate, Expr) or batches is None:
            return f"remainder: {self.remainder}"
        left = batches % self.accumulate
        if not left:
            return "batches / accumulation"
        assumed = " (assumed)" if "remainder" in self._assumed else ""
        return f"batches / accumulation, {_tidy(left)} left over {_REMAINDER_TEXT[self.remainder]}{assumed}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Budget) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__[:-1])

    def __repr__(self) -> str:
        parts = [] if self.total is None else [f"{str(self.total)!r}"]
        for name in self.__slots__[1:-1]:
            value = getattr(self, name)
            if value is None or name in self._assumed or value is Scope.PROCESS:
                continue
            text = str(value) if isinstance(value, (Length, Scope)) else value
            parts.append(f"{name}={text!r}")
        return f"Budget({', '.join(parts)})"


def _one_total(total: Length | str | None, short: Mapping[Unit, Number | None]) -> Length | None:
    given = [Length(value, unit) for unit, value in short.items() if value is not None]
    if total is not None:
        given.append(as_length(total))
    if len(given) > 1:
        raise LrightError(f"the training is given twice, as {given[0]} and as {given[1]}: give one of them")
    if given and not isinstance(given[0].value, Expr) and not given[0].value > 0:
        raise LrightError(f"a training of {given[0]} has no length: it must be greater than 0")
    return given[0] if given else None


# Arithmetic that keeps whole numbers whole and works on symbols alike.


def _tidy(value: Number) -> Number:
    if isinstance(value, Lit) and isinstance(value.value, (int, float)):
        value = value.value
    if isinstance(value, Expr):
        return value
    if not math.isfinite(value):
        raise LrightError(f"{value} is no length of training")
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _add(a: Number, b: Number) -> Number:
    return a + b


def _mul(a: Number, b: Number) -> Number:
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a * b
    if a == 1:
        return b
    return a if b == 1 else op("*", a, b)


def _div(a: Number, b: Number) -> Number:
    if isinstance(a, int) and isinstance(b, int):
        return a // b if a % b == 0 else a / b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a / b
    return a if b == 1 else op("/", a, b)


# A quotient such as 0.07 * 300 may miss the whole number it stands for by a rounding error.
_EXACT = 1e-9


def _floor(a: Number) -> Number:
    return op("floor", a) if isinstance(a, Expr) else _floor_number(a)


def _floor_number(a: float) -> int:
    return math.floor(a + _EXACT * max(1.0, abs(a) * 1e-3)) if isinstance(a, float) else a


def _ceil(a: Number) -> Number:
    if isinstance(a, Expr):
        return op("ceil", a)
    return math.ceil(a - _EXACT * max(1.0, abs(a) * 1e-3)) if isinstance(a, float) else a


def _bound(expr: Expr, values: Mapping[str, Scalar]) -> Number:
    from .quantity import substitute

    known = {name: Lit(value) for name, value in values.items()}
    return _tidy(substitute(expr, known))
