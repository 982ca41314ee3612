"""Reading a script without running it: statements, scopes, branches and loops.

The reader walks the script once, in the order in which Python would run it, with symbolic numbers in place of unknown
ones. Every loop body is read once, with its trip counted by a symbol; functions and methods of the file are followed
where they are called; both arms of a test that cannot be decided are read. What matters to the learning rate is left
behind as events in a timeline (:mod:`lright.timeline`). Expressions are in :mod:`.expressions`, what library calls
do in
:mod:`.library`, what is concluded when all is read in :mod:`.structure`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from ...errors import LrightError
from ...quantity import FAILURES, Dimension, Expr, Lit, Op, Scalar, Sym, op, substitute
from ...records import record
from ...situation import Fact, Loader, Optimizer, Scheduler, Values
from ...timeline import Block, Branch, Event, Loop, Place
from . import expressions, methods, things, words
from .recurrence import Recurrence, depends, linear_increment, too_big
from .statements import STATEMENTS
from .survey import assigned_names, survey
from .text import place_of
from .values import (
    NONE,
    Choice,
    Class,
    External,
    Flow,
    Function,
    Instance,
    Items,
    Method,
    Number,
    Scope,
    Table,
    Thing,
    Unknown,
    Value,
)

MAX_STATEMENTS = 30_000
MAX_DEPTH = 14
MAX_SIDES = 24  # of a value that depends on tests


_GIVEN = ("--set", "world", "command line")  # origins of values that overrule what the script says


def _refuse_unlike(name: str, given: Scalar, fact: Fact) -> None:
    """A text where the script has a number is a slip of the hand, not another training."""
    numeric = fact.known and isinstance(fact.value, (int, float)) and not isinstance(fact.value, bool)
    if numeric and isinstance(given, str):
        raise LrightError(f"--set {name}={given}: the script has a number there ({fact.text} = {fact.value})")


class TooMuch(LrightError):
    """The script is too large or too entangled to be followed to its end within the reader's limits."""


@record(slots=True)
class Flip:
    """A decision that another setting of ``symbol`` would turn."""

    symbol: str
    value: Scalar
    place: Place


@record(slots=True)
class State:
    """The changeable part of the reader, for reading alternative arms."""

    names: list[tuple[dict[str, Value], dict[str, Value]]]
    eval_mode: bool


