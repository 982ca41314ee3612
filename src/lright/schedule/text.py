"""The text form of schedules: ``warmup 5ep > hold > cosine to 0 over 20%``.

The grammar (blanks separate words; ``{...}`` repeats, ``[...]`` may be left out)::

    schedule  =  product { ">" product } [ ">" ( "cycle" | "error" ) ]
    product   =  factor { "*" factor }
    factor    =  "(" schedule ")"  |  phase
    phase     =  shape { clause }
    clause    =  [ "over" ] extent  |  "to" value  |  "from" value  |  parameter argument
    extent    =  length  |  number ( "share" | "shares" )
    length    =  number unit        5ep, 300 batches, 2k updates, 1.5M samples, 2e9tok, 2%
    value     =  number [ "%" | "abs" ]     a multiple of the peak, or an absolute value

The shapes and their parameters are those of :mod:`lright.schedule.shapes`; lists (``at 30ep, 60ep``) are
separated by commas, points are written ``points 0ep: 0.1, 5ep: 1, 90ep: 0``, ``hold`` takes ``at value``.
Without ``> cycle`` or ``> error`` the last value is held past the end. ``constant 0.5``, ``decay 20% shape
1-sqrt``, ``one-cycle 30%`` and ``wsd 2% 20%`` are read as what they stand for.

>>> print(parse("warmup 5 epochs > cosine to 0.1 > cycle"))
warmup 5ep > cosine to 0.1 > cycle
>>> parse("warmup 5ep > cosin to 0")
Traceback (most recent call last):
...
lright.schedule.text.ScheduleSyntaxError: column 14: 'cosin' is no shape: did you mean cosine?
  warmup 5ep > cosin to 0
               ^
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

from ..clock import Length, scan_length
from ..errors import LrightError
from .constructors import decay, one_cycle, wsd
from .metric import DEFAULT_EVERY, METRIC_DEFAULTS, MetricFactor, make_metric
from .phases import Phase, Product, Schedule, Sequence, make, product, sequence
from .shapes import SHAPES, Kind
from .values import Share, Value, as_value, value_text

Built = TypeVar("Built")
_SUGAR = ("constant", "decay", "one-cycle", "wsd")


class ScheduleSyntaxError(LrightError):
    """A schedule text that cannot be read. ``column`` counts from 1."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        shown = text.replace("\n", " ").replace("\t", " ")
        super().__init__(f"column {position + 1}: {problem}\n  {shown}\n  {' ' * position}^")
        self.column = position + 1
        self.problem = problem


def parse(text: str) -> Schedule:
    """The schedule that ``text`` describes; :class:`ScheduleSyntaxError` says what is wrong, and where."""
    reader = _Reader(text)
    schedule = reader.schedule()
    if reader.more():
        reader.fail(f"{reader.rest()!r} does not belong here: phases are joined with > and multiplied with *")
    return schedule


def to_text(schedule: Schedule) -> str:
    """The text form of ``schedule``, which :func:`parse` reads back as an equal one."""
    if isinstance(schedule, Sequence):
        text = " > ".join(to_text(part) for part in schedule.parts)
        return text if schedule.end == "hold" else f"{text} > {schedule.end}"
    if isinstance(schedule, Product):
        factors = (f"({f})" if isinstance(f, Sequence) else to_text(f) for f in schedule.factors)
        return " * ".join(factors)
    if isinstance(schedule, MetricFactor):
        words = [schedule.name]
        if schedule.every != DEFAULT_EVERY:
            words.append(f"every {schedule.every}")
        defaults = METRIC_DEFAULTS[schedule.name]
        words += [f"{key} {value_text(value)}" for key, value in schedule.params if value != defaults[key]]
        return " ".join(words)
    assert isinstance(schedule, Phase)
    return _phase_text(schedule)


def _phase_text(phase: Phase) -> str:
    name = phase.shape.name
    brief = name in ("warmup", "hold")  # their length needs no "over"
    words = [name]
    if name == "points":
        words.append(", ".join(f"{point.at}: {value_text(point.value)}" for point in phase.param("points")))
    if brief and phase.length is not None:
        words.append(str(phase.length))
    if phase.to is not None and not (name == "warmup" and phase.to == 1):
        words.append(f"to {value_text(phase.to)}")
    if phase.start is not None:
        words.append(f"{'at' if name == 'hold' else 'from'} {value_text(phase.start)}")
    for key, value in phase.params:
        if key != "points" and value != phase.shape.defaults.get(key, phase):
            items = value if isinstance(value, tuple) else (value,)
            words.append(f"{key} {', '.join(value_text(item) for item in items)}")
    if not brief and phase.length is not None:
        words.append(f"over {phase.length}")
    return " ".join(words)


