"""The shapes of learning-rate schedules, each written once, as in a textbook.

An *anneal* is a function of progress x in [0, 1] that goes from 0 to 1; its phase goes from its start value
to its ``to`` value along it. A *law* is a factor on the start value, a function of the time t (in updates)
since the phase began. A *swing* is like an anneal, but a function of t that comes back. ``m`` brings the
mathematics: :data:`SCALAR` for one number, :func:`arrays` for numpy arrays, so that the same formula serves
both.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from ..errors import LrightError

# A float, or a numpy array of them: whatever ``m`` computes with.
Real = Any
Maths = Any


class SCALAR:
    """Mathematics on single numbers, with the names that numpy uses."""

    pi = math.pi
    cos = staticmethod(math.cos)
    tanh = staticmethod(math.tanh)
    sqrt = staticmethod(math.sqrt)
    log = staticmethod(math.log)
    floor = staticmethod(math.floor)
    minimum = staticmethod(min)
    maximum = staticmethod(max)

    @staticmethod
    def count(marks: Sequence[float], t: float) -> int:
        """How many of the sorted ``marks`` are at or before ``t``."""
        return bisect_right(marks, t)

    @staticmethod
    def pick(values: Sequence[float], index: int) -> float:
        """The value at ``index``."""
        return values[index]


def arrays() -> Maths:
    """The same mathematics on numpy arrays. Imports numpy."""
    import numpy as np

    from .grid import Line

    class Arrays:
        pi = math.pi
        tanh, sqrt, log = np.tanh, np.sqrt, np.log
        floor, minimum, maximum = np.floor, np.minimum, np.maximum

        @staticmethod
        def cos(angle: Real) -> Real:
            return angle.cos() if isinstance(angle, Line) else np.cos(angle)

        @staticmethod
        def count(marks: Sequence[float], t: Real) -> Real:
            return np.searchsorted(np.asarray(marks), t, side="right")

        @staticmethod
        def pick(values: Sequence[float], index: Real) -> Real:
            return np.asarray(values)[index]

    return Arrays


# Anneals: progress x in [0, 1] -> 0 ... 1.


def linear(x: Real, m: Maths) -> Real:
    """x."""
    return x


def cosine(x: Real, m: Maths, k: float = 1.0) -> Real:
    """Half a cosine wave (arXiv:1608.03983); k > 1 stays high longer (k-decay, arXiv:2004.05909)."""
    return (1 - m.cos(m.pi * x**k)) / 2


def polynomial(x: Real, m: Maths, power: float, k: float = 1.0) -> Real:
    """What is left is (1 - x)^power: 1 is linear, 0.9 usual in segmentation; k as in k-decay."""
    return 1 - (1 - x**k) ** power


def one_minus_sqrt(x: Real, m: Maths) -> Real:
    """What is left is 1 - sqrt(x): the cooldown of Hägele et al., arXiv:2405.18392."""
    return m.sqrt(x)


def one_minus_square(x: Real, m: Maths) -> Real:
    """What is left is 1 - x^2: slow at first, then faster."""
    return x * x


def power(x: Real, m: Maths, power: float) -> Real:
    """What is left is 1 - x^power: 0.5 is 1-sqrt, 1 is linear, 2 is 1-square."""
    return x**power


def exponential(x: Real, m: Maths, ratio: float) -> Real:
    """A geometric fall to ``ratio`` of the start, stretched to arrive: (1 - ratio^x) / (1 - ratio)."""
    return x if ratio == 1 else (1 - ratio**x) / (1 - ratio)


def rex(x: Real, m: Maths) -> Real:
    """What is left is (1 - x) / (1 - x/2): REX, arXiv:2107.04197."""
    return x / (2 - x)


def tanh(x: Real, m: Maths, lower: float = -7.0, upper: float = 3.0) -> Real:
    """The piece of tanh from ``lower`` to ``upper`` (arXiv:1806.01593), stretched to go from 0 to 1."""
    bottom, top = math.tanh(lower), math.tanh(upper)
    return (m.tanh(lower + (upper - lower) * x) - bottom) / (top - bottom)


def warmup(x: Real, m: Maths, shape: str = "linear") -> Real:
    """The rise of a warmup: any plain shape, read upwards."""
    return SHAPES[shape].formula(x, m)


# Laws: time t >= 0 in updates -> a factor on the start value.


def hold(t: Real, m: Maths) -> Real:
    """1: nothing changes."""
    return 1.0


def inverse_sqrt(t: Real, m: Maths, timescale: float) -> Real:
    """1 / sqrt(1 + t/timescale). After a warmup of ``timescale`` updates this is the transformer's law."""
    return 1 / m.sqrt(1 + t / timescale)


