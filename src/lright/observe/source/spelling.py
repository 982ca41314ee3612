"""How the script writes what a remedy may have to write again: state dicts, checkpoint entries, writes of a rate."""

from __future__ import annotations

import ast
import re
from collections import Counter

from .words import dotted, nodes


def loading(node: ast.Call) -> dict[str, object]:
    """Of ``x.load_state_dict(checkpoint["optimizer"])``: the call, and the checkpoint with the entry it is found under
    ("" where it is written otherwise)."""
    found: dict[str, object] = {"text": ast.unparse(node), "checkpoint": "", "entry": ""}
    argument = node.args[0] if node.args else None
    if isinstance(argument, ast.Subscript) and isinstance(argument.slice, ast.Constant):
        found.update(checkpoint=ast.unparse(argument.value), entry=str(argument.slice.value))
    return found


def entries(display: ast.AST | None) -> dict[str, str]:
    """The entries of a dict display: what is written, and the key it stands under (the first of several)."""
    found: dict[str, str] = {}
    if isinstance(display, ast.Dict):
        for key, value in zip(display.keys, display.values, strict=True):
            if isinstance(key, ast.Constant):
                found.setdefault(ast.unparse(value), str(key.value))
    return found


def writing(statement: ast.stmt) -> dict[str, object]:
    """Of ``group["lr"] = value`` or ``group["lr"] *= value``: the target, the value and the operator, as written;
    ``copied`` is the entry whose value is taken over as it is (``saved["lr"]``)."""
    if isinstance(statement, ast.AugAssign):
        operator = "*" if isinstance(statement.op, ast.Mult) else "?"
        return {"target": ast.unparse(statement.target), "text": ast.unparse(statement.value), "operator": operator}
    if not isinstance(statement, ast.Assign):
        return {}
    value = statement.value
    copied = value.slice.value if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant) else None
    return {
        "target": ast.unparse(statement.targets[0]),
        "text": ast.unparse(value),
        "operator": "",
        "copied": copied,
    }


def mentions(tree: ast.Module) -> Counter[str]:
    """How often each name and each dotted name is read in a file. Counted once for all worlds."""
    known: Counter[str] | None = getattr(tree, "_lright_mentions", None)
    if known is None:
        known = Counter(
            dotted(node)
            for node in nodes(tree)
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load)
        )
        tree._lright_mentions = known  # type: ignore[attr-defined]
    return known


def exchanges(tree: ast.Module) -> bool:
    """Whether something in the file exchanges numbers between processes, by the names it mentions."""
    return any(_EXCHANGING.search(name.lower()) for name in mentions(tree))


# ReduceLROnPlateau and a reduce_lr of one's own reduce something else.
_EXCHANGING = re.compile(r"reduce(?!_?(lr|on|learning))|gather|broadcast|synchronize|torchmetrics")
