"""Sentences with gaps: ``{name}`` is filled with what is known; what is unknown takes its part of the text away.

``[[...]]`` marks a part that is left out where one of its gaps is unknown; without it the whole sentence is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_GAP = re.compile(r"\{(\w+)(?::([^{}]+))?\}")


class _Unknown(Exception):
    pass


def fill(text: str, known: Mapping[str, Any]) -> str | None:
    """``text`` with its gaps filled; None where one is unknown.

    >>> fill("LR {lr}[[ for {epochs} epochs]], then {lr:x0.1}", {"lr": 0.001})
    'LR 0.001, then 1e-4'
    >>> fill("{updates} updates", {}) is None
    True
    """
    try:
        return _filled(_OPTIONAL.sub(lambda part: _or_nothing(part.group(1), known), text), known)
    except _Unknown:
        return None


def _or_nothing(part: str, known: Mapping[str, Any]) -> str:
    try:
        return _filled(part, known)
    except _Unknown:
        return ""


def _filled(text: str, known: Mapping[str, Any]) -> str:
    return _GAP.sub(lambda gap: _value(gap.group(1), gap.group(2), known), text)


def _value(name: str, form: str | None, known: Mapping[str, Any]) -> str:
    value = known.get(name)
    if value is None:
        raise _Unknown
    if form and form.startswith("x"):
        return number(value * float(form[1:]))
    if form == "%":
        return f"{100 * value:.3g}%"
    return shown(value)


def shown(value: Any) -> str:
    """A value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, (list, tuple)):
        return ", ".join(shown(one) for one in value)
    return str(value)


def number(value: float) -> str:
    """A number as a person writes it: 39100 is ``39,100``, 0.0003 is ``3e-4``.

    >>> [number(one) for one in (39100, 0.0003, 0.001, 0.05, 7820.0, 1.5, 2.88e-05, 0)]
    ['39,100', '3e-4', '0.001', '0.05', '7,820', '1.5', '2.88e-5', '0']
    """
    if value != value or math.isinf(value):
        return str(value)
    if abs(value) >= 1e9:
        return f"{value:.3g}".replace("e+0", "e").replace("e+", "e")
    if abs(value) >= 1000 or value == int(value):
        return f"{round(value):,}"
    if 0 < abs(value) < 0.001:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.3g}"
