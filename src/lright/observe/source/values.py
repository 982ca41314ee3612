"""What a name can stand for while a script is read: the abstract values of the reader."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...quantity import Expr, Lit, Scalar, Sym, as_expr
from ...records import field, record
from ...timeline import Loop, Place


class Value:
    """Anything a name can hold."""

    __slots__ = ()


@record(slots=True, eq=False)
class Number(Value):
    """A scalar: number, text, truth value or None, as a symbolic expression."""

    expr: Expr

    @property
    def constant(self) -> Scalar:
        return self.expr.value if isinstance(self.expr, Lit) else None


@record(slots=True, eq=False)
class Items(Value):
    """A list, tuple or set whose elements are known. ``open`` if more may have been added out of sight."""

    items: list[Value]
    kind: str = "list"
    open: bool = False


@record(slots=True, eq=False)
class Table(Value):
    """A dict with known keys. ``open``: it may have others. ``text`` names it in symbols (``cfg["lr"]``)."""

    items: dict[Scalar, Value]
    text: str = ""
    open: bool = False
    node: ast.AST | None = None


@record(slots=True, eq=False)
class Range(Value):
    """``range(start, stop, step)``."""

    start: Expr
    stop: Expr
    step: Expr


@record(slots=True, eq=False)
class Wrapped(Value):
    """An iterable seen through enumerate, zip, islice or an endless repetition. ``form`` says which."""

    inner: Value
    form: str
    start: Expr = field(default_factory=lambda: Lit(0))
    limit: Expr | None = None
    others: tuple[Value, ...] = ()


@record(slots=True, eq=False)
class Function(Value):
    """A function or lambda of the file."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    name: str
    bound: Value | None = None
    owner: Class | None = None
    partial: tuple[tuple[Value, ...], dict[str, Value]] = ((), {})


@record(slots=True, eq=False)
class Class(Value):
    """A class of the file."""

    node: ast.ClassDef
    scope: Scope
    name: str
    bases: tuple[Value, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)

    def lookup(self, name: str) -> Value | None:
        if name in self.attributes:
            return self.attributes[name]
        for base in self.bases:
            found = base.lookup(name) if isinstance(base, Class) else None
            if found is not None:
                return found
        return None

    def external_bases(self) -> Iterator[str]:
        for base in self.bases:
            if isinstance(base, Class):
                yield from base.external_bases()
            elif isinstance(base, External):
                yield base.path


@record(slots=True, eq=False)
class Instance(Value):
    """An object of a class of the file, or a namespace (argparse, SimpleNamespace, config object).

    ``prefix`` names its attributes in symbols; ``open``: attributes never seen may exist.
    """

    cls: Class | None
    attributes: dict[str, Value]
    prefix: str = ""
    open: bool = True
    number: int = 0
    text: str = ""  # the name it was first bound to


@record(slots=True, eq=False)
class External(Value):
    """A module, class or function that is not in the file, by its dotted path."""

    path: str


@record(slots=True, eq=False)
class Method(Value):
    """An attribute of a value of the library's, waiting to be called."""

    owner: Value
    name: str


@record(slots=True, eq=False)
class Thing(Value):
    """A library object that matters: optimizer, scheduler, loader, dataset, model, scaler, accelerator, tensor,
    parser, groups, group, state ... ``number`` identifies it; ``data`` is particular to the kind."""

    kind: str
    number: int
    data: dict[str, object] = field(default_factory=dict)


@record(slots=True, eq=False)
class Unknown(Value):
    """Something that was not understood. It has a symbol, so that two mentions of it are the same unknown.

    ``sources`` are the values it was computed from, ``loops`` where it was made, ``place`` the expression.
    """

    symbol: Sym
    sources: tuple[Value, ...] = ()
    loops: tuple[Loop, ...] = ()
    function: str = ""
    place: Place | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    call: str = ""  # the callee, as written, where it is the result of a call
    differentiated: bool = False  # backward() was called on it
    evaluating: bool = False
    accumulates: bool = False


@record(slots=True, eq=False)
class Choice(Value):
    """One of several values, depending on a test (None: not known)."""

    test: Expr | None
    first: Value
    second: Value

    def all(self) -> Iterator[Value]:
        for side in (self.first, self.second):
            if isinstance(side, Choice):
                yield from side.all()
            else:
                yield side


@record(slots=True, eq=False)
class Scope:
    """Names of a module, function or class body; ``parent`` is the enclosing one."""

    names: dict[str, Value]
    parent: Scope | None
    function: str = "<module>"
    shared: frozenset[str] = frozenset()  # names declared global or nonlocal

    def lookup(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def holder(self, name: str) -> Scope:
        """The scope an assignment to ``name`` goes to."""
        if name in self.shared:
            scope = self.parent
            while scope is not None:
                if name in scope.names or scope.parent is None:
                    return scope
                scope = scope.parent
        return self


def number(value: Scalar | Expr) -> Number:
    """A Python number, text or expression as a value."""
    return Number(as_expr(value))


NONE = Number(Lit(None))


@record(slots=True)
class Flow:
    """How a run of statements ended when it did not end by running out: return, break, continue, raise."""

    kind: str
    value: Value = NONE
