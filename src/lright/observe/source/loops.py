"""Loops: what they iterate over, how often, and what the trip means for the names in the body."""

from __future__ import annotations

import ast

from ...quantity import Expr, Lit, Op, Sym, op
from ...timeline import Block, Branch, Loop, Place
from . import data, words
from .expressions import elements_of, evaluate, representative
from .recurrence import FirstTrip, depends, linear_increment
from .values import Flow, Instance, Items, Number, Range, Table, Thing, Value, Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .reader import Reader

_TEXT_UNROLL = 6


def run_for(reader: Reader, node: ast.For | ast.AsyncFor) -> Flow | None:
    """Read a ``for`` loop."""
    iterable = evaluate(reader, node.iter)
    if isinstance(iterable, Thing) and iterable.kind == "groups":
        reader.assign(node.target, Thing("group", iterable.number, {"position": None}), node)
        return _leave(reader.run(node.body))
    if isinstance(iterable, Wrapped) and isinstance(iterable.inner, Thing) and iterable.inner.kind == "groups":
        group = Thing("group", iterable.inner.number, {"position": None})
        reader.assign(node.target, Items([reader.unknown(node, "i"), group], "tuple"), node)
        return _leave(reader.run(node.body))
    unrolled = _unrolled(reader, iterable, node)
    if unrolled is not None:
        outer_spread = reader.spread
        if reader.spread is None and any(t.kind == "scheduler" for e in unrolled for t in reader.things_in(e)):
            reader.spread = reader.place(node), len(node.body) == 1
        for element in unrolled:
            reader.assign(node.target, element, node)
            flow = reader.run(node.body)
            if flow is not None and flow.kind == "break":
                break
            if flow is not None and flow.kind in ("return", "raise"):
                reader.spread = outer_spread
                return flow
        reader.spread = outer_spread
        return None
    index = reader.next_index(node)
    trips, element, over = iteration(reader, iterable, index, node)
    loop = _open(reader, node, index, trips, words.source(node.iter), over)
    loop.header = _header(reader, node)
    loop.variable = words.source(node.target)
    carried = reader.generalise(node, index)
    reader.assign(node.target, element, node)
    flow = _body(reader, node, loop)
    trips = _broken_trips(reader, loop, carried)
    _counters_to_remainders(reader, loop, carried)
    reader.settle(carried, index, trips)
    _tell_outer_loops(reader, carried, index, trips)
    loop.trips = trips
    if flow is None and node.orelse:
        return reader.run(node.orelse)
    return flow


def run_while(reader: Reader, node: ast.While) -> Flow | None:
    """Read a ``while`` loop; its trips follow from the counter its test is about."""
    index = reader.next_index(node)
    loop = _open(reader, node, index, None, f"while {words.source(node.test)}", None)
    loop.header = _header(reader, node)
    carried = reader.generalise(node, index)
    test = reader.test(node.test)
    if reader.decide(test) is False:
        for names, name, _, start in carried:
            names[name] = Number(start)
        return None
    loop.endless = reader.decide(test) is True
    flow = _body(reader, node, loop)
    definitions = _after_body(reader, carried, index)
    if not loop.endless:
        over = op("not", test)
        loop.trips = _solve(reader, over, definitions, index) or _first_trip(reader, over, loop, carried, None, True)
    loop.trips = _broken_trips(reader, loop, carried)
    reader.settle(carried, index, loop.trips)
    _tell_outer_loops(reader, carried, index, loop.trips)
    return flow


def _unrolled(reader: Reader, iterable: Value, node: ast.For | ast.AsyncFor) -> list[Value] | None:
    """The elements, where the body is to be read once for each: schedulers in a list, ``for phase in ["train",
    "val"]``."""
    elements = elements_of(reader, iterable) or _known_part(reader, iterable, node)
    if elements is None or isinstance(iterable, Range) and not _picks_things(reader, node) or not elements:
        return None
    if isinstance(iterable, Range):
        return elements if len(elements) <= 8 else None
    inner = elements
    if isinstance(iterable, Wrapped):
        inner = [e.items[-1] if isinstance(e, Items) and e.items else e for e in elements]
    if len(elements) <= 8 and any(isinstance(e, Instance) or any(True for _ in reader.things_in(e)) for e in inner):
        return elements
    if isinstance(iterable, (Items, Table)) and len(elements) <= _TEXT_UNROLL and isinstance(node.target, ast.Name):
        texts = all(isinstance(reader.known(e), str) for e in elements)
        compared = any(
            isinstance(n, ast.Compare) and node.target.id in {m.id for m in ast.walk(n) if isinstance(m, ast.Name)}
            for n in ast.walk(node)
        )
        if texts and compared:
            return elements
    return None