class _Reader:
    """Reads a schedule text from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def fail(self, problem: str, position: int | None = None) -> NoReturn:
        raise ScheduleSyntaxError(self.text, self.position if position is None else position, problem)

    # characters and words

    def more(self) -> bool:
        """Whether anything but blanks is left; skips the blanks."""
        while self.position < len(self.text) and self.text[self.position].isspace():
            self.position += 1
        return self.position < len(self.text)

    def rest(self) -> str:
        return self.text[self.position :].split(maxsplit=1)[0]

    def take(self, *signs: str) -> bool:
        """Moves past the first of ``signs`` that comes next, if any."""
        self.more()
        for sign in signs:
            if self.text.startswith(sign, self.position):
                self.position += len(sign)
                return True
        return False

    def word(self) -> str:
        """The next word of letters, digits, - and _, with - for _; empty where there is none."""
        self.more()
        end = self.position
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "-_"):
            end += 1
        found = self.text[self.position : end]
        self.position = end
        return found.replace("_", "-").lower()

    def peek(self) -> str:
        here = self.position
        found = self.word()
        self.position = here
        return found

    # the grammar

    def schedule(self) -> Schedule:
        parts, end = [self.product()], "hold"
        while self.take(">>", ">", "→"):
            self.more()
            start, last = self.position, self.peek()
            if last in ("cycle", "error"):
                self.word()
                end = last
                if self.more() and self.text[self.position] != ")":
                    self.fail(f"nothing can come after {last!r}: it says what happens past the end")
                break
            parts.append(self.product())
            self.checked(lambda: sequence(parts), start)
        return self.checked(lambda: sequence(parts, end), 0)

    def product(self) -> Schedule:
        self.more()
        start = self.position
        factors = [self.factor()]
        while self.take("*", "×"):
            factors.append(self.factor())
        return self.checked(lambda: product(factors), start)

    def factor(self) -> Schedule:
        if self.take("("):
            opened = self.position - 1
            inner = self.schedule()
            if not self.take(")"):
                self.fail("this parenthesis is never closed: add )", opened)
            return inner
        return self.phase()

    def phase(self) -> Schedule:
        if not self.more():
            self.fail("a phase is missing here: write a shape, such as cosine to 0")
        start = self.position
        name = self.word()
        if name in METRIC_DEFAULTS:
            return self.metric(name, start)
        if name in _SUGAR:
            return self.sugar(name, start)
        if name not in SHAPES:
            self.unknown(name, start)
        shape = SHAPES[name]
        slots: dict[str, object] = {"length": None, "from": None, "to": None}
        if name == "points":
            slots["points"] = self.many(self.point)
        first_word_is_start = "at" if name == "hold" else "from"
        while self.clause_follows():
            self.clause(name, slots, {first_word_is_start: "from", "to": "to", **{key: key for key in shape.params}})
        params = {key: slots[key] for key in shape.params if key in slots}
        return self.checked(lambda: make(name, slots["length"], slots["from"], slots["to"], **params), start)

    def clause_follows(self) -> bool:
        return self.more() and self.text[self.position] not in ">*×→)"

    def clause(self, name: str, slots: dict[str, object], keys: dict[str, str]) -> None:
        start = self.position
        if self.text[start].isdigit() or self.peek() in ("over", "for"):
            if not self.text[start].isdigit():
                self.word()
            if slots["length"] is not None:
                self.fail(f"{name} has a length already", start)
            slots["length"] = self.extent()
            return
        key = self.word()
        if key not in keys:
            known = [*keys, "over"]
            self.fail(f"{name} has no {key or self.rest()!r}: it takes {', '.join(known)}", start)
        slots[keys[key]] = self.argument(name, keys[key])

    def argument(self, name: str, key: str) -> object:
        if key in ("from", "to"):
            return self.value()
        kind = SHAPES[name].params[key]
        if kind is Kind.LENGTH:
            return self.length()
        if kind is Kind.LENGTHS:
            return self.many(self.length)
        if kind is Kind.SHAPE:
            return self.word()
        return self.number()

    def metric(self, name: str, start: int) -> Schedule:
        every, options = DEFAULT_EVERY, {}
        while self.clause_follows():
            here = self.position
            key = self.word().replace("-", "_")
            if key == "every":
                every = self.length()
            elif key not in METRIC_DEFAULTS[name]:
                self.fail(f"{name} has no {key!r}: it takes every, {', '.join(METRIC_DEFAULTS[name])}", here)
            else:
                options[key] = self.word() if isinstance(METRIC_DEFAULTS[name][key], str) else self.number()
        return self.checked(lambda: make_metric(name, every, options), start)

    def sugar(self, name: str, start: int) -> Schedule:
        if name == "constant":
            value = self.value() if self.clause_follows() else 1.0
            length = self.extent() if self.clause_follows() and self.take("over", "for") else None
            return make("hold", length, value, None)
        if name == "decay":
            return self.decay(start)
        lengths = []
        while self.clause_follows() and self.text[self.position].isdigit():
            lengths.append(self.length())
        if len(lengths) > (2 if name == "wsd" else 1):
            self.fail(f"{name} takes fewer lengths", start)
        if name == "one-cycle":
            return one_cycle(*lengths)
        return wsd(lengths[0] if lengths else "2%", lengths[1] if len(lengths) > 1 else "20%")

    def decay(self, start: int) -> Schedule:
        slots: dict[str, object] = {"length": None, "from": None, "to": 0.0, "shape": "linear"}
        while self.clause_follows():
            if self.peek() == "shape":
                self.word()
                slots["shape"] = self.word()
            else:
                self.clause("decay", slots, {"to": "to", "from": "from", "shape": "shape"})
        shape, to = str(slots["shape"]), as_value(slots["to"])
        return self.checked(lambda: decay(slots["length"], shape, to=to, start=slots["from"]), start)  # type: ignore[arg-type]

    # small things

    def extent(self) -> Length | Share:
        self.more()
        start = self.position
        number = self.number()
        if self.peek() in ("share", "shares"):
            self.word()
            return self.checked(lambda: Share(number), start)
        self.position = start
        return self.length()

    def length(self) -> Length:
        self.more()
        start = self.position
        try:
            length, self.position = scan_length(self.text, start)
        except LrightError as error:
            raise ScheduleSyntaxError(self.text, start, str(error)) from None
        return length

    def number(self) -> float:
        self.more()
        start = end = self.position
        while end < len(self.text) and (self.text[end].isdigit() or self.text[end] in "+-._eE"):
            if self.text[end] in "eE" and not _exponent(self.text, end):
                break
            end += 1
        try:
            number = float(self.text[start:end].replace("_", ""))
        except ValueError:
            self.fail(f"a number belongs here, not {self.rest() if self.more() else 'the end'!r}", start)
        self.position = end
        return number

    def value(self) -> Value:
        start = self.position
        number = self.number()
        written = self.text[start : self.position].strip()
        if self.take("%"):
            return self.checked(lambda: as_value(f"{written}%"), start)
        if self.peek() == "abs":
            self.word()
            return self.checked(lambda: as_value(f"{written} abs"), start)
        return self.checked(lambda: as_value(number), start)

    def point(self) -> tuple[Length, Value]:
        at = self.length()
        if not self.take(":"):
            self.fail(f"a point is written {at}: 0.5")
        return at, self.value()

    def many(self, one: Callable[[], object]) -> list[object]:
        items = [one()]
        while self.take(","):
            items.append(one())
        return items

    def unknown(self, name: str, start: int) -> NoReturn:
        from difflib import get_close_matches

        known: Iterable[str] = (*SHAPES, *METRIC_DEFAULTS, *_SUGAR)
        close = get_close_matches(name, list(known), 1)
        remedy = f"did you mean {close[0]}?" if close else f"use one of {', '.join(known)}"
        self.fail(f"{name or self.rest()!r} is no shape: {remedy}", start)

    def checked(self, build: Callable[[], Built], start: int) -> Built:
        """What ``build`` makes; its complaints get the column ``start``."""
        try:
            return build()
        except ScheduleSyntaxError:
            raise
        except LrightError as error:
            raise ScheduleSyntaxError(self.text, start, str(error)) from None


def _exponent(text: str, position: int) -> bool:
    """Whether the e at ``position`` is followed by an exponent, unlike the one of 5ep."""
    after = text[position + 1 : position + 3]
    return after[:1].isdigit() or (after[:1] in ("+", "-") and after[1:].isdigit())
