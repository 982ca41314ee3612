"""Expressions of numbers in Python's own syntax, evaluated without eval(): arguments, and the bodies of
lambdas.

Known are numbers, text, lists, tuples and dicts, arithmetic, comparisons, `a if b else c`, indexing, sums
over a list, and the few functions of `FUNCTIONS` and `MATH`. Whatever else is written is refused with its
place.
"""

from __future__ import annotations

import ast
import math
import operator

from ...errors import LrightError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Body = Callable[[Mapping[str, Any]], Any]

LARGEST_BITS = 4096  # of an integer power
LONGEST_RANGE = 10_000


def limited_power(base: Any, exponent: Any) -> Any:
    """base ** exponent, OverflowError where exact integers would grow without bound."""
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * exponent > LARGEST_BITS:
        raise OverflowError("int too large to convert to float")
    return base**exponent


def limited_range(*bounds: int) -> range:
    """range(), of a bearable length."""
    numbers = range(*bounds)
    if len(numbers) > LONGEST_RANGE:
        raise OverflowError(f"a range of {len(numbers)} numbers is too long")
    return numbers


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: limited_power,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "float": float,
    "int": int,
    "len": len,
    "max": max,
    "min": min,
    "pow": limited_power,
    "range": limited_range,
    "round": round,
    "sum": sum,
}
MATH = {
    name: getattr(math, name)
    for name in """acos asin atan ceil cos cosh e erf exp fabs floor fmod hypot inf isclose log log10 log1p
    log2 nan pi pow sin sinh sqrt tan tanh tau trunc""".split()
}


class Formula:
    """A lambda read from text; calling it evaluates its body.

    >>> halved = value(ast.parse("lambda t: 0.5 ** (t // 30)", mode="eval").body)
    >>> halved(65), halved
    (0.25, lambda t: 0.5 ** (t // 30))
    """

    __slots__ = ("body", "names", "text")

    def __init__(self, node: ast.Lambda) -> None:
        given = node.args
        if given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs or given.defaults:
            raise unreadable(node, "a lambda takes plain arguments here")
        self.names = [argument.arg for argument in given.args]
        self.body = compiled(node.body, frozenset(self.names))
        self.text = ast.unparse(node)

    def __call__(self, *values: Any) -> Any:
        return self.body(dict(zip(self.names, values, strict=True)))

    def __repr__(self) -> str:
        return self.text


def unreadable(node: ast.AST, why: str) -> LrightError:
    """An error that tells the column, counted from 1."""
    column: int = getattr(node, "col_offset", 0) + 1
    return LrightError(f"column {column}: {why}")


def value(node: ast.expr) -> Any:
    """The value of an expression without names."""
    if isinstance(node, ast.Lambda):
        return Formula(node)
    body = compiled(node, frozenset())
    try:
        return body({})
    except (ArithmeticError, ValueError, TypeError, LookupError) as error:
        raise unreadable(node, f"{ast.unparse(node)}: {error}") from error


def compiled(node: ast.expr, names: frozenset[str]) -> Body:
    """A function from the values of `names` to the value of the expression."""
    compile_kind = KINDS.get(type(node))
    if compile_kind is None:
        raise unreadable(node, f"{ast.unparse(node)!r} is not understood: write numbers and arithmetic")
    return compile_kind(node, names)


def _constant(node: ast.Constant, names: frozenset[str]) -> Body:
    constant = node.value
    if isinstance(constant, (bytes, complex)) or constant is ...:
        raise unreadable(node, f"{ast.unparse(node)} is not a number")
    return lambda _: constant


def _name(node: ast.Name, names: frozenset[str]) -> Body:
    name = node.id
    if name not in names:
        raise unreadable(node, f"the value of {name!r} is not known: write the number")
    return operator.itemgetter(name)


def _binary(node: ast.BinOp, names: frozenset[str]) -> Body:
    left, right = compiled(node.left, names), compiled(node.right, names)
    function = BINARY.get(type(node.op))
    if function is None:
        raise unreadable(node, f"the operator of {ast.unparse(node)!r} is not understood")

    def evaluate(values: Mapping[str, Any]) -> Any:
        a, b = left(values), right(values)
        if not (isinstance(a, (int, float, complex)) and isinstance(b, (int, float, complex))):
            raise TypeError(f"arithmetic on {type(a).__name__} and {type(b).__name__}")
        return function(a, b)

    return evaluate


