"""Learning-rate variables that a training loop makes smaller, and where their value goes.

The names and the arithmetic are looked at, not the values: ``lr *= 0.95`` under ``for epoch in ...`` is a decay
whatever it starts from. Whether anything hands the variable to the optimizer is for a rule to say.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from ...situation import Decay, Training
from .reader import Reader
from .words import nodes

# What a learning rate goes into without changing the training.
_SHOWN = frozenset(
    """print format info debug warning error log write append add_scalar add_scalars set_description set_postfix
    set_postfix_str log_metrics update save dict str repr round""".split()
)
_NOT_RATES = frozenset(
    "scale mult history log logs list meter sum step steps scheduler decay factor finder lrs".split()
)


def decays(reader: Reader, training: Training) -> list[Decay]:
    """The decays in the loops around the updates; none where something sets or schedules a learning rate."""
    if training.of("write") or training.of("tick"):
        return []
    lines = {loop.place.line for site in training.updates() for loop in site.loops}
    found: dict[int, Decay] = {}
    for loop in nodes(reader.tree) if lines else ():
        if not isinstance(loop, (ast.For, ast.While)) or loop.lineno not in lines:
            continue
        counters = (_names(loop.target) if isinstance(loop, ast.For) else frozenset()) | _counted(loop)
        for statement in ast.walk(loop):
            if id(statement) in found or id(statement) not in reader.reached:
                continue
            target = _decayed(statement, counters)
            if target is not None:
                uses = tuple(_uses(reader, target, loop))
                found[id(statement)] = Decay(ast.unparse(target), reader.place(statement), uses)
    return list(found.values())


def _counted(loop: ast.stmt) -> frozenset[str]:
    """What a loop counts up by itself: ``step += 1``."""
    added = (n for n in ast.walk(loop) if isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Add))
    return frozenset(n.target.id for n in added if isinstance(n.target, ast.Name) and isinstance(n.value, ast.Constant))


def _names(node: ast.AST) -> frozenset[str]:
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _decayed(statement: ast.AST, counters: Collection[str]) -> ast.Name | ast.Attribute | None:
    """The learning-rate variable to which a statement gives a smaller value."""
    if isinstance(statement, ast.AugAssign):
        found: ast.expr | None = statement.target if isinstance(statement.op, (ast.Mult, ast.Div, ast.Sub)) else None
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        found = statement.targets[0] if _shrinks(statement, counters) else None
    else:
        return None
    return found if isinstance(found, (ast.Name, ast.Attribute)) and _names_rate(found) else None


def _shrinks(statement: ast.Assign, counters: Collection[str]) -> bool:
    """``lr = lr * 0.5``, ``lr = base * 0.1 ** (epoch // 30)``, also inside max() or min()."""
    value: ast.expr = statement.value
    if isinstance(value, ast.IfExp):
        value = value.body
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and _names_rate(value.func):
        return any(isinstance(part, ast.Name) and part.id in counters for part in value.args)  # lr = get_lr(step)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in ("max", "min"):
        value = next((part for part in value.args if isinstance(part, ast.BinOp)), value)
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, (ast.Mult, ast.Div)):
        return False
    own = ast.unparse(statement.targets[0])
    names = {ast.unparse(part) for part in ast.walk(value) if isinstance(part, (ast.Name, ast.Attribute))}
    return own in names or bool(names & set(counters))


def _names_rate(node: ast.Name | ast.Attribute) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr
    words = name.lower().strip("_").split("_")
    rate = "lr" in words or ("learning" in words and "rate" in words)
    return rate and not _NOT_RATES & set(words)


def _uses(reader: Reader, target: ast.Name | ast.Attribute, loop: ast.stmt) -> Iterator[int]:
    """The lines on which the variable goes anywhere but into its own next value, a comparison, or a print.

    A name is looked for in the loop and in the functions that see it as theirs; an attribute may be read anywhere.
    """
    name = ast.unparse(target)
    scopes: list[ast.AST] = [reader.tree]
    if isinstance(target, ast.Name):
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
        scopes = [loop, *(n for n in nodes(reader.tree) if isinstance(n, kinds) and not _binds(n, name))]
    for scope in scopes:
        for statement in _loads(scope, name, reader.reached):
            decayed = _decayed(statement, ())
            if decayed is None or ast.unparse(decayed) != name:
                yield getattr(statement, "lineno", 0)


def _binds(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, name: str) -> bool:
    """Whether a function has a variable of its own of that name."""
    arguments = function.args
    parameters = {a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    shared = {n for part in ast.walk(function) if isinstance(part, (ast.Global, ast.Nonlocal)) for n in part.names}
    stored = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return name in parameters or name in stored - shared


def _loads(scope: ast.AST, name: str, reached: set[int]) -> Iterator[ast.AST]:
    """The statements that are reached and do something with the value of a name, one for each mention."""

    def visit(node: ast.AST, statement: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.stmt):
            statement = node
            if id(node) not in reached and not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                return
        if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and ast.unparse(node) == name:
            yield statement
        elif not _only_shows(node):
            for child in ast.iter_child_nodes(node):
                yield from visit(child, statement)

    yield from visit(scope, scope)


def _only_shows(node: ast.AST) -> bool:
    """Whether what goes into a piece of syntax is printed, logged or compared, and does not reach the training."""
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        return called in _SHOWN
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    return isinstance(node, (ast.JoinedStr, ast.Compare))
