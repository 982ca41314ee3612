"""`lright plot`: curves of schedules, drawn in the terminal or written to svg, png, html, csv and json.

A spec is the text form of a schedule (``warmup 5ep > cosine to 0``) or the constructor of a framework's
scheduler (``CosineAnnealingLR(T_max=100)``), optionally with its ticks (``... every epoch``).
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ..clock import Budget, MissingFact, Rate, plural
from ..errors import LrightError, UsageError
from ..quantity import Unit
from ..schedule import Schedule
from .chart import Curve, bounds, chart, number_text
from .screen import Screen

if TYPE_CHECKING:
    from ..finding import FileReport
    from ..schedule import Resolved
    from ..schedule.emulate import Emulated

FORMATS = ("text", "svg", "png", "html", "csv", "json")
# The training that is drawn when nobody says how long it is.
ASSUMED_EPOCHS, ASSUMED_BATCHES = 100, 100
POINTS = 1000
# Up to so many ticks of a framework's scheduler are asked for one by one, and drawn as a staircase.
TICKS, STAIRS = 5000, 2000


class Options(NamedTuple):
    """What is known about the training: the options of ``lright plot``."""

    peak: float | None = None
    epochs: float | None = None
    steps_per_epoch: int | None = None
    batch_size: int | None = None
    samples: int | None = None
    accumulate: int | None = None
    processes: int | None = None

    def budget(self) -> Budget:
        """The budget they describe; what is missing stays unknown."""
        return Budget(
            epochs=self.epochs,
            batches_per_epoch=self.steps_per_epoch,
            dataset=self.samples,
            batch_size=self.batch_size,
            accumulate=self.accumulate,
            processes=self.processes,
        )


class Plotted(NamedTuple):
    """One spec, ready to be drawn: ``table`` is what it was ``resolved`` to, ``remarks`` what is to be said."""

    label: str
    curve: Curve
    table: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    resolved: Resolved | None = None


def plot_command(
    specs: Sequence[str | Plotted],
    options: Options | None = None,
    output: str | None = None,
    format: str | None = None,
    screen: Screen | None = None,
) -> str:
    """Draw ``specs`` (texts, or curves that are at hand already); what it returns is for standard output.

    Without ``output`` that is the drawing itself in ``format`` (text, svg, html, csv or json); with it the
    drawing goes to that file, whose ending says the format unless ``format`` does, and a line about it is
    returned. Raises :class:`LrightError` for a spec that cannot be read or a fact that is missing.

    >>> print(plot_command(["cosine to 0"], Options(epochs=10, steps_per_epoch=10), screen=Screen(width=40)))
    ... # doctest: +ELLIPSIS
    cosine to 0
    <BLANKLINE>
      1 ┤...
    """
    chosen = _format(output, format)
    plotted = [spec if isinstance(spec, Plotted) else plotted_spec(spec, options or Options()) for spec in specs]
    if not plotted:
        raise UsageError("nothing to plot: give a schedule, such as 'warmup 5ep > cosine to 0'")
    if chosen == "png":
        if output is None:
            raise UsageError("a png is no text: name the file it goes to with --output curve.png")
        _write(output, png(plotted))
    else:
        text = _DRAW[chosen](plotted) if chosen != "text" else terminal(plotted, screen or Screen())
        if output is None:
            return text
        _write(output, text.encode())
    count = f"{len(plotted)} curves" if len(plotted) > 1 else f"the curve of {plotted[0].label}"
    return f"{output}: {count}"


def _format(output: str | None, format: str | None) -> str:
    chosen = format
    if chosen is None and output is not None:
        chosen = os.path.splitext(output)[1][1:].lower()
        if chosen == "txt":
            chosen = "text"
        if chosen not in FORMATS:
            raise UsageError(f"{output}: the ending must be one of {', '.join(FORMATS[1:])}, or give --format")
    chosen = chosen or "text"
    if chosen not in FORMATS:
        raise UsageError(f"unknown format {chosen!r}: use one of {', '.join(FORMATS)}")
    return chosen


def _write(path: str, content: bytes) -> None:
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise LrightError(f"cannot write {path}: {error.strerror}") from None


# Specs.


def plotted_spec(spec: str, options: Options) -> Plotted:
    """The curve of one spec: a schedule in text form, or a constructor call of a framework's scheduler."""
    if "(" in spec and _called(spec):
        return _emulated(spec, options)
    return resolved_spec(spec.strip(), Schedule.parse(spec), options)


def _called(spec: str) -> bool:
    """Whether it is a call: a name, with dots perhaps, and an opening parenthesis right after it."""
    name = spec.strip().partition("(")[0]
    return name != "" and name.replace(".", "").isidentifier()