def _unary(node: ast.UnaryOp, names: frozenset[str]) -> Body:
    operand, function = compiled(node.operand, names), UNARY.get(type(node.op))
    if function is None:
        raise unreadable(node, f"the operator of {ast.unparse(node)!r} is not understood")
    return lambda values: function(operand(values))


def _compare(node: ast.Compare, names: frozenset[str]) -> Body:
    operands = [compiled(part, names) for part in (node.left, *node.comparators)]
    functions = [COMPARE.get(type(op)) for op in node.ops]

    def evaluate(values: Mapping[str, Any]) -> Any:
        results = [operand(values) for operand in operands]
        return all(f is not None and f(a, b) for f, a, b in zip(functions, results[:-1], results[1:], strict=True))

    if None in functions:
        raise unreadable(node, f"the comparison {ast.unparse(node)!r} is not understood")
    return evaluate


def _boolean(node: ast.BoolOp, names: frozenset[str]) -> Body:
    *firsts, last = (compiled(part, names) for part in node.values)
    stop_at = isinstance(node.op, ast.Or)

    def evaluate(values: Mapping[str, Any]) -> Any:
        for part in firsts:
            result = part(values)
            if bool(result) is stop_at:
                return result
        return last(values)

    return evaluate


def _choice(node: ast.IfExp, names: frozenset[str]) -> Body:
    test, yes, no = (compiled(part, names) for part in (node.test, node.body, node.orelse))
    return lambda values: yes(values) if test(values) else no(values)


def _sequence(node: ast.List | ast.Tuple, names: frozenset[str]) -> Body:
    items = [compiled(item, names) for item in node.elts]
    kind = list if isinstance(node, ast.List) else tuple
    return lambda values: kind([item(values) for item in items])


def _mapping(node: ast.Dict, names: frozenset[str]) -> Body:
    if None in node.keys:
        raise unreadable(node, "** in a dict is not understood")
    keys = [compiled(key, names) for key in node.keys if key is not None]
    items = [compiled(item, names) for item in node.values]
    return lambda values: {key(values): item(values) for key, item in zip(keys, items, strict=True)}


def _index(node: ast.Subscript, names: frozenset[str]) -> Body:
    if isinstance(node.slice, ast.Slice):
        raise unreadable(node, "slices are not understood")
    holder, index = compiled(node.value, names), compiled(node.slice, names)
    return lambda values: holder(values)[index(values)]


def _attribute(node: ast.Attribute, names: frozenset[str]) -> Body:
    owner = node.value
    if isinstance(owner, ast.Name) and owner.id in ("math", "np", "numpy") and node.attr in MATH:
        constant = MATH[node.attr]
        return lambda _: constant
    if isinstance(owner, ast.Name) and owner.id == "SchedulerType":
        member = node.attr.lower()
        return lambda _: member
    raise unreadable(node, f"{ast.unparse(node)!r} is not understood")


def _call(node: ast.Call, names: frozenset[str]) -> Body:
    if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
        function = FUNCTIONS[node.func.id]
    elif isinstance(node.func, ast.Attribute) and callable(MATH.get(node.func.attr)):
        function = _attribute(node.func, names)({})
    else:
        raise unreadable(node, f"the function of {ast.unparse(node)!r} is not known here")
    if any(keyword.arg is None for keyword in node.keywords):
        raise unreadable(node, "** in a call is not understood")
    args = [compiled(argument, names) for argument in node.args]
    kwargs = [(str(keyword.arg), compiled(keyword.value, names)) for keyword in node.keywords]

    def evaluate(values: Mapping[str, Any]) -> Any:
        return function(*[arg(values) for arg in args], **{key: arg(values) for key, arg in kwargs})

    return evaluate


def _each(node: ast.GeneratorExp | ast.ListComp, names: frozenset[str]) -> Body:
    loop = node.generators[0]
    if len(node.generators) > 1 or not isinstance(loop.target, ast.Name):
        raise unreadable(node, "only `... for x in list` is understood")
    target, source = loop.target.id, compiled(loop.iter, names)
    inner = names | {target}
    element, tests = compiled(node.elt, inner), [compiled(test, inner) for test in loop.ifs]

    def evaluate(values: Mapping[str, Any]) -> Any:
        scopes = ({**values, target: item} for item in source(values))
        return [element(scope) for scope in scopes if all(test(scope) for test in tests)]

    return evaluate


KINDS: dict[type[ast.expr], Callable[[Any, frozenset[str]], Body]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _choice,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Dict: _mapping,
    ast.Subscript: _index,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.GeneratorExp: _each,
    ast.ListComp: _each,
}
