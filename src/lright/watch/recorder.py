"""Recording a training to a trace (:mod:`lright.trace`), and judging it while it goes on.

The recorder knows no framework: the instruments of :mod:`lright.torch`, and the callbacks for Lightning, transformers,
Accelerate and Keras, tell it what happens. Rows are written, judged and drawn in batches, so that an update costs a
few microseconds.

>>> import tempfile, os
>>> path = os.path.join(tempfile.mkdtemp(), "trace.jsonl")
>>> with Recorder(path, framework="none") as recorder:
...     recorder.optimizer(0, "SGD", [{"lr": 0.1}])
...     _ = recorder.update(0, 0, [0.1], 2.3)
>>> print(open(path).read().splitlines()[-1])
{"kind":"end","reason":"finished","message":"","updates":[1]}
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import __version__
from ..errors import LrightError, UsageError
from ..trace import FORMAT, VERSION, line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..finding import Finding

    Row = dict[str, Any]

FLUSH_ROWS = 512  # rows after which they are written and judged
FLUSH_SECONDS = 1.0
LIVE_SECONDS = 0.25  # where somebody looks on
LOOK = 32  # rows between two looks at the clock

NAMES = {"diverged": "LR607", "unstable": "LR603", "vanished": "LR604", "plateau": "LR601"}  # for --stop-on


class Recorder:
    """Writes a trace, and says when a run has become what it was asked to stop on.

    ``path``: the file; a run that broke off there is continued as a further piece of it, a finished one is kept
    beside as ``NAME.1``. ``rank``: only rank 0 writes and judges. ``stop_on``: rule ids, slugs or the words of
    ``NAMES``; :meth:`update` returns True from then on. ``judge``: anything with ``feed(rows) -> findings`` (the
    default is :class:`lright.observe.live.Judge`, None for none). ``live``: a view as
    :class:`lright.render.live.Live`. ``tensorboard``: a folder for event files. Raises LrightError where the file
    cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = "lright-trace.jsonl",
        *,
        script: str | None = None,
        arguments: Sequence[str] = (),
        rank: int = 0,
        processes: int = 1,
        framework: str = "",
        stop_on: Iterable[str] = (),
        live: Any = None,
        tensorboard: str | None = None,
        resume: bool = True,
        judge: Any = ...,
        expected: int | None = None,
        on_finding: Callable[[Finding], object] | None = None,
    ) -> None:
        self.path = Path(path) if path is not None and not rank else None
        self.active = not rank
        self.stop_on = frozenset(rule_of(word) for word in stop_on)
        self.findings: list[Finding] = []
        self.stopping = False
        self.live = live if self.active else None
        self.on_finding = on_finding
        self._every = LIVE_SECONDS if live is not None else FLUSH_SECONDS
        self._rows: list[Row] = []
        self._counts: dict[int, int] = {}
        self._look = LOOK
        self._due = 0.0
        self._ended = False
        self._judge = (_judge(expected) if judge is ... else judge) if self.active else None
        self._board = _board(tensorboard) if tensorboard and self.active else None
        self._file: Any = None
        run, piece = _open(self.path, script, resume) if self.path else (_new_run(), 0)
        if self.path:
            self._file = _appending(self.path)
        told: Row = {"kind": "start", "format": FORMAT, "version": VERSION, "run": run, "piece": piece}
        told |= {"time": time.time(), "script": script or "", "arguments": list(arguments), "rank": rank}
        self._add({**told, "processes": processes, "framework": framework, "lright": __version__})

    # What is told

    def optimizer(self, number: int, name: str, groups: Sequence[Mapping[str, Any]], at: str = "") -> None:
        """An optimizer that makes updates; ``groups`` with their ``lr`` as set by the user."""
        told: Row = {"kind": "optimizer", "optimizer": number, "class": name}
        self._add({**told, "groups": [dict(group) for group in groups], "at": at})

    def scheduler(
        self, number: int, name: str, framework: str, optimizer: int | None, arguments: Mapping[str, Any],
        parent: int | None = None, at: str = "",
    ) -> None:  # fmt: skip
        """A scheduler, with the arguments of its constructor."""
        told: Row = {"kind": "scheduler", "scheduler": number, "class": name, "framework": framework}
        self._add({**told, "optimizer": optimizer, "arguments": plain(arguments), "parent": parent, "at": at})

    def loader(self, number: int, length: int | None, batch_size: int | None) -> None:
        """A loader: batches in a pass (None: it does not know), samples in a batch."""
        self._add({"kind": "loader", "loader": number, "length": length, "batch_size": batch_size})

    def epoch(self, loader: int | None, epoch: int, training: bool, update: int) -> None:
        """A pass over a loader begins."""
        self._add({"kind": "epoch", "loader": loader, "epoch": epoch, "training": training, "update": update})

    def update(
        self, optimizer: int, update: int, lrs: list[float], loss: float | None, backwards: int = 1,
        grad_norm: float | None = None, ratio: list[float] | None = None, epoch: int | None = None,
        batch: int | None = None, skipped: bool = False,
    ) -> bool:  # fmt: skip
        """One update, number ``update`` from 0 on, made at ``lrs``. True: the run is to be stopped."""
        row: Row = {"kind": "update", "optimizer": optimizer, "update": update, "lr": lrs, "loss": loss}
        if backwards != 1:
            row["backwards"] = backwards
        if grad_norm is not None:
            row["grad_norm"] = grad_norm
        if ratio is not None:
            row["ratio"] = ratio
        if epoch is not None:
            row["epoch"] = epoch
        if batch is not None:
            row["batch"] = batch
        if skipped:
            row["skipped"] = True
        self._counts[optimizer] = update + (not skipped)
        self._add(row)
        return self.stopping

    def tick(
        self, scheduler: int, update: int, epoch: int | None, batch: int | None, training: bool,
        metric: float | None = None, epoch_argument: float | None = None, at: str = "",
    ) -> None:  # fmt: skip
        """One call of a scheduler's ``step()``."""
        row: Row = {"kind": "tick", "scheduler": scheduler, "update": update, "epoch": epoch, "batch": batch}
        self._add({**row, "training": training, "metric": metric, "epoch_argument": epoch_argument, "at": at})

    def write(self, optimizer: int, update: int, lrs: Sequence[float]) -> None:
        """The LR was changed by hand."""
        self._add({"kind": "write", "optimizer": optimizer, "update": update, "lr": list(lrs)})

    def metric(self, name: str, value: float, update: int, epoch: int | None = None) -> None:
        """A value that the training computed."""
        self._add({"kind": "metric", "name": name, "value": value, "update": update, "epoch": epoch})

    def event(self, kind: str, what: str, update: int) -> None:
        """``save`` or ``load`` of a scheduler, optimizer, model or file."""
        self._add({"kind": kind, "what": what, "update": update})

    # What becomes of it

    def _add(self, row: Row) -> None:
        if not self.active:
            return
        self._rows.append(row)
        self._look -= 1
        if self._look <= 0:
            self._look = LOOK
            if len(self._rows) >= FLUSH_ROWS or time.monotonic() >= self._due:
                self.flush()

    def flush(self) -> None:
        """Write, judge and draw what has come together. Rows keep their order."""
        rows, self._rows = self._rows, []
        self._due = time.monotonic() + self._every
        self._write(rows)
        if self._judge is not None:
            for finding in self._judge.feed(rows):
                self._found(finding)
        if self._board is not None:
            _tell_board(self._board, rows)
        if self.live is not None:
            self.live.rows(rows, self.findings)

    def _write(self, rows: list[Row]) -> None:
        if self._file is not None:
            self._file.write("".join([line(row) + "\n" for row in rows]))
            self._file.flush()

    def _found(self, finding: Finding) -> None:
        self.findings.append(finding)
        told: Row = {"kind": "finding", "rule": finding.rule, "slug": finding.slug, "severity": finding.severity}
        self._write([{**told, "update": finding.numbers.get("update"), "message": finding.message}])
        self.stopping = self.stopping or finding.rule in self.stop_on
        if self.on_finding is not None:
            self.on_finding(finding)

    def end(self, reason: str = "finished", message: str = "") -> None:
        """The run is over: finished, stopped, interrupted or crashed. Once is enough; a second call does nothing."""
        if self._ended or not self.active:
            return
        self._ended = True
        updates = [self._counts[number] for number in sorted(self._counts)]
        self._rows.append({"kind": "end", "reason": reason, "message": message, "updates": updates})
        self.flush()
        if self._board is not None:
            self._board.close()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.end()
        elif issubclass(kind, KeyboardInterrupt):
            self.end("interrupted")
        else:
            self.end("crashed", " ".join(f"{kind.__name__}: {error}".split()))


