"""A recorded run: what happened in a training, row by row, as the recorder of `lright watch` writes it.

A trace is a text file with one JSON object a line (JSONL), version 1. Its rows, by their "kind":

- ``start``: a piece of the run begins (a run that is resumed has several pieces in one file);
- ``optimizer``, ``scheduler``, ``loader``: an object of the training, with its number;
- ``epoch``: a pass over a loader begins;
- ``update``: one optimizer update, with the LR of every group (an update that the gradient scaler skipped too);
- ``tick``: one call of a scheduler's ``step()``;
- ``write``: the LR was changed by neither;
- ``metric``: a value that the training computed (``eval loss``: a mean over one evaluation);
- ``save``, ``load``, ``finding``, ``end``.

Rows of different kinds may stand out of order by a few updates, because a loss is read some time after its update:
what came first is told by the update numbers, and not by the order of the lines.

Update numbers count from 0: how many updates of that optimizer were made before. Learning rates are those in force at
the update. JSON knows no NaN: a value that is not finite is written as the text ``"nan"``, ``"inf"`` or ``"-inf"``.

>>> trace = Trace.of([
...     {"kind": "start", "format": "lright-trace", "version": 1, "run": "9f3a", "piece": 0},
...     {"kind": "update", "optimizer": 0, "update": 0, "lr": [0.1], "loss": 2.3},
...     {"kind": "update", "optimizer": 0, "update": 1, "lr": [0.05], "loss": 1.9},
...     {"kind": "end", "reason": "finished", "updates": [2]},
... ])
>>> trace.updates[0].rates(), list(trace.updates[0].losses), trace.ended
([0.1, 0.05], [2.3, 1.9], 'finished')
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from .errors import LrightError, ReadError
from .records import field, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    Row = Mapping[str, Any]

FORMAT, VERSION = "lright-trace", 1
NAN = math.nan
UNKNOWN = -1  # an epoch or batch number that was not known

# What a row must have, besides its kind. Other keys may be missing, and keys that are not known here are kept.
NEEDED = {
    "start": ("format", "version"),
    "optimizer": ("optimizer", "class"),
    "scheduler": ("scheduler", "class"),
    "loader": ("loader",),
    "epoch": ("epoch",),
    "update": ("update", "lr"),
    "tick": ("scheduler", "update"),
    "write": ("lr",),
    "metric": ("name", "value"),
    "save": ("what",),
    "load": ("what",),
    "finding": ("rule", "message"),
    "end": ("reason",),
}


class Updates:
    """The updates of one optimizer in the order in which they happened, as columns of equal length.

    ``losses`` is NaN where none was read; ``broken`` are the positions where one was read and was not finite.
    ``grad_norms`` is NaN where it was not measured. Skipped updates are no part of it: see ``skips``.
    """

    def __init__(self, optimizer: int = 0) -> None:
        self.optimizer = optimizer
        self.main = 0  # the group that stands for the optimizer: the one with the most parameters
        self.numbers = array("q")
        self.lrs: list[tuple[float, ...]] = []
        self.losses = array("d")
        self.grad_norms = array("d")
        self.epochs = array("q")
        self.batches = array("q")
        self.backwards = array("q")
        self.broken: list[int] = []
        self.ratios: dict[int, tuple[float, ...]] = {}  # update-to-weight ratio, by position, where it was sampled
        self.skips: list[int] = []  # the number of every update that was skipped
        self.joints: list[int] = []  # the first position of every later piece of the run

    def __len__(self) -> int:
        return len(self.numbers)

    def rates(self, group: int | None = None) -> list[float]:
        """The LR of one group (of the main one) at every update.

        >>> Trace.of([{"kind": "update", "update": 0, "lr": [1e-3, 1e-4]}]).updates[0].rates(1)
        [0.0001]
        """
        chosen = self.main if group is None else group
        return [lrs[chosen] if chosen < len(lrs) else lrs[-1] for lrs in self.lrs]

    def rate(self, position: int) -> float:
        """The LR of the main group at a position."""
        lrs = self.lrs[position]
        return lrs[self.main] if self.main < len(lrs) else lrs[-1]

    def known_loss(self, position: int) -> bool:
        """Whether a loss was read there (it may not be finite)."""
        if self.losses[position] == self.losses[position]:
            return True
        at = bisect_left(self.broken, position)
        return at < len(self.broken) and self.broken[at] == position

    def settle(self, rows: list[Row]) -> None:
        """Append rows: many at a time cost a fraction of one by one."""
        if any("skipped" in row for row in rows):
            self.skips += [row["update"] for row in rows if _skipped(row)]
            rows = [row for row in rows if not _skipped(row)]
        first = len(self.numbers)
        losses = _numbers(rows, "loss")
        if not math.isfinite(sum(losses)):
            broken = [at for at, loss in enumerate(losses) if not math.isfinite(loss)]
            self.broken += [first + at for at in broken if rows[at].get("loss") is not None]
        self.numbers.extend([row["update"] for row in rows])
        self._settle_rates([row["lr"] for row in rows])
        self.losses.extend(losses)
        self.grad_norms.extend(_numbers(rows, "grad_norm"))
        self.epochs.extend(_counts(rows, "epoch"))
        self.batches.extend(_counts(rows, "batch"))
        self.backwards.extend([row.get("backwards", 1) for row in rows])
        if any("ratio" in row for row in rows):
            sampled = [(at, row.get("ratio")) for at, row in enumerate(rows, start=first)]
            self.ratios.update((at, tuple(ratio)) for at, ratio in sampled if ratio is not None)

    def _settle_rates(self, given: list[list[float]]) -> None:
        """Most updates have the LRs of the one before: these are kept once."""
        last, kept = (None, ()) if not self.lrs else (list(self.lrs[-1]), self.lrs[-1])
        add = self.lrs.append
        for rates in given:
            if rates != last:
                last, kept = rates, tuple(rates)
            add(kept)


class Ticks:
    """The calls of one scheduler's ``step()`` as columns of equal length. ``metrics`` and ``arguments`` (the epoch that
    was passed) are NaN where there is none."""

    def __init__(self, scheduler: int) -> None:
        self.scheduler = scheduler
        self.updates = array("q")
        self.epochs = array("q")
        self.batches = array("q")
        self.training = bytearray()
        self.metrics = array("d")
        self.arguments = array("d")
        self.places: list[str] = []
        self.joints: list[int] = []  # the first position of every later piece of the run

    def __len__(self) -> int:
        return len(self.updates)

    def settle(self, rows: list[Row]) -> None:
        """Append rows."""
        self.updates.extend([row["update"] for row in rows])
        self.epochs.extend(_counts(rows, "epoch"))
        self.batches.extend(_counts(rows, "batch"))
        self.training.extend([row.get("training", True) is not False for row in rows])
        self.metrics.extend(_numbers(rows, "metric"))
        self.arguments.extend(_numbers(rows, "epoch_argument"))
        self.places.extend([sys.intern(row.get("at") or "") for row in rows])

    def extend(self, other: Ticks) -> None:
        """Append the ticks of another scheduler."""
        self.updates.extend(other.updates)
        self.epochs.extend(other.epochs)
        self.batches.extend(other.batches)
        self.training.extend(other.training)
        self.metrics.extend(other.metrics)
        self.arguments.extend(other.arguments)
        self.places.extend(other.places)


def _skipped(row: Row) -> bool:
    return "skipped" in row and bool(row["skipped"])


def _numbers(rows: list[Row], name: str) -> array[float]:
    """A column of numbers: NaN where one is missing."""
    values = [row.get(name) for row in rows]
    try:
        return array("d", values)  # type: ignore[arg-type]
    except TypeError:
        return array("d", [NAN if value is None else value for value in values])


def _counts(rows: list[Row], name: str) -> array[int]:
    """A column of whole numbers: UNKNOWN where one is missing."""
    values = [row.get(name) for row in rows]
    try:
        return array("q", values)  # type: ignore[arg-type]
    except TypeError:
        return array("q", [UNKNOWN if value is None else value for value in values])


class Readings:
    """One metric: its values and the updates after which they were taken."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.updates = array("q")
        self.values = array("d")
        self.epochs = array("q")

    def __len__(self) -> int:
        return len(self.updates)

    def add(self, row: Row) -> None:
        """Append one row."""
        update, epoch, value = row.get("update"), row.get("epoch"), row["value"]
        self.updates.append(UNKNOWN if update is None else update)
        self.values.append(NAN if value is None else value)
        self.epochs.append(UNKNOWN if epoch is None else epoch)


