"""The small language in which the knowledge says when something holds.

A condition is written like a Python expression, ``family == 'transformer' and not pretrained and lr >= 3e-4``, and
compiled to nested lists. Names are looked up among what is known. What nobody said is not so: a comparison with
something unknown is false, and its ``not`` true. ``known(x)`` asks whether a name has a value, ``told(x)`` whether that
value was not just assumed; other calls, such as
``about(resume)`` or ``saw(nan, spike)``, are looked up as the names ``about:resume``, or any of ``saw:nan``,
``saw:spike``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

Compiled = Any  # a name, or [operator, operand ...]; ["value", x] is x itself

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": lambda a, b: a / b if b else None,
    "in": lambda a, b: a in b,
}  # fmt: skip
_NUMERIC = frozenset(("<", "<=", ">", ">=", "+", "-", "*", "/"))


def holds(condition: Compiled, known: Mapping[str, Any]) -> bool:
    """Whether a compiled condition is true of what is known.

    >>> holds(["and", "pretrained", [">", "lr", ["value", 1e-4]]], {"pretrained": True, "lr": 1e-3})
    True
    >>> holds(["and", "pretrained", [">", "lr", ["value", 1e-4]]], {"pretrained": True})
    False
    """
    return bool(evaluate(condition, known))


def evaluate(condition: Compiled, known: Mapping[str, Any]) -> Any:
    """The value of a compiled expression; None where it is unknown."""
    if isinstance(condition, str):
        return known.get(condition)
    kind, *operands = condition
    if kind == "value":
        return operands[0]
    if kind == "known":
        return known.get(operands[0]) is not None
    if kind == "and":
        return all(evaluate(one, known) for one in operands)
    if kind == "or":
        return any(evaluate(one, known) for one in operands)
    if kind == "not":
        return not evaluate(operands[0], known)
    left, right = (evaluate(one, known) for one in operands)
    if left is None or right is None or (kind in _NUMERIC and (_word(left) or _word(right))):
        return None
    return _COMPARE[kind](left, right)


def _word(value: object) -> bool:
    return not isinstance(value, (int, float))
