"""What the rules on behaviour share: a recorded run, summed up in blocks, and what it shows.

A run is judged while it goes on, again and again. So that a look costs the same after a thousand updates and after a
million, its columns are summed up in at most :data:`MOST` blocks of equal length; only where something is found are
single updates looked at.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..case import Case
from ..finding import Finding
from ..records import record
from ..timeline import Place
from .base import LIKELY, Rule
from .ticking import rate_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..trace import Readings, Trace, Updates

Numbers = Mapping[str, "float | int | str | bool | None"]

SCHEDULERS = 1000  # the number of the first scheduler, among all objects of a recorded run
SMALLEST, MOST = 8, 256  # updates of a block at first; blocks before their length doubles
OPENING = 5  # updates whose median loss is the level that the run started from
# Schedulers that raise the LR again by plan.
RESTARTING = ("Restarts", "restarts", "Cyclic", "CosineLRScheduler", "TanhLRScheduler", "PolyLRScheduler")


@record(frozen=True, slots=True)
class Block:
    """Some updates in a row, from position ``start`` to before ``stop``. The losses are those that are finite: NaN
    where there is none. ``spread`` is the distance between their quartiles, ``broken`` how many were not finite."""

    start: int
    stop: int
    median: float
    spread: float
    high: float
    broken: int
    rate: float  # the LR of the first update
    lowest_rate: float
    highest_rate: float


class Digest:
    """The blocks of one optimizer's updates; :meth:`grow` goes on where it stopped the last time."""

    def __init__(self) -> None:
        self.size = SMALLEST
        self.blocks: list[Block] = []

    def grow(self, updates: Updates) -> list[Block]:
        """The blocks up to now, the last one perhaps shorter."""
        count = len(updates)
        while count > self.size * MOST:
            self.size *= 2
            self.blocks.clear()
        for start in range(len(self.blocks) * self.size, count - self.size + 1, self.size):
            self.blocks.append(block(updates, start, start + self.size))
        rest = len(self.blocks) * self.size
        return [*self.blocks, block(updates, rest, count)] if count - rest >= self.size // 2 else list(self.blocks)


