"""Expressions of a script as abstract values."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence

from ...quantity import Expr, Lit, Sym, op
from . import library, methods, optim, surroundings, things, words
from .values import (
    NONE,
    Choice,
    Class,
    External,
    Function,
    Instance,
    Items,
    Method,
    Number,
    Range,
    Scope,
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

_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.In: "in",
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e, "inf": math.inf, "tau": math.tau}
_NUMERIC_MODULES = ("math", "np", "numpy", "torch", "jnp")
_BUILTINS = frozenset(
    """
    abs all any bool callable dict divmod enumerate filter float format getattr hasattr id int isinstance iter len
    list map max min next open pow print range reversed round set setattr sorted str sum super tuple type vars zip
    object property staticmethod classmethod Exception ValueError RuntimeError StopIteration NotImplementedError
    """.split()
)
_ELEMENT = "the element"  # no name that a script can have
MAX_UNROLL = 64
MAX_UNROLLED = 20_000  # elements of all comprehensions together


def constant_of(path: str) -> Number | None:
    """``from math import pi``."""
    module, _, name = path.rpartition(".")
    return number(_CONSTANTS[name]) if name in _CONSTANTS and module in _NUMERIC_MODULES else None


def evaluate(reader: Reader, node: ast.expr) -> Value:
    """The value of an expression; what is not understood becomes an Unknown that remembers its parts."""
    handler = _HANDLERS.get(type(node))
    if handler is None:
        return reader.unknown(node, words.source(node))
    return handler(reader, node)


def _constant(reader: Reader, node: ast.Constant) -> Value:
    if isinstance(node.value, (bool, int, float, str)) or node.value is None:
        return Number(Lit(node.value))
    return reader.unknown(node, words.source(node))


def _name(reader: Reader, node: ast.Name) -> Value:
    found = reader.scope.lookup(node.id)
    if found is not None:
        return found
    if node.id in _BUILTINS:
        return External(f"builtins.{node.id}")
    if reader.stars and words.defined_by_star(node.id):
        return External(f"*.{node.id}")
    reader.undefined.add(node.id)
    made = reader.remember(reader.unknown(node, node.id))
    made.loops = ()
    reader.module.names[node.id] = made
    return made


def _attribute(reader: Reader, node: ast.Attribute) -> Value:
    return attribute(reader, evaluate(reader, node.value), node.attr, node)


def attribute(reader: Reader, owner: Value, name: str, node: ast.AST) -> Value:
    """``owner.name``."""
    if isinstance(owner, External):
        if name in _CONSTANTS and owner.path.split(".")[0] in _NUMERIC_MODULES:
            return number(_CONSTANTS[name])
        return External(f"{owner.path}.{name}")
    if isinstance(owner, Instance):
        return _instance_attribute(reader, owner, name, node)
    if isinstance(owner, Class):
        found = owner.lookup(name)
        return found if found is not None else reader.unknown(node, f"{owner.name}.{name}")
    if isinstance(owner, Thing):
        return methods.attribute(reader, owner, name, node)
    if isinstance(owner, Choice):
        return reader.join(
            owner.test, attribute(reader, owner.first, name, node), attribute(reader, owner.second, name, node)
        )
    if isinstance(owner, Table) and name in owner.items:
        return owner.items[name]
    if isinstance(owner, Unknown):
        return unknown_attribute(reader, owner, name, node)
    return Method(owner, name)


def unknown_attribute(reader: Reader, owner: Unknown, name: str, node: ast.AST) -> Value:
    """The same unknown every time it is mentioned."""
    found = owner.attributes.get(name)
    if found is None:
        made = reader.unknown(node, f"{owner.symbol.text}.{name}", (owner,))
        made.loops = owner.loops
        if not owner.call and not owner.loops:
            reader.opaque_fact(made)
        owner.attributes[name] = found = made
    return found


def _instance_attribute(reader: Reader, owner: Instance, name: str, node: ast.AST) -> Value:
    if name in owner.attributes:
        return owner.attributes[name]
    if name == "__dict__":
        return Table(dict(owner.attributes), owner.prefix, open=owner.open)  # type: ignore[arg-type]
    found = owner.cls.lookup(name) if owner.cls is not None else None
    if isinstance(found, Function):
        kinds = _decorator_names(found)
        if "property" in kinds or "cached_property" in kinds:
            return reader.call_function(_bound(found, owner), (), {}, node)
        return found if "staticmethod" in kinds else _bound(found, owner)
    if found is not None:
        return found
    if name in _MODULE_METHODS and owner.cls is not None:
        return Method(owner, name)
    text = f"{owner.prefix}.{name}" if owner.prefix else name
    guessed = things.guess(reader, name, node) if owner.cls is not None else None
    made = guessed or reader.remember(reader.unknown(node, text, ()))
    if isinstance(made, Unknown):
        made.loops = ()
    owner.attributes[name] = made
    return made


_MODULE_METHODS = frozenset(
    "eval train parameters named_parameters state_dict load_state_dict to cuda cpu half float modules children".split()
)


def _decorator_names(function: Function) -> set[str]:
    decorators = getattr(function.node, "decorator_list", [])
    return {words.dotted(d).rsplit(".", 1)[-1] for d in decorators}


def _bound(function: Function, owner: Value) -> Function:
    return Function(function.node, function.scope, function.name, owner, function.owner)


def _call(reader: Reader, node: ast.Call) -> Value:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        return _super(reader, node)
    callee = evaluate(reader, node.func)
    arguments: list[Value] = []
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            spread = evaluate(reader, argument.value)
            if isinstance(spread, Items) and not spread.open:
                arguments.extend(spread.items)
            else:
                arguments.append(reader.unknown(argument, words.source(argument), (spread,)))
        else:
            arguments.append(evaluate(reader, argument))
    keywords: dict[str, Value] = {}
    for keyword in node.keywords:
        value = evaluate(reader, keyword.value)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
        elif isinstance(value, Table):
            keywords.update({str(name): item for name, item in value.items.items()})
            if value.open:
                keywords.setdefault("**", reader.unknown(keyword.value, words.source(keyword.value), (value,)))
        else:
            keywords["**"] = value
    return call(reader, callee, arguments, keywords, node)


def _super(reader: Reader, node: ast.Call) -> Value:
    scope = reader.scope
    instance = scope.lookup("self")
    if isinstance(instance, Instance) and instance.cls is not None:
        owner = _defining_class(reader, instance.cls)
        parents = owner.bases if owner is not None else instance.cls.bases
        known = [base for base in parents if isinstance(base, Class)]
        if known:
            return Instance(known[0], instance.attributes, instance.prefix, instance.open, instance.number)
    return External("builtins.super")


def _defining_class(reader: Reader, cls: Class) -> Class | None:
    """The class in the ancestry of ``cls`` whose method is being read."""
    if not reader.calls:
        return None
    current = reader.calls[-1]
    if any(isinstance(v, Function) and v.node is current for v in cls.attributes.values()):
        return cls
    for base in cls.bases:
        if isinstance(base, Class):
            found = _defining_class(reader, base)
            if found is not None:
                return found
    return None


def call(
    reader: Reader, callee: Value, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """The result of a call, with its events left in the timeline."""
    if isinstance(callee, Function):
        return reader.call_function(callee, arguments, keywords, node)
    if isinstance(callee, Class):
        return instantiate(reader, callee, arguments, keywords, node)
    if isinstance(callee, Choice):
        return _call_choice(reader, callee, arguments, keywords, node)
    if isinstance(callee, Instance):
        method = callee.cls.lookup("__call__") or callee.cls.lookup("forward") if callee.cls is not None else None
        if isinstance(method, Function):
            return reader.call_function(_bound(method, callee), arguments, keywords, node)
        return reader.unknown(node, words.source(node), (*arguments, *keywords.values()))
    if isinstance(callee, External):
        return library.call_external(reader, callee, arguments, keywords, node)
    if isinstance(callee, Method):
        return methods.call_method(reader, callee, arguments, keywords, node)
    if isinstance(callee, Thing):
        return library.call_thing(reader, callee, arguments, keywords, node)
    return library.call_unknown(reader, callee, arguments, keywords, node)


def _call_choice(
    reader: Reader, callee: Choice, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    from ...timeline import Block, Branch

    decided = reader.implied(callee.test) if callee.test is not None else None
    if decided is not None:
        return call(reader, callee.first if decided else callee.second, arguments, keywords, node)
    outer = reader.block
    arms: list[Block] = []
    results: list[Value] = []
    for side in (callee.first, callee.second):
        reader.block = Block()
        if isinstance(side, Number) or isinstance(side, Method) and isinstance(side.owner, Number):
            results.append(NONE)  # None is not callable: this arm is not meant to get here
        else:
            results.append(call(reader, side, arguments, dict(keywords), node))
        arms.append(reader.block)
    reader.block = outer
    if arms[0].nodes or arms[1].nodes:
        text = str(callee.test) if callee.test is not None else "?"
        outer.nodes.append(Branch(reader.place(node), callee.test, text, (arms[0], arms[1])))
    return reader.join(callee.test, results[0], results[1])


def instantiate(
    reader: Reader, cls: Class, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.AST
) -> Value:
    """An object of a class of the file."""
    special = optim.special_class(reader, cls, arguments, keywords, node)
    if special is not None:
        return special
    attributes: dict[str, Value] = {}
    instance = Instance(cls, attributes, "", open=True, number=reader.fresh())
    reader.instances.append(instance)
    init = cls.lookup("__init__")
    if isinstance(init, Function):
        instance.prefix = "self"
        reader.call_function(_bound(init, instance), arguments, keywords, node)
        instance.prefix = "self"
    else:
        fields = _fields(cls)
        for name, value in zip(fields, arguments):
            attributes[name] = reader.named(name, value, node)
        for name, value in keywords.items():
            attributes[name] = reader.named(name, value, node)
    if any(base not in _PLAIN_BASES for base in cls.external_bases()):
        held = Items([v for v in attributes.values() if isinstance(v, Thing)])
        library.held_by_foreign(reader, cls, held, node)
    return instance


_PLAIN_BASES = frozenset(
    ("builtins.object", "abc.ABC", "ABC", "torch.nn.Module", "nn.Module", "typing.NamedTuple", "typing.Generic")
)


def _fields(cls: Class) -> list[str]:
    """The fields of a dataclass-like class, in order."""
    names = []
    for base in cls.bases:
        if isinstance(base, Class):
            names += _fields(base)
    for statement in cls.node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names.append(statement.target.id)
    return names


def _binop(reader: Reader, node: ast.BinOp) -> Value:
    return binary(reader, node, evaluate(reader, node.left), node.op, evaluate(reader, node.right))


def binary(reader: Reader, node: ast.AST, left: Value, operator: ast.operator, right: Value) -> Value:
    """An arithmetic operation."""
    name = _OPERATORS.get(type(operator))
    first, second = reader.scalar(left), reader.scalar(right)
    if isinstance(left, Items) or isinstance(right, Items):
        return _list_arithmetic(reader, node, left, name, right)
    if name is not None and first is not None and second is not None and _worth_keeping(reader, left, right):
        if name == "%" and isinstance(first, Lit) and isinstance(first.value, str):
            return reader.unknown(node, "text", (left, right))
        return Number(op(name, first, second))
    made = reader.unknown(node, words.source(node), (left, right))
    made.differentiated = False
    return made


def _worth_keeping(reader: Reader, left: Value, right: Value) -> bool:
    """Arithmetic on data (losses, tensors) stays opaque; on settings and counters it is kept as an expression."""
    return not any(isinstance(side, Unknown) and side.symbol.name not in reader.facts for side in (left, right))


def _list_arithmetic(reader: Reader, node: ast.AST, left: Value, name: str | None, right: Value) -> Value:
    if (
        name == "+"
        and isinstance(left, Items)
        and isinstance(right, Items)
        and len(left.items) + len(right.items) <= 65_536
    ):
        return Items([*left.items, *right.items], left.kind, left.open or right.open)
    if name == "*" and isinstance(left, Items):
        times = reader.known(right)
        if isinstance(times, int) and 0 <= times * len(left.items) <= 4096:
            return Items(left.items * times, left.kind, left.open)
    return reader.unknown(node, words.source(node), (left, right))


def _unary(reader: Reader, node: ast.UnaryOp) -> Value:
    value = evaluate(reader, node.operand)
    if isinstance(node.op, ast.Not):
        return Number(op("not", reader.truth(value, node.operand)))
    expr = reader.scalar(value)
    if isinstance(node.op, ast.USub) and expr is not None:
        if isinstance(value, Unknown) and value.symbol.name not in reader.facts:
            made = reader.unknown(node, words.source(node), (value,))
            return made
        return Number(op("neg", expr))
    if isinstance(node.op, ast.UAdd):
        return value
    return reader.unknown(node, words.source(node), (value,))


def _boolop(reader: Reader, node: ast.BoolOp) -> Value:
    values = [evaluate(reader, value) for value in node.values]
    name = "and" if isinstance(node.op, ast.And) else "or"
    if name == "or" and isinstance(values[-1], (Thing, Table, Items, Instance)) and len(values) == 2:
        decided = reader.decide(reader.truth(values[0], node.values[0]))
        if decided is not None:
            return values[0] if decided else values[1]
        return reader.join(reader.truth(values[0], node.values[0]), values[0], values[1])
    exprs = [reader.truth(value, part) for value, part in zip(values, node.values)]
    result = exprs[0]
    for expr in exprs[1:]:
        result = op(name, result, expr)
    return Number(result)


def _compare(reader: Reader, node: ast.Compare) -> Value:
    left = evaluate(reader, node.left)
    result: Expr | None = None
    for operator, comparator in zip(node.ops, node.comparators):
        right = evaluate(reader, comparator)
        part = _comparison(reader, left, operator, right, node)
        result = part if result is None else op("and", result, part)
        left = right
    assert result is not None
    return Number(result)


def _comparison(reader: Reader, left: Value, operator: ast.cmpop, right: Value, node: ast.AST) -> Expr:
    if isinstance(operator, ast.IsNot):
        return op("not", _comparison(reader, left, ast.Is(), right, node))
    if isinstance(operator, ast.NotIn):
        return op("not", _comparison(reader, left, ast.In(), right, node))
    if isinstance(left, Choice) and left.test is not None:
        return op(
            "if",
            left.test,
            _comparison(reader, left.first, operator, right, node),
            _comparison(reader, left.second, operator, right, node),
        )
    if isinstance(operator, ast.In):
        return _membership(reader, left, right, node)
    name = _OPERATORS.get(type(operator))
    first, second = reader.scalar(left), reader.scalar(right)
    if isinstance(operator, ast.Is) and isinstance(second, Lit) and second.value is None and first is None:
        return Lit(False)  # a thing, a list, a function: not None
    if isinstance(operator, (ast.Eq, ast.NotEq)) and isinstance(second, Lit) and second.value is None:
        if first is None:
            return Lit(isinstance(operator, ast.NotEq))
    if isinstance(operator, ast.Is) and isinstance(second, Lit) and second.value is None and isinstance(first, Sym):
        fact = reader.facts.get(first.name)
        if fact is not None and fact.known:
            return op("is", first, second)
    if name is not None and first is not None and second is not None:
        return op(name, first, second)
    return Sym(f"?{reader.fresh()}", words.source(node))


def _membership(reader: Reader, left: Value, right: Value, node: ast.AST) -> Expr:
    item = reader.scalar(left)
    if isinstance(right, Table) and not right.open:
        known = reader.known(left)
        if known is not None:
            return Lit(known in right.items)
    if isinstance(right, Items) and not right.open and item is not None and right.items:
        options = [reader.scalar(option) for option in right.items]
        if all(option is not None for option in options) and len(options) <= 32:
            result: Expr = Lit(False)
            for option in options:
                assert option is not None
                same = op("==", item, option)
                result = same if result == Lit(False) else op("or", result, same)
            return result
    container = reader.scalar(right)
    if item is not None and container is not None and isinstance(reader.known(right), str):
        return op("in", item, container)
    return Sym(f"?{reader.fresh()}", words.source(node))


def _conditional(reader: Reader, node: ast.IfExp) -> Value:
    test = reader.test(node.test)
    decided = reader.decide(test)
    if words.relevant([ast.Expr(node.body)], reader.relevant) or words.relevant(
        [ast.Expr(node.orelse)], reader.relevant
    ):
        reader.note_setting(test, decided, node)
    if decided is not None:
        return evaluate(reader, node.body if decided else node.orelse)
    return reader.join(test, evaluate(reader, node.body), evaluate(reader, node.orelse))


def _subscript(reader: Reader, node: ast.Subscript) -> Value:
    owner = evaluate(reader, node.value)
    if isinstance(node.slice, ast.Slice):
        return _slice(reader, owner, node)
    return item(reader, owner, evaluate(reader, node.slice), node)


def _slice(reader: Reader, owner: Value, node: ast.Subscript) -> Value:
    assert isinstance(node.slice, ast.Slice)
    if isinstance(owner, Items) and not owner.open:
        bounds: list[int | None] = []
        for bound in (node.slice.lower, node.slice.upper, node.slice.step):
            value = None if bound is None else reader.known(evaluate(reader, bound))
            if bound is not None and not isinstance(value, int):
                return Items(list(owner.items), owner.kind, open=True)
            bounds.append(value if isinstance(value, int) else None)
        return Items(owner.items[slice(*bounds)], owner.kind)
    return reader.unknown(node, words.source(node), (owner,))


def item(reader: Reader, owner: Value, key: Value, node: ast.AST) -> Value:
    """``owner[key]``."""
    if isinstance(owner, External) and owner.path == "os.environ":
        return surroundings.environment(reader, key, None, node)
    known = reader.known(key)
    if isinstance(owner, Table):
        if known is not None and known in owner.items:
            reader.note_choice(owner, key, node)
            return owner.items[known]
        if known is None and owner.items and not owner.open:
            return _any_of(reader, list(owner.items.items()), key)
        text = f"{owner.text or 'dict'}[{known!r}]"
        made = reader.remember(reader.unknown(node, text, ()))
        if known is not None:
            owner.items[known] = made
        return made
    if isinstance(owner, Items):
        if isinstance(known, int) and not isinstance(known, bool) and -len(owner.items) <= known < len(owner.items):
            return owner.items[known]
        index = reader.scalar(key)
        things = {thing.number: thing for option in owner.items for thing in reader.things_in(option)}
        if index is not None and len(things) == 1 and len(owner.items) == 1:
            return owner.items[0]  # one that stands for all
        options = [reader.scalar(option) for option in owner.items]
        if index is not None and options and not owner.open and len(options) <= 24 and None not in options:
            result = options[-1]
            for position in range(len(options) - 2, -1, -1):
                result = op("if", op("==", index, Lit(position)), options[position], result)
            return Number(result)  # type: ignore[arg-type]
    if isinstance(owner, Thing):
        return methods.item(reader, owner, key, node)
    if isinstance(owner, Instance) and isinstance(known, str):
        return attribute(reader, owner, known, node)
    if isinstance(owner, Choice):
        return reader.join(owner.test, item(reader, owner.first, key, node), item(reader, owner.second, key, node))
    if isinstance(owner, Unknown) and known is not None:
        name = f"[{known!r}]"
        found = owner.attributes.get(name)
        if found is None:
            made = reader.unknown(node, owner.symbol.text + name, (owner,))
            made.loops = owner.loops
            if not owner.loops:
                reader.opaque_fact(made)
            owner.attributes[name] = found = made
        return found
    return reader.unknown(node, words.source(node), (owner, key))


def _any_of(reader: Reader, options: list[tuple[object, Value]], key: Value) -> Value:
    """``{"a": x, "b": y}[name]`` with an unknown name: a choice by the name."""
    index = reader.scalar(key)
    result = options[-1][1]
    for name, value in reversed(options[:-1]):
        test = op("==", index, Lit(name)) if index is not None else None  # type: ignore[arg-type]
        result = reader.join(test, value, result)
    return result


def _list(reader: Reader, node: ast.List | ast.Tuple | ast.Set) -> Value:
    items: list[Value] = []
    open_ended = False
    for element in node.elts:
        if isinstance(element, ast.Starred):
            spread = evaluate(reader, element.value)
            if isinstance(spread, Items):
                items.extend(spread.items)
                open_ended = open_ended or spread.open
            else:
                open_ended = True
        else:
            items.append(evaluate(reader, element))
    return Items(items, "tuple" if isinstance(node, ast.Tuple) else "list", open_ended)


def _dict(reader: Reader, node: ast.Dict) -> Value:
    table = Table({}, node=node)
    for key, value_node in zip(node.keys, node.values):
        value = evaluate(reader, value_node)
        if key is None:
            if isinstance(value, Table):
                table.items.update(value.items)
                table.open = table.open or value.open
            else:
                table.open = True
            continue
        name = reader.known(evaluate(reader, key))
        if name is None:
            table.open = True
            continue
        if isinstance(value, Number) and isinstance(value.expr, Lit) and reader.assigning:
            value = reader.named(f"{reader.assigning}[{name!r}]", value, value_node)
        table.items[name] = value
    return table


def _lambda(reader: Reader, node: ast.Lambda) -> Value:
    return Function(node, reader.scope, "lambda")


def _comprehension(reader: Reader, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> Value:
    if len(node.generators) != 1:
        return reader.unknown(node, words.source(node))
    generator = node.generators[0]
    iterable = evaluate(reader, generator.iter)
    elements = elements_of(reader, iterable)
    if elements is None and _makes_things(node.elt):
        return _one_of_many(reader, node, iterable)
    if elements is None and words.relevant([ast.Expr(node.elt)], reader.relevant):
        return _looped(reader, node, generator)
    if elements is None or generator.ifs or reader.unrolled > MAX_UNROLLED:
        return reader.unknown(node, words.source(node), (iterable,))
    outer = reader.scope
    items = []
    for element in elements:
        reader.unrolled += 1
        reader.scope = Scope({}, outer, outer.function)
        reader.assign_target(generator.target, element)
        items.append(evaluate(reader, node.elt))
    reader.scope = outer
    return Items(items)


def _looped(reader: Reader, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, generator: ast.comprehension) -> Value:
    """``sum(train_step(batch) for batch in loader)``: a loop like any other."""
    from .loops import run_for

    loop = getattr(node, "_lright_loop", None)
    if loop is None:
        keep = ast.copy_location(ast.Assign([ast.Name(_ELEMENT, ast.Store())], node.elt), node.elt)
        ast.copy_location(keep.targets[0], node.elt)
        body: list[ast.stmt] = [keep]
        for test in generator.ifs:
            body = [ast.copy_location(ast.If(test, body, []), test)]
        loop = node._lright_loop = ast.copy_location(ast.For(generator.target, generator.iter, body, []), node)  # type: ignore[union-attr]
    outer = reader.scope
    reader.scope = Scope({}, outer, outer.function)
    reader.frames.append(reader.scope)
    run_for(reader, loop)
    made = reader.scope.names.get(_ELEMENT)
    reader.frames.pop()
    reader.scope = outer
    return Items([] if made is None else [made], open=True)


def _makes_things(node: ast.expr) -> bool:
    from .optim import OPTIMIZERS

    names = {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in ast.walk(node)
        if isinstance(part, (ast.Name, ast.Attribute))
    }
    return bool(names & OPTIMIZERS) or any(name.endswith("LR") for name in names)


def _one_of_many(reader: Reader, node: ast.ListComp | ast.GeneratorExp | ast.SetComp, iterable: Value) -> Value:
    """``[SGD(m.parameters()) for m in models]`` of models that are not seen: one stands for all."""
    outer = reader.scope
    reader.scope = Scope({}, outer, outer.function)
    for target in ast.walk(node.generators[0].target):
        if isinstance(target, ast.Name):
            reader.scope.names[target.id] = representative(reader, iterable, target)
    made = evaluate(reader, node.elt)
    reader.scope = outer
    return Items([made], open=True)


def representative(reader: Reader, iterable: Value, node: ast.AST) -> Value:
    """An element of something that is not known in full."""
    if isinstance(iterable, Items) and iterable.items:
        return iterable.items[-1]
    return reader.unknown(node, words.source(node), (iterable,))


def _dict_comprehension(reader: Reader, node: ast.DictComp) -> Value:
    elements = elements_of(reader, evaluate(reader, node.generators[0].iter)) if len(node.generators) == 1 else None
    if elements is None or node.generators[0].ifs or reader.unrolled > MAX_UNROLLED:
        return Table({}, open=True)
    outer = reader.scope
    table = Table({})
    for element in elements:
        reader.unrolled += 1
        reader.scope = Scope({}, outer, outer.function)
        reader.assign_target(node.generators[0].target, element)
        key = reader.known(evaluate(reader, node.key))
        if key is None:
            table.open = True
        else:
            table.items[key] = evaluate(reader, node.value)
    reader.scope = outer
    return table


def elements_of(reader: Reader, value: Value) -> list[Value] | None:
    """The elements of something iterable, where they are known and few."""
    if isinstance(value, Items) and not value.open and len(value.items) <= MAX_UNROLL:
        return value.items
    if isinstance(value, Table) and not value.open:
        return [number(key) for key in value.items]
    if isinstance(value, Range):
        bounds = [expr.number(reader.values) for expr in (value.start, value.stop, value.step)]
        if all(bound is not None for bound in bounds) and bounds[2]:
            found = range(int(bounds[0] or 0), int(bounds[1] or 0), int(bounds[2]))
            if not found[MAX_UNROLL:]:  # len() of a huge range raises
                return [number(position) for position in found]
        return None
    if isinstance(value, Wrapped):
        inner = elements_of(reader, value.inner)
        if inner is None:
            return None
        if value.form == "enumerate":
            start = value.start.number(reader.values)
            if start is not None:
                return [Items([number(int(start) + i), e], "tuple") for i, e in enumerate(inner)]
        if value.form == "zip":
            columns = [inner, *(elements_of(reader, other) or [] for other in value.others)]
            return [Items(list(row), "tuple") for row in zip(*columns)]
    return None


def _fstring(reader: Reader, node: ast.JoinedStr) -> Value:
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        value = evaluate(reader, part.value) if isinstance(part, ast.FormattedValue) else NONE
        known = reader.known(value)
        if not isinstance(known, str):
            return reader.unknown(node, "text", (value,))
        parts.append(known)
    return number("".join(parts))


def _walrus(reader: Reader, node: ast.NamedExpr) -> Value:
    value = evaluate(reader, node.value)
    reader.assign_target(node.target, value)
    return value


def _inner(reader: Reader, node: ast.Await | ast.YieldFrom | ast.Starred) -> Value:
    return evaluate(reader, node.value)


def _yield(reader: Reader, node: ast.Yield) -> Value:
    return NONE if node.value is None else evaluate(reader, node.value)


_HANDLERS: dict[type, Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.BinOp: _binop,
    ast.UnaryOp: _unary,
    ast.BoolOp: _boolop,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.List: _list,
    ast.Tuple: _list,
    ast.Set: _list,
    ast.Dict: _dict,
    ast.Lambda: _lambda,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.JoinedStr: _fstring,
    ast.NamedExpr: _walrus,
    ast.Await: _inner,
    ast.YieldFrom: _inner,
    ast.Starred: _inner,
    ast.Yield: _yield,
}