def _picks_things(reader: Reader, node: ast.For | ast.AsyncFor) -> bool:
    """``for i in range(3): optimizers[i].step()``: each trip is another optimizer or scheduler."""
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Name) and isinstance(part.value, ast.Name):
            held = reader.scope.lookup(part.value.id) if ast.dump(part.slice) == _loaded(node.target) else None
            if isinstance(held, Items) and any(t.kind in ("scheduler", "optimizer") for t in reader.things_in(held)):
                return True
    return False


def _loaded(target: ast.expr) -> str:
    return ast.dump(ast.Name(target.id, ast.Load())) if isinstance(target, ast.Name) else ""


def _known_part(reader: Reader, iterable: Value, node: ast.For | ast.AsyncFor) -> list[Value] | None:
    """Of a list that may hold more than is seen, the optimizers and schedulers that are seen stand for all."""
    columns = [iterable.inner, *iterable.others] if isinstance(iterable, Wrapped) else [iterable]
    held = [column.items if isinstance(column, Items) and column.open else [] for column in columns]
    count = max(len(items) for items in held)
    things = [thing for items in held for value in items for thing in reader.things_in(value)]
    if not any(thing.kind in ("scheduler", "optimizer") for thing in things):
        return None
    rows: list[Value] = []
    for position in range(count):
        row = [
            items[position] if position < len(items) else representative(reader, column, node)
            for items, column in zip(held, columns)
        ]
        if isinstance(iterable, Wrapped) and iterable.form == "enumerate":
            row = [reader.unknown(node, "i"), *row]
        rows.append(row[0] if len(row) == 1 else Items(row, "tuple"))
    return rows


def iteration(reader: Reader, iterable: Value, index: str, node: ast.AST) -> tuple[Expr | None, Value, int | None]:
    """Trips, the element of a trip, and the loader that is iterated, if it is one."""
    here = Sym(index)
    if isinstance(iterable, Range):
        step = iterable.step
        if isinstance(step, Lit) and step.value == 1:
            span = _span(iterable.start, iterable.stop)
            element: Expr = here if iterable.start == Lit(0) else op("+", iterable.start, here)
        else:
            span = op("ceil", op("/", op("-", iterable.stop, iterable.start), step))
            element = op("+", iterable.start, op("*", here, step))
        return span, Number(element), None
    if isinstance(iterable, Wrapped):
        return _wrapped(reader, iterable, index, node)
    if isinstance(iterable, Thing) and iterable.kind == "loader":
        loader = reader.loaders[iterable.number]
        return loader.length, reader.unknown(node, "batch", (iterable,)), iterable.number
    if isinstance(iterable, Items) and not iterable.open:
        return Lit(len(iterable.items)), _element(reader, iterable, node), None
    if isinstance(iterable, Table) and not iterable.open:
        return Lit(len(iterable.items)), reader.unknown(node, "key"), None
    length = data.length(reader, iterable, node)
    made = reader.unknown(node, "item", (iterable,))
    return length, made, None


def _span(start: Expr, stop: Expr) -> Expr:
    """``stop - start``, simplified where the stop is written from the start: ``range(begin, begin + n)``."""
    if start == Lit(0):
        return stop
    beyond = linear_increment(stop, start) if isinstance(start, Sym) else None
    if isinstance(beyond, Op) and beyond.name == "+" and beyond.args[0] == Lit(0):
        return beyond.args[1]
    if beyond is not None:
        return beyond
    if isinstance(start, Lit) and isinstance(stop, Op) and stop.name == "+" and stop.args[1] == start:
        return stop.args[0]  # range(1, epochs + 1)
    return op("-", stop, start)


def _element(reader: Reader, items: Items, node: ast.AST) -> Value:
    return reader.unknown(node, "item", tuple(items.items))


def _wrapped(reader: Reader, wrapped: Wrapped, index: str, node: ast.AST) -> tuple[Expr | None, Value, int | None]:
    trips, element, over = iteration(reader, wrapped.inner, index, node)
    here = Sym(index)
    if wrapped.form == "enumerate":
        counter = here if wrapped.start == Lit(0) else op("+", wrapped.start, here)
        return trips, Items([Number(counter), element], "tuple"), over
    if wrapped.form == "zip":
        elements = [element]
        for other in wrapped.others:
            other_trips, other_element, other_over = iteration(reader, other, index, node)
            elements.append(other_element)
            over = over if over is not None else other_over
            if trips is None:
                trips = other_trips
        return trips, Items(elements, "tuple"), over
    if wrapped.form == "endless":
        return None, element, over
    if wrapped.form == "islice" and wrapped.limit is not None:
        return wrapped.limit, element, over
    return trips, element, over