def resolved_spec(label: str, schedule: Schedule, options: Options) -> Plotted:
    """The curve of a schedule in the training of ``options``, completed by assumptions that it states."""
    budget, remarks = options.budget(), []
    try:
        resolved = schedule.resolve(budget, options.peak)
    except MissingFact:
        budget, remark = _assumed(options)
        remarks.append(remark)
        resolved = schedule.resolve(budget, options.peak)
    unit = Unit.EPOCH if _converts(budget) else Unit.UPDATE
    curve = Curve(label, resolved.points(POINTS, unit), plural(unit))
    if options.peak is None:
        remarks.append("values are multiples of the peak (--peak)")
    remarks += [note.message for note in schedule.lint(budget if budget.total else None, options.peak)]
    return Plotted(label, curve, tuple(str(resolved).splitlines()), tuple(remarks), resolved)


def _assumed(options: Options) -> tuple[Budget, str]:
    """The budget of ``options`` with what is missing for every schedule filled in, and what that was."""
    epochs = options.epochs or ASSUMED_EPOCHS
    known = options.budget().batch_count is not None
    steps = options.steps_per_epoch if known else options.steps_per_epoch or ASSUMED_BATCHES
    filled = options._replace(epochs=epochs, steps_per_epoch=steps)
    parts = [] if options.epochs else [f"{ASSUMED_EPOCHS} epochs (--epochs)"]
    parts += [] if known else [f"{ASSUMED_BATCHES} batches an epoch (--steps-per-epoch)"]
    return filled.budget(), f"assumed: {' and '.join(parts)}" if parts else ""


def _converts(budget: Budget) -> bool:
    return budget.total is not None and budget.total.unit is Unit.EPOCH and budget.batch_count is not None


def _emulated(spec: str, options: Options) -> Plotted:
    from ..schedule.emulate import Optimizer
    from ..schedule.emulate import emulated_from_text as read

    text, rate = _rate(spec)
    scheduler = read(text, Optimizer(lr=1.0 if options.peak is None else options.peak))
    if scheduler.needs_metric:
        raise LrightError(f"{scheduler.name} follows a metric: its curve is not known before the training")
    unit, ticks, per_tick = _span(scheduler, rate, options)
    points, raised = ticked(scheduler, ticks)
    remarks = [] if options.peak is not None else ["drawn for an LR of 1 (--peak)"]
    end = scheduler.past_end()
    if scheduler.length is not None and scheduler.length < ticks and end == "rise":
        remarks.append(f"after {scheduler.length} ticks its shape is over and the LR rises again")
    if raised:
        remarks.append(raised)
    if rate is not None and len(points) <= STAIRS:  # the LR stays as it is until the next tick
        points = list(_stairs(points))
    curve = Curve(spec.strip(), [(tick * per_tick, lr) for tick, lr in points], unit, bool(raised))
    return Plotted(spec.strip(), curve, (), tuple(remarks))