def rule_of(word: str) -> str:
    """The id of the rule that a word of ``--stop-on`` names. Raises UsageError for an unknown one.

    >>> rule_of("diverged"), rule_of("LR603")
    ('LR607', 'LR603')
    """
    from ..rules import find

    rule = find(NAMES.get(word.strip().lower(), word))
    if rule is None:
        raise UsageError(f"--stop-on {word!r}: give a rule (LR607, a slug) or one of {', '.join(NAMES)}")
    return rule.id


def plain(value: Any) -> Any:
    """A value as JSON takes it: numbers, text, lists and mappings; anything else in words."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if getattr(value, "numel", None) and value.numel() == 1:
        return plain(value.item())
    return getattr(value, "__qualname__", None) or type(value).__name__


# Files


def _open(path: Path, script: str | None, resume: bool) -> tuple[str, int]:
    """The run that the file is about and which piece of it begins now."""
    before = _unfinished(path, script) if resume else None
    if before is not None:
        return before[0], before[1] + 1
    if path.exists() and path.stat().st_size:
        os.replace(path, _free(path))
    return _new_run(), 0


def _unfinished(path: Path, script: str | None) -> tuple[str, int] | None:
    """The run and piece in a trace of this script that did not come to its end."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    starts = [row for row in map(_row, lines) if row.get("kind") == "start"]
    ended = lines and _row(lines[-1]).get("reason") in ("finished", "stopped")
    if not starts or ended or starts[-1].get("script") != (script or ""):
        return None
    return str(starts[-1].get("run")), int(starts[-1].get("piece", 0))


