"""The view of a training while it runs: a block at the bottom of the terminal, or a line now and then in a log.

>>> import sys
>>> view = Live(sys.stdout, "train.py")  # no terminal here: lines
>>> view.update(0, 1000, [0.1], 2.3, seconds=0.4)
lright: train.py: update 0 of 1,000, loss 2.3, LR 0.1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic

from ..records import field, record
from .chart import number_text
from .footer import Footer, Pace
from .screen import Screen
from .terminal import STYLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import SupportsFloat, TextIO

    from ..finding import Finding
    from ..trace import Row

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.:-=+*#"
REDRAW = 0.25  # seconds between two drawings on a terminal
LOG, LOG_GROWTH, LOG_MOST = 5.0, 1.5, 300.0  # seconds between two lines in a log: 5, 7.5, 11, ... up to 5 minutes
LABEL, VALUE = 14, 10  # columns of the words in front of values, and of a value with its course behind it
FINDINGS = 3  # as many are shown; the rest is counted


@record(slots=True)
class Moment:
    """A training after ``update`` updates. ``lrs`` has the learning rate of every group, ``ratio`` is the size of an
    update relative to the weights, ``seconds`` is how long it has been running. None: not known."""

    update: int = 0
    total: int | None = None
    lrs: Sequence[float] = ()
    loss: float | None = None
    grad_norm: float | None = None
    ratio: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    seconds: float = 0.0
    left: float | None = None  # seconds, if the rest is as fast


class Live:
    """A live view of one training on ``stream`` (default: standard error).

    Either call :meth:`update` after every update, or hand :meth:`rows` the rows of a trace as they come. Both draw at
    most about four times a second and return at once otherwise; :meth:`update` only looks at values when it draws, so
    that tensors on a GPU are waited for no more often than that. ``total``: how many updates there will be, where that
    is known. Use it in a ``with``: the block is taken away however the training ends.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        title: str = "",
        total: int | None = None,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.footer = Footer(stream, clock=clock)
        self.title = title
        self.total = total
        self.losses, self.rates = Trail(), Trail()
        self._clock = clock
        self._pace = pace_of(self.footer, clock)
        self._began: float | None = None
        self._first = 0
        self._now = Moment()
        self._closed = False
        self._main: int | None = None
        self._last: dict[int, Row] = {}  # the last update of every optimizer

    def update(
        self,
        update: int,
        total: int | None = None,
        lrs: Sequence[float] = (),
        loss: SupportsFloat | None = None,
        grad_norm: SupportsFloat | None = None,
        ratio: SupportsFloat | None = None,
        metrics: Mapping[str, SupportsFloat] | None = None,
        findings: Sequence[Finding] = (),
        seconds: float | None = None,
    ) -> None:
        """The training has made ``update`` updates of ``total``. Draws if it is time to."""
        pace = self._pace
        pace.left -= 1
        if pace.left > 0 or not pace.look():
            return
        now = self._now = Moment(update, total or self.total, [float(lr) for lr in lrs])
        now.loss, now.grad_norm, now.ratio = _float(loss), _float(grad_norm), _float(ratio)
        now.metrics = {name: float(value) for name, value in (metrics or {}).items()}
        now.findings = findings
        if now.loss is not None:
            self.losses.add(now.loss)
        if lrs:
            self.rates.add(now.lrs[0])
        self._draw(seconds)

    def rows(self, rows: Iterable[Row], findings: Sequence[Finding] = ()) -> None:
        """These rows were added to the trace. Draws if it is time to."""
        losses = []
        for row in rows:
            kind = row["kind"]
            if kind == "update":
                optimizer = row.get("optimizer", 0)
                self._last[optimizer] = row
                if self._main is None:  # the one that makes the first update stands for the training
                    self._main = optimizer
                if optimizer == self._main:
                    losses.append(row.get("loss"))
                    if row.get("ratio"):
                        self._now.ratio = max(map(float, row["ratio"]))
            elif kind == "metric":
                self._now.metrics = {**self._now.metrics, row["name"]: float(row["value"])}
        known = [float(loss) for loss in losses if loss is not None]
        if known:
            self._now.loss = known[-1]
            self.losses.add(sum(known) / len(known))
        if losses:
            self._take(self._last[self._main or 0])
        if self._main is not None and self._pace.due():
            self._now.findings, self._now.total = findings, self.total
            self._draw(None)

    def _take(self, row: Row) -> None:
        """What is shown of the update that was made last."""
        others = [other for number, other in self._last.items() if number != self._main]
        self._now.lrs = [float(lr) for one in (row, *others) for lr in one["lr"]]
        self._now.update = row["update"] + (not row.get("skipped"))
        self.rates.add(self._now.lrs[0])
        if row.get("grad_norm") is not None:
            self._now.grad_norm = float(row["grad_norm"])

    def say(self, lines: Iterable[str]) -> None:
        """Write lines that stay, above the view."""
        self.footer.say(lines)

    def wrap(self, stream: TextIO) -> TextIO:
        """``stream`` for the script to print to: what it prints appears above the view, whole and at once."""
        return self.footer.wrap(stream)

    def close(self) -> None:
        """Take the view away; it is not drawn again, whatever it is told."""
        self._closed = True
        self.footer.close()

    def __enter__(self) -> Live:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _draw(self, seconds: float | None) -> None:
        if self._closed:
            return
        self._time(seconds)
        if self.footer.live:
            self.footer.show(block(self._now, self.losses, self.rates, self.footer.screen, self.title))
            return
        if self._pace.interval == REDRAW:  # the script began to draw for itself
            self._pace = pace_of(self.footer, self._clock)
            self._pace.due()
        self.footer.say([f"lright: {self.title}{': ' * bool(self.title)}{line(self._now)}"])

    def _time(self, seconds: float | None) -> None:
        """How long it takes, and how long it will: measured from the first call, as a run may be a resumed one."""
        now = self._clock()
        if self._began is None:
            self._began, self._first = now, self._now.update
        here = now - self._began
        made, to_come = self._now.update - self._first, (self._now.total or 0) - self._now.update
        self._now.seconds = here if seconds is None else seconds
        self._now.left = here / made * to_come if made > 0 and to_come > 0 else None


