"""Values that a loop carries from one trip to the next: ``step += 1``, ``lr = lr * 0.5 if epoch in drops else lr``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from ...quantity import Expr, Lit, Op, Scalar, Sym, Unbound, op

MAX_TRIPS = 200_000
MAX_COUNTED = 20_000
MAX_NODES = 160


class Recurrence(Expr):
    """The value after ``at`` trips of a loop whose body turns ``symbol`` into ``step``, beginning with ``start``.

    ``step`` may mention ``symbol`` (the value before the trip) and ``index`` (the trip, from 0).
    """

    __slots__ = ("_last", "at", "index", "start", "step", "symbol")

    def __init__(self, start: Expr, step: Expr, symbol: str, index: str, at: Expr) -> None:
        self.start, self.step, self.symbol, self.index, self.at = start, step, symbol, index, at
        self._last: tuple[object, Scalar, int, Scalar] | None = None

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        trips = self.at.evaluate(values)
        begin = self.start.evaluate(values)
        if not isinstance(trips, (int, float)) or trips > MAX_TRIPS:
            raise Unbound(self.symbol)
        done, current = 0, begin
        token = getattr(values, "token", None)
        # Simulations ask for rising trips: going on from the last answer keeps the whole linear.
        if self._last is not None and token is not None and self._last[0] is token and self._last[1] == begin:
            if self._last[2] <= trips:
                done, current = self._last[2], self._last[3]
        inner = _Overlay(values)
        while done < trips:
            inner.spend()
            inner.own[self.index], inner.own[self.symbol] = done, current
            current = self.step.evaluate(inner)
            done += 1
        self._last = (token, begin, done, current)
        return current

    def symbols(self) -> Iterator[str]:
        yield from self.start.symbols()
        yield from self.at.symbols()
        for name in self.step.symbols():
            if name not in (self.symbol, self.index):
                yield name

    def substituted(self, replacements: Mapping[str, Expr]) -> Expr:
        inner = {name: expr for name, expr in replacements.items() if name not in (self.symbol, self.index)}
        return Recurrence(
            self.start.substituted(replacements),
            self.step.substituted(inner),
            self.symbol,
            self.index,
            self.at.substituted(replacements),
        )

    def __str__(self) -> str:
        return f"{self.symbol.lstrip('@').split(':')[0]} after {self.at} trips"


class FirstTrip(Expr):
    """How many trips a loop makes that is left in the first one in which ``test`` holds (which still counts if
    ``counted``), and at the latest after ``limit``. ``states`` are the values it carries: ``(symbol, start, what a trip
    makes of it)``."""

    __slots__ = ("_known", "counted", "index", "limit", "states", "test")

    def __init__(
        self,
        test: Expr,
        index: str,
        states: tuple[tuple[str, Expr, Expr], ...],
        limit: Expr | None,
        counted: bool = True,
    ) -> None:
        self.test, self.index, self.states, self.limit, self.counted = test, index, states, limit, counted
        self._known: tuple[object, Scalar] = (None, None)

    def evaluate(self, values: Mapping[str, Scalar]) -> Scalar:
        limit = None if self.limit is None else self.limit.evaluate(values)
        if limit is not None and not isinstance(limit, (int, float)):
            raise Unbound(self.index)
        current = {name: start.evaluate(values) for name, start, _ in self.states}
        around = [values.get(name) for name in self.symbols() if name.startswith("@")]
        key = (getattr(values, "token", None), limit, tuple(current.values()), tuple(around))
        if key[0] is None or self._known[0] != key:
            self._known = (key, self._count(values, current, limit))
        return self._known[1]

    def _count(self, values: Mapping[str, Scalar], current: dict[str, Scalar], limit: float | None) -> int:
        if limit is not None and self._never(values):
            return math.ceil(limit)
        inner = _Overlay(values)
        done = 0
        while limit is None or done < limit:
            if done > MAX_COUNTED:
                raise Unbound(self.index)
            inner.spend()
            inner.own = {**current, self.index: done}
            if self.test.evaluate(inner):
                return done + self.counted
            done += 1
            current = {name: step.evaluate(inner) for name, _, step in self.states}
        return done

    def _never(self, values: Mapping[str, Scalar]) -> bool:
        """Whether a setting alone keeps the test from holding: ``max_steps > 0 and step > max_steps``."""
        own = {self.index, *(name for name, _, _ in self.states)}
        for part in _conjuncts(self.test):
            if own.isdisjoint(part.symbols()) and not any(name.startswith("@") for name in part.symbols()):
                try:
                    if not part.evaluate(values):
                        return True
                except (Unbound, ArithmeticError, TypeError, ValueError):
                    continue
        return False

    def symbols(self) -> Iterator[str]:
        own = {self.index, *(name for name, _, _ in self.states)}
        if self.limit is not None:
            yield from self.limit.symbols()
        for _, start, _ in self.states:
            yield from start.symbols()
        for expr in (self.test, *(step for _, _, step in self.states)):
            yield from (name for name in expr.symbols() if name not in own)

    def substituted(self, replacements: Mapping[str, Expr]) -> Expr:
        own = {self.index, *(name for name, _, _ in self.states)}
        inner = {name: expr for name, expr in replacements.items() if name not in own}
        return FirstTrip(
            self.test.substituted(inner),
            self.index,
            tuple(
                (name, start.substituted(replacements), step.substituted(inner)) for name, start, step in self.states
            ),
            None if self.limit is None else self.limit.substituted(replacements),
            self.counted,
        )

    def __str__(self) -> str:
        return f"trips until {self.test}"


def _conjuncts(test: Expr) -> Iterator[Expr]:
    if isinstance(test, Op) and test.name == "and":
        for arg in test.args:
            yield from _conjuncts(arg)
    else:
        yield test


class _Overlay(Mapping[str, Scalar]):
    """Values with a few of its own in front."""

    __slots__ = ("below", "budget", "nested", "own", "token")

    def __init__(self, below: Mapping[str, Scalar]) -> None:
        self.below = below
        self.nested = isinstance(below, _Overlay)
        self.budget: list[int] = below.budget if isinstance(below, _Overlay) else getattr(below, "budget", [])
        self.own: dict[str, Scalar] = {}
        self.token = None

    def spend(self) -> None:
        """Count a trip that is walked for a trip of another loop: there may be as many as there are of both."""
        if self.nested and self.budget:
            self.budget[0] -= 1
            if self.budget[0] <= 0:
                raise Unbound("a counter")

    def __getitem__(self, name: str) -> Scalar:
        if name in self.own:
            return self.own[name]
        return self.below[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**dict(self.below), **self.own})

    def __len__(self) -> int:
        return len(dict(self.below))


def depends(expr: Expr, name: str) -> bool:
    """Whether ``expr`` mentions the symbol ``name``."""
    return any(symbol == name for symbol in expr.symbols())


def linear_increment(expr: Expr, symbol: Sym) -> Expr | None:
    """X where ``expr`` is ``symbol + X`` and X is free of the symbol; None where it is not of that form."""
    if expr == symbol:
        return Lit(0)
    if not isinstance(expr, Op) or expr.name not in ("+", "-"):
        return None
    left, right = expr.args
    if depends(left, symbol.name):
        if depends(right, symbol.name):
            return None
        inner = linear_increment(left, symbol)
        return None if inner is None else op(expr.name, inner, right)
    if expr.name == "-":
        return None
    inner = linear_increment(right, symbol)
    return None if inner is None else op("+", left, inner)


def too_big(expr: Expr) -> bool:
    """Whether an expression has grown beyond use."""
    return _size(expr, MAX_NODES) > MAX_NODES


def _size(expr: Expr, limit: int) -> int:
    if not isinstance(expr, Op):
        return 1
    total = 1
    for arg in expr.args:
        total += _size(arg, limit)
        if total > limit:
            break
    return total
