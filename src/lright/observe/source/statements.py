"""What statements do: assignments, definitions, imports, jumps, contexts. Loops are in :mod:`.loops`."""

from __future__ import annotations

import ast
from collections.abc import Callable

from ...quantity import Sym
from ...timeline import Block
from . import library, loops, words
from .expressions import binary
from .recurrence import too_big
from .values import (
    NONE,
    Class,
    External,
    Flow,
    Function,
    Method,
    Number,
    Scope,
    Thing,
    Unknown,
    Value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .reader import Reader


def _expression(reader: Reader, node: ast.Expr) -> None:
    value = reader.eval(node.value)
    if isinstance(value, Method) and isinstance(value.owner, Thing) and value.name in ("step", "step_update"):
        reader.emit("uncalled", node, value.owner.number)  # `scheduler.step` without parentheses


def _assign(reader: Reader, node: ast.Assign) -> None:
    outer, reader.assigning = reader.assigning, words.source(node.targets[0])
    value = reader.eval(node.value)
    reader.assigning = outer
    for target in node.targets:
        reader.assign(target, value, node)


def _annotated(reader: Reader, node: ast.AnnAssign) -> None:
    if node.value is not None:
        reader.assign(node.target, reader.eval(node.value), node)


def _augmented(reader: Reader, node: ast.AugAssign) -> None:
    load = _as_load(node.target)
    old = reader.eval(load)
    value = binary(reader, node, old, node.op, reader.eval(node.value))
    if isinstance(value, Unknown):
        value.accumulates = True
        value.symbol.text = words.source(load)
    elif isinstance(value, Number) and too_big(value.expr):
        value = reader.unknown(node, words.source(load))
    if isinstance(node.target, ast.Name):
        reader.scope.holder(node.target.id).names[node.target.id] = value
    else:
        reader.assign(node.target, value, node)


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    return target


def _define(reader: Reader, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    function = Function(node, reader.scope, node.name)
    reader.scope.names[node.name] = function
    for decorator in node.decorator_list:
        root = words.dotted(decorator).split(".")[0]
        if isinstance(reader.scope.lookup(root), Unknown):  # `@engine.on(...)`: registered with an object
            library.escape_closure(reader, function)


def _define_class(reader: Reader, node: ast.ClassDef) -> None:
    bases = tuple(reader.eval(base) for base in node.bases)
    made = Class(node, reader.scope, node.name, bases)
    scope = Scope({}, reader.scope, node.name)
    outer, block = reader.scope, reader.block
    reader.scope, reader.block = scope, Block()
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            scope.names[statement.name] = Function(statement, outer, statement.name, owner=made)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            reader.run([statement])
    reader.scope, reader.block = outer, block
    for name, value in scope.names.items():
        made.attributes[name] = _class_constant(reader, name, value)
    reader.scope.names[node.name] = made


def _class_constant(reader: Reader, name: str, value: Value) -> Value:
    if isinstance(value, Number) and isinstance(value.expr, Sym):
        fact = reader.facts.get(value.expr.name)
        if fact is not None:
            fact.option = fact.option or name
    return value


def _import(reader: Reader, node: ast.Import) -> None:
    for alias in node.names:
        name = alias.asname or alias.name.split(".")[0]
        reader.scope.names[name] = External(alias.name if alias.asname else name)


def _import_from(reader: Reader, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            reader.stars.append(module)
        else:
            path = f"{module}.{alias.name}" if node.module else module + alias.name
            from .expressions import constant_of

            reader.scope.names[alias.asname or alias.name] = constant_of(path) or External(path)


def _return(reader: Reader, node: ast.Return) -> Flow:
    return Flow("return", reader.eval(node.value) if node.value is not None else NONE)


def _break(reader: Reader, node: ast.Break) -> Flow:
    return Flow("break")


def _continue(reader: Reader, node: ast.Continue) -> Flow:
    return Flow("continue")


def _raise(reader: Reader, node: ast.Raise) -> Flow:
    return Flow("raise")


def _with(reader: Reader, node: ast.With | ast.AsyncWith) -> Flow | None:
    silent = 0
    accumulating = reader.accumulating
    for item in node.items:
        context = item.context_expr
        if words.expects_error(context):
            return None
        if words.is_no_grad(context):
            silent += 1
        value = reader.eval(context)
        if isinstance(value, Thing) and value.kind == "accumulate":
            reader.accumulating = value.data.get("steps")  # type: ignore[assignment]
        if item.optional_vars is not None:
            reader.assign(item.optional_vars, value, node)
    reader.no_grad += silent
    try:
        return reader.run(node.body)
    finally:
        reader.no_grad -= silent
        reader.accumulating = accumulating


def _try(reader: Reader, node: ast.Try) -> Flow | None:
    flow = reader.run(node.body)
    if flow is not None and flow.kind == "raise":
        flow = None
    if flow is None:
        flow = reader.run(node.orelse)
    return reader.run(node.finalbody) or flow


def _match(reader: Reader, node: ast.Match) -> Flow | None:
    flow, _ = reader.run_if(words.match_as_if(node), ())
    return flow


def _delete(reader: Reader, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            reader.scope.names.pop(target.id, None)


STATEMENTS: dict[type, Callable[[Reader, Any], Flow | None]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _define_class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Raise: _raise,
    ast.For: loops.run_for,
    ast.AsyncFor: loops.run_for,
    ast.While: loops.run_while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Try: _try,
    ast.Match: _match,
    ast.Delete: _delete,
}
if hasattr(ast, "TryStar"):
    STATEMENTS[ast.TryStar] = _try
