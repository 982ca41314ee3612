"""The library objects that matter while a script is read: making them, guessing them by name, finding them in
values."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...quantity import BATCHES_PER_EPOCH, Expr, Sym
from ...situation import Argument, Loader, Optimizer, Scheduler
from . import words
from .values import Choice, Instance, Items, Thing, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


def guess(reader: Reader, name: str, node: ast.AST) -> Thing | None:
    """What a parameter or a part of an unseen result is, by its name."""
    if words.names_scheduler(name) and not name.isupper():
        return make_scheduler(reader, name, {}, None, node, known=False, seen=False, text=name)
    if words.names_optimizer(name) and name.lower() != "opt":
        return make_optimizer(reader, None, {}, node, seen=False, text=name)
    if words.names_loader(name):
        return make_loader(reader, node, text=name)
    return None


def make_loader(
    reader: Reader, node: ast.AST, text: str = "", dataset: Sym | None = None, batch_size: Expr | None = None,
    drop_last: Expr | None = None, definition: Expr | None = None,
) -> Thing:  # fmt: skip
    """A new loader; ``definition`` is its length where that follows from other numbers."""
    thing = Thing("loader", reader.fresh())
    place = reader.place(node)
    length = Sym(f"len#{thing.number}@{place.line}:{place.column}", f"len({text or 'loader'})")
    loader = Loader(thing.number, text, place, length, dataset, batch_size, drop_last)
    reader.loaders[thing.number] = loader
    reader.units[length.name] = BATCHES_PER_EPOCH
    fact = reader.fact(length.name, length.text, None, False, "unknown", place)
    length.name = fact.name
    reader.units[length.name] = BATCHES_PER_EPOCH
    if definition is not None and not reader.facts[length.name].known:
        reader.definitions[length.name] = definition
    if text:
        thing.data["text"] = text
    return thing


def make_optimizer(
    reader: Reader, name: str | None, arguments: dict[str, Argument], node: ast.AST, seen: bool = True, text: str = "",
    groups: list[dict[str, Expr | None]] | None = None,
) -> Thing:  # fmt: skip
    """A new optimizer; ``seen`` if the script itself makes it."""
    thing = Thing("optimizer", reader.fresh())
    made = Optimizer(
        thing.number, name, text, reader.place(node), groups or [{"lr": None}], seen,
        tuple(reader.loops), reader.scope.function, arguments=arguments,
    )  # fmt: skip
    if "params" in arguments:
        made.parameters = arguments["params"].text
    reader.optimizers[thing.number] = made
    if seen:
        reader.emit("build", node, thing.number, object="optimizer")
    return thing


def make_scheduler(
    reader: Reader, name: str, arguments: dict[str, Argument], optimizer: int | None, node: ast.AST, *,
    known: bool, seen: bool = True, text: str = "", framework: str = "unknown",
) -> Thing:  # fmt: skip
    """A new scheduler; ``known`` if its class is one that can be emulated."""
    thing = Thing("scheduler", reader.fresh())
    place = reader.place(node)
    given = arguments.pop("optimizer", None)
    made = Scheduler(
        thing.number, name, framework, known, text, place, optimizer, arguments, seen=seen,
        loops=tuple(reader.loops), function=reader.scope.function, call=place,
    )  # fmt: skip
    reader.schedulers[thing.number] = made
    if seen:
        at = given.place if given is not None else None
        reader.emit("build", node, thing.number, object="scheduler", optimizer_place=at)
    return thing


def _argument_nodes(node: ast.Call) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    return list(node.args), {k.arg: k.value for k in node.keywords if k.arg is not None}


def bind(
    reader: Reader, names: Sequence[str], arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> dict[str, Argument]:
    """Arguments by name, each with its place."""
    positional_nodes, keyword_nodes = _argument_nodes(node)
    found: dict[str, Argument] = {}
    for position, value in enumerate(arguments):
        if position >= len(names):
            break
        at: ast.AST = positional_nodes[position] if position < len(positional_nodes) else node
        found[names[position]] = _argument(reader, value, at)
    for key, value in keywords.items():
        at = keyword_nodes.get(key, node)
        found[key] = _argument(reader, value, at)
    return found


def _argument(reader: Reader, value: Value, at: ast.AST) -> Argument:
    return Argument(content(reader, value), reader.place(at), words.source(at), reader.origin(value))


def content(reader: Reader, value: Value) -> object:
    """A value as the nouns know it: an Expr, a list of them, a Thing, or the value itself."""
    expr = reader.scalar(value)
    if expr is not None:
        return expr
    if isinstance(value, Items) and not value.open:
        return [content(reader, part) for part in value.items]
    return value


def find(value: Value | None, kind: str) -> Thing | None:
    """The first object of a kind that a value is, may be, or holds as an attribute."""
    if isinstance(value, Thing) and value.kind == kind:
        return value
    if isinstance(value, Choice):
        for side in value.all():
            if isinstance(side, Thing) and side.kind == kind:
                return side
    if isinstance(value, Instance):
        for attribute_value in value.attributes.values():
            if isinstance(attribute_value, Thing) and attribute_value.kind == kind:
                return attribute_value
    return None


def at(arguments: Sequence[Value], names: list[str], name: str) -> Value | None:
    """The positional argument of that name."""
    if name in names and names.index(name) < len(arguments):
        return arguments[names.index(name)]
    return None


def unseen_optimizer(reader: Reader, value: Value, node: ast.AST) -> Thing | None:
    """The optimizer inside something that is not understood; the same one at every mention."""
    if isinstance(value, Unknown):
        found = value.attributes.get("#optimizer")
        if not isinstance(found, Thing):
            found = make_optimizer(reader, None, {}, node, seen=False, text=value.symbol.text)
            value.attributes["#optimizer"] = found
        return found
    return None


def find_any(arguments: Sequence[Value], keywords: dict[str, Value], kind: str) -> Thing | None:
    """The first object of a kind among what a call is given."""
    for value in (*arguments, *keywords.values()):
        found = find(value, kind)
        if found is not None:
            return found
    return None
