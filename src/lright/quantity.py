"""Numbers that know what they count: symbolic expressions with the dimensions of training time.

A training script rarely says how long an epoch is. It says ``epochs * len(loader)``, and although nobody knows
the number, its unit is certain: batches. This module holds both halves of that: :class:`Expr` is a small symbolic
expression (evaluated when the symbols get values), :class:`Dimension` is its unit as exponents of the units of
training time. ``len(loader)`` is *batches per epoch*, an accumulation factor is *batches per update*, a batch size is
*samples per batch*: multiplying and dividing them is dimensional analysis, and most scheduling bugs are unit errors.

>>> epochs, per_epoch = Sym("epochs"), Sym("len(loader)")
>>> units = {"epochs": EPOCHS, "len(loader)": BATCHES_PER_EPOCH}
>>> total = epochs * per_epoch
>>> print(total, "counts", dimension(total, units))
epochs * len(loader) counts batch
>>> total.evaluate({"epochs": 90, "len(loader)": 391})
35190
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from enum import Enum

from .errors import LrightError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Scalar = Union[int, float, str, bool, None]
else:  # typing is slow to import, and annotations are not evaluated
    Scalar = object


MAX_BITS = 1000  # whole numbers beyond this are no quantities, and no floats either


class Unit(str, Enum):
    """What training time is counted in."""

    EPOCH = "epoch"
    BATCH = "batch"  # a micro-batch: one forward and backward pass
    UPDATE = "update"  # one optimizer step
    SAMPLE = "sample"
    TOKEN = "token"
    VALIDATION = "validation"
    PROCESS = "process"

    def __str__(self) -> str:
        return self.value


class DimensionError(LrightError):
    """Two quantities of different units were added, subtracted or compared."""


class Unbound(LrightError):
    """An expression was evaluated while one of its symbols has no value. ``name`` is the symbol."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the value of {name} is not known")
        self.name = name


# What an evaluation raises where a value is unknown, makes no sense, or is not worth its computation.
FAILURES = (LrightError, ArithmeticError, TypeError, ValueError, AttributeError, RecursionError)


class Dimension:
    """A product of powers of units, e.g. batch/epoch. Immutable, hashable.

    >>> print(BATCHES_PER_EPOCH * EPOCHS)
    batch
    """

    __slots__ = ("powers",)

    def __init__(self, powers: Mapping[Unit, int] | None = None) -> None:
        kept = {unit: power for unit, power in (powers or {}).items() if power}
        self.powers: tuple[tuple[Unit, int], ...] = tuple(sorted(kept.items(), key=lambda item: item[0].value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dimension) and self.powers == other.powers

    def __hash__(self) -> int:
        return hash(self.powers)

    def __mul__(self, other: Dimension) -> Dimension:
        return self._combine(other, 1)

    def __truediv__(self, other: Dimension) -> Dimension:
        return self._combine(other, -1)

    def _combine(self, other: Dimension, sign: int) -> Dimension:
        powers = dict(self.powers)
        for unit, power in other.powers:
            powers[unit] = powers.get(unit, 0) + sign * power
        return Dimension(powers)

    @property
    def unit(self) -> Unit | None:
        """The single unit this counts, or None for ratios and pure numbers."""
        if len(self.powers) == 1 and self.powers[0][1] == 1:
            return self.powers[0][0]
        return None

    def power(self, unit: Unit) -> int:
        """The exponent of ``unit`` (0 where it does not occur)."""
        return dict(self.powers).get(unit, 0)

    def __str__(self) -> str:
        over = [u.value if p == 1 else f"{u.value}^{p}" for u, p in self.powers if p > 0]
        under = [u.value if p == -1 else f"{u.value}^{-p}" for u, p in self.powers if p < 0]
        text = " ".join(over) or "1"
        return f"{text}/{'/'.join(under)}" if under else text

    def __repr__(self) -> str:
        return f"Dimension({self})"


PURE = Dimension()
EPOCHS = Dimension({Unit.EPOCH: 1})
BATCHES = Dimension({Unit.BATCH: 1})
UPDATES = Dimension({Unit.UPDATE: 1})
SAMPLES = Dimension({Unit.SAMPLE: 1})
PROCESSES = Dimension({Unit.PROCESS: 1})
BATCHES_PER_EPOCH = BATCHES / EPOCHS
SAMPLES_PER_EPOCH = SAMPLES / EPOCHS
SAMPLES_PER_BATCH = SAMPLES / BATCHES
BATCHES_PER_UPDATE = BATCHES / UPDATES


class Expr:
    """A symbolic scalar. Build with :class:`Lit`, :class:`Sym` and the Python operators."""

    __slots__ = ()

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        """The value under ``values`` (symbol name to value).

        Raises :class:`Unbound` for a symbol without a value and the ordinary arithmetic errors (ZeroDivisionError,
        OverflowError, ...) where Python itself would.
        """
        raise NotImplementedError

    def symbols(self) -> Iterator[str]:
        """The names of the symbols in it, in reading order, repeated as they occur."""
        return iter(())

    def substituted(self, replacements: Mapping[str, Expr]) -> Expr:
        """A copy with symbols replaced."""
        return self

    def number(self, values: Mapping[str, Scalar]) -> float | None:
        """The value as a finite number, or None where it is unknown, not a number, or fails to compute."""
        try:
            value = self.evaluate(values)
        except (Unbound, ArithmeticError, TypeError, ValueError):
            return None
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return value if isinstance(value, int) and value.bit_length() <= MAX_BITS else None

    def __add__(self, other: Expr | Scalar) -> Expr:
        return op("+", self, other)

    def __radd__(self, other: Scalar) -> Expr:
        return op("+", other, self)

    def __sub__(self, other: Expr | Scalar) -> Expr:
        return op("-", self, other)

    def __rsub__(self, other: Scalar) -> Expr:
        return op("-", other, self)

    def __mul__(self, other: Expr | Scalar) -> Expr:
        return op("*", self, other)

    def __rmul__(self, other: Scalar) -> Expr:
        return op("*", other, self)

    def __truediv__(self, other: Expr | Scalar) -> Expr:
        return op("/", self, other)

    def __floordiv__(self, other: Expr | Scalar) -> Expr:
        return op("//", self, other)

    def __mod__(self, other: Expr | Scalar) -> Expr:
        return op("%", self, other)

    def __pow__(self, other: Expr | Scalar) -> Expr:
        return op("**", self, other)

    def __neg__(self) -> Expr:
        return op("neg", self)


class Lit(Expr):
    """A constant."""

    __slots__ = ("value",)

    def __init__(self, value: Scalar) -> None:
        self.value = value

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        return self.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lit) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))

    def __str__(self) -> str:
        return repr(self.value)

    __repr__ = __str__


