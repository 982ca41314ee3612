"""The functions that make schedules: one for each shape, and the usual compositions.

>>> warmup("2%") >> hold() >> decay("20%", shape="1-sqrt")
warmup('2%', to=1) >> hold() >> one_minus_sqrt('20%', to=0)
"""

from __future__ import annotations

from collections.abc import Sequence as Seq

from ..clock import Length
from ..errors import LrightError
from .phases import Schedule, make
from .shapes import SHAPES, Family
from .values import Extent, Value

# Phases that anneal to a target.


def warmup(
    length: Extent | str = None,
    *,
    to: Value | str = 1,
    start: Value | str | None = None,
    shape: str = "linear",
) -> Schedule:
    """A rise to the peak (or to ``to``) over ``length``.

    As a first phase of n updates it starts at 1/(n + 1) of its target unless ``start`` says otherwise:
    update 0 uses 1/(n + 1), update 1 uses 2/(n + 1), ..., update n (the first after the warmup) the target.
    ``start=0`` wastes update 0 on an LR of 0, as most frameworks do.

    >>> [round(warmup("4 updates").resolve(8)(t), 2) for t in range(6)]
    [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    """
    return make("warmup", length, start, to, shape=shape)


def linear(length: Extent | str = None, *, to: Value | str = 0, start: Value | str | None = None) -> Schedule:
    """A straight line to ``to``: start + (to - start) x."""
    return make("linear", length, start, to)


