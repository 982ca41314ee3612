"""A recorded run as a situation: its objects, its numbers, and its timeline folded from what was seen.

The loops that made the rows are put together again from their beats (:mod:`.beats`): epochs, batches in them, an
update every so many batches, evaluations, and at each place where a scheduler is stepped a tick. The rules then judge
it as they judge a script, with the difference that every number is known and nothing is known by its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...quantity import BATCHES, BATCHES_PER_EPOCH, EPOCHS, UPDATES, Dimension, Expr, Lit, Op, Sym
from ...rules.recorded import SCHEDULERS
from ...situation import Fact, Loader, Optimizer, Scheduler, Situation, Training
from ...timeline import BATCH, EPOCH, Block, Loop
from ...trace import Pass, Piece, Trace, Updates
from .beats import Rhythm, passes_planned, rhythm
from .things import optimizer_of, scheduler_of
from .weave import BATCH_INDEX, EPOCH_INDEX, NOWHERE, evaluation, weave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...trace import Row

UNUSED = 900  # the number of an optimizer that makes no updates
LOADERS = 2000  # the number of the first loader, among all objects
ONE_PROCESS = "only the main process is recorded, and the others may do something else"
OPEN_END = "how long the run will be is not known: it goes on, and nobody has said"
UNSTEADY = "the updates come at no steady beat"
NO_ORDER = "the order in which objects are made and their states loaded is not recorded"

AS_NUMBERS = "an LR that is written by hand is seen as numbers, not as the factor it came from"

# Rules that hold a schedule against the length of the training.
OF_LENGTH = ("LR101", "LR102", "LR105", "LR201", "LR202", "LR203", "LR205", "LR217")


def read(trace: Trace) -> Situation:
    """What a trace shows of the training: of its last piece, where it was resumed.

    >>> from lright.rules.example_runs import falling, made
    >>> [training.condition for training in read(made(50, 0.1, falling())).trainings]
    ['default']
    """
    folded = Fold(trace)
    situation = Situation([folded.training], skipped=list(folded.skipped()))
    situation.trainings[0].trace = trace
    return situation


def glance(trace: Trace) -> Situation:
    """A trace without its timeline: what the rules on behaviour look at."""
    return Situation([_empty(trace)])


def _empty(trace: Trace) -> Training:
    return Training("default", Block(), {}, {}, {}, {}, {}, {}, trace=trace)


class Fold:
    """The training of the last piece of a run: its objects, its lengths and its loops, which :func:`.weave.weave` fills
    with events."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.piece = trace.pieces[-1] if trace.pieces else Piece({})
        self.over = trace.ended == "finished"
        self.training = _empty(trace)
        self.rhythms: dict[int, Rhythm] = {}
        self.planned: int | None = None  # passes, or updates where there are no passes
        self.epoch = Loop(NOWHERE, EPOCH_INDEX.name, None, "epochs", Block(), kind=EPOCH)
        self.batch = Loop(NOWHERE, BATCH_INDEX.name, None, "batches", Block(), kind=BATCH)
        self.evaluations: dict[int, Loop] = {}
        self.again: dict[int, list[int]] = {}  # the schedulers that were made anew in the place of another
        main = trace.main
        if main is None:
            return
        self._condition()
        self._objects()
        begun: Sequence[Pass] = trace.passes[self.piece.passes :]
        for number, updates in trace.updates.items():
            if len(updates):
                self.rhythms[number] = rhythm(trace, updates, begun, self.over)
        self.main = self.rhythms[main.optimizer]
        self._lengths(main)
        self._loops(begun)
        self._owners(main)
        if self.main.every > 1:
            self._in_batches()
        weave(self, main)

    def skipped(self) -> Iterator[tuple[str, str]]:
        """The rules that cannot judge what was seen, with the reason."""
        if self.trace.main is None:
            return
        if self.planned is None:
            yield from ((rule, OPEN_END) for rule in OF_LENGTH if rule != "LR217" or self.trace.ended != "crashed")
        elif not self.main.steady:
            yield from ((rule, UNSTEADY) for rule in OF_LENGTH)
        yield "LR116", ONE_PROCESS
        yield "LR402", NO_ORDER
        yield "LR303", AS_NUMBERS

    # -- objects ----------------------------------------------------------------------------------------------------

    def _condition(self) -> None:
        """A later piece of a run is the rest of a training that began earlier."""
        if len(self.trace.pieces) > 1:
            self.training.condition = "resume"
            self.training.default = _empty(self.trace)

    def _objects(self) -> None:
        for number, updates in self.trace.updates.items():
            self.training.optimizers[number] = optimizer_of(number, self.trace.optimizers.get(number, {}), updates)
        for number, row in self.trace.loaders.items():
            self._loader(number, row)
        for made, row in self.trace.builds[self.piece.builds :]:
            if row["kind"] == "scheduler":
                self._scheduler(row, made)
        for scheduler in self.training.schedulers.values():
            if scheduler.parent is not None and not _leads_up(scheduler, self.training.schedulers):
                scheduler.parent = None  # of a trace that is not whole
            if scheduler.parent is not None:
                parent = self.training.schedulers[scheduler.parent]
                parent.children = (*parent.children, scheduler.number)
        if self.training.default is not None:
            for _, row in self.trace.builds[: self.piece.builds]:
                if row["kind"] == "scheduler":
                    earlier = scheduler_of(row)
                    self.training.default.schedulers[earlier.number] = earlier

    def _loader(self, number: int, row: Row) -> None:
        length = Sym(f"len#{number}", f"len(loader {number})" if len(self.trace.loaders) > 1 else "len(loader)")
        known = row.get("length")
        self._fact(length, known if isinstance(known, int) else None, BATCHES_PER_EPOCH)
        size = row.get("batch_size")
        text = length.text.removeprefix("len(").removesuffix(")")
        self.training.loaders[LOADERS + number] = Loader(
            LOADERS + number, text, None, length, None, Lit(size) if isinstance(size, int) else None
        )

    def _fact(self, symbol: Sym, value: int | None, unit: Dimension) -> None:
        self.training.facts[symbol.name] = Fact(symbol.name, symbol.text, value, value is not None, "recorded")
        self.training.units[symbol.name] = unit

    def _scheduler(self, row: Row, made: int) -> None:
        """A scheduler; one that is made again and again at one place is one that is made in a loop."""
        scheduler = scheduler_of(row)
        twins = [
            other
            for other in self.training.schedulers.values()
            if (other.name, other.optimizer, other.text) == (scheduler.name, scheduler.optimizer, scheduler.text)
            and other.place == scheduler.place != NOWHERE
            and other.parent is None
        ]
        if twins and made and scheduler.parent is None:
            twins[0].loops = (self.epoch,)
            self.again.setdefault(twins[0].number, []).append(row["scheduler"])
            return
        self.training.schedulers[scheduler.number] = scheduler

    # -- lengths and loops ------------------------------------------------------------------------------------------

    def _lengths(self, main: Updates) -> None:
        """How long the training is, where that is known: it is over, or a scheduler refused to go on."""
        refused = "Tried to step" in str(self.piece.end.get("message"))
        total = self.trace.expected or (main.numbers[-1] + 1 if self.over or refused else None)
        if self.main.passes:
            self.planned = passes_planned(self.main, total)
        else:
            self.planned = total * self.main.every if total is not None else None

    def _loops(self, begun: Sequence[Pass]) -> None:
        """The loops over epochs, batches and evaluations."""
        passes = bool(self.main.passes)
        unknown = Sym("epochs", "the number of epochs") if passes else Sym("updates", "the number of updates")
        trips: Expr = unknown if self.planned is None else Lit(self.planned)
        if self.planned is None:
            self._fact(unknown, None, EPOCHS if passes else UPDATES)
        self.training.units |= {EPOCH_INDEX.name: EPOCHS, BATCH_INDEX.name: BATCHES}
        if not passes:
            self.batch.trips = trips
            return
        self.epoch.trips = trips
        loader = self.training.loaders.get(LOADERS + self.main.loader)
        if loader is not None:
            self.batch.over, self.batch.text = loader.number, loader.text
        known = self.training.facts[loader.length.name].value if loader is not None else None
        if loader is not None and (self.main.batches is None or known == self.main.batches):
            self.batch.trips = loader.length
        elif self.main.batches is not None:
            self.batch.trips = Lit(self.main.batches)
        for one in begun:
            if not one.training and one.loader not in self.evaluations:
                data = self.training.loaders.get(LOADERS + one.loader)
                length, number = (data.length, data.number) if data is not None else (None, None)
                self.evaluations[one.loader] = evaluation(len(self.evaluations), length, number)

    def _owners(self, main: Updates) -> None:
        """The optimizers of schedulers whose own is none that makes updates: where there is one optimizer only, a
        wrapper of it, or, if its LR never moved, another that is not in use."""
        lost = [s for s in self.training.schedulers.values() if s.optimizer not in self.training.optimizers]
        for scheduler in lost:
            alone = len(self.training.optimizers) == 1
            if not alone or not self.trace.ticks.get(scheduler.number - SCHEDULERS):
                continue
            if main.lrs[0] != main.lrs[-1]:
                scheduler.optimizer = main.optimizer
                continue
            other = Optimizer(UNUSED, "optimizer", "another optimizer", scheduler.place)
            self.training.optimizers[UNUSED] = other
            scheduler.optimizer = UNUSED

    def _in_batches(self) -> None:
        """A length that is exactly that of the training in batches, where several make an update, counts batches."""
        if self.planned is None or not self.main.passes or self.batch.trips is None or self.main.batches is None:
            return
        for scheduler in self.training.schedulers.values():
            for argument in scheduler.arguments.values():
                if argument.value == Lit(self.planned * self.main.batches) and isinstance(self.batch.trips, Sym):
                    argument.value = Op("*", (Lit(self.planned), self.batch.trips))


def _leads_up(scheduler: Scheduler, known: Mapping[int, Scheduler]) -> bool:
    """Whether the parents of a scheduler lead to one that is nobody's phase."""
    seen: set[int] = set()
    number = scheduler.parent
    while number is not None and number in known and number not in seen:
        seen.add(number)
        number = known[number].parent
    return number is None
