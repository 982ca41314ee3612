"""Check the ``*.yaml`` files of the knowledge and compile them to JSON: ``python -m lright.knowledge.build``.

Development only: it needs PyYAML and parses; at run time :func:`lright.knowledge.load` reads the result.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import LrightError
from . import COMPILED, advice, likeness, schema

HERE = Path(__file__).parent
READY = ("lexicon", "likeness", "evidence", "matter", "packed")  # no conditions left in them, or only words
CONDITIONS = ("when", "unless")  # keys whose values are conditions, wherever they stand


def compiled() -> dict[str, str]:
    """Every compiled table as the text of its file, by name."""
    import yaml

    tables: dict[str, Any] = {}
    for path in sorted(HERE.glob("*.yaml")):
        tables[path.stem] = _read(path, yaml)
    for folder in sorted(path for path in HERE.iterdir() if path.is_dir() and any(path.glob("*.yaml"))):
        parts = [_read(path, yaml) for path in sorted(folder.glob("*.yaml"))]
        tables[folder.name] = [entry for part in parts for entry in part]
    asked = advice.asked(tables.pop("asked", []), tables.get("matters", []))
    checked = {name: CHECKS.get(name, _listed)(table) for name, table in tables.items()}
    texts = {name: _text(table, name) for name, table in checked.items()}
    compiled_matters = json.loads(texts.get("matters", "{}"))
    evidence = {name: {key: one.get(key) for key in ("rule", "evidence")} for name, one in compiled_matters.items()}
    texts["evidence"] = _text(evidence, "evidence")
    texts["matters"] = _text({name: _text(one, "matter") for name, one in compiled_matters.items()}, "packed")
    texts["likeness"] = _text(likeness.compiled(checked.get("matters", {}), asked), "likeness")
    return texts


def _read(path: Path, yaml: Any) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise LrightError(f"{path.name}: {error}") from None


def _text(table: Any, name: str) -> str:
    if name not in READY:
        table = _conditions(table, name)
    return json.dumps(table, ensure_ascii=False, separators=(",", ":")) + "\n"


def _conditions(node: Any, where: str) -> Any:
    """``node`` with every condition in it compiled."""
    if isinstance(node, dict):
        inside = f"{where}/{node['id']}" if "id" in node else where
        return {
            key: condition(value, inside) if key in CONDITIONS else _conditions(value, inside)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_conditions(one, where) for one in node]
    return node


def _listed(table: Any) -> Any:
    """A list of entries with an ``id`` as a table by it, in order; anything else as it is."""
    if not isinstance(table, list) or not all(isinstance(one, dict) and "id" in one for one in table):
        return table
    entries: dict[str, Any] = {}
    for entry in table:
        if entry["id"] in entries:
            raise LrightError(f"two entries are called {entry['id']!r}")
        entries[entry["id"]] = entry
    return entries


CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "architectures": schema.architectures,
    "optimizers": schema.optimizers,
    "excuses": schema.excuses,
    "facts": schema.facts,
    "lexicon": advice.lexicon,
    "matters": advice.matters,
}

_BINARY: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in",
}  # fmt: skip


def condition(text: object, where: str = "") -> Any:
    """A condition as :func:`lright.knowledge.conditions.holds` reads it.

    >>> condition("pretrained and lr > 1e-4")
    ['and', 'pretrained', ['>', 'lr', ['value', 0.0001]]]
    >>> condition("about(resume) and not known(epochs)")
    ['and', 'about:resume', ['not', ['known', 'epochs']]]

    :raises LrightError: if it is none.
    """
    try:
        return _compile(ast.parse(_MARK.sub(_quoted, str(text).strip()), mode="eval").body)
    except (SyntaxError, LrightError) as error:
        raise LrightError(f"{where}: {text!r} is no condition: {error}") from None


_MARK = re.compile(r"\b(about|saw|found|code|excuse|told)\(([\w, .-]*)\)")


def _quoted(mark: re.Match[str]) -> str:
    """Names of marks as texts: ``about(per-gpu-or-total)`` is no arithmetic."""
    return f"{mark[1]}({', '.join(repr(name.strip()) for name in mark[2].split(','))})"


def _compile(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, (ast.Constant, ast.Tuple)):
        return ["value", ast.literal_eval(node)]
    if isinstance(node, ast.BoolOp):
        return ["and" if isinstance(node.op, ast.And) else "or", *map(_compile, node.values)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ["not", _compile(node.operand)]
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return [_BINARY[type(node.op)], _compile(node.left), _compile(node.right)]
    if isinstance(node, ast.Compare):
        return _comparison(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "known" and len(node.args) == 1:
            return ["known", _compile(node.args[0])]
        names = [f"{node.func.id}:{ast.literal_eval(one)}" for one in node.args]
        return names[0] if len(names) == 1 else ["or", *names]
    raise LrightError(f"{ast.unparse(node)!r} is not understood")


def _comparison(node: ast.Compare) -> Any:
    sides = [node.left, *node.comparators]
    parts = []
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(operator, ast.NotIn):
            parts.append(["not", ["in", _compile(left), _compile(right)]])
        elif type(operator) in _COMPARISONS:
            parts.append([_COMPARISONS[type(operator)], _compile(left), _compile(right)])
        else:
            raise LrightError(f"{ast.unparse(node)!r} compares in a way that is not understood")
    return parts[0] if len(parts) == 1 else ["and", *parts]


def main() -> int:
    """Write the compiled tables."""
    folder = Path(COMPILED)
    folder.mkdir(exist_ok=True)
    tables = compiled()
    for path in folder.glob("*.json"):
        if path.stem not in tables:
            path.unlink()
    for name, text in tables.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