class Trail:
    """The course of a value in at most ``most`` points, each the mean of as many values as it takes.

    >>> trail = Trail(most=4)
    >>> for value in range(9):
    ...     trail.add(value)
    >>> trail.points
    [0.5, 2.5, 4.5, 6.5]
    """

    def __init__(self, most: int = 240) -> None:
        self.most = most
        self.points: list[float] = []
        self._each = 1
        self._waiting: list[float] = []

    def add(self, value: float) -> None:
        """One more value."""
        self._waiting.append(value)
        if len(self._waiting) < self._each:
            return
        if len(self.points) == self.most:
            self.points = [(a + b) / 2 for a, b in zip(self.points[::2], self.points[1::2])]
            self._each *= 2
            return
        self.points.append(sum(self._waiting) / len(self._waiting))
        self._waiting = []


def pace_of(footer: Footer, clock: Callable[[], float]) -> Pace:
    """How often to draw: several times a second on a terminal, ever more rarely in a log."""
    return Pace(REDRAW, clock=clock) if footer.live else Pace(LOG, LOG_GROWTH, LOG_MOST, clock=clock)


def block(moment: Moment, losses: Trail, rates: Trail, screen: Screen, title: str = "") -> list[str]:
    """The lines of the view on a terminal.

    >>> moment = Moment(120, 1000, [0.1], 1.5, seconds=61.0)
    >>> print("\\n".join(block(moment, Trail(), Trail(), Screen(width=60), "train.py")))
    lright train.py  update 120 of 1,000 (12%)  1:01
      loss          1.5
      LR            0.1
    """
    head = screen.paint(f"lright {title}".strip(), "bold")
    lines = [f"{head}  {_where(moment)}{_time(moment)}"]
    if moment.loss is not None:
        lines.append(_row("loss", number_text(moment.loss), screen, losses))
    if moment.lrs:
        lines.append(_row("LR", number_text(moment.lrs[0]), screen, rates))
    if len(set(moment.lrs)) > 1:
        lines.append(_row("LR by group", ", ".join(map(number_text, moment.lrs)), screen))
    if steps := ", ".join(_steps(moment)):
        lines.append(_row("steps", steps, screen))
    if moment.metrics:
        lines.append(_row("metrics", ", ".join(_named(moment.metrics)), screen))
    return lines + _findings(moment.findings, screen)