def _open(reader: Reader, node: ast.AST, index: str, trips: Expr | None, text: str, over: int | None) -> Loop:
    return Loop(
        reader.place(node),
        index,
        trips,
        text,
        Block(),
        over,
        evaluating=reader.is_evaluating,
        function=reader.scope.function,
    )


def _header(reader: Reader, node: ast.For | ast.AsyncFor | ast.While) -> Place:
    whole = reader.place(node)
    first = reader.place(node.body[0])
    if first.line > whole.line:
        line = reader.lines[first.line - 2] if first.line - 2 < len(reader.lines) else ""
        return Place(whole.line, whole.column, max(whole.line, first.line - 1), len(line.rstrip("\r\n")) + 1)
    return Place(whole.line, whole.column, whole.line, first.column)


def _body(reader: Reader, node: ast.For | ast.AsyncFor | ast.While, loop: Loop) -> Flow | None:
    outer = reader.block
    reader.block = loop.body
    reader.loops.append(loop)
    flow = reader.run(node.body)
    reader.loops.pop()
    reader.block = outer
    loop.evaluating = loop.evaluating or reader.is_evaluating and _no_update(loop)
    outer.nodes.append(loop)
    if flow is not None and flow.kind == "break" and not loop.breaks:
        loop.trips = Lit(1)
    return _leave(flow)


def _no_update(loop: Loop) -> bool:
    return not any(event.kind in ("update", "backward") for event in loop.body.events())


def _leave(flow: Flow | None) -> Flow | None:
    """Break and continue end with the loop; a return or a raise goes on to what is around it."""
    return None if flow is None or flow.kind in ("break", "continue") else flow


# -- how often a loop runs
# ----------------------------------------------------------------------------------------------


def _after_body(reader: Reader, carried: list[tuple[dict[str, Value], str, Sym, Expr]], index: str) -> dict[str, Expr]:
    """Carried symbols as linear functions of the trip, where they are."""
    found: dict[str, Expr] = {}
    for names, name, symbol, start in carried:
        end = names.get(name)
        expr = reader.scalar(end) if end is not None else None
        increment = linear_increment(expr, symbol) if expr is not None else None
        if increment is not None and not depends(increment, index):
            found[symbol.name] = op("+", start, op("*", Sym(index), increment))
    return found


def _broken_trips(reader: Reader, loop: Loop, carried: list[tuple[dict[str, Value], str, Sym, Expr]]) -> Expr | None:
    """The trips of a loop that is left by a test on a counter: ``if step >= max_steps: break``."""
    definitions = _after_body(reader, carried, loop.index)
    found = loop.trips
    for test, (full, at_once) in zip(loop.breaks, reader.leaving.get(id(loop), ())):
        if test is None:
            continue
        solved = _solve(reader, test, definitions, loop.index, after=not at_once)
        if solved is None or full != test:
            solved = _first_trip(reader, full, loop, carried, found, at_once) or solved
        if solved is None or found is not loop.trips and not _settled(reader, solved):
            continue
        found = solved if found is None or isinstance(solved, FirstTrip) else op("min", found, solved)
    return found


def _counters_to_remainders(reader: Reader, loop: Loop, carried: list[tuple[dict[str, Value], str, Sym, Expr]]) -> None:
    """``n += 1`` and ``if n == k: ...; n = 0``: the test says that every k-th trip comes through, and is written so."""
    for names, name, symbol, start in carried:
        end = names.get(name)
        expr = reader.scalar(end) if end is not None else None
        if not isinstance(expr, Op) or expr.name != "if" or reader.known(Number(start)) != 0:
            continue
        test, reset, counted = expr.args
        if reader.known(Number(reset)) != 0 or linear_increment(counted, symbol) != Lit(1):
            continue
        if (
            isinstance(test, Op)
            and test.name in ("==", ">=")
            and test.args[0] == counted
            and not depends(test.args[1], loop.index)
        ):
            every = op("==", op("%", op("+", Sym(loop.index), 1), test.args[1]), 0)
            names[name] = Number(op("if", every, Lit(0), counted))
            _replace_tests(loop.body, test, every)


def _replace_tests(block: Block, old: Expr, new: Expr) -> None:
    for node in block:
        if isinstance(node, Loop):
            _replace_tests(node.body, old, new)
        elif isinstance(node, Branch):
            node.test = _replaced(node.test, old, new) if node.test is not None else None
            for arm in node.arms:
                _replace_tests(arm, old, new)


