"""Calls into libraries: who answers them, and what happens to what is handed to code that is not seen.

The few hundred names a training script uses are in tables by subject: :mod:`.optim`, :mod:`.data`,
:mod:`.builtin_calls`,
:mod:`.surroundings`; methods are in :mod:`.methods`. What is in none of them is unknown, and whatever is handed to it
escapes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from ...quantity import BATCHES_PER_EPOCH, Expr, Sym
from ...timeline import Block, Loop
from . import builtin_calls, data, surroundings, words
from .builtin_calls import MATH, MATH_MODULES, mathematics
from .data import DATASETS, known_dataset
from .methods import unknown_method
from .optim import (
    given_a_number,
    is_optimizer,
    is_scheduler,
    namesake,
    of_diffusers,
    optimizer_call,
    scheduler_call,
    takes_more,
)
from .surroundings import BY_PATH, environment, exists, read_yaml
from .things import find_any, make_optimizer, make_scheduler
from .values import Class, External, Function, Instance, Items, Table, Thing, Unknown, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader


_CALLS: dict[str, Callable[..., Value]] = {**data.CALLS, **surroundings.CALLS}
_PASS_THROUGH = frozenset(
    """tqdm trange track auto_tqdm tqdm_notebook notebook progress_bar master_bar progressbar iter list tuple Prefetcher
    DataPrefetcher data_prefetcher MpDeviceLoader ParallelLoader prefetch_to_device BackgroundGenerator alive_it prange
    InfiniteDataLoader log_every DataLoaderX CudaPrefetcher cycle deepcopy copy""".split()
)
_HARMLESS = frozenset(
    """print len str repr isinstance hasattr id type format info debug warning error log pprint add_scalar write display
    deepcopy copy summary float int bool list tuple dict set enumerate zip hash any all sorted""".split()
)


def call_external(
    reader: Reader, callee: External, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A call of something that is not in the file."""
    path = callee.path
    name = path.rsplit(".", 1)[-1]
    handler = builtin_calls.CALLS.get(name) if path.startswith("builtins.") else None
    if handler is not None:
        return handler(reader, arguments, keywords, node)
    if name in MATH and path.split(".")[0] in MATH_MODULES:
        return mathematics(reader, name, arguments, node)
    if is_scheduler(path, name) and not given_a_number(name, arguments):
        known = not namesake(path, name)
        if "diffusers" in path and name == "get_scheduler":
            arguments, keywords, known = of_diffusers(reader, arguments, keywords)
        return scheduler_call(
            reader, name, arguments, keywords, node, known=known and not takes_more(path, name, keywords)
        )
    if is_optimizer(path, name):
        return optimizer_call(reader, name, arguments, keywords, node)
    if path in ("os.environ.get", "os.getenv"):
        return environment(reader, arguments[0], arguments[1] if len(arguments) > 1 else None, node)
    handler = BY_PATH.get(path) or (_CALLS.get(name) if path != "yaml.load" else read_yaml)
    if handler is not None:
        return handler(reader, arguments, keywords, node)
    if name in DATASETS and "models" not in path:
        return known_dataset(reader, name, arguments, keywords, node)
    if name in _PASS_THROUGH and arguments:
        return arguments[0]
    return call_unknown(reader, callee, arguments, keywords, node)