def line(moment: Moment) -> str:
    """The view in one line, for a log.

    >>> line(Moment(500, None, [0.1, 0.01], 1.5, grad_norm=0.7, metrics={"val_loss": 1.62}))
    'update 500, loss 1.5, LR 0.1 to 0.01, gradient norm 0.7, val_loss 1.62'
    """
    parts = [_where(moment)]
    if moment.loss is not None:
        parts.append(f"loss {number_text(moment.loss)}")
    if moment.lrs:
        high, low = max(moment.lrs), min(moment.lrs)
        parts.append(f"LR {number_text(high)}" + (f" to {number_text(low)}" if low != high else ""))
    parts += [*_steps(moment), *_named(moment.metrics)]
    if moment.findings:
        parts.append("found " + ", ".join(dict.fromkeys(finding.rule for finding in moment.findings)))
    if moment.left is not None:
        parts.append(f"{duration(moment.left)} left")
    return ", ".join(parts)


def sparkline(values: Sequence[float], width: int, *, unicode: bool = True) -> str:
    """The course of ``values`` in one line of at most ``width`` columns; a value that is not finite is a cross.

    >>> sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8), sparkline([3, 2, float("nan"), 1], 8), sparkline([1, 1], 8)
    ('▁▂▃▄▅▆▇█', '█▅×▁', '▁▁')
    """
    bars = BARS if unicode else ASCII_BARS
    shown = _fitted(values, width)
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return ("×" if unicode else "x") * len(shown)
    low, size = min(finite), (max(finite) - min(finite)) or 1.0
    top = len(bars) - 1
    return "".join(
        bars[round((value - low) / size * top)] if math.isfinite(value) else "×" if unicode else "x" for value in shown
    )


def duration(seconds: float) -> str:
    """A time as clocks show it.

    >>> duration(7.4), duration(61), duration(3 * 3600 + 62), duration(200_000)
    ('0:07', '1:01', '3:01:02', '2 d 7 h')
    """
    whole = int(seconds)
    if whole >= 2 * 86400:
        return f"{whole // 86400} d {whole % 86400 // 3600} h"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _row(label: str, text: str, screen: Screen, trail: Trail | None = None) -> str:
    shown = f"  {screen.paint(label, 'cyan')}{' ' * (LABEL - len(label))}"
    if trail is None or len(trail.points) < 2:
        return shown + text
    room = screen.width - 2 - LABEL - VALUE - 1
    return f"{shown}{text:<{VALUE}}{sparkline(trail.points, room, unicode=screen.unicode)}"


def _where(moment: Moment) -> str:
    if not moment.total:
        return f"update {moment.update:,}"
    done = f" ({100 * moment.update / moment.total:.0f}%)" if moment.update else ""
    return f"update {moment.update:,} of {moment.total:,}{done}"


def _time(moment: Moment) -> str:
    left = f", {duration(moment.left)} left" if moment.left is not None else ""
    return f"  {duration(moment.seconds)}{left}"


def _steps(moment: Moment) -> list[str]:
    known = (("gradient norm", moment.grad_norm), ("update to weight", moment.ratio))
    return [f"{name} {number_text(value)}" for name, value in known if value is not None]


def _named(metrics: Mapping[str, float]) -> list[str]:
    return [f"{name} {number_text(value)}" for name, value in metrics.items()]


def _findings(findings: Sequence[Finding], screen: Screen) -> list[str]:
    lines = []
    for finding in findings[-FINDINGS:]:
        update = finding.numbers.get("update")
        at = f" at update {update:,}" if isinstance(update, int) else ""
        rule = screen.paint(finding.rule, "bold", STYLE[finding.severity])
        message = screen.clip(" ".join(finding.message.split()), screen.width - 6 - len(finding.rule) - len(at))
        lines.append(f"  {rule}{at}: {message}")
    more = len(findings) - FINDINGS
    return [*lines, screen.paint(f"  and {more} before", "dim")] if more > 0 else lines


def _fitted(values: Sequence[float], width: int) -> list[float]:
    """At most ``width`` values: means of as many neighbours as it takes."""
    each = max(1, -(-len(values) // width))
    return [sum(part) / len(part) for part in (values[i : i + each] for i in range(0, len(values), each))]


def _float(value: SupportsFloat | None) -> float | None:
    return None if value is None else float(value)
