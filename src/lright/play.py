"""Playing a timeline: how many updates and ticks there are, and what had happened before each of them.

The timeline is unrolled under numbers into a compressed trace: a loop whose body does not depend on its trip is kept as
"n times this", so that 90 epochs of 391 batches cost a handful of nodes. :meth:`Play.before` then says, for any update,
how often every scheduler had ticked and what was last written into the learning rate.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

from .errors import LrightError
from .quantity import Expr, Lit, Op, Scalar, Sym, Unbound
from .records import record
from .situation import Training, Values
from .timeline import Block, Branch, Event, Loop

Key = tuple[str, int]
Signature = tuple[object, ...]
MAX_ENUMERATED = 4096
MAX_NODES = 60_000
HEAD = 1024  # trips in which a period is looked for
MAX_WALKED = 4_000  # trips gone through one by one, in all loops together


class CannotPlay(LrightError):
    """The timeline cannot be unrolled: a trip count is unknown (``name`` says which) or it is too irregular."""

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name


class Node:
    """A piece of trace. ``counts`` says how often each event happens in it."""

    __slots__ = ("counts", "signature")
    counts: dict[Key, int]
    signature: Signature


class Leaf(Node):
    """One event."""

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        self.event = event
        self.counts = {(event.kind, event.subject): 1}
        self.signature = ("leaf", id(event))


class Run(Node):
    """One thing after another."""

    __slots__ = ("children",)

    def __init__(self, children: Sequence[Node]) -> None:
        self.children = tuple(children)
        self.counts = {}
        for child in self.children:
            _add(self.counts, child.counts, 1)
        self.signature = ("run", *(child.signature for child in self.children))


class Trips(Node):
    """The trips of a loop as segments ``(how many, what each does)``; ``index`` is the loop's symbol.

    ``period``: the segments repeat from the start until ``total`` trips are made.
    """

    __slots__ = ("_before", "_positions", "_setters", "_starts", "index", "period", "segments", "total")

    def __init__(self, index: str, segments: Sequence[tuple[int, Node]], total: int) -> None:
        self.index = index
        self.segments = tuple(segments)
        self.total = total
        self.period = sum(count for count, _ in self.segments)
        self.counts = {}
        cycles, rest = divmod(total, self.period) if self.period else (0, 0)
        for count, node in self.segments:
            _add(self.counts, node.counts, count * cycles + min(count, max(rest, 0)))
            rest -= count
        self.signature = ("trips", total, *((count, node.signature) for count, node in self.segments))
        self._before: list[dict[Key, int]] | None = None
        self._positions: dict[Key, list[int]] = {}
        self._starts: list[int] = []
        self._setters: list[int] = []

    def before(self) -> list[dict[Key, int]]:
        """What has happened in a period before each of its segments, and in the whole of it."""
        if self._before is None:
            running: dict[Key, int] = {}
            self._before, start, setter = [], 0, -1
            for number, (count, node) in enumerate(self.segments):
                self._before.append(dict(running))
                self._starts.append(start)
                self._setters.append(setter)
                _add(running, node.counts, count)
                start += count
                setter = number if _sets_lr(node) else setter
            self._before.append(running)
            self._starts.append(start)
            self._setters.append(setter)
        return self._before

    def positions(self, key: Key) -> list[int]:
        """How often ``key`` has happened in a period before each segment, and in the whole of it."""
        found = self._positions.get(key)
        if found is None:
            found = self._positions[key] = [counts.get(key, 0) for counts in self.before()]
        return found

    def find(self, key: Key, position: int, wanted: Key) -> tuple[Node, int, int]:
        """The trip in which ``key`` happens for the ``position``-th time: what it does, the position in it, and how
        often ``wanted`` happens in the trips before."""
        positions, counted = self.positions(key), self.positions(wanted)
        cycles, position = divmod(position, positions[-1])
        segment = bisect_right(positions, position, 0, len(positions) - 1) - 1
        child = self.segments[segment][1]
        skipped, rest = divmod(position - positions[segment], child.counts[key])
        return child, rest, cycles * counted[-1] + counted[segment] + skipped * child.counts.get(wanted, 0)

    def setter_before(self, segment: int) -> tuple[int, Node] | None:
        """The last trip of the segments before ``segment`` that sets the learning rate: its trip and what it does."""
        self.before()
        number = self._setters[segment]
        if number < 0:
            return None
        count, node = self.segments[number]
        return self._starts[number] + count - 1, node

    def start(self, segment: int) -> int:
        """The first trip of a segment."""
        self.before()
        return self._starts[segment]


def _add(into: dict[Key, int], counts: Mapping[Key, int], times: int) -> None:
    if times:
        for key, count in counts.items():
            into[key] = into.get(key, 0) + count * times


@record(slots=True)
class Moment:
    """The state just before an event: how often everything had happened, the trips of the loops around it, and the
    last thing that set the learning rate (an event and its trips), if there was one."""

    counts: dict[Key, int]
    trips: dict[str, int]
    last: tuple[Event, dict[str, int]] | None


class Play:
    """A timeline unrolled under the numbers of ``witness``, seen from one optimizer.

    ``inside``: loops that make the objects anew on every trip (folds): one trip of the innermost is played, the first.
    Raises :class:`CannotPlay` where a trip count is not known.
    """

    def __init__(
        self,
        training: Training,
        optimizer: int,
        schedulers: Sequence[int],
        witness: Mapping[str, Scalar] | None = None,
        inside: Sequence[Loop] = (),
    ) -> None:
        self.training = training
        self.optimizer = optimizer
        self.values = training.values(witness)
        self.values.witness.update((loop.index, 0) for loop in inside)
        wanted = {("update", optimizer), ("write", optimizer), *(("tick", number) for number in schedulers)}
        unroller = _Unroller(training, self.values, wanted)
        self.trace = unroller.block(inside[-1].body if inside else training.root)
        self.guessed = unroller.guessed  # whether a test that nobody can decide stands before an update or a tick
        self.updates = self.trace.counts.get(("update", optimizer), 0)

    def ticks(self, scheduler: int) -> int:
        """How often the scheduler ticks in the whole training."""
        return self.trace.counts.get(("tick", scheduler), 0)

    def before(self, update: int) -> Moment:
        """The moment of update number ``update`` (from 0)."""
        return self._seek(("update", self.optimizer), update)

    def at_tick(self, scheduler: int, tick: int) -> Moment:
        """The moment just before tick number ``tick`` (from 0) of a scheduler."""
        return self._seek(("tick", scheduler), tick)

    def ticks_before(self, update: int, scheduler: int) -> int:
        """How often a scheduler has ticked before an update: as :meth:`before`, without the rest of the moment."""
        key, wanted, found = ("update", self.optimizer), ("tick", scheduler), 0
        node, position = self.trace, update
        while not isinstance(node, Leaf):
            if isinstance(node, Run):
                for child in node.children:
                    inside = child.counts.get(key, 0)
                    if position < inside:
                        node = child
                        break
                    position -= inside
                    found += child.counts.get(wanted, 0)
                else:
                    raise IndexError(f"there is no update {update}")
            else:
                assert isinstance(node, Trips)
                node, position, ticked = node.find(key, position, wanted)
                found += ticked
        return found

    def _seek(self, key: Key, position: int) -> Moment:
        if not 0 <= position < self.trace.counts.get(key, 0):
            raise IndexError(f"{key} happens {self.trace.counts.get(key, 0)} times: there is no number {position}")
        counts: dict[Key, int] = {}
        trips: dict[str, int] = {}
        last: tuple[Node, dict[str, int]] | None = None
        node = self.trace
        while not isinstance(node, Leaf):
            if isinstance(node, Run):
                for child in node.children:
                    inside = child.counts.get(key, 0)
                    if position < inside:
                        node = child
                        break
                    position -= inside
                    _add(counts, child.counts, 1)
                    if _sets_lr(child):
                        last = (child, dict(trips))
                else:
                    raise IndexError(f"{key} happens less often than {position} times")
            else:
                assert isinstance(node, Trips)
                node, position, last = _enter(node, key, position, counts, trips, last)
        found = _last_leaf(last[0], last[1]) if last is not None else None
        return Moment(counts, trips, found)


def _enter(
    node: Trips,
    key: Key,
    position: int,
    counts: dict[Key, int],
    trips: dict[str, int],
    last: tuple[Node, dict[str, int]] | None,
) -> tuple[Node, int, tuple[Node, dict[str, int]] | None]:
    """Find the trip in which the event happens; account for the trips before it."""
    positions = node.positions(key)
    cycles, position = divmod(position, positions[-1])
    segment = bisect_right(positions, position, 0, len(positions) - 1) - 1
    child = node.segments[segment][1]
    skipped, rest = divmod(position - positions[segment], child.counts[key])
    _add(counts, node.before()[-1], cycles)
    _add(counts, node.before()[segment], 1)
    _add(counts, child.counts, skipped)
    base = cycles * node.period
    trip = base + node.start(segment) + skipped
    earlier = node.setter_before(segment)
    if skipped and _sets_lr(child):
        last = (child, {**trips, node.index: trip - 1})
    elif earlier is not None:
        last = (earlier[1], {**trips, node.index: base + earlier[0]})
    elif cycles:
        whole = node.setter_before(len(node.segments))
        if whole is not None:
            last = (whole[1], {**trips, node.index: base - node.period + whole[0]})
    trips[node.index] = trip
    return child, rest, last


def _sets_lr(node: Node) -> bool:
    return any(kind in ("tick", "write") for kind, _ in node.counts)


def _last_leaf(node: Node, trips: dict[str, int]) -> tuple[Event, dict[str, int]] | None:
    """The last tick or write in a piece of trace."""
    while not isinstance(node, Leaf):
        if isinstance(node, Run):
            node = next(child for child in reversed(node.children) if _sets_lr(child))
            continue
        assert isinstance(node, Trips)
        rest = node.total % node.period
        found = _last_trip_of(node, rest) if rest else None
        position, child = found or _last_trip_of(node, node.period) or (0, node.segments[-1][1])
        base = node.total - rest if found else node.total - rest - node.period
        trips = {**trips, node.index: base + position}
        node = child
    return node.event, trips


def _last_trip_of(node: Trips, end: int) -> tuple[int, Node] | None:
    """The last position before ``end`` within a period whose trip sets the learning rate."""
    start, found = 0, None
    for count, child in node.segments:
        stop = min(start + count, end)
        if stop > start and _sets_lr(child):
            found = (stop - 1, child)
        start += count
    return found


class _Unroller:
    """Turns blocks into traces."""

    def __init__(self, training: Training, values: Values, wanted: set[Key]) -> None:
        self.training = training
        self.values = values
        self.wanted = wanted
        self.nodes = 0
        self.walked = 0
        self.guessed = False
        self.holds: dict[int, bool] = {}
        self.depends: dict[tuple[int, str], bool] = {}

    def block(self, block: Block) -> Node:
        children: list[Node] = []
        for item in block:
            if isinstance(item, Event):
                if (item.kind, item.subject) in self.wanted:
                    children.append(Leaf(item))
            elif self.matters(item):
                children.append(self.loop(item) if isinstance(item, Loop) else self.branch(item))
        self.nodes += len(children)
        if self.nodes > MAX_NODES:
            raise CannotPlay("the training is too irregular to be played through")
        return children[0] if len(children) == 1 else Run(children)

    def matters(self, item: Loop | Branch) -> bool:
        """Whether anything wanted is below."""
        found = self.holds.get(id(item))
        if found is None:
            blocks = (item.body,) if isinstance(item, Loop) else item.arms
            found = self.holds[id(item)] = any(
                (inner.kind, inner.subject) in self.wanted if isinstance(inner, Event) else self.matters(inner)
                for block in blocks
                for inner in block
            )
        return found

    def branch(self, branch: Branch) -> Node:
        try:
            taken = branch.test is None or bool(branch.test.evaluate(self.values))
        except (Unbound, ArithmeticError, TypeError, ValueError):
            taken = self.busier(branch)
            self.guessed = self.guessed or not _harmless(branch, self.wanted)
        return self.block(branch.arms[0 if taken else 1])

    def busier(self, branch: Branch) -> bool:
        """An undecidable test is taken to come out where something happens: with updates before without."""
        counts = []
        for arm in branch.arms:
            kinds = [e.kind for e in arm.events() if (e.kind, e.subject) in self.wanted]
            counts.append((kinds.count("update"), len(kinds)))
        return counts[0] >= counts[1]

    def loop(self, loop: Loop) -> Node:
        total = self.trips(loop)
        if total <= 0:
            return Run(())
        if not self.varies(loop):
            self.values.witness[loop.index] = 0
            return Trips(loop.index, [(total, self.block(loop.body))], total)
        changes = self.changes(loop, total) if total > 8 else None
        if changes is not None:
            segments: list[tuple[int, Node]] = []
            for start, stop in pairwise((*changes, total)):
                _append(segments, stop - start, self.trip(loop, start))
            return Trips(loop.index, segments, total)
        self.walked += total
        if total > MAX_ENUMERATED or self.walked > MAX_WALKED:
            return self.sampled(loop, total)
        return Trips(loop.index, self.enumerated(loop, 0, total), total)

    def changes(self, loop: Loop, total: int) -> list[int] | None:
        """The trips at which the body may begin to do something else, where comparisons with the trip decide that
        (a warmup that ends); None where anything else depends on the trip."""
        found = {0}
        for expr in self._deciding(loop.body, loop.index):
            if not self._crossings(expr, loop.index, total, found):
                return None
        return sorted(found) if len(found) * 4 < total else None

    def _deciding(self, block: Block, index: str) -> list[Expr]:
        """The tests and trip counts below that depend on a trip."""
        found: list[Expr] = []
        for item in block:
            if isinstance(item, Event) or not self.matters(item) or not self._depends(Block([item]), index):
                continue
            expr = item.trips if isinstance(item, Loop) else item.test
            if expr is not None and index in self.closure(expr):
                found.append(expr)
            for inner in (item.body,) if isinstance(item, Loop) else item.arms:
                found += self._deciding(inner, index)
        return found

    def _crossings(self, test: Expr, index: str, total: int, found: set[int]) -> bool:
        """Add the trips at which a test changes to ``found``; False where they cannot be told."""
        if index not in self.closure(test):
            return True
        if isinstance(test, Op) and test.name in ("and", "or", "not", "bool"):
            return all(self._crossings(arg, index, total, found) for arg in test.args)
        if all(self._unknown(test, index, trip) for trip in (0, 1, total // 2, total - 1)):
            return True  # never decided
        if self._remainders(test, index, total, found):
            return True
        if not isinstance(test, Op) or test.name not in ("<", "<=", ">", ">=", "==", "!="):
            return False
        if not all(self._linear(arg, index) for arg in test.args):
            return False
        try:
            first, second = (self._distance(test, index, trip) for trip in (0, 1))
        except (Unbound, ArithmeticError, TypeError, ValueError):
            return False
        if first != second:
            middle = first / (first - second)
            if abs(middle) < 1e12:
                found.update(t for t in range(int(middle) - 1, int(middle) + 3) if 0 < t < total)
        return True

    def _turns(self, loop: Loop, total: int) -> list[int]:
        """The trips at which a comparison anywhere in the tests turns, beside what is periodic in them."""
        found: set[int] = set()
        waiting = self._deciding(loop.body, loop.index)
        while waiting:
            expr = waiting.pop()
            if isinstance(expr, Op) and not self._crossings(expr, loop.index, total, found):
                waiting += expr.args
        return sorted(found)

    def _remainders(self, test: Expr, index: str, total: int, found: set[int]) -> bool:
        """``(trip + 1) % 5000 == 0`` in a long loop: the few trips for which it holds."""
        if not isinstance(test, Op) or test.name != "==" or total <= MAX_ENUMERATED:
            return False
        left = test.args[0]
        if not isinstance(left, Op) or left.name != "%" or not self._linear(left.args[0], index):
            return False
        if any(index in self.closure(part) for part in (left.args[1], test.args[1])):
            return False
        try:
            every, rest = (part.evaluate(self.values) for part in (left.args[1], test.args[1]))
            first, second = (self._distance(Op("-", (left.args[0], Lit(0))), index, trip) for trip in (0, 1))
        except (Unbound, ArithmeticError, TypeError, ValueError):
            return False
        if second - first != 1 or not isinstance(every, int) or not isinstance(rest, int) or total > 1000 * every:
            return False
        begin = int((rest - first) % every)
        for trip in range(begin, total, every):
            found.update(t for t in (trip, trip + 1) if 0 < t < total)
        return True

    def _unknown(self, test: Expr, index: str, trip: int) -> bool:
        self.values.witness[index] = trip
        try:
            test.evaluate(self.values)
        except Unbound:
            return True
        except (ArithmeticError, TypeError, ValueError):
            return False
        return False

    def _distance(self, test: Op, index: str, trip: int) -> float:
        """The left side less the right side at a trip."""
        self.values.witness[index] = trip
        left, right = (arg.evaluate(self.values) for arg in test.args)
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            raise TypeError("not numbers")
        return left - right

    def _linear(self, expr: Expr, index: str) -> bool:
        """Whether an expression is a linear function of a trip."""
        if index not in self.closure(expr):
            return True
        if isinstance(expr, Sym):
            definition = self.training.definitions.get(expr.name)
            return expr.name == index or definition is not None and self._linear(definition, index)
        if not isinstance(expr, Op) or expr.name not in ("+", "-", "*", "/", "neg", "float"):
            return False
        if expr.name in ("*", "/") and index in self.closure(expr.args[1]):
            return expr.name == "*" and index not in self.closure(expr.args[0]) and self._linear(expr.args[1], index)
        return all(self._linear(arg, index) for arg in expr.args)

    def trips(self, loop: Loop) -> int:
        if loop.trips is None:
            raise CannotPlay(f"how often the loop over {loop.text} runs is not known", loop.text)
        try:
            total = loop.trips.evaluate(self.values)
        except Unbound as error:
            raise CannotPlay(f"{error.name} is not known", error.name) from None
        except (ArithmeticError, TypeError, ValueError) as error:
            raise CannotPlay(f"the length of {loop.text} cannot be computed: {error}") from None
        if not isinstance(total, (int, float)) or total != total or abs(total) > 1e12:
            raise CannotPlay(f"the length of {loop.text} is no number of trips")
        return int(-(-total // 1))

    def varies(self, loop: Loop) -> bool:
        """Whether what the body does depends on the trip: through a test or the length of an inner loop."""
        return self._depends(loop.body, loop.index)

    def _depends(self, block: Block, index: str) -> bool:
        for item in block:
            if isinstance(item, Event) or not self.matters(item):
                continue
            key = (id(item), index)
            if key not in self.depends:
                expr = item.trips if isinstance(item, Loop) else item.test
                blocks = (item.body,) if isinstance(item, Loop) else item.arms
                self.depends[key] = (expr is not None and index in self.closure(expr)) or any(
                    self._depends(inner, index) for inner in blocks
                )
            if self.depends[key]:
                return True
        return False

    def closure(self, expr: Expr) -> set[str]:
        """The symbols an expression depends on, through definitions."""
        found: set[str] = set()
        waiting = list(expr.symbols())
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                if name in self.training.definitions:
                    waiting += self.training.definitions[name].symbols()
        return found

    def trip(self, loop: Loop, position: int) -> Node:
        self.values.witness[loop.index] = position
        return self.block(loop.body)

    def enumerated(self, loop: Loop, start: int, stop: int) -> list[tuple[int, Node]]:
        segments: list[tuple[int, Node]] = []
        for position in range(start, stop):
            node = self.trip(loop, position)
            if segments and segments[-1][1].signature == node.signature:
                segments[-1] = (segments[-1][0] + 1, segments[-1][1])
            else:
                segments.append((1, node))
        return segments

    def sampled(self, loop: Loop, total: int) -> Node:
        """Long loops: either periodic (accumulation) or with a few changes (a warmup that ends)."""
        if self._periodic(loop):
            head = [self.trip(loop, position) for position in range(min(self._head(loop), total))]
            period = _period([node.signature for node in head])
            if period is not None and all(
                self.trip(loop, probe).signature == head[probe % period].signature
                for probe in (total // 3, total // 2, total - 1, *self._turns(loop, total))
            ):
                segments: list[tuple[int, Node]] = [(1, node) for node in head[:period]]
                return Trips(loop.index, segments, total)
            if total <= MAX_ENUMERATED:
                return Trips(loop.index, self.enumerated(loop, 0, total), total)
            raise CannotPlay("the training is too irregular to be played through")
        segments = []
        self._split(loop, 0, total - 1, self.trip(loop, 0), self.trip(loop, total - 1), segments)
        return Trips(loop.index, segments, total)

    def _split(
        self, loop: Loop, low: int, high: int, first: Node, last: Node, segments: list[tuple[int, Node]]
    ) -> None:
        """Segments of equal trips between ``low`` and ``high``, found by bisection."""
        middle = (low + high) // 2
        centre = self.trip(loop, middle)
        if first.signature == last.signature == centre.signature:
            _append(segments, high - low + 1, first)
        elif high - low <= 1:
            _append(segments, 1, first)
            if high > low:
                _append(segments, 1, last)
        else:
            self._split(loop, low, middle, first, centre, segments)
            self._split(loop, middle + 1, high, self.trip(loop, middle + 1), last, segments)

    def _head(self, loop: Loop) -> int:
        """How many trips show what repeats: several periods of the remainders that are asked for."""
        period = 1
        for divisor in (found for test in _tests(loop.body) for found in _divisors(test)):
            try:
                number = divisor.evaluate(self.values)
            except (Unbound, ArithmeticError, TypeError, ValueError):
                return HEAD
            if not isinstance(number, int) or not 0 < number < HEAD:
                return HEAD
            period = math.lcm(period, number)
        return min(max(3 * period, 16), HEAD)

    def _periodic(self, loop: Loop) -> bool:
        return any(_mentions_remainder(test) for test in _tests(loop.body))


# Steps are skipped where a loss overflowed: what is shown is the training in which none did.
_MISHAPS = ("scale", "skip", "nan", "finite", "isinf", "overflow")


def _harmless(branch: Branch, wanted: set[Key]) -> bool:
    """Whether it makes no difference to the learning rate of an update which way an undecided test comes out."""
    if any(word in branch.text for word in _MISHAPS):
        return True
    counts = []
    for arm in branch.arms:
        kinds = [event.kind for event in arm.events() if (event.kind, event.subject) in wanted]
        counts.append((kinds.count("update"), kinds.count("tick"), kinds.count("write")))
    return counts[0] == counts[1] and not counts[0][2]


def _append(segments: list[tuple[int, Node]], count: int, node: Node) -> None:
    if segments and segments[-1][1].signature == node.signature:
        segments[-1] = (segments[-1][0] + count, segments[-1][1])
    else:
        segments.append((count, node))


def _tests(block: Block) -> list[Expr]:
    found: list[Expr] = []
    for item in block:
        if isinstance(item, Branch):
            if item.test is not None:
                found.append(item.test)
            for arm in item.arms:
                found += _tests(arm)
        elif isinstance(item, Loop):
            found += _tests(item.body)
    return found


def _divisors(expr: Expr) -> list[Expr]:
    """What remainders are taken by in a test."""
    if not isinstance(expr, Op):
        return []
    found = [inner for arg in expr.args for inner in _divisors(arg)]
    return [*found, expr.args[1]] if expr.name == "%" else found


def _mentions_remainder(expr: Expr) -> bool:
    return isinstance(expr, Op) and (expr.name == "%" or any(map(_mentions_remainder, expr.args)))


def _period(signatures: Sequence[Signature]) -> int | None:
    for period in range(1, len(signatures) // 2 + 1):
        if all(signatures[i] == signatures[i % period] for i in range(len(signatures))):
            return period
    return None
