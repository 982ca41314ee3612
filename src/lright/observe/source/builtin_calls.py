"""Calls of Python's own functions and of mathematics."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...quantity import Expr, Lit, Sym, op
from . import words
from .data import length, samples
from .values import (
    NONE,
    Choice,
    External,
    Instance,
    Items,
    Number,
    Range,
    Table,
    Thing,
    Unknown,
    Value,
    Wrapped,
    number,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


MATH = {
    "ceil": "ceil", "floor": "floor", "cos": "cos", "sin": "sin", "tan": "tan", "tanh": "tanh", "exp": "exp",
    "sqrt": "sqrt", "log": "log", "log2": "log2", "log10": "log10", "fabs": "abs", "radians": "radians", "pow": "**",
    "power": "**", "minimum": "min", "maximum": "max", "abs": "abs", "round": "round",
}  # fmt: skip
MATH_MODULES = frozenset(("math", "np", "numpy", "torch", "cmath"))


def mathematics(reader: Reader, name: str, arguments: Sequence[Value], node: ast.Call) -> Value:
    """``math.ceil(x)`` and the like, kept as an expression where x is one."""
    exprs = [reader.scalar(argument) for argument in arguments]
    data = any(isinstance(a, Unknown) and a.symbol.name not in reader.facts for a in arguments)
    if not arguments or data or any(expr is None for expr in exprs):
        return reader.unknown(node, words.source(node), arguments)
    return Number(op(MATH[name], *exprs))


def _len(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if not arguments:
        return reader.unknown(node, "len()")
    size = length(reader, arguments[0], node)
    if isinstance(arguments[0], Thing) and arguments[0].kind == "dataset" and not isinstance(size, Sym):
        size = samples(reader, arguments[0], size, node)
    return Number(size)


def range_call(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``range(...)`` with symbolic bounds."""
    exprs = [reader.scalar(argument) for argument in arguments]
    if not exprs or any(expr is None for expr in exprs):
        return reader.unknown(node, words.source(node), arguments)
    if len(exprs) == 1:
        return Range(Lit(0), exprs[0], Lit(1))  # type: ignore[arg-type]
    return Range(exprs[0], exprs[1], exprs[2] if len(exprs) > 2 else Lit(1))  # type: ignore[arg-type]


