"""From a reading to a situation: which loops train, what numbers count, which worlds there are."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from ...quantity import (
    BATCHES,
    BATCHES_PER_EPOCH,
    BATCHES_PER_UPDATE,
    EPOCHS,
    PROCESSES,
    Dimension,
    Expr,
    Op,
    Scalar,
    Sym,
)
from ...situation import Formula, Training
from ...timeline import BATCH, EPOCH, EVALUATION, MICRO, OTHER, OUTER, Block, Branch, Event, Loop, Site, sites
from . import spelling, things, words
from .decays import decays
from .metrics import add_metrics
from .reader import Reader, TooMuch
from .values import Class, Function, Instance, Value


def read_world(
    tree: ast.Module,
    lines: Sequence[str],
    world: Mapping[str, Scalar],
    settings: Mapping[str, Scalar],
    arguments: Sequence[str],
    entries: frozenset[str] | None = None,
    resuming: bool = False,
) -> tuple[list[Training], Reader]:
    """Read the script in one world: a training for the module and one for each uncalled function that trains
    (only those of ``entries``, where it is given)."""
    reader = Reader(tree, lines, world, settings, arguments, resuming)
    trainings = []
    try:
        reader.run(tree.body)
    except (TooMuch, RecursionError) as error:
        reader.notes.append(str(error) or "nested too deeply to be followed")
        reader.incomplete = True
    if _matters(reader.root):
        trainings.append(_training(reader, "<module>"))
    trainings += _uncalled(reader, entries)
    return trainings, reader


def _matters(block: Block) -> bool:
    return any(site.event.kind in ("update", "tick", "build", "write") for site in sites(block))


def _training(reader: Reader, entry: str) -> Training:
    training = Training(
        "default",
        reader.root,
        reader.facts,
        reader.units,
        reader.definitions,
        reader.optimizers,
        reader.schedulers,
        reader.loaders,
        entry,
        stop=reader.stop,
        complete=not reader.incomplete,
    )
    training.decays = decays(reader, training)
    training.reduces = spelling.exchanges(reader.tree)
    training.unread_steps = _unread_steps(reader, training)
    for scheduler in training.schedulers.values():
        scheduler.mentions = spelling.mentions(reader.tree)[scheduler.text]
    classify(training)
    infer_units(training)
    add_metrics(reader, training.sites)
    return training


def _unread_steps(reader: Reader, training: Training) -> frozenset[str]:
    """Whose step() calls stand in the text but not in the timeline: in arms that are not taken, in functions that are
    not called. Looked for only where a scheduler seems not to be stepped at all."""
    stepped = {site.event.subject for site in training.of("tick")}
    if all(s.number in stepped or not s.seen or s.parent is not None for s in training.schedulers.values()):
        return frozenset()
    return frozenset(
        words.last_part(words.source(node.func.value))
        for node in words.nodes(reader.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("step", "step_update")
        and id(node) not in reader.read
    )


def _uncalled(reader: Reader, entries: frozenset[str] | None) -> list[Training]:
    """Functions and classes that nobody in the file calls, read as if they were: they are what others import."""
    found = []
    for name, value in list(reader.module.names.items()):
        if entries is not None and name not in entries:
            continue
        if isinstance(value, Function) and id(value.node) not in reader.called and name in reader.relevant:
            found += _read_entry(reader, name, value)
        elif isinstance(value, Class) and _methods(value) & reader.relevant and not _instantiated(reader, value):
            found += _read_class(reader, value)
    for function in reader.handed_on if entries is None else ():
        if id(function.node) not in reader.called and function.name in reader.relevant:
            found += _read_entry(reader, function.name, function)
    return found


def _methods(cls: Class) -> set[str]:
    return {name for name, value in cls.attributes.items() if isinstance(value, Function)}


def _instantiated(reader: Reader, cls: Class) -> bool:
    return any(instance.cls is cls for instance in reader.instances) or any(
        isinstance(value, Function) and id(value.node) in reader.called for value in cls.attributes.values()
    )


def _fresh_root(reader: Reader) -> None:
    reader.root = reader.block = Block()
    reader.loops = []
    reader.scope = reader.module
    reader.frames = [reader.module]
    reader.calls = []
    reader.eval_mode = False
    reader.no_grad = 0


def _read_entry(reader: Reader, name: str, function: Function) -> list[Training]:
    _fresh_root(reader)
    try:
        result = reader.call_function(function, (), _left_open(reader, function), function.node)
        reader.escape(result, function.node, f"returned by {name}()")
    except (TooMuch, RecursionError) as error:
        reader.notes.append(f"{name}: {error}")
        reader.incomplete = True
    return [_training(reader, name)] if _matters(reader.root) else []


def _read_class(reader: Reader, cls: Class) -> list[Training]:
    """An object of the class is made, and the methods that nothing else calls are read in the order they stand in."""
    _fresh_root(reader)
    instance = Instance(cls, {}, "self", open=True, number=reader.fresh())
    reader.instances.append(instance)
    foreign = any(base not in ("object", "ABC", "abc.ABC") for base in cls.external_bases())
    try:
        init = cls.lookup("__init__")
        if isinstance(init, Function):
            reader.call_function(_method(init, instance), (), _left_open(reader, init), cls.node)
        inner = _called_by_others(cls)
        for name, value in list(cls.attributes.items()):
            if not isinstance(value, Function) or name not in reader.relevant or id(value.node) in reader.called:
                continue
            if name in inner:
                continue
            result = reader.call_function(_method(value, instance), (), _left_open(reader, value), value.node)
            reader.escape(result, value.node, f"returned by {name}()")
    except (TooMuch, RecursionError) as error:
        reader.notes.append(f"{cls.name}: {error}")
        reader.incomplete = True
    if foreign:
        for thing in reader.things_in(instance):
            reader.escape(thing, cls.node, f"held by {cls.name}, which extends a class that is not seen")
    return [_training(reader, cls.name)] if _matters(reader.root) else []


def _method(function: Function, instance: Instance) -> Function:
    return Function(function.node, function.scope, function.name, instance, function.owner)


def _called_by_others(cls: Class) -> frozenset[str]:
    """The names that the methods of a class mention on its own object, each outside the method of that name.

    ``self.model.train()`` says nothing about ``self.train``.
    """
    found: set[str] = set()
    for name, value in cls.attributes.items():
        if isinstance(value, Function):
            owners = {cls.name, *(a.arg for a in value.node.args.args[:1])}
            for node in ast.walk(value.node):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in owners:
                    found |= {node.attr} - {name}
    return frozenset(found)


def _left_open(reader: Reader, function: Function) -> dict[str, Value]:
    """Optional schedulers among the parameters of a function that is read without a call: they may well be given."""
    spec = function.node.args
    optional = [*spec.args[len(spec.args) - len(spec.defaults) :], *spec.kwonlyargs]
    defaults = [*spec.defaults, *spec.kw_defaults]
    found: dict[str, Value] = {}
    for parameter, default in zip(optional, defaults):
        if isinstance(default, ast.Constant) and default.value is None and words.names_scheduler(parameter.arg):
            guessed = things.guess(reader, parameter.arg, parameter)
            if guessed is not None:
                found[parameter.arg] = guessed
    return found


# -- loops ----------------------------------------------------------------------------------------------------------


def classify(training: Training) -> None:
    """Give every loop its kind."""
    updates = [site for site in training.sites if site.event.kind == "update"]
    trains = {id(loop) for site in updates for loop in site.loops}
    for site in updates:
        _classify_chain(site)
    for loop in all_loops(training.root):
        if id(loop) in trains:
            continue
        loop.kind = _kind_without_update(loop, bool(updates))
    if not updates:
        _classify_by_ticks(training)


def all_loops(block: Block) -> Iterable[Loop]:
    """Every loop below a block, outer ones first."""
    for node in block:
        if isinstance(node, Loop):
            yield node
            yield from all_loops(node.body)
        elif isinstance(node, Branch):
            for arm in node.arms:
                yield from all_loops(arm)


def _classify_chain(site: Site) -> None:
    loops = site.loops
    if not loops or any(loop.kind == BATCH for loop in loops):
        return
    batch = _batch_position(loops)
    loops[batch].kind = BATCH
    loops[batch].epoch_like = not _over_data(loops[batch]) and _named_epoch(loops[batch])
    for inner in loops[batch + 1 :]:
        inner.kind = MICRO
    outer = loops[:batch]
    if not outer or loops[batch].epoch_like:
        for loop in outer:
            loop.kind = OUTER
        return
    named = [position for position, loop in enumerate(outer) if _named_epoch(loop)]
    epoch = named[-1] if named else len(outer) - 1
    for position, loop in enumerate(outer):
        loop.kind = OUTER if position < epoch else EPOCH if position == epoch else OTHER


def _batch_position(loops: Sequence[Loop]) -> int:
    for position in range(len(loops) - 1, -1, -1):
        if _over_data(loops[position]):
            return position
    for position in range(len(loops) - 1, 0, -1):  # several update passes over one rollout or batch
        if _named_step(loops[position]) or not _named_epoch(loops[position]):
            return position
    return len(loops) - 1


def _over_data(loop: Loop) -> bool:
    return loop.over is not None or words.names_data(loop.text) or _out_of_sight(loop)


def _out_of_sight(loop: Loop) -> bool:
    """The batches of a training function that is in another file."""
    return any(isinstance(node, Event) and node.data.get("unseen") for node in loop.body)


def _named_epoch(loop: Loop) -> bool:
    return words.names_epoch(f"{loop.variable} {loop.text}")


def _named_step(loop: Loop) -> bool:
    return words.names_step(f"{loop.variable} {loop.text}")


def _kind_without_update(loop: Loop, training_elsewhere: bool) -> str:
    events = {event.kind for event in loop.body.events()}
    if "backward" in events:
        return MICRO
    if _over_data(loop) and (loop.evaluating or words.names_validation(loop.text) or training_elsewhere):
        return EVALUATION
    counted = isinstance(loop.trips, Sym) and loop.trips.text.startswith("len(")
    return EVALUATION if loop.evaluating and counted and not _named_epoch(loop) else OTHER


def _classify_by_ticks(training: Training) -> None:
    """No update was seen (it happens in code that is not read): loops over data around ticks or backward train."""
    for site in training.sites:
        if site.event.kind not in ("tick", "backward"):
            continue
        loops = [loop for loop in site.loops if loop.kind != EVALUATION]
        data = [loop for loop in loops if _over_data(loop)]
        if data:
            data[-1].kind = BATCH
            outer = loops[: loops.index(data[-1])]
        else:
            outer = loops
        if outer and outer[-1].kind == OTHER and _named_epoch(outer[-1]):
            outer[-1].kind = EPOCH


# -- units ----------------------------------------------------------------------------------------------------------


def infer_units(training: Training) -> None:
    """What every symbol counts: proven by its use first, then suggested by its name."""
    units = training.units
    proven = set(units)
    for loop in all_loops(training.root):
        if loop.kind == EPOCH:
            units.setdefault(loop.index, EPOCHS)
            _mark(loop.trips, EPOCHS, units, proven)
        elif loop.kind == BATCH and loop.epoch_like:
            units.setdefault(loop.index, EPOCHS)
            _mark(loop.trips, EPOCHS, units, proven)
        elif loop.kind == BATCH:
            units.setdefault(loop.index, BATCHES)
            per_epoch = any(other.kind == EPOCH for other in _around(training, loop))
            if per_epoch or loop.over is not None:
                _mark(loop.trips, BATCHES_PER_EPOCH, units, proven)
            elif isinstance(loop.trips, Sym):
                hint = words.unit_hint(loop.trips.text)
                _mark(loop.trips, hint or BATCHES, units, proven)
    for site in training.updates():
        for guard in site.guards:
            _mark_accumulation(guard.branch.test, units, proven)
    training.proven_units = frozenset(proven)
    for fact in training.facts.values():
        if fact.name not in units and not isinstance(fact.value, (str, bool)):
            hint = words.unit_hint(fact.text)
            if hint is not None:
                units[fact.name] = hint
    if "processes" in training.facts:
        units["processes"] = PROCESSES
    for scheduler in training.schedulers.values():
        for argument in scheduler.arguments.values():
            for value in argument.value if isinstance(argument.value, list) else [argument.value]:
                _adopt(value.expr if isinstance(value, Formula) else value, units, training)


def _adopt(expr: object, units: dict[str, Dimension], training: Training) -> None:
    """In ``epochs - warmup`` the warmup counts what the epochs count."""
    if not isinstance(expr, Op):
        return
    for arg in expr.args:
        _adopt(arg, units, training)
    if expr.name in ("+", "-") and len(expr.args) == 2:
        for one, other in (expr.args, expr.args[::-1]):
            known = training.dimension(other)
            if isinstance(one, Sym) and one.name in training.facts and one.name not in units and known is not None:
                units[one.name] = known
                if training.proven_units.issuperset(other.symbols()):
                    training.proven_units |= {one.name}


def _around(training: Training, loop: Loop) -> Iterable[Loop]:
    for site in training.sites:
        if site.within(loop):
            return site.loops[: [id(x) for x in site.loops].index(id(loop))]
    return ()


def _mark(expr: Expr | None, dimension: Dimension, units: dict[str, Dimension], proven: set[str]) -> None:
    """Use as a trip count proves the unit of a symbol, through sums with other symbols and numbers."""
    if isinstance(expr, Sym) and not expr.name.startswith("@"):
        if expr.name not in proven:
            units[expr.name] = dimension
            proven.add(expr.name)
    elif isinstance(expr, Op) and expr.name in ("+", "-", "int", "max", "min", "if"):
        for arg in expr.args[1 if expr.name == "if" else 0 :]:
            _mark(arg, dimension, units, proven)


def _mark_accumulation(test: Expr | None, units: dict[str, Dimension], proven: set[str]) -> None:
    if not isinstance(test, Op):
        return
    if test.name == "%" and isinstance(test.args[1], Sym):
        name = test.args[1].name
        if words.is_accumulation(test.args[1].text) or name not in units:
            units[name] = BATCHES_PER_UPDATE
            proven.add(name)
        return
    for arg in test.args:
        _mark_accumulation(arg, units, proven)