def _replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    if expr == old:
        return new
    if isinstance(expr, Op):
        return Op(expr.name, tuple(_replaced(arg, old, new) for arg in expr.args))
    return expr


def _tell_outer_loops(
    reader: Reader, carried: list[tuple[dict[str, Value], str, Sym, Expr]], index: str, trips: Expr | None
) -> None:
    """A ``return`` inside a loop leaves the loops around it too: they see its test as it is on the last trip."""
    if trips is None:
        return
    definitions = {s.name: reader.definitions[s.name] for _, _, s, _ in carried if s.name in reader.definitions}
    last = {index: op("-", trips, 1)}

    def outside(test: Expr) -> Expr:
        return test.substituted(definitions).substituted(last)

    for outer in reader.loops:
        tests = reader.leaving.get(id(outer), [])
        inner = [depends(test, index) or any(depends(test, name) for name in definitions) for test, _ in tests]
        reader.leaving[id(outer)] = [
            (outside(test) if seen else test, at_once) for (test, at_once), seen in zip(tests, inner)
        ]
        outer.breaks = [test and outside(test) if seen else test for test, seen in zip(outer.breaks, inner)]


def _first_trip(
    reader: Reader,
    test: Expr,
    loop: Loop,
    carried: list[tuple[dict[str, Value], str, Sym, Expr]],
    limit: Expr | None,
    at_once: bool,
) -> FirstTrip | None:
    """The same by counting, where everything that the test depends on is a counter or a setting."""
    states: dict[str, tuple[str, Expr, Expr]] = {}
    waiting = [test]
    while waiting:
        mentioned = set(waiting.pop().symbols())
        for names, name, symbol, start in carried:
            end = names.get(name)
            step = reader.scalar(end) if end is not None else None
            if step is not None and symbol.name in mentioned and symbol.name not in states:
                states[symbol.name] = (symbol.name, start, step)
                waiting.append(step)
    found = FirstTrip(test, loop.index, tuple(states.values()), limit, not at_once)
    moves = any(depends(test, name) for name in (loop.index, *states))
    return found if moves and _settled(reader, found) else None


def _settled(reader: Reader, expr: Expr) -> bool:
    """Whether an expression is of counters and settings only."""
    return all(name in reader.facts or name in reader.definitions or name[:1] == "@" for name in expr.symbols())


def _solve(reader: Reader, test: Expr, definitions: dict[str, Expr], index: str, after: bool = False) -> Expr | None:
    """The number of trips before ``test`` comes true, for tests that are linear in the trip.

    ``after``: the test stands inside the body and the trip in which it comes true still counts.
    """
    if isinstance(test, Op) and test.name == "not":
        inner = test.args[0]
        turned = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "!=": "=="}
        if isinstance(inner, Op) and inner.name in turned:
            return _solve(reader, Op(turned[inner.name], inner.args), definitions, index, after)
        return None
    if isinstance(test, Op) and test.name == "or":
        found = [s for s in (_solve(reader, arg, definitions, index, after) for arg in test.args) if s is not None]
        return found[0] if found else None
    if not isinstance(test, Op) or test.name not in (">=", ">", "=="):
        return None
    left, right = (arg.substituted(definitions) for arg in test.args)
    if depends(right, index) or not depends(left, index):
        return None
    zero = left.substituted({index: Lit(0)})
    slope = _slope(left, index)
    if slope is None:
        return None
    distance = op("-", right, zero)
    if test.name == ">":
        distance = op("+", distance, 1)
    trips = distance if slope == Lit(1) else op("ceil", op("/", distance, slope))
    return op("+", trips, 1) if after else trips


def _slope(expr: Expr, index: str) -> Expr | None:
    """The factor of the trip in a linear expression."""
    if isinstance(expr, Sym):
        return Lit(1) if expr.name == index else Lit(0)
    if not depends(expr, index):
        return Lit(0)
    if isinstance(expr, Op) and expr.name in ("+", "-"):
        first, second = (_slope(arg, index) for arg in expr.args)
        if first is None or second is None:
            return None
        if second == Lit(0):
            return first
        return second if first == Lit(0) and expr.name == "+" else None
    if isinstance(expr, Op) and expr.name == "*":
        first, second = expr.args
        if depends(first, index) and depends(second, index):
            return None
        inner, factor = (first, second) if depends(first, index) else (second, first)
        slope = _slope(inner, index)
        return None if slope is None else op("*", slope, factor)
    return None