def call_unknown(
    reader: Reader, callee: Value, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """A call of something that is not understood: what it gets escapes, what it gives is named by its name."""
    name = words.dotted(node.func)
    short = name.rsplit(".", 1)[-1] or "call"
    if short in ("exists", "is_file") and not arguments:
        return exists(reader, arguments, keywords, node)
    if isinstance(callee, Unknown) and callee.sources and isinstance(node.func, ast.Attribute):
        owner = callee.sources[0]
        if isinstance(owner, Unknown):
            done = unknown_method(reader, owner, node.func.attr, arguments, keywords, node)
            if done is not None:
                return done
    if short not in _HARMLESS:
        for value in (*arguments, *keywords.values()):
            reader.escape(value, node, f"handed to {name or 'a call'}()")
        _escape_functions(reader, (*arguments, *keywords.values()))
    if words.names_training(short) and reader.loops:
        _train_out_of_sight(reader, (*arguments, *keywords.values()), node)
    if short == "prepare" and arguments:
        return arguments[0] if len(arguments) == 1 else Items(list(arguments), "tuple")
    first = arguments[0] if arguments else None
    if short in ("to_device", "wrap") and first is not None:
        return first
    text = words.source(node)
    if "optim" in short.lower() and words.names_optimizer(short) and "state" not in short.lower():
        return make_optimizer(reader, None, {}, node, seen=False)
    if words.names_scheduler(short) and find_any(arguments, keywords, "optimizer"):
        optimizer = find_any(arguments, keywords, "optimizer")
        thing = make_scheduler(
            reader, short, {}, optimizer.number if optimizer else None, node, known=False, seen=False
        )
        return thing
    if ("loader" in short.lower() or short.lower().endswith("_dl")) and "config" not in short.lower():
        loader = find_any(arguments, keywords, "loader")
        if loader is not None:
            return loader
    loader = find_any(arguments[:1], {}, "loader")
    if loader is not None and ("fetch" in short.lower() or "bar" in short.lower() or "every" in short.lower()):
        return loader
    made = reader.unknown(node, text, (*arguments, *keywords.values()))
    made.call = short
    return made


def _train_out_of_sight(reader: Reader, values: Sequence[Value], node: ast.Call) -> None:
    """``train(model, loader, optimizer)`` of another file, called in a loop: its updates happen here, one for each
    batch of the loader it gets (of an unknown number where it gets none)."""
    things = [thing for value in values if not isinstance(value, Instance) for thing in reader.things_in(value)]
    loader = next((thing for thing in things if thing.kind == "loader"), None)
    optimizers = [thing for thing in things if thing.kind == "optimizer"]
    if not optimizers:
        return
    if loader is None:
        trips: Expr = reader.fact(f"batches@{node.lineno}", "len(loader)", None, False, "unknown", reader.place(node))
        assert isinstance(trips, Sym)
        reader.units[trips.name] = BATCHES_PER_EPOCH
    else:
        trips = reader.loaders[loader.number].length
    text = words.source(node.func)
    loop = Loop(reader.place(node), reader.next_index(node), trips, text, Block(), loader.number if loader else None,
                function=reader.scope.function, header=reader.place(node), variable="batch")  # fmt: skip
    outer, reader.block = reader.block, loop.body
    for optimizer in optimizers:
        reader.emit("update", node, optimizer.number, unseen=True)
    reader.block = outer
    outer.nodes.append(loop)


def _escape_functions(reader: Reader, values: Sequence[Value]) -> None:
    """A function of the file that is handed on may be called: it is read as if it were, where nobody else calls it."""
    for value in values:
        if isinstance(value, Function):
            reader.handed_on.append(value)
            escape_closure(reader, value)
        elif isinstance(value, (Items, Table)):
            held = value.items if isinstance(value, Items) else list(value.items.values())
            _escape_functions(reader, [part for part in held if isinstance(part, Function)])


def escape_closure(reader: Reader, function: Function) -> None:
    """What a function that is handed on sees around it can be stepped by whoever calls it."""
    held: list[Value] = [function.bound] if function.bound is not None else []
    for node in ast.walk(function.node):
        found = function.scope.lookup(node.id) if isinstance(node, ast.Name) else None
        if found is not None:
            held.append(found)
    for thing in dict.fromkeys(t for value in held for t in reader.things_in(value) if t.kind == "scheduler"):
        reader.escape(thing, function.node, f"used in {function.name}, which is handed to code that is not read")


def call_thing(
    reader: Reader, callee: Thing, arguments: Sequence[Value], keywords: dict[str, Value], node: ast.Call
) -> Value:
    """Calling a library object (a model) gives something unknown."""
    return reader.unknown(node, words.source(node), (*arguments, *keywords.values()))


def held_by_foreign(reader: Reader, cls: Class, held: Items, node: ast.AST) -> None:
    """An object whose class extends one that is not seen may have its schedulers stepped by it."""
    reader.escape(held, node, f"held by {cls.name}, which extends a class that is not seen")