@record(frozen=True, slots=True)
class Pass:
    """A pass over a loader begins: before the update of this number, in this epoch."""

    loader: int
    epoch: int
    training: bool
    update: int


@record(slots=True)
class Piece:
    """One process's part of the run: from its ``start`` row to its ``end`` row (empty where it was killed). ``passes``
    and ``builds``: how many of them there were before."""

    start: Row
    end: Row = field(default_factory=dict)
    passes: int = 0
    builds: int = 0


class Trace:
    """A recorded run, whole or as far as it has come: rows are added with :meth:`add` as they are written."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.optimizers: dict[int, Row] = {}
        self.schedulers: dict[int, Row] = {}
        self.loaders: dict[int, Row] = {}
        self.metrics: dict[str, Readings] = {}
        self.passes: list[Pass] = []
        self.builds: list[tuple[int, Row]] = []  # optimizers and schedulers, with the updates made before, roughly
        self.writes: list[Row] = []
        self.states: list[Row] = []  # saves and loads
        self.findings: list[Row] = []
        self.expected: int | None = None  # the updates of the whole run, where somebody knows
        self.workings: dict[str, object] = {}  # what a judge has worked out and goes on from at the next look
        self._updates: dict[int, Updates] = {}
        self._ticks: dict[int, Ticks] = {}
        self._waiting: list[Row] = []  # updates and ticks that are not in their columns yet
        self._settled = 0

    # -- making -----------------------------------------------------------------------------------------------------

    @staticmethod
    def of(rows: Iterable[Row]) -> Trace:
        """A trace of rows that are at hand.

        :raises LrightError: for a row that is none of this format.
        """
        trace = Trace()
        for row in rows:
            trace.add(row)
        return trace

    @staticmethod
    def read(path: str | Path) -> Trace:
        """The trace in a file. A last line that was cut off in the middle (a crash) is dropped; so is one that a later
        piece of the run follows.

        :raises ReadError: if the file cannot be read, or a line is no row of this format: it names file and line.
        """
        trace = Trace()
        torn: tuple[int, str] | None = None
        try:
            with open(path, encoding="utf-8") as file:
                for number, line in enumerate(file, start=1):
                    if torn is not None and '"start"' not in line:
                        break
                    torn = trace._add_line(line, number, str(path))
                else:
                    torn = torn if torn is not None and line.endswith("\n") else None
        except (OSError, UnicodeDecodeError) as error:
            raise ReadError(str(path), f"cannot be read as text: {error}") from None
        if torn is not None:
            raise ReadError(str(path), f"line {torn[0]}: {torn[1]}")
        if not trace.length:
            raise ReadError(str(path), "holds no row of a trace: is it the file that `lright watch --record` wrote?")
        return trace

    def _add_line(self, line: str, number: int, path: str) -> tuple[int, str] | None:
        """Add a line of a file; what is wrong with it if it is no JSON."""
        if not line.strip():
            return None
        try:
            row = json.loads(line)
        except ValueError:
            return number, "is no JSON object"
        try:
            self.add(row)
        except LrightError as error:
            raise ReadError(path, f"line {number}: {error}") from None
        return None

    def add(self, row: Row, trusted: bool = False) -> None:
        """Add one row. ``trusted``: it comes from our own recorder and is not looked at closely.

        :raises LrightError: if it is none of this format.
        """
        if not trusted:
            row = _checked(row)
        if row["kind"] in _MANY:
            self._waiting.append(row)
        else:
            self.settle()
            _ADD[row["kind"]](self, row)
            self._settled += 1

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows of our own recorder."""
        for row in rows:
            self.add(row, trusted=True)

    @property
    def length(self) -> int:
        """How many rows there are."""
        return self._settled + len(self._waiting)

    def settle(self) -> None:
        """Put the updates and ticks that wait into their columns."""
        waiting = self._waiting
        if not waiting:
            return
        self._waiting = []
        self._settled += len(waiting)
        parts: dict[tuple[str, int], list[Row]] = {}
        for row in waiting:
            kind = row["kind"]
            key = kind, row.get("optimizer", 0) if kind == "update" else row["scheduler"]
            if key in parts:
                parts[key].append(row)
            else:
                parts[key] = [row]
        for (kind, number), rows in parts.items():
            part = self._of(number) if kind == "update" else self._ticks.setdefault(number, Ticks(number))
            part.settle(rows)

    def _of(self, optimizer: int) -> Updates:
        return self._updates.setdefault(optimizer, Updates(optimizer))

    def _start(self, row: Row) -> None:
        if row["format"] != FORMAT or row["version"] != VERSION:
            found = f"{row['format']} version {row['version']}"
            raise LrightError(f"this is {found}: version {VERSION} of {FORMAT} is what can be read")
        self.pieces.append(Piece(row, {}, len(self.passes), len(self.builds)))
        parts: list[Updates | Ticks] = [*self._updates.values(), *self._ticks.values()]
        for part in parts:
            if len(part):
                part.joints.append(len(part))

    def _optimizer(self, row: Row) -> None:
        number = row["optimizer"]
        sizes = [group.get("parameters") or 0 for group in row.get("groups") or ()]
        self.optimizers[number] = row
        self.builds.append((self._made(), row))
        self._of(number).main = sizes.index(max(sizes)) if sizes else 0

    def _scheduler(self, row: Row) -> None:
        self.schedulers[row["scheduler"]] = row
        self.builds.append((self._made(), row))

    def _made(self) -> int:
        """The updates that the optimizer that is ahead has made."""
        return max((one.numbers[-1] + 1 for one in self._updates.values() if len(one)), default=0)

    def _loader(self, row: Row) -> None:
        self.loaders[row["loader"]] = row

    def _epoch(self, row: Row) -> None:
        training = row.get("training", True) is not False
        loader, update = row.get("loader"), row.get("update", UNKNOWN)
        self.passes.append(Pass(UNKNOWN if loader is None else loader, row["epoch"], training, update))

    def _write(self, row: Row) -> None:
        self.writes.append(row)

    def _metric(self, row: Row) -> None:
        self.metrics.setdefault(row["name"], Readings(row["name"])).add(row)

    def _state(self, row: Row) -> None:
        self.states.append(row)

    def _finding(self, row: Row) -> None:
        self.findings.append(row)

    def _end(self, row: Row) -> None:
        if not self.pieces:
            self.pieces.append(Piece({}))
        self.pieces[-1].end = row

    # -- asking -----------------------------------------------------------------------------------------------------

    @property
    def updates(self) -> dict[int, Updates]:
        """The updates of every optimizer, by its number."""
        self.settle()
        return self._updates

    @property
    def ticks(self) -> dict[int, Ticks]:
        """The ticks of every scheduler, by its number."""
        self.settle()
        return self._ticks

    @property
    def ended(self) -> str:
        """How the last piece ended: finished, stopped, interrupted or crashed; empty while it goes on (or was
        killed)."""
        return str(self.pieces[-1].end.get("reason", "")) if self.pieces else ""

    @property
    def main(self) -> Updates | None:
        """The updates of the optimizer that made the most of them."""
        return max((one for one in self.updates.values() if len(one)), key=len, default=None)

    def epochs(self) -> list[Pass]:
        """The passes over the loader that was passed over first in training, one an epoch."""
        training = [one for one in self.passes if one.training]
        return [one for one in training if one.loader == training[0].loader]

    def evaluations(self) -> list[Pass]:
        """The passes over loaders in evaluation."""
        return [one for one in self.passes if not one.training]

    def csv(self) -> Iterator[str]:
        """The update rows as lines of CSV, the optimizers one after the other; what is not known is left empty.

        >>> trace = Trace.of([{"kind": "update", "update": 0, "lr": [0.1], "loss": 2.5, "epoch": 0, "batch": 1}])
        >>> print("\\n".join(trace.csv()))
        optimizer,update,epoch,batch,loss,grad_norm,lr_0
        0,0,0,1,2.5,,0.1
        """
        tracks = [self.updates[number] for number in sorted(self.updates)]
        groups = max((len(lrs) for track in tracks for lrs in track.lrs), default=1)
        names = ["optimizer", "update", "epoch", "batch", "loss", "grad_norm"]
        yield ",".join([*names, *(f"lr_{group}" for group in range(groups))])
        for track in tracks:
            for at, number in enumerate(track.numbers):
                loss = repr(track.losses[at]) if track.known_loss(at) else ""
                norm = "" if track.grad_norms[at] != track.grad_norms[at] else repr(track.grad_norms[at])
                counts = ["" if n == UNKNOWN else str(n) for n in (track.epochs[at], track.batches[at])]
                lrs = [*map(repr, track.lrs[at]), *[""] * (groups - len(track.lrs[at]))]
                yield ",".join([str(track.optimizer), str(number), *counts, loss, norm, *lrs])