class Sym(Expr):
    """A named value. ``name`` is its identity, ``text`` how the script writes it."""

    __slots__ = ("name", "text")

    def __init__(self, name: str, text: str | None = None) -> None:
        self.name = name
        self.text = text or name

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        try:
            return values[self.name]
        except KeyError:
            raise Unbound(self.name) from None

    def symbols(self) -> Iterator[str]:
        yield self.name

    def substituted(self, replacements: Mapping[str, Expr]) -> Expr:
        return replacements.get(self.name, self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sym) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


MAX_TEXT = 10_000


def _power(base: float, exponent: float) -> float:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > 100_000:
        return math.pow(base, exponent)  # keeps a hostile 10 ** 10 ** 10 from filling memory
    return base**exponent  # type: ignore[no-any-return]


def _times(first: float | str, second: float | str) -> float | str:
    for text, times in ((first, second), (second, first)):
        if isinstance(text, str) and isinstance(times, int) and len(text) * times > MAX_TEXT:
            raise ValueError("a text that long is not worked out")
    return first * second  # type: ignore[operator]


def _int(value: float | str) -> int:
    return int(value)


_APPLY: dict[str, Callable[..., Scalar]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": _times,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": _power,
    "neg": operator.neg,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "not": operator.not_,
    "in": lambda item, text: item in text,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "int": _int,
    "float": float,
    "str": str,
    "bool": bool,
    "abs": abs,
    "min": min,
    "max": max,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "tanh": math.tanh,
    "radians": math.radians,
    "divmod0": lambda a, b: divmod(a, b)[0],
    "lower": str.lower,
    "upper": str.upper,
    "strip": str.strip,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "is": lambda a, b: a is b or (isinstance(a, bool) and isinstance(b, bool) and a == b),
}
_LAZY = frozenset(("and", "or", "if"))
OPERATIONS = frozenset(_APPLY) | _LAZY

_COMPARISONS = frozenset(("<", "<=", ">", ">=", "==", "!="))
_BINARY_RANK = {
    "if": 0, "or": 1, "and": 2, "not": 3,
    "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "in": 4, "is": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "neg": 7, "**": 8,
}  # fmt: skip