def _row(text: str) -> Row:
    try:
        row = json.loads(text)
    except ValueError:  # torn in a crash
        return {}
    return row if isinstance(row, dict) else {}


def _free(path: Path) -> Path:
    number = 1
    while (other := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    return other


def _new_run() -> str:
    return os.urandom(4).hex()


def _appending(path: Path) -> Any:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size
        file = open(path, "a", encoding="utf-8")  # noqa: SIM115 - it is open as long as the run goes
    except OSError as error:
        raise LrightError(f"{path}: the trace cannot be written there ({error.strerror}): name another file") from error
    if torn:
        file.write("\n")
    return file


def _judge(expected: int | None) -> Any:
    from ..observe.live import Judge

    return Judge(expected=expected)


# TensorBoard


def _board(folder: str) -> Any:
    from importlib import import_module

    for name in ("torch.utils.tensorboard", "tensorboardX"):
        try:
            return import_module(name).SummaryWriter(folder)
        except ImportError:
            continue
    raise LrightError("--tensorboard needs the package tensorboard (or tensorboardX): install it")


def _tell_board(board: Any, rows: Iterable[Row]) -> None:
    for row in rows:
        update = row.get("update")
        if row["kind"] == "update" and not row.get("skipped"):
            prefix = f"lright/optimizer {row['optimizer']}/"
            for group, rate in enumerate(row["lr"]):
                board.add_scalar(f"{prefix}lr, group {group}", rate, update)
            for name in ("loss", "grad_norm"):
                if row.get(name) is not None:
                    board.add_scalar(prefix + name, row[name], update)
        elif row["kind"] == "metric":
            board.add_scalar(f"lright/{row['name']}", row["value"], update)