_MANY = ("update", "tick")
_ADD: dict[str, Callable[[Trace, Row], None]] = {
    "start": Trace._start,
    "optimizer": Trace._optimizer,
    "scheduler": Trace._scheduler,
    "loader": Trace._loader,
    "epoch": Trace._epoch,
    "write": Trace._write,
    "metric": Trace._metric,
    "save": Trace._state,
    "load": Trace._state,
    "finding": Trace._finding,
    "end": Trace._end,
}


def _checked(row: object) -> Row:
    """The row, with its numbers as numbers.

    :raises LrightError: if it is none of this format.
    """
    if not isinstance(row, Mapping):
        raise LrightError("is no JSON object")
    kind = row.get("kind")
    if not isinstance(kind, str) or kind not in NEEDED:
        raise LrightError(f"{kind!r} is no kind of row in version {VERSION} of {FORMAT}: {', '.join(NEEDED)}")
    for name in NEEDED[kind]:
        if name not in row:
            raise LrightError(f"a row of kind {kind!r} lacks {name!r}")
    found = dict(row)
    for name, value in row.items():
        if name not in _CHECKS or (value is None and name not in NEEDED[kind]):
            continue
        if not _CHECKS[name](value):
            raise LrightError(f"a row of kind {kind!r} has {name}={value!r}, which is not what stands there")
        if name in _NUMBERS and isinstance(value, str):
            found[name] = float(value)
        elif name in _LISTS:
            found[name] = [float(part) for part in value]
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and value in ("nan", "inf", "-inf"))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and -1 <= value < 1 << 62


