"""What people write in a schedule: values, lengths of phases, budgets."""

from __future__ import annotations

from typing import NamedTuple, Union

from ..clock import Budget, Length, as_length
from ..errors import LrightError


class Absolute:
    """A value that is an LR (or momentum, ...) itself rather than a multiple of the peak.

    >>> from lright.schedule.constructors import cosine
    >>> cosine(to=Absolute(1e-5)) == cosine(to="1e-5 abs")
    True
    """

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = finite(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Absolute) and self.value == other.value

    def __hash__(self) -> int:
        return hash((Absolute, self.value))

    def __str__(self) -> str:
        return f"{value_text(self.value)} abs"

    def __repr__(self) -> str:
        return f"Absolute({value_text(self.value)})"


class Share:
    """A phase's share of what the phases with a length leave: two phases of ``Share(1)`` halve it.

    >>> from lright.schedule.constructors import hold, linear
    >>> print(linear(Share(2), to=0.5) >> hold(Share(1)))
    linear to 0.5 over 2 shares > hold 1 share
    """

    __slots__ = ("weight",)

    def __init__(self, weight: float) -> None:
        self.weight = finite(weight)
        if not self.weight > 0:
            raise LrightError(f"a share of {weight} is no share: it must be greater than 0")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Share) and self.weight == other.weight

    def __hash__(self) -> int:
        return hash((Share, self.weight))

    def __str__(self) -> str:
        return f"{value_text(self.weight)} share{'' if self.weight == 1 else 's'}"

    def __repr__(self) -> str:
        return f"Share({value_text(self.weight)})"


class Point(NamedTuple):
    """A point of a piecewise schedule: where (from the beginning of its phase) and the value there."""

    at: Length
    value: Value


Value = Union[float, Absolute]
Extent = Union[Length, Share, None]


def as_extent(value: object) -> Extent:
    """A length, a share, or None from what a person may write for them."""
    if value is None or isinstance(value, (Length, Share)):
        return value
    if isinstance(value, str):
        words = value.split()
        if len(words) == 2 and words[1] in ("share", "shares"):
            return Share(as_number("a share", words[0]))
    length = as_length(value)  # type: ignore[arg-type]
    if isinstance(length.value, (int, float)) and length.value < 0:
        raise LrightError(f"a phase cannot last {length}")
    return length


def as_value(value: object) -> Value:
    """A multiple of the peak or an absolute value from what a person may write: 0.1, "10%", "1e-5 abs".

    >>> as_value("10%"), as_value("1e-5 abs")
    (0.1, Absolute(1e-05))
    """
    if isinstance(value, Absolute):
        return value
    if isinstance(value, str):
        text = value.strip()
        if text.endswith("abs"):
            return Absolute(as_number("a value", text[:-3]))
        if text.endswith("%"):
            return float(as_number("a value", f"{text[:-1]}e-2"))
    return as_number("a value", value)


def as_number(what: str, value: object) -> float:
    """A finite float; the error names ``what`` it is for."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise LrightError(f"{what}: {value!r} is no number") from None
    return finite(number)


def finite(value: float) -> float:
    """``value`` as a float, if it is finite."""
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise LrightError(f"{value!r} is no value for a schedule: it must be finite")
    return number + 0.0  # -0.0 and 0.0 are one value and read the same


def as_budget(budget: Budget | Length | str | int) -> Budget:
    """A budget from what a person may write for it: "90ep", or a number of updates."""
    if isinstance(budget, Budget):
        return budget
    return Budget(updates=budget) if isinstance(budget, int) else Budget(budget)


def value_text(value: object) -> str:
    """A number as short as it can be without losing anything: 0 rather than 0.0.

    >>> value_text(0.0), value_text(0.1), value_text(1e-05)
    ('0', '0.1', '1e-05')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