def power_law(t: Real, m: Maths, timescale: float, exponent: float) -> Real:
    """(1 + t/timescale)^-exponent (arXiv:2408.13359); exponent 1 is inverse-time decay."""
    return (1 + t / timescale) ** -exponent


def noam(t: Real, m: Maths, warmup: float) -> Real:
    """min(s/warmup, sqrt(warmup/s)) with s = t + 1: "Attention is all you need", its peak scaled to 1."""
    return m.minimum((t + 1) / warmup, m.sqrt(warmup / (t + 1)))


def step(t: Real, m: Maths, every: float, gamma: float) -> Real:
    """gamma^floor(t / every)."""
    return gamma ** m.floor(t / every)


def multi_step(t: Real, m: Maths, at: Sequence[float], gamma: float) -> Real:
    """gamma^(how many of the milestones have come)."""
    return gamma ** m.count(at, t)


def exp_decay(t: Real, m: Maths, every: float, gamma: float) -> Real:
    """gamma^(t / every): the smooth form of step."""
    return gamma ** (t / every)


# Swings: time t >= 0 in updates -> 0 (the start value) ... 1 (the ``to`` value) and back.


def triangular(t: Real, m: Maths, period: float, up: float = 0.5) -> Real:
    """Up for the share ``up`` of every period, down for the rest (Smith, arXiv:1506.01186)."""
    x = t / period - m.floor(t / period)
    return m.minimum(x / up, (1 - x) / (1 - up))


def triangular2(t: Real, m: Maths, period: float, up: float = 0.5) -> Real:
    """As triangular, each cycle half as high as the one before."""
    return triangular(t, m, period, up) / 2.0 ** m.floor(t / period)


def exp_range(t: Real, m: Maths, period: float, gamma: float, up: float = 0.5) -> Real:
    """As triangular, the height shrinking by gamma at every update."""
    return triangular(t, m, period, up) * gamma**t


def restarts(t: Real, m: Maths, period: float, mult: float = 1.0, decay: float = 1.0, shape: str = "cosine") -> Real:
    """Warm restarts (SGDR, arXiv:1608.03983): cycle c lasts period * mult^c and is decay^c high."""

    def begins(c: Real) -> Real:
        return period * (c if mult == 1 else (mult**c - 1) / (mult - 1))

    cycle = m.floor(t / period)
    if mult != 1:
        cycle = m.floor(m.log(1 + t / period * (mult - 1)) / math.log(mult))
    # The logarithm may miss a whole number by a rounding error; the cycle's own bounds decide.
    cycle = cycle + 1.0 * (begins(cycle + 1) <= t) - 1.0 * (begins(cycle) > t)
    x = (t - begins(cycle)) / (period * mult**cycle)
    return 1 - decay**cycle * (1 - SHAPES[shape].formula(x, m))


# Points: time t >= 0 in updates -> the value itself.


def points(t: Real, m: Maths, times: Sequence[float], values: Sequence[float], via: str = "linear") -> Real:
    """Through (time, value) points; ``via`` a plain shape, or hold (each value lasts until the next)."""
    last = len(times) - 1
    here = m.minimum(m.maximum(m.count(times, t) - 1, 0), last)
    after = m.minimum(here + 1, last)
    first, second = m.pick(values, here), m.pick(values, after)
    if via == "hold":
        return first
    apart = m.maximum(m.pick(times, after) - m.pick(times, here), 1e-300)
    x = m.minimum(m.maximum((t - m.pick(times, here)) / apart, 0), 1)
    return first + (second - first) * SHAPES[via].formula(x, m)


class Family(Enum):
    """How a formula becomes a value; see the module's text."""

    ANNEAL = "anneal"
    LAW = "law"
    SWING = "swing"
    POINTS = "points"


class Kind(Enum):
    """What a parameter of a shape is."""

    NUMBER = "number"
    LENGTH = "length"
    LENGTHS = "lengths"
    SHAPE = "shape"
    POINTS = "points"


