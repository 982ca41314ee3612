"""What is asked of the whole file before it is read: which names and attributes change in place, and where."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from . import words


def survey(tree: ast.Module) -> tuple[frozenset[str], dict[int, frozenset[str]], frozenset[str]]:
    """What is asked of the whole file, once for all worlds."""
    known = getattr(tree, "_lright_survey", None)
    if known is None:
        known = (_updated_attributes(tree), _shared_names(tree), words.relevant_functions(tree))
        tree._lright_survey = known  # type: ignore[attr-defined]
    return known


def assigned_names(loop: ast.AST) -> frozenset[str]:
    """The names that a loop binds."""
    names = set()
    for node in ast.walk(loop):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)


def _updated_attributes(tree: ast.Module) -> frozenset[str]:
    """Attributes that are changed in place somewhere (``self.step += 1``, ``self.lr = self.lr * 0.5``)."""
    names = set()
    compared = [node.lineno for node in words.nodes(tree) if isinstance(node, ast.Compare) and _asks_an_attribute(node)]
    for node in words.nodes(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
            names.add(node.target.attr)
        elif isinstance(node, ast.FunctionDef) and node.name != "__init__":
            # Few functions compare an attribute: the others need not be walked again.
            if any(node.lineno <= line <= (node.end_lineno or line) for line in compared):
                names |= _kept_or_not(node)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            if isinstance(target, ast.Attribute) and any(
                isinstance(part, ast.Attribute) and part.attr == target.attr for part in ast.walk(node.value)
            ):
                names.add(target.attr)
    return frozenset(names)


def _asks_an_attribute(node: ast.Compare) -> bool:
    return any(isinstance(part, ast.Attribute) for part in ast.walk(node))


def _kept_or_not(function: ast.FunctionDef) -> set[str]:
    """Attributes of its own object that a method asks for and gives a value: the best so far."""
    owner = function.args.args[0].arg if function.args.args else ""

    def own(nodes: Iterable[ast.AST], context: type) -> set[str]:
        parts = (
            n for node in nodes for n in ast.walk(node) if isinstance(n, ast.Attribute) and isinstance(n.ctx, context)
        )
        return {n.attr for n in parts if isinstance(n.value, ast.Name) and n.value.id == owner}

    asked = own((n for n in ast.walk(function) if isinstance(n, ast.Compare)), ast.Load)
    return asked & own((function,), ast.Store) if asked else set()


def _shared_names(tree: ast.Module) -> dict[int, frozenset[str]]:
    """Names declared global or nonlocal, per function node; all of them under 0."""
    found: dict[int, frozenset[str]] = {0: frozenset()}

    def visit(statements: Sequence[ast.stmt], function: ast.AST | None) -> None:
        for statement in statements:
            if isinstance(statement, (ast.Global, ast.Nonlocal)) and function is not None:
                found[id(function)] = found.get(id(function), frozenset()) | frozenset(statement.names)
                found[0] |= frozenset(statement.names)
            inside = statement if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) else function
            for part in ("body", "orelse", "finalbody"):
                visit(getattr(statement, part, ()), inside)

    visit(tree.body, None)
    return found
