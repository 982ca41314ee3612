"""How a training function is started by other hands: process launchers, command-line makers, records with defaults."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...quantity import Lit
from . import words
from .values import Class, Function, Items, Number, Value, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


def spawn(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``mp.spawn(worker, args=(...))``: every process calls ``worker(rank, ...)``; this one is rank 0."""
    return _started(reader, arguments, keywords, node, [number(0)])


def launch(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``launch(main, n, args=(...))``, ``notebook_launcher(main, args)``: ``main(*args)`` in every process."""
    return _started(reader, arguments, keywords, node, [])


def _started(
    reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call, first: list[Value]
) -> Value:
    function = arguments[0] if arguments else keywords.get("fn")
    given = keywords.get("args") or next((a for a in arguments[1:] if isinstance(a, Items)), Items([]))
    if isinstance(function, Function) and isinstance(given, Items) and not given.open:
        return reader.call_function(function, [*first, *given.items], {}, node)
    return _handed_on(reader, arguments, keywords, node)


def command_line(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``fire.Fire(main)``, ``typer.run(main)``, ``tyro.cli(Config)``: called with its defaults."""
    from .expressions import call, instantiate

    target = arguments[0] if arguments else None
    if isinstance(target, Function):
        return call(reader, target, [], {}, node)
    if isinstance(target, Class):
        return instantiate(reader, target, [], {}, node)
    return _handed_on(reader, arguments, keywords, node)


def _handed_on(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    from . import library

    callee = reader.unknown(node, words.source(node.func))
    return library.call_unknown(reader, callee, arguments, keywords, node)


def declared(reader: Reader, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call) -> Value:
    """``field(default=...)``, ``typer.Option(0.1)``: the default that a declaration gives."""
    from .expressions import call

    if "default" in keywords:
        return keywords["default"]
    if "default_factory" in keywords:
        return call(reader, keywords["default_factory"], [], {}, node)
    first = node.args[0] if node.args else None
    if arguments and not (isinstance(first, ast.Constant) and first.value is ...):
        return arguments[0]
    return reader.unknown(node, words.source(node), arguments)


def click_option(reader: Reader, function: Function, parameter: ast.arg) -> Value | None:
    """The default that a ``@click.option`` of the function gives to a parameter; None where there is none."""
    for decorator in getattr(function.node, "decorator_list", ()):
        if not isinstance(decorator, ast.Call) or words.dotted(decorator.func).rsplit(".", 1)[-1] != "option":
            continue
        if parameter.arg == _destination(decorator):
            return _click_default(reader, decorator, parameter)
    return None


def _destination(decorator: ast.Call) -> str:
    """The parameter a click option goes to: a bare name among its declarations, or its longest flag."""
    written = [a.value for a in decorator.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    bare = [name for name in written if name.isidentifier()]
    flags = sorted((name.split("/")[0] for name in written), key=lambda name: name.startswith("--"))
    return bare[0] if bare else flags[-1].lstrip("-").replace("-", "_") if flags else ""


def _click_default(reader: Reader, decorator: ast.Call, parameter: ast.arg) -> Value | None:
    given = {keyword.arg: keyword.value for keyword in decorator.keywords}
    name, place = parameter.arg, reader.place(decorator)
    if "default" in given:
        value = reader.eval(given["default"])
        if not isinstance(value, Number):
            return value
        known = reader.known(value)
    elif "is_flag" in given:
        known = False
    elif "required" in given:
        return None
    else:
        return Number(Lit(None))
    return Number(reader.fact(f"{name}@{place.line}", name, known, True, "argparse", place, name))
