"""What happens in a training, in order: a tree of loops and branches with events as leaves.

A :class:`Block` is a sequence of :class:`Loop`, :class:`Branch` and :class:`Event`. Trip counts and tests are
symbolic (:mod:`lright.quantity`). A :class:`Site` is one event together with the loops and branches around it; most
rules are statements about sites.
"""

from __future__ import annotations

from collections.abc import Iterator

from .quantity import Expr
from .records import field, record


@record(frozen=True, slots=True, order=True)
class Place:
    """A range of source text. Lines and columns count from 1; the end column is one past the last character."""

    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


# What a loop does, seen from the training.
EPOCH, BATCH, EVALUATION, MICRO, OUTER, OTHER = "epoch", "batch", "evaluation", "micro-batch", "outer", "other"


@record(slots=True)
class Loop:
    """A loop. ``trips`` is how often its body runs (None: not known). ``index`` names the symbol that counts the trips
    from 0; ``kind`` is set once the whole timeline is known."""

    place: Place
    index: str
    trips: Expr | None
    text: str  # what it iterates over, as written
    body: Block
    over: int | None = None  # the loader iterated, as an object number
    kind: str = OTHER
    evaluating: bool = False  # under no_grad / eval(), or in a function named for it
    function: str = ""
    endless: bool = False  # while True, left by a break
    breaks: list[Expr | None] = field(default_factory=list)  # tests under which it is left early
    epoch_like: bool = False
    header: Place | None = None  # the ``for ...:`` line(s)
    variable: str = ""  # what the loop binds, as written


@record(slots=True)
class Branch:
    """Alternatives decided by ``test`` (None: not known). ``arms[0]`` runs where it is true, ``arms[1]`` elsewhere."""

    place: Place
    test: Expr | None
    text: str
    arms: tuple[Block, Block]
    origin: str = ""  # "rank", "skip" ... where the reader recognised what the test asks for


@record(slots=True)
class Event:
    """Something that matters to the learning rate.

    kinds: build, update, tick, write, backward, save, load, prepare, add-group, escape, metric, log, zero-grad.
    ``subject`` is the number of the object it happens to. ``value`` is the LR written (write), the metric or epoch
    argument (tick); ``data`` holds what is particular to the kind.
    """

    kind: str
    place: Place
    subject: int
    function: str = ""
    value: object = None
    data: dict[str, object] = field(default_factory=dict)


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Node = Union[Loop, Branch, Event]


@record(slots=True)
class Block:
    """Nodes in the order in which they happen."""

    nodes: list[Node] = field(default_factory=list)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def events(self, kind: str | None = None) -> Iterator[Event]:
        """Every event below, in reading order."""
        for site in sites(self):
            if kind is None or site.event.kind == kind:
                yield site.event


@record(frozen=True, slots=True)
class Guard:
    """A branch on the way to a site, and which arm was taken."""

    branch: Branch
    arm: int  # 0: the test is true


@record(frozen=True, slots=True)
class Site:
    """One event and the way to it from the root, outermost first. ``order`` counts sites in reading order."""

    event: Event
    path: tuple[Loop | Guard, ...]
    order: int

    @property
    def loops(self) -> tuple[Loop, ...]:
        return tuple(step for step in self.path if isinstance(step, Loop))

    @property
    def guards(self) -> tuple[Guard, ...]:
        return tuple(step for step in self.path if isinstance(step, Guard))

    @property
    def place(self) -> Place:
        return self.event.place

    def within(self, loop: Loop) -> bool:
        return any(step is loop for step in self.path)

    def innermost(self, *kinds: str) -> Loop | None:
        """The innermost loop around it that is of one of ``kinds`` (any kind if none is named)."""
        for loop in reversed(self.loops):
            if not kinds or loop.kind in kinds:
                return loop
        return None

    def guards_below(self, loop: Loop | None) -> tuple[Guard, ...]:
        """The guards between ``loop`` (None: the root) and the event."""
        if loop is None:
            return self.guards
        position = next(i for i, step in enumerate(self.path) if step is loop)
        return tuple(step for step in self.path[position + 1 :] if isinstance(step, Guard))


def sites(block: Block) -> list[Site]:
    """Every site below ``block``, in reading order."""
    found: list[Site] = []
    _collect(block, (), found)
    return found


def _collect(block: Block, path: tuple[Loop | Guard, ...], found: list[Site]) -> None:
    for node in block:
        if isinstance(node, Event):
            found.append(Site(node, path, len(found)))
        elif isinstance(node, Loop):
            _collect(node.body, (*path, node), found)
        else:
            for arm, inner in enumerate(node.arms):
                _collect(inner, (*path, Guard(node, arm)), found)
