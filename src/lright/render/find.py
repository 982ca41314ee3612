"""The picture of a range test: a page for the terminal, an svg, a page of html, a png.

It draws what has the fields of `lright.find.LrFind`; the room of the range test imports this one, not the reverse.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from html import escape

from ..errors import LrightError, UsageError
from ..records import record
from .chart import Box, Curve, chart, nice_ticks, number_text
from .screen import Screen, screen_of
from .svg import COLORS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..find.result import LrFind, Trial

KINDS = ("text", "svg", "html", "png")
# What each purpose is called, in the order of the page.
PURPOSES = {
    "decaying": "decaying schedule",
    "one_cycle": "OneCycle max_lr",
    "constant": "constant LR",
    "fine_tuning": "fine-tuning",
}
OVERSHOOT = 0.35  # of the drop: how much of what lies above the start of the curve is shown
CURVE, RAW, BEST, UNSTABLE = COLORS[0], "#bbb", COLORS[2], COLORS[1]


def draw(found: LrFind, path: str | None = None, kind: str | None = None) -> str:
    """The picture of ``found`` as ``kind`` (text, svg, html, png): returned, or written to ``path``, which is returned.

    Without a ``kind`` the ending of the path says it. Raises :class:`UsageError` for another one, and
    :class:`LrightError` where the file cannot be written or png lacks matplotlib.
    """
    chosen = _kind(path, kind)
    if chosen == "png" and path is None:
        raise UsageError("a png is no text: name the file it goes to, found.plot('find.png')")
    if path is None:
        return {"text": _to_screen, "svg": svg, "html": html}[chosen](found)
    content = png(found) if chosen == "png" else {"text": page, "svg": svg, "html": html}[chosen](found).encode()
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise LrightError(f"cannot write {path}: {error.strerror}") from None
    return path


def _kind(path: str | None, kind: str | None) -> str:
    ending = os.path.splitext(path)[1][1:].lower() if path else ""
    chosen = kind or {"": "text", "txt": "text", "htm": "html"}.get(ending, ending)
    if chosen not in KINDS:
        what = f"kind {kind!r}" if kind else f"{path}: the ending"
        raise UsageError(f"{what} is none of {', '.join(KINDS)}")
    return chosen


# What all pictures show.


@record(frozen=True)
class View:
    """The part of the plane that is worth seeing: log10 of the LRs, losses from the lowest to just above the start."""

    raw: tuple[tuple[float, float], ...]
    smooth: tuple[tuple[float, float], ...]
    box: Box
    best: float
    interval: tuple[float, float]
    unstable: float | None


def view(found: LrFind) -> View | None:
    """What to show of the first sweep; None if it holds fewer than two numbers."""
    curve = found.curve
    raw = [(math.log10(lr), loss) for lr, loss in zip(curve.lrs, curve.losses) if math.isfinite(loss)]
    smooth = [(math.log10(lr), loss) for lr, loss in zip(curve.lrs, curve.smoothed) if math.isfinite(loss)]
    shown = smooth or raw
    if len(raw) < 2 or len(shown) < 2:
        return None
    low, start = min(y for _, y in shown), max(y for _, y in shown[: max(len(shown) // 4, 2)])
    room = max(start - low, 1e-12 * max(abs(start), 1e-300))
    left, right = math.log10(curve.lrs[0]), math.log10(curve.lrs[-1])
    inside = math.log10(found.suggestion)
    box = Box(min(left, inside), max(right, inside), low - 0.08 * room, start + OVERSHOOT * room)
    low_end, high_end = found.interval
    unstable = None if found.unstable_from is None else math.log10(found.unstable_from)
    return View(tuple(raw), tuple(smooth), box, inside, (math.log10(low_end), math.log10(high_end)), unstable)


def decade_text(exponent: int) -> str:
    """A power of ten as people write it on an axis.

    >>> decade_text(-4), decade_text(-1), decade_text(0), decade_text(1)
    ('1e-4', '0.1', '1', '10')
    """
    return number_text(10.0**exponent) if exponent > -2 else f"1e{exponent}"


def headline(found: LrFind) -> str:
    """The answer in a line.

    >>> from lright.find import LrFind
    >>> headline(LrFind(3e-4, False, (1e-4, 1e-3), "fair", 0.8, ""))
    'learning rate 3e-4'
    """
    return f"learning rate {lr_text(found.suggestion)}" + (" (a default: the test says nothing)" * found.abstained)


def lr_text(lr: float) -> str:
    """An LR with two digits: more would pretend to know it better than the test does.

    >>> lr_text(0.00312), lr_text(0.05), lr_text(1.26e-5)
    ('3.1e-3', '0.05', '1.3e-5')
    """
    rounded = float(f"{lr:.1e}")
    if 1e-2 <= rounded < 1e4:
        return number_text(rounded)
    mantissa, _, exponent = f"{rounded:.1e}".partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def sureness(found: LrFind) -> str:
    """Interval and confidence in a line."""
    low, high = (lr_text(end) for end in found.interval)
    if found.abstained:
        return f"usual are {low} to {high}"
    often = f"such an interval held the best LR in {found.chance:.0%} of our tests"
    return f"{low} to {high}, {found.confidence} confidence: {often}"


# The terminal.


def _to_screen(found: LrFind) -> str:
    """The page as standard output can show it."""
    return page(found, screen_of(sys.stdout))


def page(found: LrFind, screen: Screen | None = None) -> str:
    """The answer as a page of text."""
    return "\n".join(_lines(found, screen or Screen())).rstrip() + "\n"


def _lines(found: LrFind, screen: Screen) -> Iterator[str]:
    color = "yellow" if found.abstained or found.confidence == "low" else "green"
    yield from (screen.paint(line, color, "bold") for line in screen.wrap(headline(found), "  "))
    yield from screen.wrap(sureness(found), "  ")
    yield from screen.wrap(found.reason, "  ")
    yield ""
    seen = view(found)
    if seen is not None:
        yield from ("  " + line for line in _drawn(seen, screen))
        yield ""
    if found.trials:
        yield from _trials(found, screen)
        yield ""
    yield from _uses(found, screen)
    if found.notes:
        yield ""
    for note in found.notes:
        yield from screen.wrap(note, "    ", "  - ")


def _uses(found: LrFind, screen: Screen) -> Iterator[str]:
    for name, title in PURPOSES.items():
        use = found.uses.get(name)
        if use is None:
            continue
        groups = f" (groups: {', '.join(map(lr_text, use.groups))})" if use.groups else ""
        first = f"  {title:<18} {screen.paint(f'{lr_text(use.lr):<8}', 'bold')} "
        yield from screen.wrap(use.why + groups, " " * 30, first)


def _trials(found: LrFind, screen: Screen) -> Iterator[str]:
    best = min((trial.loss for trial in found.trials), default=math.inf)
    judged = "validation loss" if any(trial.validation is not None for trial in found.trials) else "loss at the end"
    yield f"  {'trial at':<18} {judged}"
    for trial in sorted(found.trials, key=lambda trial: trial.lr):
        text = _outcome(trial)
        mark = screen.paint("  best", "green") if trial.loss == best and math.isfinite(best) else ""
        yield f"  {lr_text(trial.lr):<18} {text}{mark}"


def _outcome(trial: Trial) -> str:
    return f"{trial.loss:.4g}" if math.isfinite(trial.loss) else "diverged"


def _drawn(seen: View, screen: Screen) -> Iterator[str]:
    """The chart: the smoothed loss as a line, raw losses as dots, the suggestion and instability as columns."""
    height = 12
    curves = [Curve("smoothed", seen.smooth or seen.raw)]
    lines = chart(curves, screen.width - 4, height, unicode=screen.unicode, box=seen.box, legend=False)
    margin = lines[height].index("└" if screen.unicode else "+") + 1
    columns = len(lines[height]) - margin

    def at(x: float) -> int:
        share = (x - seen.box.left) / (seen.box.right - seen.box.left)
        return min(max(round(share * (columns - 1)), 0), columns - 1)

    marks = {at(seen.best): ("│" if screen.unicode else "|", "green")}
    if seen.unstable is not None:
        marks.setdefault(at(seen.unstable), ("┊" if screen.unicode else ":", "red"))
    dots = _dots(seen, at, height)
    yield "loss"
    for row, line in enumerate(lines[:height]):
        cells = [*line[margin:].ljust(columns)]
        for column, cell in enumerate(cells):
            if cell != " ":
                cells[column] = screen.paint(cell, "cyan")
            elif column in marks:
                cells[column] = screen.paint(*marks[column])
            elif (row, column) in dots:
                cells[column] = screen.paint("·" if screen.unicode else ".", "dim")
        yield (line[:margin] + "".join(cells)).rstrip()
    yield from _axis(seen, at, lines[height][:margin], columns, screen)
    yield from _pointers(seen, at, margin, columns, screen)


def _dots(seen: View, at: Callable[[float], int], height: int) -> set[tuple[int, int]]:
    """The cells of the raw losses that lie in the box."""
    box, shown = seen.box, [(x, y) for x, y in seen.raw if seen.box.low <= y <= seen.box.high]
    return {(round((box.high - y) / (box.high - box.low) * (height - 1)), at(x)) for x, y in shown}


def _axis(seen: View, at: Callable[[float], int], margin: str, columns: int, screen: Screen) -> Iterator[str]:
    line, labels = ["─" if screen.unicode else "-"] * columns, [" "] * (columns + 4)
    decades = range(math.ceil(seen.box.left - 1e-9), math.floor(seen.box.right + 1e-9) + 1)
    every = max(1, math.ceil(len(decades) * 7 / columns))
    for decade in decades[::every]:
        text, column = decade_text(decade), at(decade)
        start = max(column - len(text) // 2, 0)
        if start + len(text) <= columns + 2:
            line[column] = "┬" if screen.unicode else "+"
            labels[start : start + len(text)] = text
    yield margin + "".join(line)
    yield " " * len(margin) + "".join(labels).rstrip()


def _pointers(seen: View, at: Callable[[float], int], margin: int, columns: int, screen: Screen) -> Iterator[str]:
    """Under the axis: which column is the suggestion, and where it became unstable."""
    up = "▲" if screen.unicode else "^"
    yield _pointer(f"{up} {lr_text(10**seen.best)}", at(seen.best), margin, columns, screen, "green", "bold")
    if seen.unstable is not None:
        text = f"{up} unstable from {lr_text(10**seen.unstable)}"
        yield _pointer(text, at(seen.unstable), margin, columns, screen, "red")


def _pointer(text: str, column: int, margin: int, columns: int, screen: Screen, *styles: str) -> str:
    if column + len(text) > columns:  # written to the left of its column
        sign, _, words = text.partition(" ")
        text, column = f"{words} {sign}", column - len(words) - 1
    return " " * max(margin + column, 0) + screen.paint(text, *styles)


# Files.

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 74, 50


def svg(found: LrFind) -> str:
    """A standalone picture; with trials, their losses in a second chart below."""
    seen, trials = view(found), [trial for trial in found.trials if math.isfinite(trial.loss)]
    below = 190 if len(trials) > 1 else 0
    parts = [*_title(found)]
    if seen is not None:
        parts += _sweep_chart(seen)
        if below:
            parts += _trial_chart(seen, trials, found)
    height = HEIGHT + below if seen is not None else TOP + 10
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" font-family="system-ui, sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        )
    )


def _title(found: LrFind) -> Iterator[str]:
    yield f'<text x="{LEFT}" y="26" font-size="18" font-weight="600" fill="#222">{escape(headline(found))}</text>'
    yield f'<text x="{LEFT}" y="46" fill="#555">{escape(sureness(found))}</text>'


@record(frozen=True)
class _Frame:
    """Where a box of the plane lies in the picture."""

    box: Box
    top: float
    bottom: float

    def x(self, value: float) -> float:
        share = (value - self.box.left) / (self.box.right - self.box.left)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.box.low) / (self.box.high - self.box.low)
        return round(self.bottom - min(max(share, 0.0), 1.0) * (self.bottom - self.top), 1)


def _sweep_chart(seen: View) -> Iterator[str]:
    frame = _Frame(seen.box, TOP, HEIGHT - BOTTOM)
    low, high = frame.x(seen.interval[0]), frame.x(seen.interval[1])
    yield (
        f'<rect x="{low}" y="{frame.top}" width="{max(high - low, 1):g}" height="{frame.bottom - frame.top}" '
        f'fill="{BEST}" fill-opacity=".1"/>'
    )
    yield from _grid(frame, "loss", "learning rate")
    for x, y in seen.raw:
        if seen.box.low <= y <= seen.box.high:
            yield f'<circle cx="{frame.x(x)}" cy="{frame.y(y)}" r="1.6" fill="{RAW}"/>'
    for run in _visible(seen):
        path = "L".join(f"{frame.x(x)} {frame.y(y)}" for x, y in run)
        yield f'<path d="M{path}" fill="none" stroke="{CURVE}" stroke-width="2" stroke-linejoin="round"/>'
    yield from _upright(frame, seen.best, BEST, "", lr_text(10**seen.best))
    if seen.unstable is not None:
        yield from _upright(frame, seen.unstable, UNSTABLE, "5 4", f"unstable from {lr_text(10**seen.unstable)}")


def _visible(seen: View) -> Iterator[list[tuple[float, float]]]:
    """The stretches of the smoothed curve inside the box, each with the first point outside on either side."""
    run: list[tuple[float, float]] = []
    for x, y in seen.smooth:
        outside = y > seen.box.high
        if outside and run and run[-1][1] > seen.box.high:
            if len(run) > 1:
                yield run
            run = []
        run.append((x, y))
    if len(run) > 1:
        yield run


def _trial_chart(seen: View, trials: Sequence[Trial], found: LrFind) -> Iterator[str]:
    low, high = min(trial.loss for trial in trials), max(trial.loss for trial in trials)
    room = (high - low) or abs(high) or 1.0
    frame = _Frame(Box(seen.box.left, seen.box.right, low - 0.15 * room, high + 0.15 * room), HEIGHT + 10, HEIGHT + 140)
    judged = "validation loss" if any(trial.validation is not None for trial in trials) else "loss at the end"
    yield from _grid(frame, f"{judged} of the trials", "learning rate at the start of a trial", ticks=3)
    ordered = sorted(trials, key=lambda trial: trial.lr)
    path = "L".join(f"{frame.x(math.log10(trial.lr))} {frame.y(trial.loss)}" for trial in ordered)
    yield f'<path d="M{path}" fill="none" stroke="{CURVE}" stroke-dasharray="2 4"/>'
    for trial in ordered:
        yield f'<circle cx="{frame.x(math.log10(trial.lr))}" cy="{frame.y(trial.loss)}" r="4" fill="{CURVE}"/>'
    yield from _upright(frame, math.log10(found.suggestion), BEST, "", "")


def _grid(frame: _Frame, title: str, unit: str, ticks: int = 6) -> Iterator[str]:
    box, right = frame.box, WIDTH - RIGHT
    for value in nice_ticks(box.low, box.high, ticks):
        y = frame.y(value)
        yield f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end" fill="#555">{number_text(value)}</text>'
    for decade in range(math.ceil(box.left - 1e-9), math.floor(box.right + 1e-9) + 1):
        x = frame.x(decade)
        yield f'<line x1="{x}" x2="{x}" y1="{frame.bottom}" y2="{frame.bottom + 5}" stroke="#999"/>'
        yield f'<text x="{x}" y="{frame.bottom + 18}" text-anchor="middle" fill="#555">{decade_text(decade)}</text>'
    yield f'<line x1="{LEFT}" x2="{right}" y1="{frame.bottom}" y2="{frame.bottom}" stroke="#999"/>'
    yield f'<text x="{(LEFT + right) / 2:g}" y="{frame.bottom + 36}" text-anchor="middle" fill="#555">{unit}</text>'
    yield f'<text x="{LEFT + 4}" y="{frame.top - 4:g}" fill="#555">{title}</text>'


def _upright(frame: _Frame, value: float, color: str, dash: str, text: str) -> Iterator[str]:
    x, dashes = frame.x(value), f' stroke-dasharray="{dash}"' if dash else ""
    yield f'<line x1="{x}" x2="{x}" y1="{frame.top}" y2="{frame.bottom}" stroke="{color}" stroke-width="2"{dashes}/>'
    if text:
        end = x > WIDTH * 0.75
        anchor, shift = ("end", -6) if end else ("start", 6)
        height = frame.top + (14 if not dash else 30)
        yield (  # with a white seam, so that it can be read across the curve
            f'<text x="{x + shift:g}" y="{height:g}" text-anchor="{anchor}" font-weight="600" fill="{color}" '
            f'stroke="#fff" stroke-width="4" paint-order="stroke">{text}</text>'
        )


def html(found: LrFind) -> str:
    """The picture and the uses, as a fragment for a notebook or a page."""
    rows = "".join(
        f"<tr><td>{escape(title)}</td><td><b>{lr_text(use.lr)}</b></td><td>{escape(use.why)}</td></tr>"
        for name, title in PURPOSES.items()
        if (use := found.uses.get(name)) is not None
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        f'<div class="lright-find">{svg(found)}<p>{escape(found.reason)}</p>'
        f'<table style="text-align: left">{rows}</table>{f"<ul>{notes}</ul>" if notes else ""}</div>'
    )


def png(found: LrFind) -> bytes:
    """A PNG picture. Needs matplotlib; :class:`LrightError` says how to get it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise LrightError("png needs matplotlib: pip install matplotlib, or write an .svg") from None
    import io

    trials = [trial for trial in sorted(found.trials, key=lambda trial: trial.lr) if math.isfinite(trial.loss)]
    both = len(trials) > 1
    figure = Figure(figsize=(8, 6 if both else 4.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    ratios = [3, 1.3] if both else [1]
    panels = figure.subplots(len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios})[:, 0]
    figure.suptitle(headline(found), x=0.02, ha="left", fontweight="bold")
    panels[0].set_title(sureness(found), loc="left", fontsize=9, color="#555")
    seen = view(found)
    if seen is not None:
        _plot_sweep(panels[0], seen, found)
    if both:
        panels[1].plot([trial.lr for trial in trials], [trial.loss for trial in trials], "o:", color=CURVE)
        panels[1].axvline(found.suggestion, color=BEST)
        panels[1].set_ylabel("trials")
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.3)
    panels[-1].set_xlabel("learning rate")
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _plot_sweep(axes: Any, seen: View, found: LrFind) -> None:
    axes.axvspan(*found.interval, color=BEST, alpha=0.1, linewidth=0)
    axes.plot([10**x for x, _ in seen.raw], [y for _, y in seen.raw], ".", color=RAW, markersize=3)
    axes.plot([10**x for x, _ in seen.smooth], [y for _, y in seen.smooth], color=CURVE, label="loss, smoothed")
    axes.axvline(found.suggestion, color=BEST, label=lr_text(found.suggestion))
    if found.unstable_from is not None:
        text = f"unstable from {lr_text(found.unstable_from)}"
        axes.axvline(found.unstable_from, color=UNSTABLE, linestyle="--", label=text)
    axes.set_xscale("log")
    axes.set_xlim(10**seen.box.left, 10**seen.box.right)
    axes.set_ylim(seen.box.low, seen.box.high)
    axes.set_ylabel("loss")
    axes.legend(frameon=False, loc="lower left")


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any