class Shape:
    """A named formula: its family, its parameters (name to kind) and the defaults of those that have one.

    ``name`` is what the text form calls it, ``constructor`` the function of :mod:`lright` that makes a
    phase of it.
    """

    __slots__ = ("name", "constructor", "family", "formula", "params", "defaults")

    def __init__(
        self,
        name: str,
        family: Family,
        formula: Callable[..., Real],
        params: Mapping[str, Kind] | None = None,
        defaults: Mapping[str, object] | None = None,
    ) -> None:
        self.name = name
        self.constructor = formula.__name__
        self.family = family
        self.formula = formula
        self.params = dict(params or {})
        self.defaults = dict(defaults or {})

    def value(self, t: Real, n: float, start: float, to: float, m: Maths, params: Mapping[str, object]) -> Real:
        """The value at ``t`` updates into a phase of ``n`` updates that goes from ``start`` (to ``to``)."""
        if self.family is Family.ANNEAL:
            x = t / n if n else 1.0
            share = self.formula(x, m, **params)
            return start + (to - start) * share
        if self.family is Family.LAW:
            return start * self.formula(t, m, **params)
        if self.family is Family.SWING:
            return start + (to - start) * self.formula(t, m, **params)
        return self.formula(t, m, **params)


_N, _L, _S = Kind.NUMBER, Kind.LENGTH, Kind.SHAPE
_CYCLE = {"period": _L, "up": _N}

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("linear", Family.ANNEAL, linear),
        Shape("cosine", Family.ANNEAL, cosine, {"k": _N}, {"k": 1.0}),
        Shape("polynomial", Family.ANNEAL, polynomial, {"power": _N, "k": _N}, {"k": 1.0}),
        Shape("1-sqrt", Family.ANNEAL, one_minus_sqrt),
        Shape("1-square", Family.ANNEAL, one_minus_square),
        Shape("power", Family.ANNEAL, power, {"power": _N}),
        Shape("exponential", Family.ANNEAL, exponential, {"ratio": _N}, {"ratio": None}),
        Shape("rex", Family.ANNEAL, rex),
        Shape("tanh", Family.ANNEAL, tanh, {"lower": _N, "upper": _N}, {"lower": -7.0, "upper": 3.0}),
        Shape("hold", Family.LAW, hold),
        Shape("inverse-sqrt", Family.LAW, inverse_sqrt, {"timescale": _L}),
        Shape("power-law", Family.LAW, power_law, {"timescale": _L, "exponent": _N}),
        Shape("noam", Family.LAW, noam, {"warmup": _L}),
        Shape("step", Family.LAW, step, {"every": _L, "gamma": _N}),
        Shape("multi-step", Family.LAW, multi_step, {"at": Kind.LENGTHS, "gamma": _N}),
        Shape("exp-decay", Family.LAW, exp_decay, {"every": _L, "gamma": _N}),
        Shape("triangular", Family.SWING, triangular, _CYCLE, {"up": 0.5}),
        Shape("triangular2", Family.SWING, triangular2, _CYCLE, {"up": 0.5}),
        Shape("exp-range", Family.SWING, exp_range, {**_CYCLE, "gamma": _N}, {"up": 0.5}),
        Shape(
            "restarts",
            Family.SWING,
            restarts,
            {"period": _L, "mult": _N, "decay": _N, "shape": _S},
            {"mult": 1.0, "decay": 1.0, "shape": "cosine"},
        ),
        Shape("points", Family.POINTS, points, {"points": Kind.POINTS, "via": _S}, {"via": "linear"}),
        Shape("warmup", Family.ANNEAL, warmup, {"shape": _S}, {"shape": "linear"}),
    )
}


def plain_anneal(name: str) -> Shape:
    """The anneal called ``name`` if it needs no parameters; else :class:`LrightError` names those that do."""
    shape = SHAPES.get(name)
    if shape is None or shape not in _plain():
        raise LrightError(f"{name!r} is no plain shape: use one of {', '.join(s.name for s in _plain())}")
    return shape


def _plain() -> list[Shape]:
    return [
        shape
        for shape in SHAPES.values()
        if shape.family is Family.ANNEAL and shape.name not in ("warmup", "exponential", "polynomial", "power")
    ]