class Reader:
    """Reads one module in one world. ``world`` gives values to symbols (identity or option name to value)."""

    def __init__(
        self,
        tree: ast.Module,
        lines: Sequence[str],
        world: Mapping[str, Scalar],
        settings: Mapping[str, Scalar],
        arguments: Sequence[str] = (),
        resuming: bool = False,
    ) -> None:
        self.resuming = resuming
        self.tree = tree
        self.lines = lines
        self.world = world
        self.settings = settings
        self.arguments = arguments
        self.facts: dict[str, Fact] = {}
        self.units: dict[str, Dimension] = {}
        self.definitions: dict[str, Expr] = {}
        self.values = Values(self.facts, self.definitions, {})
        self.optimizers: dict[int, Optimizer] = {}
        self.schedulers: dict[int, Scheduler] = {}
        self.loaders: dict[int, Loader] = {}
        self.root = Block()
        self.block = self.root
        self.loops: list[Loop] = []
        self.module = Scope({}, None)
        self.scope = self.module
        self.frames: list[Scope] = [self.module]
        self.calls: list[ast.AST] = []
        self.routes: list[ast.AST] = []  # the calls that lead to the statement being read
        self.instances: list[Instance] = []
        self.eval_mode = False
        self.no_grad = 0
        self.accumulating: Expr | None = None
        self.flips: list[Flip] = []
        self.called: set[int] = set()
        self.stars: list[str] = []
        self.used_settings: set[str] = set()
        self.notes: list[str] = []
        self.path: list[tuple[int, Expr]] = []  # undecided tests around the statement, with the loops around each
        # Per loop: when it is left early, with all the tests on the way, and whether that is before anything happens.
        self.leaving: dict[int, list[tuple[Expr, bool]]] = {}
        self.stop: Expr | None = None
        self.differentiated = False
        self.assigning = ""  # the name that the expression being read will get
        self.handed_on: list[Function] = []
        self.statements = 0
        self.unrolled = 0  # elements of comprehensions read so far
        self.reached: set[int] = set()  # statements that this world comes to
        self.counter = 0
        self.names_seen: dict[str, int] = {}
        self.unknowns: dict[str, Unknown] = {}
        self.undefined: set[str] = set()
        self.spread: tuple[Place, bool] | None = (
            None  # the loop over several things, and whether it does one thing only
        )
        self.origins: dict[int, tuple[Value, Place]] = {}  # computed values, with where they got a name
        self.read: set[int] = set()  # the nodes that left events
        self.incomplete = False  # reading was given up somewhere: what is not there may not be missing
        self.carried_attributes, self.shared_names, self.relevant = survey(tree)

    # -- small services --------------------------------------------------------------------------------------------

    def place(self, node: ast.AST) -> Place:
        return place_of(node, self.lines)

    def fresh(self) -> int:
        self.counter += 1
        return self.counter

    def unknown(self, node: ast.AST | None, text: str, sources: Iterable[Value] = ()) -> Unknown:
        """A new unknown value named ``text``."""
        made = Unknown(
            Sym(f"?{self.fresh()}", text),
            tuple(sources),
            tuple(self.loops),
            self.scope.function,
            self.place(node) if node is not None and hasattr(node, "lineno") else None,
            evaluating=self.is_evaluating,
        )
        self.unknowns[made.symbol.name] = made
        return made

    @property
    def is_evaluating(self) -> bool:
        return self.eval_mode or self.no_grad > 0

    def emit(
        self,
        kind: str,
        node: ast.AST,
        subject: int,
        value: object = None,
        **data: object,
    ) -> Event:
        event = Event(kind, self.place(node), subject, self.scope.function, value, data)
        event.data["evaluating"] = self.is_evaluating
        if self.spread is not None and kind == "tick":
            event.data["spread"], event.data["alone"] = self.spread
        if kind == "load":
            event.data["route"] = tuple(self.place(call) for call in self.routes if hasattr(call, "lineno"))
        self.read.add(id(node))
        self.block.nodes.append(event)
        return event

    def fact(
        self,
        name: str,
        text: str,
        value: Scalar,
        known: bool,
        origin: str,
        place: Place | None = None,
        option: str | None = None,
    ) -> Sym:
        """Record a named value and give its symbol. Settings and the world overrule what the script says."""
        key = name
        old = self.facts.get(key)
        while old is not None and (
            old.place != place or (known and old.known and old.origin not in _GIVEN and old.value != value)
        ):
            key = f"{name}#{self.fresh()}"
            old = self.facts.get(key)
        if old is not None:
            return Sym(key, old.text)
        fact = Fact(key, text, value, known, origin, place, option)
        self._overrule(fact)
        self.facts[key] = fact
        return Sym(key, text)

    def _overrule(self, fact: Fact) -> None:
        for names, origin in ((self.settings, "--set"), (self.world, "world")):
            for alias in words.aliases(fact.text, fact.option):
                if alias in names:
                    if origin == "--set":
                        _refuse_unlike(alias, names[alias], fact)
                        self.used_settings.add(alias)
                    fact.value, fact.known, fact.origin = names[alias], True, origin

    def opaque_fact(self, value: Unknown) -> None:
        """Let settings and worlds give a value to something unknown."""
        symbol = value.symbol
        if symbol.name not in self.facts:
            fact = Fact(symbol.name, symbol.text, None, False, "unknown", value.place, words.option_name(symbol.text))
            self._overrule(fact)
            self.facts[symbol.name] = fact

    def decide(self, test: Expr) -> bool | None:
        """Whether ``test`` holds, as far as is known."""
        try:
            return bool(test.evaluate(self.values))
        except FAILURES:
            return None

    def implied(self, test: Expr) -> bool | None:
        """As :meth:`decide`, also by the tests that the statement being read stands under."""
        for _, condition in self.path:
            if condition == test:
                return True
            if condition == op("not", test) or test == op("not", condition):
                return False
        return self.decide(test)

    # -- modules and functions -------------------------------------------------------------------------------------

    def run(self, statements: Sequence[ast.stmt]) -> Flow | None:
        """Read statements in order; the Flow that ended them, or None."""
        for position, statement in enumerate(statements):
            self.statements += 1
            self.reached.add(id(statement))
            if self.statements > MAX_STATEMENTS:
                raise TooMuch("more statements than the reader follows")
            if isinstance(statement, ast.If):
                flow, consumed = self.run_if(statement, statements[position + 1 :])
                if consumed or flow is not None:
                    return flow
                continue
            read = STATEMENTS.get(type(statement))
            if read is not None:
                flow = read(self, statement)
                if flow is not None:
                    return flow
        return None

    def call_function(
        self, function: Function, arguments: Sequence[Value], keywords: Mapping[str, Value], node: ast.AST
    ) -> Value:
        """Follow a call of a function of the file; its result."""
        self.routes.append(node)
        try:
            return self._called(function, arguments, keywords, node)
        finally:
            self.routes.pop()

    def _called(
        self, function: Function, arguments: Sequence[Value], keywords: Mapping[str, Value], node: ast.AST
    ) -> Value:
        body = function.node
        if len(self.calls) >= MAX_DEPTH or self.calls.count(body) >= 1:
            for value in (*arguments, *keywords.values()):
                self.escape(value, node, f"handed to {function.name}(), which is not followed any deeper")
            return self.unknown(node, f"{function.name}()", (*arguments, *keywords.values()))
        self.called.add(id(body))
        positional = list(arguments)
        named = dict(keywords)
        if function.partial[0] or function.partial[1]:
            positional = [*function.partial[0], *positional]
            named = {**function.partial[1], **named}
        if function.bound is not None:
            positional.insert(0, function.bound)
        names = self.bind(body.args, positional, named, function)
        return self.enter(function, names)

    def enter(self, function: Function, names: dict[str, Value]) -> Value:
        """Read a function's body with its parameters bound."""
        body = function.node
        shared = self.shared_names.get(id(body), frozenset())
        outer, frames, eval_mode = self.scope, self.frames, self.eval_mode
        self.scope = Scope(names, function.scope, function.name, shared)
        self.frames = [*frames, self.scope]
        self.calls.append(body)
        without_gradient = words.is_no_grad_decorated(body) or words.names_evaluation(function.name)
        self.no_grad += without_gradient
        try:
            if isinstance(body, ast.Lambda):
                return self.eval(body.body)
            flow = self.run(body.body)
        finally:
            self.no_grad -= without_gradient
            self.calls.pop()
            self.scope, self.frames = outer, frames
            if without_gradient:
                self.eval_mode = eval_mode
        if words.is_generator(body):
            return self.unknown(body, function.name, names.values())
        return flow.value if flow is not None and flow.kind == "return" else NONE

    def bind(
        self, spec: ast.arguments, positional: list[Value], named: dict[str, Value], function: Function
    ) -> dict[str, Value]:
        """Parameter names to values, as a call would bind them; missing ones are unknown."""
        names: dict[str, Value] = {}
        parameters = [*spec.posonlyargs, *spec.args]
        first_default = len(parameters) - len(spec.defaults)
        for position, parameter in enumerate(parameters):
            if position < len(positional):
                given: Value | None = positional[position]
            else:
                given = named.pop(parameter.arg, None)
            default = spec.defaults[position - first_default] if position >= first_default else None
            names[parameter.arg] = self._bound(parameter, given, default, function)
        if spec.vararg is not None:
            names[spec.vararg.arg] = Items(positional[len(parameters) :], "tuple")
        for parameter, keyword_default in zip(spec.kwonlyargs, spec.kw_defaults):
            names[parameter.arg] = self._bound(parameter, named.pop(parameter.arg, None), keyword_default, function)
        if spec.kwarg is not None:
            unseen = "**" in named or not self.routes or not isinstance(self.routes[-1], ast.Call)
            names[spec.kwarg.arg] = Table(dict(named.items()), spec.kwarg.arg, open=unseen)
        return names

    def _bound(self, parameter: ast.arg, given: Value | None, default: ast.expr | None, function: Function) -> Value:
        name = parameter.arg
        if given is not None:
            if isinstance(given, Number) and isinstance(given.expr, Lit) and not isinstance(function.node, ast.Lambda):
                return self.named(name, given, parameter)
            return given
        if default is not None:
            outer, self.scope = self.scope, function.scope
            value = self.eval(default)
            self.scope = outer
            return self.named(name, value, parameter, origin="default argument")
        if getattr(function.node, "decorator_list", None):
            from . import launchers

            declared = launchers.click_option(self, function, parameter)
            if declared is not None:
                return declared
        return self.parameter(name, parameter)

    def parameter(self, name: str, node: ast.AST) -> Value:
        """A parameter that nobody in the file gives: known by its name only."""
        return things.guess(self, name, node) or self.remember(self.unknown(node, name))

    def remember(self, value: Unknown) -> Unknown:
        self.opaque_fact(value)
        return value

    # -- assignment ------------------------------------------------------------------------------------------------

    def named(self, text: str, value: Value, node: ast.AST, origin: str = "literal") -> Value:
        """``value`` as it is known under the name ``text``: a literal becomes a symbol, a nameless thing gets its
        name."""
        if isinstance(value, Number) and isinstance(value.expr, Lit):
            found = value.expr.value
            if found is None:
                return value
            option = words.option_name(text) if self._is_setting(text) else None
            place = self.place(node)
            return Number(self.fact(f"{text}@{place.line}", text, found, True, origin, place, option))
        if isinstance(value, Number) and too_big(value.expr):
            return self.unknown(node, text)
        if isinstance(value, (Number, Items)) and id(value) not in self.origins:
            self.origins[id(value)] = value, self.place(node)
        if isinstance(value, Thing):
            self._name_thing(value, text)
        elif isinstance(value, Unknown) and value.call and not value.attributes.get("#named"):
            value.symbol.text = text
            value.attributes["#named"] = NONE
            self.facts.pop(value.symbol.name, None)
            self.opaque_fact(value)
        elif isinstance(value, Table) and not value.text:
            value.text = text
            for key, held in value.items.items():
                if isinstance(held, Thing):
                    self._name_thing(held, f"{text}[{key!r}]")
        elif isinstance(value, Instance):
            value.prefix = value.prefix or text
            value.text = value.text or text
        elif isinstance(value, Choice):
            for side in value.all():
                if isinstance(side, Thing):
                    self._name_thing(side, text)
        return value

    def origin(self, value: Value) -> Place | None:
        """Where a computed value was given its name."""
        found = self.origins.get(id(value))
        return found[1] if found is not None else None

    def _is_setting(self, text: str) -> bool:
        """A constant that a person would change to change the run: at the top of the file, or in a config object."""
        return self.scope.parent is None and not self.loops or "." in text or "[" in text

    def _name_thing(self, thing: Thing, text: str) -> None:
        for objects in (self.optimizers, self.schedulers, self.loaders):
            known = objects.get(thing.number)
            if known is not None and not known.text:
                known.text = text
                if isinstance(known, Loader):
                    known.length.text = f"len({text})"
                    fact = self.facts.get(known.length.name)
                    if fact is not None:
                        fact.text = known.length.text
                        self._overrule(fact)
                        self._override_definition(fact)
        if "text" not in thing.data:
            thing.data["text"] = text

    def _override_definition(self, fact: Fact) -> None:
        if fact.known:
            self.definitions.pop(fact.name, None)

    def assign(self, target: ast.expr, value: Value, statement: ast.stmt) -> None:
        """Bind ``value`` to an assignment target."""
        if isinstance(target, ast.Name):
            holder = self.scope.holder(target.id)
            holder.names[target.id] = self.named(target.id, value, target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value, statement)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, statement)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(self.eval(target.value), target, value, statement)
        elif isinstance(target, ast.Subscript):
            self._assign_item(target, value, statement)

    def assign_target(self, target: ast.expr, value: Value) -> None:
        """Bind inside an expression (comprehensions, ``:=``)."""
        self.assign(target, value, ast.Pass())

    def _unpack(self, targets: Sequence[ast.expr], value: Value, statement: ast.stmt) -> None:
        items = value.items if isinstance(value, Items) and not value.open else None
        starred = any(isinstance(target, ast.Starred) for target in targets)
        for position, target in enumerate(targets):
            if items is not None and not starred and len(items) == len(targets):
                part: Value = items[position]
            else:
                part = self.part(value, position, target)
            self.assign(target, part, statement)

    def part(self, value: Value, position: int, target: ast.expr) -> Value:
        """An element of something that is not known to be a tuple, guessed by the name it gets."""
        name = target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""
        if isinstance(value, Choice):
            return self.join(
                value.test, self.part(value.first, position, target), self.part(value.second, position, target)
            )
        if isinstance(value, Items) and position < len(value.items):
            return value.items[position]
        if isinstance(value, Thing) and (
            value.kind == "scheduler"
            and words.names_scheduler(name)
            or value.kind == "optimizer"
            and words.names_optimizer(name)
        ):
            return value  # `scheduler, epochs = create_scheduler(optimizer)`
        if isinstance(value, Unknown):
            if name and value.call:
                guessed = things.guess(self, name, target)
                if guessed is not None:
                    return guessed
            found = self.unknown(target, name or f"{value.symbol.text}[{position}]", (value,))
            found.call = value.call
            found.evaluating = value.evaluating
            return found
        return self.unknown(target, name or "item", (value,))

    def _assign_attribute(self, owner: Value, target: ast.Attribute, value: Value, statement: ast.stmt) -> None:
        if isinstance(owner, Instance):
            text = f"{owner.prefix}.{target.attr}" if owner.prefix else target.attr
            owner.attributes[target.attr] = self.named(text, value, target)
        elif isinstance(owner, Class):
            owner.attributes[target.attr] = self.named(f"{owner.name}.{target.attr}", value, target)
        elif isinstance(owner, Thing):
            attributes = owner.data.setdefault("attributes", {})
            if isinstance(attributes, dict):
                attributes[target.attr] = value
            if owner.kind == "scheduler":
                self.emit("set", target, owner.number, self.scalar(value), attribute=target.attr)
        elif isinstance(owner, Unknown):
            owner.attributes[target.attr] = self.named(f"{owner.symbol.text}.{target.attr}", value, target)
            if not owner.symbol.text.startswith("self"):
                self.escape(value, target, "stored on an object that is not seen")
        elif isinstance(owner, Choice):
            for side in owner.all():
                self._assign_attribute(side, target, value, statement)

    def _assign_item(self, target: ast.Subscript, value: Value, statement: ast.stmt) -> None:
        owner = self.eval(target.value)
        key = self.eval(target.slice)
        if isinstance(owner, Thing):
            methods.set_item(self, owner, key, value, statement)
        elif isinstance(owner, Table):
            name = self.known(key)
            if name is None:
                owner.open = True
            else:
                owner.items[name] = self.named(f"{owner.text}[{name!r}]", value, target)
        elif isinstance(owner, Items):
            position = self.known(key)
            if isinstance(position, int) and -len(owner.items) <= position < len(owner.items):
                owner.items[position] = value
            else:
                owner.open = True
        elif isinstance(owner, Instance) and isinstance(self.known(key), str):
            owner.attributes[str(self.known(key))] = value
        elif isinstance(owner, Choice):
            for side in owner.all():
                if isinstance(side, Table) and self.known(key) is not None:
                    side.items[self.known(key)] = value

    def known(self, value: Value) -> Scalar:
        """The constant behind a value, through symbols; None where it is not known."""
        if isinstance(value, Number):
            try:
                return value.expr.evaluate(self.values)
            except FAILURES:
                return None
        return None

    def scalar(self, value: Value) -> Expr | None:
        """A value as an expression; None for what is no scalar."""
        if isinstance(value, Number):
            return value.expr
        if isinstance(value, Unknown):
            return value.symbol
        if isinstance(value, External) and not value.path.startswith("builtins."):
            return self.imported(value.path)
        if isinstance(value, Choice) and value.test is not None:
            first, second = self.scalar(value.first), self.scalar(value.second)
            if first is not None and second is not None:
                return op("if", value.test, first, second)
        return None

    def imported(self, path: str) -> Sym:
        """A constant of another file: unknown, but the same wherever it is used."""
        if path not in self.facts:
            name = path.rsplit(".", 1)[-1]
            self.fact(path, name, None, False, "imported", None, name)
        return Sym(path, self.facts[path].text)

    def escape(self, value: Value, node: ast.AST, reason: str) -> None:
        """Note that schedulers and optimizers inside ``value`` are handed to code that is not read."""
        for thing in self.things_in(value):
            if thing.kind in ("scheduler", "optimizer"):
                self.emit("escape", node, thing.number, reason=reason)
                scheduler = self.schedulers.get(thing.number)
                if scheduler is not None:
                    scheduler.escapes.append(self.place(node))
                    scheduler.escape_reason = scheduler.escape_reason or reason

    def things_in(self, value: Value, depth: int = 0) -> Iterable[Thing]:
        """The library objects in a value and in the containers it is made of."""
        if depth > 5:
            return
        if isinstance(value, Thing):
            if value.kind != "state":
                yield value
        elif isinstance(value, Items):
            for item in value.items:
                yield from self.things_in(item, depth + 1)
        elif isinstance(value, Table):
            for item in value.items.values():
                yield from self.things_in(item, depth + 1)
        elif isinstance(value, Choice):
            for side in value.all():
                yield from self.things_in(side, depth + 1)
        elif isinstance(value, Instance):
            for item in value.attributes.values():
                yield from self.things_in(item, depth + 1)
        elif isinstance(value, Method):
            yield from self.things_in(value.owner, depth + 1)

    # -- branches --------------------------------------------------------------------------------------------------

    def test(self, node: ast.expr) -> Expr:
        return self.truth(self.eval(node), node)

    def truth(self, value: Value, node: ast.AST) -> Expr:
        """A value as a condition."""
        if isinstance(value, Number):
            return value.expr
        if isinstance(value, Unknown):
            return value.symbol
        if isinstance(value, Choice) and value.test is not None:
            return op("if", value.test, self.truth(value.first, node), self.truth(value.second, node))
        if isinstance(value, Items) and not value.open:
            return Lit(bool(value.items))
        if isinstance(value, Table) and not value.open:
            return Lit(bool(value.items))
        if isinstance(value, (Thing, Function, Class, External, Instance)):
            return Lit(True)
        return Sym(f"?{self.fresh()}", words.source(node))

    def run_if(self, node: ast.If, rest: Sequence[ast.stmt]) -> tuple[Flow | None, bool]:
        """Read an ``if``. Gives the flow and whether ``rest``, the statements after it, was read along with it."""
        if words.is_main_guard(node.test):
            return self.run(node.body), False
        test = self.test(node.test)
        decided = self.decide(test)
        origin = words.test_origin(node.test)
        self.note_flips(node, test, decided)
        if decided is None and origin == "main process":
            decided = True
        if decided is not None and not isinstance(test, Lit) and words.gives_up(node.body if decided else node.orelse):
            # A default that only asks for another value: nobody trains with it.
            return self.run(node.orelse if decided else node.body), False
        if decided is not None:
            if origin and self._concerns(node):
                return self._run_marked(node, decided, origin), False
            return self.run(node.body if decided else node.orelse), False
        return self._run_both(node, test, origin, rest)

    def _run_marked(self, node: ast.If, decided: bool, origin: str) -> Flow | None:
        """A decided test that rules still want to see (rank 0)."""
        outer, self.block = self.block, Block()
        flow = self.run(node.body if decided else node.orelse)
        arms = (self.block, Block()) if decided else (Block(), self.block)
        self.block = outer
        if arms[0].nodes or arms[1].nodes:
            place = self.place(node)
            self.block.nodes.append(Branch(place, Lit(decided), words.source(node.test), arms, origin))
        return flow

    def _concerns(self, node: ast.If) -> bool:
        return words.relevant(node.body, self.relevant) or words.relevant(node.orelse, self.relevant)

    def _run_both(self, node: ast.If, test: Expr, origin: str, rest: Sequence[ast.stmt]) -> tuple[Flow | None, bool]:
        outer = self.block
        before = self.snapshot()
        then_block, else_block = Block(), Block()
        self.block = then_block
        then_flow = self._run_under(test, node.body)
        after_then = self.snapshot()
        self.restore(before)
        self.block = else_block
        else_flow = self._run_under(op("not", test), node.orelse)
        self.block = outer
        place = self.place(node)
        branch = Branch(place, test, words.source(node.test), (then_block, else_block), origin)

        def close() -> None:
            if then_block.nodes or else_block.nodes:
                outer.nodes.append(branch)

        if then_flow is None and else_flow is None:
            close()
            self.merge(test, after_then)
            return None, False
        if then_flow is not None and else_flow is not None:
            close()
            return self._both_leave(test, then_flow, else_flow), True
        leaving = then_flow or else_flow
        assert leaving is not None
        left = after_then
        if else_flow is not None:  # the then-arm goes on: its state is the one that lives
            left = self.snapshot()
            self.restore(after_then)
        leave_test = test if then_flow is not None else op("not", test)
        if leaving.kind == "break" and self.loops:
            self._break_when(self.loops[-1], leave_test)
        elif leaving.kind in ("return", "raise") and self.loops and _index_dependent(leave_test):
            self._stop_at(leave_test)
        guarded = leaving.kind in ("continue", "return") and _index_dependent(test)
        if leaving.kind == "return" and self.loops and self._in_loop_of_this_call():
            guarded = False
        if guarded:
            self.block = else_block if then_flow is not None else then_block
            flow = self._run_under(op("not", leave_test), rest)
            self.block = outer
            close()
            self.merge(leave_test, left)  # counters stand still on the trips that leave here
        else:
            close()
            flow = self.run(rest)
        if leaving.kind != "return":
            return flow, True
        if flow is None:
            flow = Flow("return", NONE) if not self.loops else None
        if flow is not None and flow.kind == "return":
            flow = Flow("return", self.join(leave_test, leaving.value, flow.value))
        return flow, True

    def _run_under(self, test: Expr, statements: Sequence[ast.stmt]) -> Flow | None:
        """Read statements that run only where ``test`` holds: there, what it says is known."""
        self.path.append((len(self.loops), test))
        said = {name: value for name, value in words.stated(test) if self.known(Number(Sym(name))) is None}
        self.values.witness.update(said)
        try:
            return self.run(statements)
        finally:
            self.path.pop()
            for name in said:
                del self.values.witness[name]

    def _break_when(self, loop: Loop, test: Expr) -> None:
        """Note that ``loop`` is left early where ``test`` holds and the statement is reached."""
        loop.breaks.append(test)
        depth = next(number for number, other in enumerate(self.loops, 1) if other is loop)
        full = test
        for around, condition in reversed(self.path):
            if around >= depth:
                full = op("and", condition, full)
        begun = any(event.kind in ("update", "tick", "write", "backward") for event in loop.body.events())
        self.leaving.setdefault(id(loop), []).append((full, self.block is loop.body and not begun))

    def _in_loop_of_this_call(self) -> bool:
        return bool(self.loops) and self.loops[-1].function == self.scope.function

    def _stop_at(self, test: Expr) -> None:
        """``if step >= max_steps: return`` inside loops: it ends all the loops of this function."""
        for loop in self.loops:
            if loop.function == self.scope.function:
                self._break_when(loop, test)

    def _both_leave(self, test: Expr, first: Flow, second: Flow) -> Flow:
        if first.kind == second.kind == "return":
            return Flow("return", self.join(test, first.value, second.value))
        if first.kind == "raise":
            return second
        if second.kind == "raise":
            return first
        for flow, when in ((first, test), (second, op("not", test))):
            if flow.kind == "break" and self.loops:
                self._break_when(self.loops[-1], when)
        return second if first.kind in ("return", "break") else first

    def snapshot(self) -> State:
        """Names of the live frames and attributes of the instances, to come back to."""
        held = [scope.names for scope in self.frames]
        held += [instance.attributes for instance in self.instances]
        return State([(names, dict(names)) for names in held], self.eval_mode)

    def restore(self, state: State) -> None:
        for names, copy in state.names:
            names.clear()
            names.update(copy)
        self.eval_mode = state.eval_mode

    def merge(self, test: Expr, then: State) -> None:
        """Join the present state (the else-arm's) with that after the then-arm."""
        for names, after in then.names:
            if names == after:
                continue
            for name in {**names, **after}:
                first, second = after.get(name), names.get(name)
                if first is second:
                    continue
                names[name] = first if second is None else second if first is None else self.join(test, first, second)  # type: ignore[assignment]
        self.eval_mode = self.eval_mode or then.eval_mode

    def join(self, test: Expr | None, first: Value, second: Value) -> Value:
        """What a name holds when it got ``first`` where ``test`` is true and ``second`` elsewhere."""
        if first is second:
            return first
        if isinstance(first, Number) and isinstance(second, Number):
            if first.expr == second.expr:
                return first
            if test is not None:
                joined = op("if", test, first.expr, second.expr)
                if not too_big(joined):
                    return Number(joined)
            return self.unknown(None, str(first.expr), (first, second))
        if isinstance(first, Unknown) and isinstance(second, Unknown) and first.symbol == second.symbol:
            return first
        if isinstance(first, Items) and isinstance(second, Items) and len(first.items) == len(second.items):
            return Items([self.join(test, a, b) for a, b in zip(first.items, second.items)], first.kind)
        made = Choice(test, first, second)
        sides = list(made.all())
        return made if len(sides) <= MAX_SIDES else self._one_of(sides)

    def _one_of(self, sides: Sequence[Value]) -> Value:
        """A name that was bound again and again: one of the values it may hold, each named once, the tests
        forgotten."""
        distinct: list[Value] = []
        for side in sides:
            known = (
                isinstance(other, Number) and isinstance(side, Number) and other.expr == side.expr for other in distinct
            )
            if not any(side is other for other in distinct) and not any(known):
                distinct.append(side)
        distinct.sort(key=lambda side: not isinstance(side, (Thing, Instance)))  # what matters is not dropped
        found = distinct[0]
        for side in distinct[1 : MAX_SIDES // 2]:
            found = Choice(None, found, side)
        return found

    def note_flips(self, node: ast.If, test: Expr, decided: bool | None, nested: bool = False) -> None:
        """Remember which settings would have led another way, if that way has to do with the learning rate."""
        if len(self.flips) > 40:
            return
        if self._concerns(node) or _leaves(node.body):
            place = self.place(node)
            for symbol, value in words.turning(test, decided, self.facts):
                self.flips.append(Flip(symbol, value, place))
        if (decided or nested) and node.orelse and isinstance(node.orelse[0], ast.If):
            before = len(self.flips)
            inner = node.orelse[0]
            # Only the tests are read: the arms of an `elif` that is not reached must leave no trace.
            outer, self.block = self.block, Block()
            self.note_flips(inner, self.test(inner.test), self.decide(self.test(inner.test)) or None, nested=True)
            self.block = outer
            del self.flips[max(before, 40) :]

    def note_choice(self, table: Table, key: Value, node: ast.AST) -> None:
        """As :meth:`note_flips`, for a table of makers that a setting picks one from."""
        index = self.scalar(key)
        while isinstance(index, Op) and index.name in ("lower", "upper", "strip"):
            index = index.args[0]
        fact = self.facts.get(index.name) if isinstance(index, Sym) else None
        if fact is None or not fact.option or not any(map(self._makes, table.items.values())):
            return
        for name in table.items:
            if name != fact.value and isinstance(name, str) and len(self.flips) <= 40:
                self.flips.append(Flip(fact.name, name, self.place(node)))

    def _makes(self, value: Value) -> bool:
        """Whether a value of a table may be (or make) something that matters to the learning rate."""
        if isinstance(value, Function):
            body = value.node.body
            return words.relevant([ast.Expr(body)] if isinstance(body, ast.expr) else body, self.relevant)
        if isinstance(value, External):
            return value.path.endswith("LR") or words.names_scheduler(value.path.rsplit(".", 1)[-1])
        return isinstance(value, Method) or any(thing.kind == "scheduler" for thing in self.things_in(value))

    def note_setting(self, test: Expr, decided: bool | None, node: ast.AST) -> None:
        """As :meth:`note_flips`, for a conditional expression."""
        if len(self.flips) <= 40:
            for symbol, value in words.turning(test, decided, self.facts):
                self.flips.append(Flip(symbol, value, self.place(node)))

    # -- loops -----------------------------------------------------------------------------------------------------

    def generalise(
        self, node: ast.For | ast.AsyncFor | ast.While, index: str
    ) -> list[tuple[dict[str, Value], str, Sym, Expr]]:
        """Before a loop body is read: scalars that it changes become symbols of the trip."""
        assigned = getattr(node, "_lright_assigned", None)
        if assigned is None:
            assigned = assigned_names(node)
            node._lright_assigned = assigned  # type: ignore[union-attr]
        carried = []
        seen: set[int] = set()
        for scope in self.frames:
            if id(scope.names) in seen:
                continue
            seen.add(id(scope.names))
            for name, value in list(scope.names.items()):
                changed = (name in assigned and scope is self.scope) or name in self.shared_names.get(0, frozenset())
                if changed and isinstance(value, Number):
                    carried.append(self._carry(scope.names, name, value, index, name))
        for instance in self.instances:
            for name, value in list(instance.attributes.items()):
                if name in self.carried_attributes and isinstance(value, Number):
                    text = f"{instance.prefix}.{name}" if instance.prefix else name
                    carried.append(self._carry(instance.attributes, name, value, index, text))
        return carried

    def _carry(
        self, names: dict[str, Value], name: str, value: Number, index: str, text: str
    ) -> tuple[dict[str, Value], str, Sym, Expr]:
        symbol = Sym(f"@{name}:{index}", text)
        names[name] = Number(symbol)
        return names, name, symbol, value.expr

    def settle(self, carried: list[tuple[dict[str, Value], str, Sym, Expr]], index: str, trips: Expr | None) -> None:
        """After a loop body was read: what the carried symbols are at a given trip, and what is left after the loop."""
        for names, name, symbol, start in carried:
            end = names.get(name)
            expr = self.scalar(end) if end is not None else None
            if expr == symbol:
                self.definitions[symbol.name] = start
                names[name] = Number(start)
                continue
            if expr is None or any(self._is_data(found) for found in expr.symbols()):
                kept = end if end is not None else NONE
                names[name] = kept if expr is None and end is not None else self.unknown(None, symbol.text, (kept,))
                continue
            increment = linear_increment(expr, symbol)
            if increment is not None and not depends(increment, index):
                definition: Expr = op("+", start, op("*", Sym(index), increment))
            else:
                definition = Recurrence(start, expr, symbol.name, index, Sym(index))
            self.definitions[symbol.name] = definition
            if trips is None:
                names[name] = Number(Sym(f"?{self.fresh()}", symbol.text))
            else:
                names[name] = Number(substitute(definition, {index: trips}))

    def _is_data(self, name: str) -> bool:
        return name.startswith("?") and name not in self.facts

    def next_index(self, node: ast.AST) -> str:
        """A symbol for the trip of a loop, the same in every world as long as the reading is."""
        base = f"@{getattr(node, 'lineno', 0)}"
        count = self.names_seen[base] = self.names_seen.get(base, 0) + 1
        return base if count == 1 else f"{base}.{count}"

    # -- expressions: filled in by .expressions --------------------------------------------------------------------

    def eval(self, node: ast.expr) -> Value:
        return expressions.evaluate(self, node)


def _index_dependent(test: Expr) -> bool:
    return any(name.startswith("@") for name in test.symbols())


def _leaves(body: Sequence[ast.stmt]) -> bool:
    return bool(body) and isinstance(body[-1], (ast.Return, ast.Continue, ast.Break))