class Op(Expr):
    """An operation on expressions; ``name`` is one of :data:`OPERATIONS`."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, args: tuple[Expr, ...]) -> None:
        self.name = name
        self.args = args

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        if self.name in _LAZY:
            return self._evaluate_lazy(values)
        return _APPLY[self.name](*(arg.evaluate(values) for arg in self.args))

    def _evaluate_lazy(self, values: Mapping[str, Scalar]) -> Scalar:
        """Short-circuits; an unknown operand does not matter where the other one decides (False and unknown)."""
        if self.name == "if":
            test, then, otherwise = self.args
            return then.evaluate(values) if test.evaluate(values) else otherwise.evaluate(values)
        deciding = self.name == "or"
        unknown: Unbound | None = None
        value: Scalar = None
        for arg in self.args:
            try:
                value = arg.evaluate(values)
            except Unbound as error:
                unknown = unknown or error
                continue
            if bool(value) is deciding:
                return value
        if unknown is not None:
            raise unknown
        return value

    def symbols(self) -> Iterator[str]:
        for arg in self.args:
            yield from arg.symbols()

    def substituted(self, replacements: Mapping[str, Expr]) -> Expr:
        return op(self.name, *(arg.substituted(replacements) for arg in self.args))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Op) and self.name == other.name and self.args == other.args

    def __hash__(self) -> int:
        return hash((self.name, self.args))

    def __str__(self) -> str:
        rank = _BINARY_RANK.get(self.name)
        if rank is None:
            return f"{self.name}({', '.join(map(str, self.args))})"
        if self.name == "if":
            test, then, otherwise = (_wrapped(arg, 1) for arg in self.args)
            return f"{then} if {test} else {otherwise}"
        if len(self.args) == 1:
            return ("not " if self.name == "not" else "-") + _wrapped(self.args[0], rank)
        sides = [_wrapped(arg, rank + (1 if place else 0)) for place, arg in enumerate(self.args)]
        return f" {self.name} ".join(sides)

    __repr__ = __str__


def _wrapped(expr: Expr, rank: int) -> str:
    text = str(expr)
    if isinstance(expr, Op):
        inner = _BINARY_RANK.get(expr.name, 9)
    else:
        inner = _BINARY_RANK["neg"] if text.startswith("-") else 9
    return f"({text})" if inner < rank else text


def as_expr(value: Expr | Scalar) -> Expr:
    """``value`` itself, or a constant holding it."""
    return value if isinstance(value, Expr) else Lit(value)


def op(name: str, *args: Expr | Scalar) -> Expr:
    """An operation, folded when every argument is a constant and the result can be computed.

    >>> print(op("+", 1, 2), op("*", 2, Sym("n")))
    3 2 * n
    """
    made = Op(name, tuple(as_expr(arg) for arg in args))
    if all(isinstance(arg, Lit) for arg in made.args):
        try:
            return Lit(made.evaluate({}))
        except (ArithmeticError, TypeError, ValueError, AttributeError):
            return made
    return made


def dimension(expr: Expr, units: Mapping[str, Dimension]) -> Dimension | None:
    """The dimension of ``expr`` when its symbols have the dimensions ``units``; None where that is not known.

    A bare number has no dimension of its own: as a factor it scales, as a term it adopts the unit of the other one.
    Terms of two different units make the result unknown; :func:`clashes` finds them.
    """
    if isinstance(expr, Sym):
        return units.get(expr.name)
    if not isinstance(expr, Op):
        return None
    name = expr.name
    if name in ("*", "/", "//", "divmod0"):
        return _product(expr, units)
    if name in ("+", "-", "%", "min", "max"):
        known = {d for d in (dimension(arg, units) for arg in expr.args) if d is not None}
        return known.pop() if len(known) == 1 else None
    if name in ("ceil", "floor", "round", "int", "float", "abs", "neg"):
        return dimension(expr.args[0], units)
    if name == "if":
        known = {d for d in (dimension(arg, units) for arg in expr.args[1:]) if d is not None}
        return known.pop() if len(known) == 1 else None
    return None


def _product(expr: Op, units: Mapping[str, Dimension]) -> Dimension | None:
    left, right = (dimension(arg, units) for arg in expr.args)
    if left is None and right is None:
        return None
    if (left is None and not _bare(expr.args[0])) or (right is None and not _bare(expr.args[1])):
        return None
    left, right = left or PURE, right or PURE
    return left * right if expr.name == "*" else left / right


def _bare(expr: Expr) -> bool:
    return next(expr.symbols(), None) is None


def clashes(expr: Expr, units: Mapping[str, Dimension]) -> Iterator[tuple[Op, Dimension, Dimension]]:
    """The sums and comparisons inside ``expr`` whose sides count different things."""
    if not isinstance(expr, Op):
        return
    if expr.name in ("+", "-", "min", "max", "%") or expr.name in _COMPARISONS:
        known = [d for d in (dimension(arg, units) for arg in expr.args) if d is not None]
        for first, second in zip(known, known[1:]):
            if first != second:
                yield expr, first, second
    for arg in expr.args:
        yield from clashes(arg, units)


def substitute(expr: Expr, replacements: Mapping[str, Expr]) -> Expr:
    """``expr`` with symbols replaced."""
    return expr.substituted(replacements)
