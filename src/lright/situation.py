"""What is known about a training: facts with their origin, the objects in it, and its timeline.

Observers make a :class:`Situation`; rules judge it. A situation holds one :class:`Training` per *world*: the default
one, and others that an option, a resume or several processes would lead to. Everything is symbolic where the script
does not say a number; :meth:`Training.values` gives the numbers that are known, :mod:`lright.play` plays the
timeline under them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .quantity import Dimension, Expr, Scalar, Sym, dimension
from .records import field, record
from .setting import Setting
from .timeline import Block, Loop, Place, Site, sites

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .trace import Trace


@record(slots=True)
class Fact:
    """A named value. ``value`` is None where it is unknown (or None itself: ``known`` tells)."""

    name: str  # identity, as in Sym.name
    text: str  # how the script writes it
    value: Scalar = None
    known: bool = False
    origin: str = "unknown"  # literal, argparse, default argument, dataset, command line, --set, world, witness
    place: Place | None = None
    option: str | None = None  # the name under which a person can change it
    untyped: bool = False  # an option without a type: what the command line gives is text


@record(slots=True)
class Argument:
    """An argument of a call: its value (an Expr, a list of them, a scheduler number, a function ...) and where it
    stands."""

    value: object
    place: Place
    text: str
    origin: Place | None = None  # where the value was put together, if not here


@record(frozen=True, slots=True)
class Formula:
    """A function of one number (the tick of a LambdaLR) as an expression of the symbol ``variable``."""

    variable: str
    expr: Expr
    returns: tuple[Place, ...] = ()  # where the function says its result


@record(slots=True)
class Optimizer:
    """An optimizer. ``groups`` maps option names to values; an unseen class has ``name`` None."""

    number: int
    name: str | None
    text: str
    place: Place
    groups: list[dict[str, Expr | None]] = field(default_factory=list)
    seen: bool = True  # False: made by code that was not read
    loops: tuple[Loop, ...] = ()  # the loops in which it is made
    function: str = ""
    parameters: str = ""  # what it optimises, as written
    arguments: dict[str, Argument] = field(default_factory=dict)


@record(slots=True)
class Scheduler:
    """A learning-rate scheduler. ``name`` is its class as :mod:`lright.schedule.emulate` knows it, or the name written
    in the script (``known`` False). ``escapes`` lists where it is handed to code that was not read: its ticks are then
    unknown, not missing."""

    number: int
    name: str
    framework: str
    known: bool
    text: str
    place: Place
    optimizer: int | None
    arguments: dict[str, Argument] = field(default_factory=dict)
    children: tuple[int, ...] = ()
    parent: int | None = None
    escapes: list[Place] = field(default_factory=list)
    escape_reason: str = ""
    seen: bool = True
    loops: tuple[Loop, ...] = ()
    function: str = ""
    prepared: bool = False
    call: Place | None = None  # the constructor call (``place`` is the statement's)
    mentions: int = 0  # how often the script reads its name

    @property
    def plateau(self) -> bool:
        return self.name in ("ReduceLROnPlateau", "PlateauLRScheduler", "GreedyLR")


@record(slots=True)
class Loader:
    """A data loader. ``length`` is the symbol for its batches per epoch (in each process)."""

    number: int
    text: str
    place: Place | None
    length: Sym
    dataset: Sym | None = None
    batch_size: Expr | None = None
    drop_last: Expr | None = None


@record(slots=True)
class Metric:
    """What a plateau scheduler is fed, as far as names and places tell."""

    text: str
    direction: str | None  # "min", "max" or None
    phase: str | None  # "train", "validation" or None
    last_batch: bool = False
    negated: bool = False
    running: bool = False  # an extreme or average over the whole run


@record(slots=True)
class Decay:
    """A variable named for a learning rate that a training loop makes smaller. ``uses`` are the lines on which its
    value goes anywhere but into its own next value, a comparison or a print."""

    name: str
    place: Place
    uses: tuple[int, ...] = ()


@record(slots=True)
class Training:
    """One training in one world."""

    condition: str
    root: Block
    facts: dict[str, Fact]
    units: dict[str, Dimension]
    definitions: dict[str, Expr]
    optimizers: dict[int, Optimizer]
    schedulers: dict[int, Scheduler]
    loaders: dict[int, Loader]
    entry: str = "<module>"
    proven_units: frozenset[str] = frozenset()
    stop: Expr | None = None
    complete: bool = True  # False: reading was given up somewhere, so that what is missing may be there
    default: Training | None = None  # the same training in the default world, of which this is another
    decays: list[Decay] = field(default_factory=list)
    reduces: bool = False  # the processes exchange numbers somewhere (all_reduce, gather ...)
    unread_steps: frozenset[str] = frozenset()  # names whose step() stands in the text and not in the timeline
    setting: Setting = field(default_factory=Setting)  # what is trained, and with what, besides the timeline
    setting_places: dict[str, Place] = field(default_factory=dict)  # where its facts stand, by their names
    marks: frozenset[str] = frozenset()  # what else the text shows: lr-shown, early-stopping
    trace: Trace | None = None  # the recorded run it was read from, as far as it has come
    _sites: list[Site] | None = None

    @property
    def sites(self) -> list[Site]:
        """Every event with its way from the root, in reading order."""
        if self._sites is None:
            self._sites = sites(self.root)
        return self._sites

    def of(self, kind: str, subject: int | None = None) -> list[Site]:
        """The sites of one kind of event, of one object if ``subject`` is given."""
        return [s for s in self.sites if s.event.kind == kind and (subject is None or s.event.subject == subject)]

    def ticks(self, scheduler: Scheduler) -> list[Site]:
        return self.of("tick", scheduler.number)

    def updates(self, optimizer: int | None = None) -> list[Site]:
        return self.of("update", optimizer)

    def top_schedulers(self) -> Iterator[Scheduler]:
        """The schedulers that are not phases of another one."""
        return (s for s in self.schedulers.values() if s.parent is None)

    def values(self, witness: Mapping[str, Scalar] | None = None) -> Values:
        """The known numbers, overridden by ``witness`` (symbol name to value)."""
        return Values(self.facts, self.definitions, witness or {})

    def number(self, expr: object, witness: Mapping[str, Scalar] | None = None) -> float | None:
        """``expr`` as a number if all its symbols are known."""
        return expr.number(self.values(witness)) if isinstance(expr, Expr) else None

    def behind(self, expr: Expr) -> set[str]:
        """The symbols that an expression rests on, through the definitions of those that have no value."""
        found: set[str] = set()
        waiting = list(expr.symbols())
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                if name in self.definitions and not self.is_known(name):
                    waiting += self.definitions[name].symbols()
        return found

    def is_known(self, name: str) -> bool:
        """Whether a symbol has a value of its own."""
        fact = self.facts.get(name)
        return fact is not None and fact.known

    def dimension(self, expr: object) -> Dimension | None:
        """What ``expr`` counts; None where that is not known."""
        return dimension(expr, self.units) if isinstance(expr, Expr) else None


NESTED_TRIPS = 20_000


class Values(Mapping[str, Scalar]):
    """The values of symbols: witnesses first, then known facts, then definitions in terms of other symbols."""

    __slots__ = ("_busy", "budget", "definitions", "facts", "token", "witness")

    def __init__(
        self, facts: Mapping[str, Fact], definitions: Mapping[str, Expr], witness: Mapping[str, Scalar]
    ) -> None:
        self.facts = facts
        self.definitions = definitions
        self.witness = dict(witness)
        self._busy: set[str] = set()
        self.token = object()  # lets recurrences go on from their last answer
        self.budget = [NESTED_TRIPS]  # what they may spend on loops within loops

    def __getitem__(self, name: str) -> Scalar:
        if name in self.witness:
            return self.witness[name]
        fact = self.facts.get(name)
        if fact is not None and fact.known:
            return fact.value
        if name in self.definitions and name not in self._busy:
            self._busy.add(name)
            try:
                return self.definitions[name].evaluate(self)
            finally:
                self._busy.discard(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**self.definitions, **self.facts, **self.witness})

    def __len__(self) -> int:
        return len({**self.definitions, **self.facts, **self.witness})


@record(slots=True)
class Situation:
    """Everything one observer saw: the trainings of every world, the default one first."""

    trainings: list[Training]
    assumed: dict[str, Scalar] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    undefined: frozenset[str] = frozenset()  # names that nothing in the script gives a value

    @property
    def default(self) -> Training | None:
        return self.trainings[0] if self.trainings else None

    @property
    def setting(self) -> Setting:
        """What is trained and with what, as far as the first training shows it."""
        return self.trainings[0].setting if self.trainings else Setting()