def block(updates: Updates, start: int, stop: int) -> Block:
    """The updates from ``start`` to ``stop`` summed up."""
    losses = sorted(finite(updates.losses[start:stop]))
    lrs = updates.lrs[start:stop]
    group = updates.main if updates.main < len(lrs[0]) else len(lrs[0]) - 1
    rates = [rates[group] for rates in lrs] if lrs[0] is not lrs[-1] else [lrs[0][group]]
    count = len(losses)
    if count:
        levels = losses[count // 2], losses[3 * count // 4] - losses[count // 4], losses[-1]
    else:
        levels = math.nan, math.nan, math.nan
    broken = bisect_left(updates.broken, stop) - bisect_left(updates.broken, start)
    return Block(start, stop, *levels, broken, rates[0], min(rates), max(rates))


def finite(losses: Sequence[float]) -> Sequence[float]:
    """The losses that are finite."""
    if math.isfinite(sum(losses)):
        return losses
    return [loss for loss in losses if math.isfinite(loss)]


def _start(updates: Updates) -> float:
    """The median of the first losses, or the first one where the others have left it already; NaN without losses."""
    opening = finite(updates.losses[:OPENING])
    if not opening:
        return math.nan
    middle = sorted(opening)[len(opening) // 2]
    return opening[0] if middle > 1.5 * opening[0] > 0 else middle


class Run:
    """One optimizer's part of a recorded run, as far as it has come."""

    def __init__(self, trace: Trace, updates: Updates) -> None:
        self.trace = trace
        self.updates = updates
        self.count = len(updates)
        self.ended = trace.ended
        digests: dict[int, Digest] = trace.workings.setdefault("digests", {})  # type: ignore[assignment]
        self.blocks = digests.setdefault(updates.optimizer, Digest()).grow(updates)
        self.start = _start(updates)  # the level that the loss started from
        self.peak = max((one.highest_rate for one in self.blocks), default=0.0)

    @property
    def spread(self) -> float:
        """The usual distance between the quartiles of a block's losses; 0 where there are none."""
        spreads = sorted(one.spread for one in self.blocks if one.spread == one.spread)
        return spreads[len(spreads) // 2] if spreads else 0.0

    @property
    def total(self) -> int | None:
        """The updates of the whole run, where they are known: it has ended, or somebody said how long it is."""
        return self.count if self.ended else self.trace.expected

    @property
    def positive(self) -> bool:
        """Whether losses can be compared as ratios: none is 0 or less (for what can be below 0 has no floor)."""
        losses = [one.median for one in self.blocks if one.median == one.median]
        return bool(losses) and min(losses) > 0 and self.start > 0

    def number(self, position: int) -> int:
        """The number of the update at a position."""
        return self.updates.numbers[position]

    def rate(self, position: int) -> float:
        """The LR of the main group at a position."""
        return self.updates.rate(position)

    def opening_rates(self, most: int) -> list[float]:
        """The LRs of the main group at the first updates."""
        group = self.updates.main
        return [rates[group if group < len(rates) else -1] for rates in self.updates.lrs[:most]]

    def loss(self, position: int) -> float:
        return self.updates.losses[position]

    @property
    def place(self) -> Place:
        """Where the optimizer was made."""
        return place_of(self.trace.optimizers.get(self.updates.optimizer, {}).get("at"))

    def driven_by(self) -> list[int]:
        """The numbers of the schedulers of this optimizer, among all objects."""
        rows = self.trace.schedulers.items()
        return [SCHEDULERS + number for number, row in rows if row.get("optimizer", 0) == self.updates.optimizer]

    def schedulers(self) -> list[str]:
        """The classes of the schedulers of this optimizer."""
        rows = self.trace.schedulers.values()
        return [str(row["class"]) for row in rows if row.get("optimizer", 0) == self.updates.optimizer]

    def restarts_by_plan(self) -> bool:
        """Whether a scheduler is at work that raises the LR again by plan."""
        return any(word in name for name in self.schedulers() for word in RESTARTING)

    def plateau_driven(self) -> bool:
        """Whether a metric drives the LR."""
        return any("Plateau" in name or "GreedyLR" in name for name in self.schedulers())

    def constant(self) -> bool:
        """Whether the LR of the main group never moved."""
        return all(one.lowest_rate == one.highest_rate == self.peak for one in self.blocks)

    def first(self, start: int, stop: int, above: float, run: int = 4) -> int:
        """The first position from ``start`` on at which most of the next ``run`` losses are above a level (or not
        finite); ``start`` if there is none."""
        for position in range(start, stop):
            ahead = self.updates.losses[position : position + run]
            if sum(not loss <= above for loss in ahead) > len(ahead) // 2:
                return position
        return start

    def readings(self) -> Iterator[Readings]:
        """The metrics of validation, those that judge the model before others."""
        named = sorted(self.trace.metrics.values(), key=lambda one: (not judges(one.name), one.name))
        return (one for one in named if judges(one.name))


VALIDATION = ("val", "eval", "test", "valid", "dev")


def judges(name: str) -> bool:
    """Whether a metric is one of validation, by its name.

    >>> judges("val_loss"), judges("eval loss"), judges("train/acc")
    (True, True, False)
    """
    return any(word.startswith(VALIDATION) for word in words(name))


def direction(name: str) -> str:
    """``max`` for metrics that are better when they rise, by their names, ``min`` for losses and errors.

    >>> direction("val_acc"), direction("eval loss"), direction("val_f1"), direction("eval_error")
    ('max', 'min', 'max', 'min')
    """
    risers = ("acc", "f1", "auc", "map", "iou", "miou", "bleu", "rouge", "top", "precision", "recall", "dice", "psnr",
              "ssim", "r2", "reward", "return", "score")  # fmt: skip
    return "max" if any(word.startswith(risers) for word in words(name)) else "min"


def words(name: str) -> list[str]:
    """The words of a name, in small letters.

    >>> words("eval/top1-Acc")
    ['eval', 'top1', 'acc']
    """
    return "".join(letter if letter.isalnum() else " " for letter in name.lower()).split()


def place_of(at: object) -> Place:
    """The place that a row names (``train.py:12``); the first line where it names none."""
    text = str(at or "").rpartition(":")[2]
    line = int(text) if text.isdigit() else 1
    return Place(line, 1, line, 1)


class BehaviourRule(Rule):
    """A rule that judges what a recorded run shows: subclasses fill in :meth:`seen`. ``needs_loss``: whether it has
    nothing to say where no loss was read."""

    live = True
    needs_loss = True
    fix_safety = "None: it is a verdict on a run."

    def check(self, case: Case) -> Iterable[Finding]:
        if case.training.trace is not None and self.skipped(case) is None:
            for run in runs(case):
                yield from self.seen(run)

    def seen(self, run: Run) -> Iterable[Finding]:
        """What the rule finds in the updates of one optimizer."""
        raise NotImplementedError

    def skipped(self, case: Case) -> str | None:
        if case.training.trace is None:
            return None  # no run was watched: nobody expects a verdict on one
        if not runs(case):
            return "no update was recorded yet"
        if self.needs_loss and not any(run.start == run.start or run.updates.broken for run in runs(case)):
            return "no loss was read"
        return None

    def told(self, run: Run, position: int, message: str, *, severity: str | None = None, certainty: str = LIKELY,
             numbers: Numbers | None = None) -> Finding:  # fmt: skip
        """A finding at a position."""
        figures = {"update": run.number(position), "lr": run.rate(position), **(numbers or {})}
        return self.finding(
            run.place, message, severity=severity, certainty=certainty, numbers=figures,
            subjects=[run.updates.optimizer, *run.driven_by()],
        )  # fmt: skip


def runs(case: Case) -> list[Run]:
    """The recorded updates of every optimizer that made some."""
    found = case.shared.get("runs")
    if found is None:
        trace = case.training.trace
        updates = [one for one in trace.updates.values() if len(one)] if trace is not None else []
        found = case.shared["runs"] = [Run(trace, one) for one in updates] if trace is not None else []
    return found  # type: ignore[return-value]


def speaks(run: Run) -> bool:
    """Whether the losses of this optimizer's updates tell of the training: it is the only one, or the first of several
    that share every loss (Muon beside AdamW). Losses that play against each other (GANs) rise without fault."""
    others = [one for one in run.trace.updates.values() if len(one) and one is not run.updates]
    if not others:
        return True
    losses = list(run.updates.losses[:20])
    return all(list(one.losses[:20]) == losses and run.updates.optimizer < one.optimizer for one in others)


def value(number: float) -> str:
    """A loss as people write it.

    >>> value(2.302585), value(8.28e20), value(float("nan"))
    ('2.303', '8.28e+20', 'NaN')
    """
    if math.isnan(number):
        return "NaN"
    return f"{number:.4g}" if abs(number) < 1e5 else f"{number:.3g}"


__all__ = [
    "SCHEDULERS", "BehaviourRule", "Block", "Digest", "Numbers", "Run", "direction", "finite", "judges", "place_of",
    "rate_text", "runs", "speaks", "value",
]  # fmt: skip
