"""Phases as formulas in code: for what a framework has no scheduler of its own."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import LrightError
from ..shapes import Family
from ._base import Count, Part, number


class Dialect(NamedTuple):
    """How mathematics is written: on single numbers, or on arrays."""

    maths: str  # of sqrt, cos, tanh, log
    pi: str
    least: str
    most: str
    floor: str
    passed: str  # how many milestones have come, of {marks} and {t}


PYTHON = Dialect("math", "math.pi", "min", "max", "math.floor", "sum({t} >= mark for mark in ({marks},))")
JAX = Dialect("jnp", "jnp.pi", "jnp.minimum", "jnp.maximum", "jnp.floor", "sum({t} >= mark for mark in ({marks},))")
KERAS = Dialect(
    "ops", "math.pi", "ops.minimum", "ops.maximum", "ops.floor",
    'sum(ops.cast({t} >= mark, "float32") for mark in ({marks},))',
)  # fmt: skip

# What is left of an anneal at progress x, from 1 to 0.
_LEFT = {
    "linear": "1 - x",
    "cosine": "(1 + {m}.cos({pi} * {xk})) / 2",
    "polynomial": "(1 - {xk}) ** {power}",
    "1-sqrt": "1 - {m}.sqrt(x)",
    "1-square": "1 - x**2",
    "power": "1 - x**{power}",
    "rex": "(1 - x) / (1 - x / 2)",
    "tanh": "({m}.tanh({upper}) - {m}.tanh({lower} + {range} * x)) / ({m}.tanh({upper}) - {m}.tanh({lower}))",
}

_LAWS = {
    "hold": "1.0",
    "inverse-sqrt": "{m}.sqrt({timescale} / ({timescale} + {t}))",
    "power-law": "({timescale} / ({timescale} + {t})) ** {exponent}",
    "noam": "{least}(({t} + 1) / {warmup}, {m}.sqrt({warmup} / ({t} + 1)))",
    "step": "{gamma} ** {floor}({t} / {every})",
    "multi-step": "{gamma} ** {count}",
    "exp-decay": "{gamma} ** ({t} / {every})",
}

_UP = "{least}({t} / {period} % 1 / {up}, (1 - {t} / {period} % 1) / {down})"
_SWINGS = {
    "triangular": _UP,
    "triangular2": _UP + " / 2 ** {floor}({t} / {period})",
    "exp-range": _UP + " * {gamma} ** {t}",
}


def progress(part: Part, t: str, dialect: Dialect) -> str:
    """How far along an anneal is, from 0 to 1; ``t`` counts from its beginning."""
    x = f"{_atom(t)} / {_atom(part.n.text)}"
    if dialect is not PYTHON:
        return f"{dialect.maths}.clip({x}, 0.0, 1.0)"
    return f"min({x}, 1.0)" if part.last else x


def value(part: Part, t: str, dialect: Dialect) -> tuple[list[str], str]:
    """The lines that prepare, and the expression of, the multiple of the peak at ``t``, counted from the beginning of
    the part. Anneals use ``x``."""
    family = part.phase.shape.family
    if family is Family.LAW:
        return [], _times(part.start, _fill(_LAWS[part.shape], part, t, dialect))
    if part.shape == "restarts":
        return _restarts(part, t, dialect)
    if family is Family.SWING:
        rise = _fill(_SWINGS[part.shape], part, t, dialect)
        return [], f"{number(part.start)} + {number(part.to - part.start)} * {rise}"
    if part.rising and part.plain == "linear":
        count = f"({_atom(t)} + 1) / ({part.n.text} + 1)"
        if dialect is PYTHON and not part.last:
            return [], _times(part.to, count)
        return [], _times(part.to, f"{dialect.least}({count}, 1.0)")
    if part.shape == "exponential" and _geometric(part):
        return [f"x = {progress(part, t, dialect)}"], _times(part.start, f"{number(part.to / part.start)} ** x")
    left = _between(_left(part, dialect), part.start_text if part.rising else part.start, part.to)
    return [f"x = {progress(part, t, dialect)}"], left


def _geometric(part: Part) -> bool:
    ratio = part.params["ratio"]
    return ratio is None or abs(ratio - part.to / part.start) < 1e-12


def _left(part: Part, dialect: Dialect) -> str:
    shape = str(part.params["shape"]) if part.shape == "warmup" else part.shape
    if shape == "exponential":
        ratio = number(part.params["ratio"])
        return f"({ratio} ** x - {ratio}) / (1 - {ratio})"
    template = _LEFT.get(shape)
    if template is None:
        raise LrightError(f"'{part.phase}' has no formula to export")
    return _fill(template, part, "x", dialect)


def _restarts(part: Part, t: str, dialect: Dialect) -> tuple[list[str], str]:
    """Warm restarts: which cycle it is, how far into it, and how high."""
    period, mult = _atom(part.params["period"].text), part.params["mult"]
    lines = [f"cycle = {dialect.floor}({t} / {period})", f"x = {_atom(t)} % {period} / {period}"]
    if mult != 1:
        m, one = dialect.maths, number(mult - 1)
        grown = f"1 + {_atom(t)} / {period}" + (f" * {one}" if mult != 2 else "")
        # the margin keeps a rounding error of the logarithm from missing a restart
        lines = [
            f"cycle = {dialect.floor}({m}.log({grown}) / {math_log(mult)} + 1e-6)",
            f"begin = {period} * ({number(mult)}**cycle - 1)" + (f" / {one}" if mult != 2 else ""),
            f"x = {dialect.most}({_atom(t)} - begin, 0) / ({period} * {number(mult)}**cycle)",
        ]
    inner = part._replace(phase=_Named(part.params["shape"]), params={"k": 1.0, "lower": -7.0, "upper": 3.0})  # type: ignore[arg-type]
    left = _left(inner, dialect)
    if part.params["decay"] != 1:
        left = f"{number(part.params['decay'])} ** cycle * {_product(left)}"
    else:
        lines = lines if mult != 1 else lines[1:]
    return lines, _between(left, part.start, part.to)


class _Named:
    """A stand-in for a phase of the plain shape called ``name``."""

    def __init__(self, name: str) -> None:
        from ..shapes import SHAPES

        self.shape = SHAPES[name]


def math_log(value: float) -> str:
    """The natural logarithm of a number, as code that needs no library."""
    import math

    return repr(math.log(value))


def _fill(template: str, part: Part, t: str, dialect: Dialect) -> str:
    params = {name: _text(value) for name, value in part.params.items()}
    if "at" in params:
        params["count"] = dialect.passed.format(t=t, marks=", ".join(one.text for one in part.params["at"]))
    if "up" in params:
        params["down"] = number(1 - part.params["up"])
    if "upper" in params:
        params["range"] = number(part.params["upper"] - part.params["lower"])
    k = part.params.get("k", 1.0)
    text = template.format(
        t=_atom(t), m=dialect.maths, pi=dialect.pi, least=dialect.least, floor=dialect.floor,
        xk="x" if k == 1 else f"x**{number(k)}", **params,
    )  # fmt: skip
    return text.removesuffix(" ** 1")


def _text(value: object) -> str:
    if isinstance(value, Count):
        return _atom(value.text)
    return number(value) if isinstance(value, (int, float)) else str(value)


def _between(left: str, start: float | str, to: float) -> str:
    """to + (start - to) * left, as short as it can be."""
    if isinstance(start, str):
        height = f"({start} - {number(to)})" if to else f"({start})"
    else:
        if start == to:
            return number(start)
        if to == 0:
            return _times(start, left)
        height = number(start - to)
    body = f"{height} * {_product(left)}"
    return f"{number(to)} + {body}" if to else body


def _times(factor: float, body: str) -> str:
    if factor == 1:
        return body
    return number(factor) if body == "1.0" else f"{number(factor)} * {_product(body)}"


def _product(text: str) -> str:
    """``text`` as a factor of a product."""
    return f"({text})" if _loose(text) else text


def _loose(text: str) -> bool:
    depth = 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter in "+-" and text[index - 1 : index] == " ":
            return True
    return False


def _atom(text: str) -> str:
    """``text`` in brackets unless it is one name, number or bracket."""
    if re.fullmatch(r"[\w.]+|round\(.*\)", text) or re.fullmatch(r"\([^()]*\)", text):
        return text
    return f"({text})"


def shifted(t: str, begin: Count) -> str:
    """The time since ``begin``."""
    if begin.text == "0":
        return t
    return f"{t} - {begin.text}" if " " not in begin.text else f"{t} - ({begin.text})"


def factor_function(parts: list[Part], t: str, what: str) -> list[str]:
    """A readable function of the tick ``t``: the LR as a multiple of the peak, phase by phase."""
    lines = [f"def lr_factor({t}):", f'    """The LR at {what}, as a multiple of the peak."""']
    for part, after in zip(parts, [*parts[1:], None]):
        pre, expression = value(part, shifted(t, part.begin), PYTHON)
        body = [*pre, f"return {expression}"]
        if after is None:
            lines += ["    " + line for line in body]
        else:
            lines += [f"    if {t} < {after.begin.text}:", *("        " + line for line in body)]
    return lines