def cosine(
    length: Extent | str = None, *, to: Value | str = 0, start: Value | str | None = None, k: float = 1.0
) -> Schedule:
    """Half a cosine wave: to + (start - to) (1 + cos(pi x^k)) / 2; k > 1 is k-decay (arXiv:2004.05909).

    >>> [round(cosine("4 updates").resolve(4)(t), 3) for t in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return make("cosine", length, start, to, k=k)


def polynomial(
    length: Extent | str = None,
    *,
    power: float,
    to: Value | str = 0,
    start: Value | str | None = None,
    k: float = 1.0,
) -> Schedule:
    """to + (start - to) (1 - x^k)^power; power 1 is linear, 0.9 usual in segmentation."""
    return make("polynomial", length, start, to, power=power, k=k)


def one_minus_sqrt(length: Extent | str = None, *, to: Value | str = 0, start: Value | str | None = None) -> Schedule:
    """to + (start - to) (1 - sqrt(x)): the best cooldown in arXiv:2405.18392."""
    return make("1-sqrt", length, start, to)


def one_minus_square(length: Extent | str = None, *, to: Value | str = 0, start: Value | str | None = None) -> Schedule:
    """to + (start - to) (1 - x^2)."""
    return make("1-square", length, start, to)


def power(
    length: Extent | str = None, *, power: float, to: Value | str = 0, start: Value | str | None = None
) -> Schedule:
    """to + (start - to) (1 - x^power)."""
    return make("power", length, start, to, power=power)


def exponential(
    length: Extent | str = None,
    *,
    to: Value | str,
    start: Value | str | None = None,
    ratio: float | None = None,
) -> Schedule:
    """A geometric fall: start (to/start)^x. With ``ratio`` it falls by that and is stretched to reach ``to``.

    A target of 0 needs a ratio: a geometric fall alone never gets there.
    """
    return make("exponential", length, start, to, ratio=ratio)


def rex(length: Extent | str = None, *, to: Value | str = 0, start: Value | str | None = None) -> Schedule:
    """to + (start - to) (1 - x) / (1 - x/2): REX (arXiv:2107.04197)."""
    return make("rex", length, start, to)


def tanh(
    length: Extent | str = None,
    *,
    to: Value | str = 0,
    start: Value | str | None = None,
    lower: float = -7.0,
    upper: float = 3.0,
) -> Schedule:
    """The piece of tanh from ``lower`` to ``upper`` (arXiv:1806.01593), stretched to reach ``to`` exactly."""
    return make("tanh", length, start, to, lower=lower, upper=upper)


def decay(
    length: Extent | str = None,
    shape: str = "linear",
    *,
    to: Value | str = 0,
    start: Value | str | None = None,
    **params: float,
) -> Schedule:
    """A fall of any anneal ``shape``: ``decay("20%", shape="1-sqrt")`` is ``one_minus_sqrt("20%")``.

    >>> decay("20%", shape="1-sqrt")
    one_minus_sqrt('20%', to=0)
    """
    found = SHAPES.get(shape)
    if found is None or found.family is not Family.ANNEAL:
        names = [s.name for s in SHAPES.values() if s.family is Family.ANNEAL and s.name != "warmup"]
        raise LrightError(f"{shape!r} is no shape to decay with: use one of {', '.join(names)}")
    return make(shape, length, start, to, **params)


# Laws on the start value.


def hold(length: Extent | str = None, *, at: Value | str | None = None) -> Schedule:
    """The value the phase before ended with, unchanged; or the value ``at``."""
    return make("hold", length, at, None)


def constant(value: Value | str = 1, length: Extent | str = None) -> Schedule:
    """The value ``value``: ``hold(at=value)``."""
    return make("hold", length, value, None)


def inverse_sqrt(timescale: Length | str, length: Extent | str = None, *, start: Value | str | None = None) -> Schedule:
    """start / sqrt(1 + t/timescale), t since the phase began; it usually follows a warmup of that length."""
    return make("inverse-sqrt", length, start, None, timescale=timescale)


def power_law(
    timescale: Length | str, exponent: float, length: Extent | str = None, *, start: Value | str | None = None
) -> Schedule:
    """start (1 + t/timescale)^-exponent; exponent 1 is inverse-time decay (arXiv:2408.13359)."""
    return make("power-law", length, start, None, timescale=timescale, exponent=exponent)


def noam(warmup: Length | str, length: Extent | str = None, *, start: Value | str | None = None) -> Schedule:
    """start min(s/warmup, sqrt(warmup/s)), s = t + 1: "Attention is all you need", with its peak at 1.

    Update 0 uses 1/warmup, update warmup - 1 the peak.
    """
    return make("noam", length, start, None, warmup=warmup)


def step(
    every: Length | str, gamma: float = 0.1, length: Extent | str = None, *, start: Value | str | None = None
) -> Schedule:
    """start gamma^floor(t/every): the first drop is seen by the first update after ``every``."""
    return make("step", length, start, None, every=every, gamma=gamma)


def multi_step(
    at: Seq[Length | str],
    gamma: float = 0.1,
    length: Extent | str = None,
    *,
    start: Value | str | None = None,
) -> Schedule:
    """start gamma^k after k of the milestones ``at``, which count from the beginning of the phase."""
    return make("multi-step", length, start, None, at=at, gamma=gamma)


def exp_decay(
    every: Length | str, gamma: float, length: Extent | str = None, *, start: Value | str | None = None
) -> Schedule:
    """start gamma^(t/every): falls by gamma in every ``every``, smoothly."""
    return make("exp-decay", length, start, None, every=every, gamma=gamma)


# Swings between two values.


def triangular(
    period: Length | str,
    *,
    start: Value | str,
    to: Value | str = 1,
    up: float = 0.5,
    length: Extent | str = None,
) -> Schedule:
    """From ``start`` up to ``to`` in the share ``up`` of a ``period``, then down again (arXiv:1506.01186)."""
    return make("triangular", length, start, to, period=period, up=up)


def triangular2(
    period: Length | str,
    *,
    start: Value | str,
    to: Value | str = 1,
    up: float = 0.5,
    length: Extent | str = None,
) -> Schedule:
    """As :func:`triangular`, each cycle half as high as the one before."""
    return make("triangular2", length, start, to, period=period, up=up)


def exp_range(
    period: Length | str,
    gamma: float,
    *,
    start: Value | str,
    to: Value | str = 1,
    up: float = 0.5,
    length: Extent | str = None,
) -> Schedule:
    """As :func:`triangular`, the height shrinking by ``gamma`` at every update."""
    return make("exp-range", length, start, to, period=period, gamma=gamma, up=up)


def restarts(
    period: Length | str,
    mult: float = 1.0,
    decay: float = 1.0,
    *,
    to: Value | str = 0,
    start: Value | str | None = None,
    shape: str = "cosine",
    length: Extent | str = None,
) -> Schedule:
    """Warm restarts (arXiv:1608.03983): cycle c lasts period mult^c and is decay^c as high above ``to``."""
    return make("restarts", length, start, to, period=period, mult=mult, decay=decay, shape=shape)


def points(
    points: Seq[tuple[Length | str, Value | str]], length: Extent | str = None, *, via: str = "linear"
) -> Schedule:
    """Through (where, value) points, by straight lines; ``via`` another shape, or "hold" for steps.

    It lasts until its last point unless it has a ``length``. Two points at one place make a jump.

    >>> ramp = points([("0ep", 0.1), ("5ep", 1), ("90ep", 0)])
    """
    return make("points", length, None, None, points=points, via=via)


# The usual compositions.


def one_cycle(
    warmup: Length | str = "30%",
    *,
    div: float = 25.0,
    final_div: float = 1e4,
    shape: str = "cosine",
    three_phase: bool = False,
) -> Schedule:
    """The 1cycle policy (arXiv:1708.07120): up from peak/div over ``warmup``, down to peak/div/final_div.

    ``three_phase`` first mirrors the rise and then falls to the end. The peak is used by the first update
    after the warmup, and unlike in torch nothing happens past the end: the last value is held.

    >>> print(one_cycle())
    cosine to 1 from 0.04 over 30% > cosine to 4e-06
    """
    first, last = 1 / div, 1 / div / final_div
    rise = decay(warmup, shape, to=1, start=first)
    if three_phase:
        return rise >> decay(warmup, shape, to=first) >> decay(None, shape, to=last)
    return rise >> decay(None, shape, to=last)


def wsd(
    warmup: Length | str = "2%",
    cooldown: Length | str = "20%",
    shape: str = "1-sqrt",
    *,
    to: Value | str = 0,
    **params: float,
) -> Schedule:
    """Warmup, stable, decay (arXiv:2404.06395), or trapezoid: the cooldown may have any anneal shape.

    >>> print(wsd())
    warmup 2% > hold > 1-sqrt to 0 over 20%
    """
    return make("warmup", warmup, None, 1, shape="linear") >> hold() >> decay(cooldown, shape, to=to, **params)
