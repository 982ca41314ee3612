"""Whether a planted fault is still in a script."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from .simulate import speaks


def present(text: str, fault: Mapping[str, Any]) -> bool | None:
    """Whether a fault is there: one of its rules speaks, or what it took away is missing. None where only the curve
    can tell. ``fault`` has the ``rules`` that name it, whether ``quiet`` remarks count, and what it ``lacks``."""
    if fault.get("lacks"):
        return not called_in_loop(text, str(fault["lacks"]))
    if not fault.get("rules"):
        return None
    return speaks(text, tuple(fault["rules"]), bool(fault.get("quiet")))


def called_in_loop(text: str, name: str) -> bool:
    """Whether a method of that name is called inside a loop, or in a function that is called in one.

    >>> called_in_loop("for x in y:\\n    opt.zero_grad()", "zero_grad"), called_in_loop("opt.zero_grad()", "zero_grad")
    (True, False)
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for loop in ast.walk(tree):
        if isinstance(loop, (ast.For, ast.While)):
            for node in ast.walk(loop):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                    return True
    return False
