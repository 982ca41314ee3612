"""What a rule looks at: one training with the questions rules ask of it.

How often does this scheduler tick? What does its length count? What does the learning rate do under these numbers?
:class:`Case` answers from the facts, the timeline and the emulated schedulers, and remembers the answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from .errors import LrightError
from .finding import Curve
from .play import CannotPlay, Moment, Play
from .quantity import (
    BATCHES,
    BATCHES_PER_EPOCH,
    BATCHES_PER_UPDATE,
    EPOCHS,
    FAILURES,
    MAX_BITS,
    PROCESSES,
    SAMPLES_PER_BATCH,
    SAMPLES_PER_EPOCH,
    UPDATES,
    Dimension,
    Expr,
    Lit,
    Op,
    Scalar,
    Sym,
    Unit,
)
from .records import record, replace
from .schedule import emulate
from .schedule.emulate import Optimizer as EmulatedOptimizer
from .situation import Argument, Formula, Metric, Optimizer, Scheduler, Training
from .timeline import BATCH, EPOCH, EVALUATION, MICRO, OUTER, Branch, Guard, Loop, Place, Site

# Numbers tried where the script leaves one open. They divide and do not divide each other, and none is special.
_WITNESSES: tuple[dict[Dimension, int], ...] = (
    {BATCHES_PER_EPOCH: 391, EPOCHS: 90, SAMPLES_PER_EPOCH: 50_000, SAMPLES_PER_BATCH: 128, BATCHES_PER_UPDATE: 1,
     UPDATES: 20_000, BATCHES: 20_000, PROCESSES: 1},
    {BATCHES_PER_EPOCH: 100, EPOCHS: 10, SAMPLES_PER_EPOCH: 6_400, SAMPLES_PER_BATCH: 64, BATCHES_PER_UPDATE: 1,
     UPDATES: 1_000, BATCHES: 1_000, PROCESSES: 1},
    {BATCHES_PER_EPOCH: 37, EPOCHS: 30, SAMPLES_PER_EPOCH: 1_184, SAMPLES_PER_BATCH: 32, BATCHES_PER_UPDATE: 1,
     UPDATES: 1_110, BATCHES: 1_110, PROCESSES: 1},
)  # fmt: skip

_LISTS = ("milestones", "lr_lambda", "schedulers")  # arguments that are no numbers

MAX_REPLAYED = 200_000  # ticks of a scheduler that is replayed one by one: about a second
EVERY_EPOCH, EVERY_BATCH, EVERY_UPDATE = "epoch", "batch", "update"
IN_EVALUATION, ONCE, PER_RUN = "evaluation", "once", "run"


@record(frozen=True, slots=True)
class Rate:
    """How often a site happens.

    ``unit``: ``epoch``, ``batch`` (every micro-batch), ``update`` (only with an optimizer update under accumulation),
    ``evaluation`` (every batch of validation or test), ``run`` (once per fold or run), ``once``. ``every``: only
    every so
    many of them. ``conditional``: under a test that cannot be decided. ``one_rank``: on the main process only.
    """

    unit: str
    every: Expr | None = None
    conditional: bool = False
    one_rank: bool = False

    def __str__(self) -> str:
        where = {
            EVERY_EPOCH: "once per epoch",
            EVERY_BATCH: "once per batch",
            EVERY_UPDATE: "once per optimizer update",
            IN_EVALUATION: "once per evaluation batch",
            ONCE: "once",
            PER_RUN: "once per run",
        }[self.unit]
        return where if self.every is None else f"{where}, every {self.every}"


@record(frozen=True, slots=True)
class Tick:
    """A place where a scheduler is stepped."""

    site: Site
    rate: Rate

    @property
    def text(self) -> str:
        """The argument of step(), as written ("" where there is none)."""
        return str(self.site.event.data.get("text", ""))

    @property
    def argument(self) -> Expr | None:
        found = self.site.event.data.get("expr")
        return found if isinstance(found, Expr) else None

    @property
    def has_argument(self) -> bool:
        return self.site.event.data.get("argument") is not None

    @property
    def metric(self) -> Metric | None:
        """What is passed to step(), described as a metric."""
        found = self.site.event.data.get("metric")
        return found if isinstance(found, Metric) else None

    @property
    def argument_place(self) -> Place | None:
        found = self.site.event.data.get("argument_place")
        return found if isinstance(found, Place) else None

    @property
    def metrics_at_hand(self) -> tuple[tuple[str, str], ...]:
        """Validation metrics that have a name where step() is called without one, with their directions."""
        found = self.site.event.data.get("at_hand")
        return found if isinstance(found, tuple) else ()

    @property
    def method(self) -> str:
        return str(self.site.event.data.get("method", "step"))


@record(frozen=True, slots=True)
class Length:
    """An argument that is a number of ticks: where it stands, its value, and what that value counts (None: a bare
    number, or unknown)."""

    scheduler: Scheduler
    name: str
    argument: Argument
    expr: Expr
    unit: Unit | None

    @property
    def bare(self) -> bool:
        """A number without symbols."""
        return next(self.expr.symbols(), None) is None


class Case:
    """A training and the answers about it."""

    def __init__(self, training: Training, drawing: bool = True) -> None:
        self.training = training
        self.drawing = drawing  # whether anybody will look at curves
        self.stumbled: dict[str, str] = {}  # rules that could not finish, and why
        self._rates: dict[int, Rate] = {}
        self._outcomes: dict[tuple[int, tuple[tuple[str, Scalar], ...]], Outcome | None] = {}
        self._witnesses: list[dict[str, Scalar]] | None = None
        self.shared: dict[str, object] = {}  # what several rules ask and one of them has worked out

    # -- objects ----------------------------------------------------------------------------------------------------

    def schedulers(self) -> Iterator[Scheduler]:
        """Schedulers whose construction was seen and that are not phases of another one."""
        return (s for s in self.training.top_schedulers() if s.seen)

    def all_schedulers(self) -> Iterator[Scheduler]:
        """Also those made by code that was not read (their class and arguments are unknown)."""
        return self.training.top_schedulers()

    def optimizer(self, scheduler: Scheduler) -> Optimizer | None:
        return self.training.optimizers.get(scheduler.optimizer) if scheduler.optimizer is not None else None

    def children(self, scheduler: Scheduler) -> list[Scheduler]:
        return [self.training.schedulers[number] for number in scheduler.children]

    def escapes(self, scheduler: Scheduler) -> bool:
        """Whether unseen code may tick it: then what is missing here may happen there."""
        parents = [scheduler]
        while parents[-1].parent is not None:
            parents.append(self.training.schedulers[parents[-1].parent])
        return any(s.escapes for s in parents)

    # -- rates ------------------------------------------------------------------------------------------------------

    def ticks(self, scheduler: Scheduler) -> list[Tick]:
        """Where it is stepped, with the rates, in reading order."""
        return [Tick(site, self.rate(site)) for site in self.training.ticks(scheduler)]

    def updates(self, optimizer: Optimizer | int | None) -> list[Site]:
        number = optimizer.number if isinstance(optimizer, Optimizer) else optimizer
        return self.training.updates(number)

    def rate(self, site: Site) -> Rate:
        """How often a site happens."""
        found = self._rates.get(id(site.event))
        if found is None:
            found = self._rates[id(site.event)] = self._rate(site)
        return found

    def _rate(self, site: Site) -> Rate:
        loop = site.innermost(BATCH, MICRO, EVALUATION, EPOCH, OUTER)
        while loop is not None and loop.kind == MICRO:
            outer = [step for step in site.loops if step is not loop and step.kind in (BATCH, EPOCH, OUTER)]
            loop = outer[-1] if outer else None
        one_rank = any(g.branch.origin == "main process" for g in site.guards)
        if loop is None:
            return Rate(ONCE, conditional=self._conditional(site.guards), one_rank=one_rank)
        guards = site.guards_below(loop)
        every = next((k for k in (periodic(g) for g in guards) if k is not None), None)
        conditional = self._conditional(guards)
        if loop.kind == EVALUATION:
            return Rate(IN_EVALUATION, every, conditional, one_rank)
        if loop.kind == EPOCH:
            return Rate(EVERY_EPOCH, every, conditional, one_rank)
        if loop.kind == OUTER:
            return Rate(PER_RUN, every, conditional, one_rank)
        if loop.epoch_like:
            return Rate(EVERY_EPOCH, every, conditional, one_rank)
        if every is not None and self.accumulation_guard(loop) is not None and self._same_guard(site, loop):
            return Rate(EVERY_UPDATE, None, conditional, one_rank)
        return Rate(EVERY_BATCH, every, conditional, one_rank)

    def _conditional(self, guards: Sequence[Guard]) -> bool:
        return any(
            periodic(g) is None and g.branch.origin != "main process" and not _of_counters(g.branch.test)
            for g in guards
        )

    def accumulation_guard(self, loop: Loop) -> Guard | None:
        """The test that lets an update happen only every so many batches of ``loop``."""
        for site in self.training.updates():
            if site.within(loop):
                for guard in site.guards_below(loop):
                    if periodic(guard) is not None:
                        return guard
        return None

    def _same_guard(self, site: Site, loop: Loop) -> bool:
        reference = self.accumulation_guard(loop)
        return reference is not None and any(
            g.branch is reference.branch
            and g.arm == reference.arm
            or g.branch.test == reference.branch.test
            and g.arm == reference.arm
            for g in site.guards_below(loop)
        )

    def accumulation(self, optimizer: Optimizer | int | None) -> Expr | None:
        """How many micro-batches make an update; None where every batch is one."""
        number = optimizer.number if isinstance(optimizer, Optimizer) else optimizer
        for site in self.training.updates(number):
            loop = site.innermost(BATCH)
            for guard in site.guards_below(loop) if loop is not None else ():
                factor = periodic(guard)
                if factor is not None:
                    return factor
            steps = site.event.data.get("accumulate")
            if isinstance(steps, Expr) and steps != Lit(1):
                return steps
        return None

    def accumulates(self, optimizer: Optimizer | int | None) -> bool:
        """Whether the update really waits for several batches under the known numbers (unknown factors may be 1)."""
        factor = self.accumulation(optimizer)
        if factor is None:
            return False
        number = self.training.number(factor)
        return number is None or number > 1

    def same_period(self, first: Site, second: Site) -> bool:
        """Whether two sites stand in the same loop body."""
        return bool(first.loops) and bool(second.loops) and first.loops[-1] is second.loops[-1]

    def loop(self, kind: str) -> Loop | None:
        """The first training loop of a kind."""
        for site in [*self.training.updates(), *self.training.sites]:
            for step in site.loops:
                if step.kind == kind:
                    return step
        return None

    def validates(self) -> bool:
        """Whether there is a loop over batches of validation or test."""
        return bool(self.evaluation_loops())

    def evaluation_loops(self) -> list[Loop]:
        """The loops over batches of validation or test; those inside others are not looked for."""
        found: list[Loop] = []
        waiting = list(self.training.root)
        while waiting:
            node = waiting.pop()
            if isinstance(node, Loop) and node.kind == EVALUATION:
                found.append(node)
            elif isinstance(node, Loop):
                waiting += node.body.nodes
            elif isinstance(node, Branch):
                waiting += [*node.arms[0].nodes, *node.arms[1].nodes]
        return found

    # -- lengths ----------------------------------------------------------------------------------------------------

    def unit(self, expr: object) -> Unit | None:
        """What a length counts, as far as symbols prove or names suggest. ``batch/epoch`` counts batches when a bare
        number stands for the epochs."""
        dimension = self.training.dimension(expr)
        if dimension is None:
            return None
        if dimension.power(Unit.EPOCH) == -1:  # 90 * len(loader): the 90 are epochs
            dimension = dimension * EPOCHS if _has_number_factor(expr) else dimension
        if dimension.power(Unit.SAMPLE) == 1 and self.divided_by_batch_size(expr):  # len(dataset) // 128
            dimension = dimension / SAMPLES_PER_BATCH
        return dimension.unit

    def divided_by_batch_size(self, expr: object) -> bool:
        """Whether something in it is divided by a bare number that is a loader's batch size."""
        if not isinstance(expr, Op):
            return False
        if expr.name in ("/", "//") and isinstance(expr.args[1], Lit) and expr.args[1].value != 1:
            sizes = [self.number(loader.batch_size) for loader in self.training.loaders.values()]
            if expr.args[1].value in sizes:
                return True
        return any(self.divided_by_batch_size(arg) for arg in expr.args)

    def lengths(self, scheduler: Scheduler) -> list[Length]:
        """The arguments that say how long it is, phases included, each as one length with its unit."""
        found: list[Length] = []
        if scheduler.known:
            for parameter in emulate.signature(scheduler.name):
                argument = scheduler.arguments.get(parameter.name)
                if argument is not None:
                    found += self._lengths_of(scheduler, parameter, argument)
        for child in self.children(scheduler):
            found += self.lengths(child)
        return found

    def _lengths_of(self, scheduler: Scheduler, parameter: emulate.Parameter, argument: Argument) -> list[Length]:
        name = parameter.name
        if parameter.counts == "function":
            formulas = argument.value if isinstance(argument.value, list) else [argument.value]
            parts = [part for f in formulas if isinstance(f, Formula) for part in self.formula_lengths(f)]
            return [Length(scheduler, name, argument, expr, self.unit(expr)) for expr in parts]
        if parameter.counts == "ticks" and isinstance(argument.value, Expr) and argument.value != Lit(None):
            return [Length(scheduler, name, argument, argument.value, self.unit(argument.value))]
        if parameter.counts == "list of ticks" and isinstance(argument.value, list):
            parts = [part for part in argument.value if isinstance(part, Expr)]
            return [Length(scheduler, name, argument, part, self.unit(part)) for part in parts]
        if name == "steps_per_epoch" and "epochs" in scheduler.arguments:
            epochs = scheduler.arguments["epochs"].value
            if isinstance(epochs, Expr) and isinstance(argument.value, Expr):
                whole = epochs * argument.value
                unit = self.unit(whole)
                if unit not in (Unit.BATCH, Unit.UPDATE):  # a bare number of steps per epoch
                    unit = Unit.EPOCH if self.number(argument.value) == 1 else Unit.BATCH
                return [Length(scheduler, name, argument, whole, unit)]
        return []

    def formula_lengths(self, formula: Formula) -> list[Expr]:
        """What the tick of a LambdaLR function is divided by, compared with or subtracted from: its lengths."""
        found: list[Expr] = []

        def visit(expr: Expr) -> None:
            if not isinstance(expr, Op):
                return
            if (
                expr.name in ("/", "//", "%", "<", "<=", ">", ">=", "-", "+", "==", "min", "max")
                and len(expr.args) == 2
            ):
                with_tick = [_mentions(arg, formula.variable) for arg in expr.args]
                if with_tick == [True, False] or (with_tick == [False, True] and expr.name not in ("/", "//", "%")):
                    other = expr.args[1 if with_tick[0] else 0]
                    plain = _is_tick(expr.args[0 if with_tick[0] else 1], formula.variable)
                    if plain and other not in found and not (isinstance(other, Lit) and other.value in (0, 1, 1.0)):
                        found.append(other)
            for arg in expr.args:
                visit(arg)

        visit(formula.expr)
        return found

    def proven(self, expr: object) -> bool:
        """Whether the unit of ``expr`` follows from use, not from names alone."""
        if not isinstance(expr, Expr):
            return False
        names = [name for name in expr.symbols() if name in self.training.units]
        return bool(names) and all(name in self.training.proven_units for name in names)

    def epochs(self) -> Expr | None:
        """The number of epochs, as the epoch loop says it."""
        loop = self.loop(EPOCH)
        if loop is not None:
            return loop.trips
        batch = self.loop(BATCH)
        return batch.trips if batch is not None and batch.epoch_like else None

    def batches_per_epoch(self) -> Expr | None:
        batch = self.loop(BATCH)
        return batch.trips if batch is not None and not batch.epoch_like else None

    def source(self, expr: Expr | None) -> str | None:
        """An expression as it can be written into the script; None where it has no spelling there."""
        if expr is None or any(
            name.startswith(("@", "?")) and name not in self.training.facts for name in expr.symbols()
        ):
            return None
        return str(expr)

    # -- numbers ----------------------------------------------------------------------------------------------------

    def number(self, expr: object, witness: Mapping[str, Scalar] | None = None) -> float | None:
        return self.training.number(expr, witness)

    def value(self, expr: object, witness: Mapping[str, Scalar] | None = None) -> Scalar:
        """``expr`` as a number, text or truth value; None where it is unknown."""
        if not isinstance(expr, Expr):
            return None
        try:
            return expr.evaluate(self.training.values(witness))
        except FAILURES:
            return None

    def unknowns(self) -> list[str]:
        """The symbols whose values the length of the training depends on and nobody knows."""
        missing: dict[str, None] = {}
        seen: set[str] = set()
        for loop in self.training_loops():
            if loop.trips is not None:
                self._collect_unknown(loop.trips, missing, seen)
        for scheduler in self.training.schedulers.values():
            for argument in scheduler.arguments.values():
                for expr in _expressions(argument.value):
                    self._collect_unknown(expr, missing, seen)
        for site in self.training.updates():
            for guard in site.guards:
                if guard.branch.test is not None and periodic(guard) is not None:
                    self._collect_unknown(guard.branch.test, missing, seen)
        return list(missing)

    def training_loops(self) -> list[Loop]:
        found: dict[int, Loop] = {}
        for site in self.training.sites:
            if site.event.kind in ("update", "tick", "write"):
                found.update((id(loop), loop) for loop in site.loops)
        return list(found.values())

    def _collect_unknown(self, expr: Expr, missing: dict[str, None], seen: set[str]) -> None:
        for name in expr.symbols():
            if name in seen:  # definitions may refer to one another: a loop that a flag of its own ends
                continue
            seen.add(name)
            fact = self.training.facts.get(name)
            if fact is not None and fact.known:
                continue
            definition = self.training.definitions.get(name)
            if definition is not None:
                self._collect_unknown(definition, missing, seen)
            elif not name.startswith("@"):
                missing[name] = None

    def witnesses(self) -> list[dict[str, Scalar]]:
        """Assignments of the unknown numbers to try: one empty assignment where everything is known."""
        if self._witnesses is None:
            unknown = self.unknowns()
            units = self.training.units
            self._witnesses = (
                [
                    {name: self._tried(name, row.get(units.get(name, EPOCHS), 10)) for name in unknown}
                    for row in _WITNESSES
                ]
                if unknown
                else [{}]
            )
        return self._witnesses

    def _tried(self, name: str, usual: int) -> int:
        """A number for something unknown: a warmup is a small part of what it counts, a start is the beginning."""
        fact = self.training.facts.get(name)
        text = fact.text.lower() if fact is not None else ""
        if "warm" in text or "burn" in text:
            return max(usual // 10, 1)
        if self.training.units.get(name) == SAMPLES_PER_EPOCH:  # nobody has fewer samples than a few dozen batches
            sizes = [self.number(loader.batch_size) or 0 for loader in self.training.loaders.values()]
            return max(usual, 37 * int(max(sizes, default=0)))
        return 0 if "start_" in text or "resume" in text else usual

    def known(self) -> bool:
        """Whether every number that matters is known."""
        return not self.unknowns()

    # -- outcomes ---------------------------------------------------------------------------------------------------

    def outcome(self, scheduler: Scheduler, witness: Mapping[str, Scalar] | None = None) -> Outcome | None:
        """What the scheduler makes of the learning rate; None where it cannot be played (an unknown class, argument
        or length)."""
        chosen = dict(self.witnesses()[0] if witness is None else witness)
        key = (scheduler.number, tuple(sorted(chosen.items(), key=lambda item: item[0])))
        if key not in self._outcomes:
            self._outcomes[key] = self._outcome(scheduler, chosen)
        return self._outcomes[key]

    def outcomes(self, scheduler: Scheduler) -> list[Outcome]:
        """The outcomes under all witnesses (those that can be played)."""
        found = [self.outcome(scheduler, witness) for witness in self.witnesses()]
        return [outcome for outcome in found if outcome is not None]

    def _outcome(self, scheduler: Scheduler, witness: dict[str, Scalar]) -> Outcome | None:
        optimizer = self.optimizer(scheduler)
        if optimizer is None or not scheduler.known or scheduler.plateau:
            return None
        if any(tick.has_argument and tick.rate.unit != EVERY_EPOCH for tick in self.ticks(scheduler)):
            return None  # step(epoch + i / n) sets a position: calls are not counted
        play = self._play_of(optimizer, scheduler, witness)
        if play is None or not play.updates:
            return None
        return Outcome(self, scheduler, optimizer, play, witness)

    def _play_of(self, optimizer: Optimizer, scheduler: Scheduler, witness: dict[str, Scalar]) -> Play | None:
        """The timeline with one scheduler: that of the optimizer where it has no other."""
        inside = self.remade(scheduler)
        alone = sum(other.optimizer == optimizer.number for other in self.training.top_schedulers()) == 1
        if alone and not inside and scheduler.parent is None:
            return self.play(optimizer, witness)
        try:
            return Play(self.training, optimizer.number, [scheduler.number], witness, inside)
        except (CannotPlay, RecursionError):
            return None

    def remade(self, scheduler: Scheduler) -> tuple[Loop, ...]:
        """The loops in which the scheduler is made anew, with its optimizer (folds) or on the same one (stages): each
        trip is a schedule of its own."""
        optimizer = self.optimizer(scheduler)
        theirs = optimizer.loops if optimizer is not None else ()
        return tuple(loop for loop in scheduler.loops if loop.kind == OUTER or any(loop is other for other in theirs))

    def play(self, optimizer: Optimizer, witness: Mapping[str, Scalar] | None = None) -> Play | None:
        """The timeline as this optimizer sees it, with every scheduler of it."""
        chosen = self.witnesses()[0] if witness is None else witness
        key = f"play {optimizer.number} {sorted(chosen.items())}"
        if key not in self.shared:
            numbers = [s.number for s in self.training.top_schedulers() if s.optimizer == optimizer.number]
            try:
                self.shared[key] = Play(self.training, optimizer.number, numbers, chosen)
            except (CannotPlay, RecursionError):
                self.shared[key] = None
        return self.shared[key]  # type: ignore[return-value]

    def arguments(self, scheduler: Scheduler, witness: Mapping[str, Scalar] | None = None) -> dict[str, object] | None:
        """The constructor's arguments as numbers, lists and functions; None where one is unknown."""
        values = self.training.values(witness)
        found: dict[str, object] = {}
        for name, argument in scheduler.arguments.items():
            if name in ("last_epoch", "verbose", "optimizer", "**") or (name == "schedulers" and scheduler.children):
                continue
            if name in _LISTS and isinstance(argument.value, Expr) and self.number(argument.value) is None:
                return None  # a list that is not seen: no number may stand for it
            try:
                found[name] = _argument_value(argument.value, values, self.training, witness)
            except (LrightError, ArithmeticError, TypeError, ValueError):
                return None
        return found

    def emulate(
        self,
        scheduler: Scheduler,
        witness: Mapping[str, Scalar] | None = None,
        optimizer: emulate.Optimizer | None = None,
        **changed: object,
    ) -> emulate.Emulated:
        """The scheduler under numbers, with some arguments changed; raises LrightError where it cannot be built
        (:class:`emulate.ScheduleRaises` where the real constructor raises)."""
        owner = self.optimizer(scheduler)
        if optimizer is None:
            optimizer = self.emulated_optimizer(owner, witness)
        given = self.arguments(scheduler, witness)
        if given is None:
            raise LrightError(f"an argument of {scheduler.name} is not known")
        given.update(changed)
        if scheduler.children:
            given["schedulers"] = [self.emulate(child, witness, optimizer) for child in self.children(scheduler)]
        return emulate.build(scheduler.name, optimizer, **given)

    def emulated_optimizer(
        self, optimizer: Optimizer | None, witness: Mapping[str, Scalar] | None = None
    ) -> EmulatedOptimizer:
        """The optimizer with its learning rates; an unknown one is taken as 1 (see :meth:`peak_known`)."""
        groups = []
        for group in optimizer.groups if optimizer is not None else [{"lr": None}]:
            lr = self.number(group.get("lr"), witness)
            made = {"lr": 1.0 if lr is None else lr}
            momentum = self.number(group.get("momentum"), witness)
            if momentum is not None:
                made["momentum"] = momentum
            groups.append(made)
        return emulate.Optimizer(*groups)

    def peak_known(self, optimizer: Optimizer | None) -> bool:
        return optimizer is not None and all(self.number(g.get("lr")) is not None for g in optimizer.groups)


class Outcome:
    """What one scheduler makes of one optimizer's learning rate under one set of numbers."""

    def __init__(
        self, case: Case, scheduler: Scheduler, optimizer: Optimizer, play: Play, witness: Mapping[str, Scalar]
    ) -> None:
        self.case = case
        self.scheduler = scheduler
        self.optimizer = optimizer
        self.play = play
        self.witness = dict(witness)
        self.updates = play.updates
        self.ticks = play.ticks(scheduler.number)
        self.emulated: emulate.Emulated | None = None
        self.raised: emulate.ScheduleRaises | None = None
        # torch's step(epoch), timm's step(epoch): the time is given rather than counted.
        self.told = any(tick.has_argument for tick in case.ticks(scheduler))
        try:
            self.emulated = case.emulate(scheduler, witness)
            self.emulated.past_end()  # an argument of a wrong type shows here
            if not self._near(self.ticks):
                raise LrightError("too many ticks to be replayed one by one")
            # The last tick comes after the last update, or not: only ticks that really happen can raise.
            self.raised = None if self.told else self.emulated.first_raise(self.ticks)
        except emulate.ScheduleRaises as error:
            self.raised = error
        except (LrightError, ArithmeticError, TypeError, ValueError, KeyError, IndexError):
            self.emulated = None

    @property
    def epochs(self) -> float | None:
        """Epochs of training, where there is an epoch loop."""
        return self.case.number(self.case.epochs(), self.witness)

    def epoch_of(self, update: float) -> float | None:
        """The position of an update in epochs."""
        total = self.epochs
        return None if not total else update / self.updates * total

    def lr(self, update: int, group: int = 0) -> float | None:
        """The learning rate in force at an update (from 0); None past a tick that raises."""
        if self.told:
            return self._lr_as_told(self.play.before(update), group)
        return self.lr_at_tick(self.play.ticks_before(update, self.scheduler.number), group)

    def _lr_as_told(self, moment: Moment, group: int) -> float | None:
        """The learning rate where step() is given the time: that of the last time given."""
        if moment.last is None:
            return self.lr_at_tick(0, group)
        event, trips = moment.last
        time = event.data.get("expr")
        if event.kind != "tick" or not isinstance(time, Expr) or self.emulated is None:
            return None
        known = self.case.number(time, {**self.witness, **trips})
        if known is None:
            return None
        try:
            return float(self.emulated.lr_at_epoch(known, group))
        except (LrightError, ArithmeticError, TypeError, ValueError):
            return None

    def _near(self, tick: int) -> bool:
        """Whether the learning rate at a tick can be had without replaying millions of them."""
        return self.emulated is not None and tick <= max(self.emulated.reach, MAX_REPLAYED)

    def lr_at_tick(self, tick: int, group: int = 0) -> float | None:
        if self.emulated is None or not self._near(tick):
            return None
        if self.raised is not None and self.raised.tick is not None and tick >= self.raised.tick:
            return None
        try:
            value = self.emulated.lr(tick, group)
        except (LrightError, ArithmeticError, TypeError, ValueError):
            return None
        return float(value) if isinstance(value, (int, float)) and value == value else None

    def update_after_tick(self, tick: int) -> int:
        """The first update that sees the learning rate of ``tick`` ticks."""
        if tick <= 0:
            return 0
        if tick > self.ticks:
            return self.updates
        return self.play.at_tick(self.scheduler.number, tick - 1).counts.get(("update", self.optimizer.number), 0)

    def _told_until(self) -> int:
        """How many updates have a learning rate: all, or those before the one that a tick keeps from coming."""
        if self.told or self.raised is None or self.raised.tick is None:
            return self.updates
        return max(self.update_after_tick(self.raised.tick), 1)

    def opening(self, points: int = 240, label: str = "", turns: int = 12) -> Curve | None:
        """The curve as far as a picture of it can be read: all of it, or the first part where it turns more than
        ``turns`` times."""
        until = self.updates
        while True:
            curve = self.curve(0, points, label, until)
            if curve is None or until <= points or _turns(curve) <= turns:
                return curve
            until //= 2

    def curve(
        self, group: int = 0, points: int = 240, label: str = "", until: int | None = None, example: bool = True
    ) -> Curve | None:
        """The learning rate over updates (the first ``until`` of them), thinned to about ``points`` points.

        Under numbers that are made up it is drawn over epochs and says so, unless ``example`` is False."""
        if self.emulated is None or not self.case.drawing:
            return None
        sampled: list[tuple[float, float]] = []
        for update in sample(min(until or self.updates, self._told_until()), points):
            lr = self.lr(update, group)
            if lr is None:
                break
            sampled.append((float(update), lr))
        name = self.scheduler.text or self.scheduler.name
        curve = Curve(tuple(sampled), "update", label, self.optimizer.text, group, name, self.ends())
        return self._as_example(curve) if example else curve

    def _as_example(self, curve: Curve) -> Curve:
        """A curve over epochs, labelled with the numbers that were made up for it; as it is, where none were."""
        if not self.witness or not self.epochs:
            return curve
        made_up = []
        for expr, unit in ((self.case.batches_per_epoch(), "batches/epoch"), (self.case.epochs(), "epochs")):
            number = self.case.number(expr, self.witness) if self.case.number(expr) is None else None
            if number is not None:
                made_up.append(f"{number:,.6g} {unit}")
        points = tuple((x / self.updates * self.epochs, lr) for x, lr in curve.points)
        label = f"e.g. {', '.join(made_up)}" if made_up else curve.label
        return replace(curve, points=points, unit="epoch", label=label)

    def planned(self, per: Unit, points: int = 240) -> Curve | None:
        """The curve that was meant if the schedule's length counts ``per`` (epochs, or optimizer updates)."""
        if self.emulated is None or not self.case.drawing or (per is Unit.EPOCH and not self.epochs):
            return None
        seen: list[tuple[float, float]] = []
        for update in sample(self.updates, points):
            tick = int(self.epoch_of(update) or 0) if per is Unit.EPOCH else update
            try:
                seen.append((float(update), float(self.emulated.lr(tick))))
            except (LrightError, ArithmeticError, TypeError, ValueError):
                break
        curve = Curve(tuple(seen), "update", "planned", self.optimizer.text, 0, self.scheduler.text)
        return replace(self._as_example(curve), label="planned") if seen else None

    def peak(self) -> float:
        """The highest learning rate that updates see."""
        extremes = self.extremes()
        return extremes[1] if extremes else 0.0

    def collapse(self, below: float = 1e-3) -> float | None:
        """The fraction of training after which the learning rate stays under ``below`` of its peak; None if never."""
        peak = self.peak()
        if peak <= 0:
            return None
        low, high = 0, self.updates - 1
        final = self.lr(high)
        if final is None or final >= below * peak:
            return None
        while low < high:  # decays are monotone where they matter: bisection finds the knee
            middle = (low + high) // 2
            value = self.lr(middle)
            if value is not None and value < below * peak:
                high = middle
            else:
                low = middle + 1
        return low / max(self.updates, 1)

    def ends(self) -> str:
        """What happens when the schedule is over, in this training: hold, rise, raise or unknown."""
        if self.raised is not None:
            return "raise"
        past = self.emulated.past_end() if self.emulated is not None else "unknown"
        length = self.emulated.length if self.emulated is not None else None
        if past in ("rise", "cycle", "raise"):
            over = length is not None and self.ticks > length
            return "rise" if over else "hold" if length is not None else "unknown"
        return past

    def extremes(self, points: int = 200) -> tuple[float, float] | None:
        """The lowest and highest learning rate that updates see (sampled)."""
        seen = [lr for lr in (self.lr(u) for u in sample(self.updates, points)) if lr is not None]
        return (min(seen), max(seen)) if seen else None


def _turns(curve: Curve) -> int:
    """How often the learning rate changes between rising and falling."""
    rates = [lr for _, lr in curve.points]
    steps = [later - lr for lr, later in pairwise(rates) if later != lr]
    return sum(first * second < 0 for first, second in pairwise(steps))


def sample(total: int, points: int) -> list[int]:
    """About ``points`` whole numbers from 0 to total - 1, both ends included.

    >>> sample(10, 4)
    [0, 3, 6, 9]
    """
    if total <= points:
        return list(range(total))
    return sorted({round(i * (total - 1) / (points - 1)) for i in range(points)})


def periodic(guard: Guard) -> Expr | None:
    """k where a guard lets every k-th trip through: ``(i + 1) % k == 0``, ``not i % k``, with ``or`` for the last."""
    test = guard.branch.test
    if test is None:
        return None
    return _remainder(test, positive=guard.arm == 0)


def _remainder(test: Expr, positive: bool) -> Expr | None:
    if not isinstance(test, Op):
        return None
    if test.name == "not":
        return _remainder(test.args[0], not positive)
    if test.name in ("or", "and"):
        for arg in test.args:
            found = _remainder(arg, positive)
            if found is not None:
                return found
        return None
    if test.name == "bool":
        return _remainder(test.args[0], positive)
    left = test.args[0]
    if test.name in ("==", "!=") and isinstance(left, Op) and left.name == "%":
        return left.args[1] if (test.name == "==") is positive and _of_index(left.args[0]) else None
    if test.name == "%" and not positive and _of_index(left):
        return test.args[1]
    return None


def _of_index(expr: Expr) -> bool:
    return any(name.startswith("@") for name in expr.symbols())


def _of_counters(test: Expr | None) -> bool:
    """A test that the timeline itself decides: on trips, counters and settings."""
    if test is None:
        return False
    names = list(test.symbols())
    return all(name.startswith("@") or not name.startswith("?") for name in names)


def _has_number_factor(expr: object) -> bool:
    if isinstance(expr, Op) and expr.name in ("*", "//", "/", "int", "ceil", "round", "floor", "+", "-"):
        return any(isinstance(a, Lit) or _has_number_factor(a) for a in expr.args)
    return False


def _mentions(expr: Expr, name: str) -> bool:
    return any(symbol == name for symbol in expr.symbols())


def _is_tick(expr: Expr, variable: str) -> bool:
    """The tick itself, converted or shifted by a number or a length (``float(t)``, ``t + 1``, ``t - warmup``)."""
    if isinstance(expr, Op) and expr.name == "*":  # the angle of a cosine: pi * t / T
        return any(_is_tick(a, variable) and b == Lit(math.pi) for a, b in (expr.args, expr.args[::-1]))
    if isinstance(expr, Op) and expr.name in ("float", "int", "max", "min", "+", "-", "floor"):
        return any(_is_tick(arg, variable) for arg in expr.args if _mentions(arg, variable))
    return isinstance(expr, Sym) and expr.name == variable


def _expressions(value: object) -> Iterator[Expr]:
    if isinstance(value, Expr):
        yield value
    elif isinstance(value, Formula):
        yield value.expr
    elif isinstance(value, list):
        for part in value:
            yield from _expressions(part)


def _folded(name: str, values: Mapping[str, Scalar]) -> Expr:
    """A symbol's value, the symbol itself where it has none."""
    try:
        return Lit(values[name])
    except (KeyError, LrightError, ArithmeticError, TypeError, ValueError):
        return Sym(name)


def _argument_value(
    value: object, values: Mapping[str, Scalar], training: Training, witness: Mapping[str, Scalar] | None
) -> object:
    if isinstance(value, Expr):
        found = value.evaluate(values)
        if isinstance(found, int) and found.bit_length() > MAX_BITS:
            raise LrightError("an argument is too large to be a number of anything")
        return found
    if isinstance(value, list):
        return [_argument_value(part, values, training, witness) for part in value]
    if isinstance(value, Formula):
        bound = training.values(witness)
        names = set(value.expr.symbols()) - {value.variable}
        folded = value.expr.substituted({name: _folded(name, bound) for name in names})  # asked at thousands of ticks

        def function(tick: float, formula: Formula = value) -> object:
            bound.witness[formula.variable] = tick
            return folded.evaluate(bound)

        function(0)  # an unknown symbol shows here, not in the middle of a curve
        return function
    raise LrightError("an argument is not known")