def _enumerate(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if not arguments:
        return reader.unknown(node, "enumerate()")
    start_value = keywords.get("start") or (arguments[1] if len(arguments) > 1 else None)
    start = reader.scalar(start_value) if start_value is not None else Lit(0)
    return Wrapped(arguments[0], "enumerate", start if start is not None else Lit(0))


def _zip(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if not arguments:
        return Items([])
    return Wrapped(arguments[0], "zip", others=tuple(arguments[1:]))


def _convert(name: str) -> Callable[..., Value]:
    def convert(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        expr = reader.scalar(arguments[0]) if arguments else None
        if expr is None or _is_data(reader, arguments[0]):
            return reader.unknown(node, words.source(node), arguments)
        rest = [reader.scalar(argument) for argument in arguments[1:]]
        if any(part is None for part in rest):
            return reader.unknown(node, words.source(node), arguments)
        return Number(op(name, expr, *rest))

    return convert


def _is_data(reader: Reader, value: Value) -> bool:
    return isinstance(value, Unknown) and value.symbol.name not in reader.facts


def _extreme(name: str) -> Callable[..., Value]:
    def extreme(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        values = arguments
        if len(arguments) == 1 and isinstance(arguments[0], Items):
            values = arguments[0].items
        exprs = [reader.scalar(value) for value in values]
        if len(exprs) > 1 and all(e is not None for e in exprs) and not any(_is_data(reader, v) for v in values):
            return Number(op(name, *exprs))
        made = reader.unknown(node, words.source(node), values)
        made.accumulates = True
        return made

    return extreme


def _getattr(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    from .expressions import attribute

    name = reader.known(arguments[1]) if len(arguments) > 1 else None
    if not isinstance(name, str):
        return reader.unknown(node, words.source(node), arguments)
    owner = arguments[0]
    if len(arguments) > 2 and isinstance(owner, Instance) and name not in owner.attributes:
        return arguments[2]
    if isinstance(owner, External):
        return External(f"{owner.path}.{name}")
    return attribute(reader, owner, name, node)


def _hasattr(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    name = reader.known(arguments[1]) if len(arguments) > 1 else None
    if isinstance(arguments[0], Instance) and isinstance(name, str):
        return number(name in arguments[0].attributes)
    return reader.unknown(node, words.source(node), arguments)


def _isinstance(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """Known for schedulers and optimizers, whose class was seen."""
    if len(arguments) == 2:
        answer = _is_of(reader, arguments[0], arguments[1])
        if answer is not None:
            return Number(answer) if isinstance(answer, Expr) else number(answer)
    return reader.unknown(node, words.source(node), arguments)


def _is_of(reader: Reader, value: Value, cls: Value) -> Expr | bool | None:
    if isinstance(value, Choice) and value.test is not None:
        first, second = _is_of(reader, value.first, cls), _is_of(reader, value.second, cls)
        if first is None or second is None:
            return None
        return op("if", value.test, first, second)
    if isinstance(cls, Items):
        answers = [_is_of(reader, value, part) for part in cls.items]
        if any(answer is True for answer in answers):
            return True
        return False if all(answer is False for answer in answers) else None
    if isinstance(value, Number) and value.expr == Lit(None):
        return False
    if not isinstance(cls, External) or not isinstance(value, Thing):
        return None
    wanted = cls.path.rsplit(".", 1)[-1]
    if value.kind == "scheduler":
        scheduler = reader.schedulers[value.number]
        if wanted in ("LRScheduler", "_LRScheduler") and scheduler.seen:
            return True
        return scheduler.name == wanted if scheduler.seen else None
    return None


def _sum(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments and isinstance(arguments[0], Items) and not arguments[0].open:
        exprs = [reader.scalar(v) for v in arguments[0].items]
        if all(e is not None for e in exprs) and not any(_is_data(reader, v) for v in arguments[0].items):
            total: Expr = Lit(0)
            for expr in exprs:
                total = op("+", total, expr)
            return Number(total)
    return reader.unknown(node, words.source(node), arguments)


def _listed(kind: str) -> Callable[..., Value]:
    def listed(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
        from .expressions import elements_of

        if not arguments:
            return Items([], kind)
        if isinstance(arguments[0], (Thing, Wrapped)):
            return arguments[0]
        elements = elements_of(reader, arguments[0])
        if elements is None:
            return (
                arguments[0] if isinstance(arguments[0], Items) else reader.unknown(node, words.source(node), arguments)
            )
        return Items(list(elements), kind)

    return listed


def _dict(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    table = Table({})
    if arguments and isinstance(arguments[0], Table):
        table.items.update(arguments[0].items)
        table.open = arguments[0].open
    elif arguments:
        table.open = True
    for name, value in keywords.items():
        if name == "**":
            table.open = True
        elif isinstance(value, Number) and isinstance(value.expr, Lit) and reader.assigning:
            table.items[name] = reader.named(f"{reader.assigning}[{name!r}]", value, node)
        else:
            table.items[name] = value
    return table


def _next(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return reader.unknown(node, "batch", arguments)


def _print(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    return NONE


def _vars(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if arguments and isinstance(arguments[0], Instance):
        held = arguments[0]
        return Table(dict(held.attributes), held.prefix, open=held.open)  # type: ignore[arg-type]
    return reader.unknown(node, words.source(node), arguments)


def _setattr(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    if len(arguments) == 3 and isinstance(arguments[0], Instance):
        name = reader.known(arguments[1])
        if isinstance(name, str):
            arguments[0].attributes[name] = arguments[2]
    return NONE


CALLS: dict[str, Callable[..., Value]] = {
    "len": _len,
    "range": range_call,
    "enumerate": _enumerate,
    "zip": _zip,
    "int": _convert("int"),
    "float": _convert("float"),
    "str": _convert("str"),
    "bool": _convert("bool"),
    "round": _convert("round"),
    "abs": _convert("abs"),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "getattr": _getattr,
    "hasattr": _hasattr,
    "isinstance": _isinstance,
    "sum": _sum,
    "list": _listed("list"),
    "tuple": _listed("tuple"),
    "set": _listed("set"),
    "dict": _dict,
    "next": _next,
    "print": _print,
    "vars": _vars,
    "pow": _convert("**"),
    "setattr": _setattr,
    "sorted": _listed("list"),
    "iter": _listed("list"),
}