def _stairs(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for (tick, lr), (after, _) in pairwise(points):
        yield tick, lr
        yield after, lr
    yield from points[-1:]


def _rate(spec: str) -> tuple[str, Rate | None]:
    """The constructor and the rate after it, if there is one: ``StepLR(30) every epoch``."""
    close = spec.rindex(")") + 1 if ")" in spec else len(spec)
    after = spec[close:].strip()
    return spec[:close], Rate.parse(after) if after else None


def _span(scheduler: Emulated, rate: Rate | None, options: Options) -> tuple[str, int, float]:
    """What is on the x axis, how many ticks are drawn, and how much of x a tick is."""
    if rate is None:
        if options.epochs and options.steps_per_epoch is None and options.samples is None:
            return "epochs", math.ceil(options.epochs), 1.0
        return "scheduler steps", math.ceil((scheduler.length or 80) * 1.25), 1.0
    budget = options.budget()
    if budget.total is None or budget.batch_count is None:
        budget, _ = _assumed(options)
    assert budget.total is not None
    ticks = rate.count(budget.total, budget)
    if not isinstance(ticks, (int, float)):
        raise LrightError("the number of ticks is symbolic")
    each = budget.convert(rate.every, Unit.EPOCH).number / float(str(rate.ticks))
    return "epochs", max(int(ticks), 1), each


def ticked(scheduler: Emulated, ticks: int) -> tuple[list[tuple[float, float]], str]:
    """(tick, LR) points of an emulated scheduler, and what it raises on the way, if it does."""
    from ..schedule.emulate import ScheduleRaises

    stride = max(ticks / TICKS, 1.0)
    points: list[tuple[float, float]] = []
    for index in range(min(ticks, TICKS) + 1):
        tick = round(index * stride)
        try:
            points.append((float(tick), scheduler.lr(tick)))
        except ScheduleRaises as raised:
            return points, str(raised)
    return points, ""


# Scripts.


def of_report(report: FileReport) -> list[Plotted]:
    """The curves of a script that was checked, or a LrightError that says what they need."""
    from ..records import replace
    from .terminal import drawable

    curves = [curve for curve in report.curves if curve.points]
    if not curves and report.unknown:
        needed, wanted = ", ".join(report.unknown), report.unknown[0]
        raise LrightError(f'{report.path}: its curve needs {needed}: give it with --set "{wanted}=..."')
    if not curves:
        raise LrightError(f"{report.path}: no learning-rate schedule is seen in it: plot a schedule in words")
    labels = [report.path]
    if len(curves) > 1:
        labels = [f"{report.path}: {curve.optimizer or 'optimizer'}, group {curve.group}" for curve in curves]
    return [Plotted(label, replace(drawable(curve), label=label)) for label, curve in zip(labels, curves)]


# The terminal.


def terminal(plotted: Sequence[Plotted], screen: Screen) -> str:
    """All curves in one chart where they share an axis, in one each where not; tables and remarks below."""
    blocks: list[list[str]] = []
    for group in _by_axis(plotted):
        title = [group[0].label] if len(group) == 1 else []
        drawn = chart(
            [item.curve for item in group],
            screen.width - 2,
            unicode=screen.unicode,
            color=screen.color,
        )
        blocks.append([*(line for text in title for line in screen.wrap(text)), "", *drawn])
    for item in plotted:
        lines = [screen.clip(line, screen.width - 2) for line in item.table]
        if len(plotted) > 1 and (lines or item.remarks):
            lines = [*screen.wrap(f"{item.label}:"), *(f"  {line}" for line in lines)]
        for remark in item.remarks:
            lines += screen.wrap(remark, "  ", "- ")
        if lines:
            blocks.append(lines)
    return "\n".join("\n".join(["", *block] if index else block) for index, block in enumerate(blocks))


def _by_axis(plotted: Iterable[Plotted]) -> list[list[Plotted]]:
    groups: dict[str, list[Plotted]] = {}
    for item in plotted:
        groups.setdefault(item.curve.x_unit, []).append(item)
    return list(groups.values())


# Files.


def svg(plotted: Sequence[Plotted]) -> str:
    """A standalone SVG picture; curves with different axes in pictures below each other."""
    from .svg import picture

    return picture([[item.curve for item in group] for group in _by_axis(plotted)])


def html(plotted: Sequence[Plotted]) -> str:
    """A page that needs nothing else: the picture, and what each schedule became."""
    from html import escape

    parts = [svg(plotted)]
    for item in plotted:
        parts.append(f"<h2>{escape(item.label)}</h2>")
        if item.table:
            parts.append(f"<pre>{escape(chr(10).join(item.table))}</pre>")
        if item.remarks:
            remarks = "".join(f"<li>{escape(remark)}</li>" for remark in item.remarks)
            parts.append(f"<ul>{remarks}</ul>")
        parts.append(_html_table(item.curve))
    return _PAGE.format(title=escape(", ".join(item.label for item in plotted)), body="\n".join(parts))


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color:
#222 }} h2 {{ font-size: 1.05rem; margin: 2rem 0 .5rem }}
pre {{ background: #f5f5f5; padding: .8rem; overflow-x: auto; font-size: .85rem }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
th, td {{ padding: .1rem 1.5rem .1rem 0; text-align: right; font-weight: normal }}
th {{ color: #777 }}
svg {{ width: 100%; height: auto }}
</style>
{body}
</html>
"""


def _html_table(curve: Curve) -> str:
    """About twenty points of a curve."""
    stride = max(len(curve.points) // 20, 1)
    shown = [*curve.points[::stride], curve.points[-1]]
    rows = "".join(f"<tr><td>{x:.4g}</td><td>{number_text(y)}</td></tr>" for x, y in shown)
    return f"<table><tr><th>{curve.x_unit}</th><th>value</th></tr>{rows}</table>"


def csv(plotted: Sequence[Plotted]) -> str:
    """One row a point: curve, time, unit, value; numbers in full precision."""
    import csv as writer
    import io

    out = io.StringIO()
    rows = writer.writer(out, lineterminator="\n")
    rows.writerow(("curve", "time", "unit", "value"))
    for item in plotted:
        rows.writerows((item.label, repr(x), item.curve.x_unit, repr(y)) for x, y in item.curve.points)
    return out.getvalue()


def json(plotted: Sequence[Plotted]) -> str:
    """The curves as JSON: version 1, ``curves`` of label, unit, points [[t, value], ...], raises, remarks."""
    import json as writer

    curves = [
        {
            "label": item.label,
            "unit": item.curve.x_unit,
            "points": [[x, y] for x, y in item.curve.points],
            "raises": item.curve.raises,
            "remarks": list(item.remarks),
        }
        for item in plotted
    ]
    return writer.dumps({"version": 1, "curves": curves}) + "\n"


def png(plotted: Sequence[Plotted]) -> bytes:
    """A PNG picture. Needs matplotlib; :class:`LrightError` says how to get it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise LrightError("png needs matplotlib: pip install matplotlib, or write an .svg") from None
    import io

    groups = _by_axis(plotted)
    figure = Figure(figsize=(8, 4 * len(groups)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for index, group in enumerate(groups):
        axes = figure.add_subplot(len(groups), 1, index + 1)
        for item in group:
            axes.plot(*zip(*item.curve.points, strict=True), label=item.label)
            if item.curve.raises:
                axes.plot(*item.curve.points[-1], "x", color="tab:red", clip_on=False)
        axes.set_xlabel(group[0].curve.x_unit)
        box = bounds([item.curve for item in group])
        axes.set_xlim(box.left, box.right)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1))
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


_DRAW = {"svg": svg, "html": html, "csv": csv, "json": json}