def _are_numbers(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(_is_number, value))


_COUNTS = ("optimizer", "scheduler", "loader", "epoch", "batch", "update", "backwards", "piece")
_NUMBERS = ("loss", "grad_norm", "metric", "epoch_argument", "value")
_LISTS = ("lr", "ratio")
_CHECKS: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(_COUNTS, _is_count),
    **dict.fromkeys(_NUMBERS, _is_number),
    **dict.fromkeys(_LISTS, _are_numbers),
}


# -- writing -----------------------------------------------------------------------------------------------------


def line(row: Row) -> str:
    """A row as one line of the file, without its end.

    >>> line({"kind": "metric", "name": "eval loss", "value": float("nan"), "update": 391})
    '{"kind":"metric","name":"eval loss","value":"nan","update":391}'
    """
    try:
        return _encode(row)
    except ValueError:
        return _encode(_finite(row))


_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=str).encode


def _finite(value: object) -> object:
    """The value with what is not finite as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    return value


def append(path: str | Path, rows: Iterable[Row]) -> None:
    """Write rows to the end of a file; a line that a crash tore off there is finished first, so that every row of ours
    has a line of its own."""
    with open(path, "a+b") as file:
        if file.seek(0, 2):
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                file.write(b"\n")
        for row in rows:
            file.write(line(row).encode() + b"\n")
