"""The pictures of an ablation: gains with their intervals, and the metric over the peak LR. Terminal, SVG, PNG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from statistics import median

from ..errors import LrightError
from ..records import record
from .chart import Box, nice_ticks, number_text
from .screen import Screen, columns
from .svg import COLORS, WIDTH


@record(frozen=True)
class Bar:
    """The gain of ``label`` over ``over``: its interval (without end where there is none), ``dots`` for single seeds,
    and whether it is ``settled``."""

    label: str
    mean: float
    low: float
    high: float
    dots: tuple[float, ...] = ()
    settled: bool = False
    over: str = ""

    @property
    def ends(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@record(frozen=True)
class Line:
    """The metric of a schedule over the peak: ``means``, the ``dots`` of single seeds, the peaks at which runs were
    ``lost`` (diverged), and the ``best`` peak."""

    label: str
    means: tuple[tuple[float, float], ...]
    dots: tuple[tuple[float, float], ...] = ()
    lost: tuple[float, ...] = ()
    best: float | None = None


@record(frozen=True)
class Figure:
    """Both pictures. ``lower`` is whether the metric is better when it is lower; ``relative``: peaks are factors."""

    title: str
    gain: str  # what the first axis is
    bars: tuple[Bar, ...]
    metric: str
    lines: tuple[Line, ...]
    lower: bool = True
    relative: bool = False

    @property
    def peak(self) -> str:
        """What the axis of peaks is."""
        return "peak, as a multiple of the script's own" if self.relative else "peak LR"


# The terminal.


def forest(bars: Sequence[Bar], screen: Screen) -> list[str]:
    """The gains as intervals on one axis, with 0 marked.

    >>> print("\\n".join(forest([Bar("cosine to 0", 0.2, 0.1, 0.3)], Screen(width=40))))
                  0
    cosine to 0   │       ├──────○───────┤
    """
    if not bars:
        return []
    room = max(screen.width // 2 - 6, 12)
    names = [screen.clip(bar.label, room) for bar in bars]
    margin = max(columns(name) for name in names) + 2
    width = max(screen.width - margin - 1, 10)
    left, right = span(bars)

    def place(value: float) -> int:
        return min(max(round((value - left) / (right - left) * (width - 1)), 0), width - 1)

    zero = place(0.0)
    lines = [" " * (margin + zero) + "0"]
    for name, bar in zip(names, bars, strict=True):
        cells = [" "] * width
        cells[zero] = screen.bar
        if bar.ends:
            low, high = place(bar.low), place(bar.high)
            cells[low : high + 1] = ("─" if screen.unicode else "-") * (high - low + 1)
            if low < zero < high:
                cells[zero] = "┼" if screen.unicode else "+"
            cells[low], cells[high] = "├┤" if screen.unicode else "[]"
        if math.isfinite(bar.mean):
            cells[place(bar.mean)] = ("●" if bar.settled else "○") if screen.unicode else "*" if bar.settled else "o"
        style = ("bold", "green" if bar.mean > 0 else "red") if bar.settled else ()
        lines.append(f"{name}{' ' * (margin - columns(name))}{screen.paint(''.join(cells).rstrip(), *style)}")
    return lines


def span(bars: Sequence[Bar]) -> tuple[float, float]:
    """The part of the axis that is shown: all that is known, and 0."""
    values = [0.0]
    for bar in bars:
        values += [value for value in (bar.mean, bar.low, bar.high, *bar.dots) if math.isfinite(value)]
    low, high = min(values), max(values)
    edge = 0.04 * (high - low) or 1.0
    return low - edge, high + edge


# SVG, written by hand like the other charts.

MARGIN, RIGHT, ROW, TOP = 250, 24, 36, 58
HEIGHT, FOOT, LEGEND, LEFT = 300, 46, 20, 68
INK, PALE, FAINT = "#222", "#555", "#ddd"


def svg(figure: Figure) -> str:
    """Both pictures below each other, as a standalone SVG."""
    bars = list(_forest_svg(figure, TOP)) if figure.bars else []
    middle = _middle(figure)
    total = middle + HEIGHT + FOOT + LEGEND * len(figure.lines) + 8
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" '
            f'height="{total}" font-family="system-ui, sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{total}" fill="#fff"/>',
            _words(16, 24, figure.title, INK, "start", 'font-size="14" font-weight="600"'),
            *bars,
            *_lines_svg(figure, middle),
            "</svg>\n",
        )
    )


def _middle(figure: Figure) -> float:
    """Where the second picture begins, in pixels from the top."""
    return TOP + ROW * len(figure.bars) + FOOT + 26 if figure.bars else TOP


def _words(x: float, y: float, text: str, fill: str = PALE, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{fill}" {more}>{escape(text)}</text>'


def _stroke(x1: float, y1: float, x2: float, y2: float, color: str, more: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" {more}/>'


def _forest_svg(figure: Figure, top: float) -> Iterator[str]:
    left, right = span(figure.bars)
    bottom = top + ROW * len(figure.bars)

    def x(value: float) -> float:
        return MARGIN + (value - left) / (right - left) * (WIDTH - RIGHT - MARGIN)

    for tick in nice_ticks(left, right, 6):
        yield _stroke(x(tick), top, x(tick), bottom, FAINT)
        yield _words(x(tick), bottom + 18, _signed(tick))
    yield _stroke(x(0), top - 6, x(0), bottom, INK, 'stroke-width="1.5"')
    yield _words((MARGIN + WIDTH - RIGHT) / 2, bottom + 38, figure.gain)
    for index, bar in enumerate(figure.bars):
        y = top + ROW * (index + 0.5)
        color = _color(bar)
        yield _words(MARGIN - 14, y if bar.over else y + 4, clipped(bar.label, 36), INK, "end")
        if bar.over:
            yield _words(MARGIN - 14, y + 13, clipped(f"over {bar.over}", 42), PALE, "end", 'font-size="10"')
        if bar.ends:
            yield _stroke(x(bar.low), y, x(bar.high), y, color, 'stroke-width="3" stroke-linecap="round"')
        for dot in bar.dots:
            yield f'<circle cx="{x(dot):.1f}" cy="{y + 9:.1f}" r="2.2" fill="{PALE}" fill-opacity=".55"/>'
        if math.isfinite(bar.mean):
            inside = color if bar.settled else "#fff"
            yield (
                f'<circle cx="{x(bar.mean):.1f}" cy="{y:.1f}" r="5" fill="{inside}" stroke="{color}" '
                'stroke-width="2"/>'
            )


def _color(bar: Bar) -> str:
    if not bar.settled:
        return "#777"
    return COLORS[2] if bar.mean > 0 else COLORS[1]


def clipped(text: str, room: int) -> str:
    """``text`` cut to ``room`` characters."""
    return text if len(text) <= room else text[: room - 1] + "…"


def _signed(value: float) -> str:
    return f"+{number_text(value)}" if value > 0 else number_text(value).replace("-", "−", 1)


def plane(figure: Figure) -> tuple[Box, float]:
    """The part of the plane that the lines are in, x in decades; and the border to which bad values are brought.

    A run that all but diverged would press all others together, so what is further than four times from the best as the
    median is drawn at the border.
    """
    peaks = [math.log10(x) for line in figure.lines for x in (*(x for x, _ in line.means), *line.lost)]
    values = [y for line in figure.lines for _, y in (*line.means, *line.dots)]
    if not peaks:
        return Box(-1.0, 1.0, 0.0, 1.0), 1.0
    left, right = min(peaks) - 0.12, max(peaks) + 0.12
    if not values:
        return Box(left, right, 0.0, 1.0), 1.0
    sign = 1.0 if figure.lower else -1.0
    costs = [sign * value for value in values]
    worst = min(max(costs), min(costs) + 4 * (median(costs) - min(costs)) or max(costs))
    ends = sorted((sign * min(costs), sign * worst))
    edge = 0.08 * (ends[1] - ends[0]) or abs(ends[0]) * 0.1 or 1.0
    box = Box(left, right, ends[0] - edge, ends[1] + edge)
    return box, box.high if figure.lower else box.low


def peak_ticks(figure: Figure) -> list[float]:
    """The peaks that were tried."""
    return sorted({x for line in figure.lines for x in (*(x for x, _ in line.means), *line.lost)})


def peak_text(figure: Figure, peak: float) -> str:
    """A peak as the axis names it."""
    return f"×{peak:g}" if figure.relative else number_text(peak)


def _lines_svg(figure: Figure, top: float) -> Iterator[str]:
    box, border = plane(figure)
    left, right, bottom = LEFT, WIDTH - RIGHT, top + HEIGHT

    def x(peak: float) -> float:
        return left + (math.log10(peak) - box.left) / (box.right - box.left) * (right - left)

    def y(value: float) -> float:
        inside = min(max(value, box.low), box.high)
        return bottom - (inside - box.low) / (box.high - box.low) * HEIGHT

    for tick in nice_ticks(box.low, box.high, 6):
        yield _stroke(left, y(tick), right, y(tick), FAINT)
        yield _words(left - 8, y(tick) + 4, number_text(tick), PALE, "end")
    yield _words(left, top - 10, f"{figure.metric} ({'lower' if figure.lower else 'higher'} is better)", PALE, "start")
    yield _stroke(left, bottom, right, bottom, "#999")
    for peak in peak_ticks(figure):
        yield _stroke(x(peak), bottom, x(peak), bottom + 5, "#999")
        yield _words(x(peak), bottom + 19, peak_text(figure, peak))
    yield _words((left + right) / 2, bottom + 37, figure.peak)
    for index, line in enumerate(figure.lines):
        color = COLORS[index % len(COLORS)]
        shift = 5 * (index - (len(figure.lines) - 1) / 2)  # so that seeds at the same peak do not hide each other
        for peak, value in line.dots:
            yield f'<circle cx="{x(peak) + shift:.1f}" cy="{y(value):.1f}" r="2.5" fill="{color}" fill-opacity=".5"/>'
        for peak in line.lost:
            yield _cross(x(peak) + shift, y(border), color)
        path = "L".join(f"{x(peak) + shift:.1f} {y(value):.1f}" for peak, value in line.means)
        if path:
            yield f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>'
        for peak, value in line.means:
            if peak == line.best:
                yield (
                    f'<circle cx="{x(peak) + shift:.1f}" cy="{y(value):.1f}" r="6" fill="none" stroke="{color}" '
                    'stroke-width="2"/>'
                )
        row = bottom + FOOT + LEGEND * index + 14
        yield _stroke(left, row - 4, left + 28, row - 4, color, 'stroke-width="2"')
        yield _words(left + 38, row, legend(line, figure), INK, "start")


def legend(line: Line, figure: Figure) -> str:
    """What a line is, where its ring is, and its crosses."""
    best = f", best at {peak_text(figure, line.best)}" if line.best is not None else ""
    return f"{line.label}{best}{' (× diverged)' if line.lost else ''}"


def _cross(x: float, y: float, color: str) -> str:
    return f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="{color}" stroke-width="2"/>'


# PNG.


def png(figure: Figure) -> bytes:
    """Both pictures as a PNG. Needs matplotlib; `LrightError` says how to get it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Canvas
    except ImportError:
        raise LrightError("png needs matplotlib: pip install matplotlib, or write an .svg") from None
    import io

    middle = _middle(figure)
    total = middle + HEIGHT + FOOT + LEGEND * len(figure.lines) + 8
    canvas = Canvas(figsize=(WIDTH / 100, total / 100), dpi=200)
    FigureCanvasAgg(canvas)
    canvas.text(16 / WIDTH, 1 - 24 / total, figure.title, fontsize=10, fontweight="bold")

    def panel(left: float, top: float, height: float):  # type: ignore[no-untyped-def]
        width = WIDTH - RIGHT - left
        return canvas.add_axes((left / WIDTH, 1 - (top + height) / total, width / WIDTH, height / total))

    if figure.bars:
        _draw_bars(panel(MARGIN, TOP, ROW * len(figure.bars)), figure)
    _draw_lines(panel(LEFT, middle, HEIGHT), figure)
    out = io.BytesIO()
    canvas.savefig(out, format="png")
    return out.getvalue()


def _draw_bars(axes, figure: Figure) -> None:  # type: ignore[no-untyped-def]
    axes.axvline(0, color=INK, linewidth=1)
    for index, bar in enumerate(figure.bars):
        color = _color(bar)
        if bar.ends:
            axes.plot([bar.low, bar.high], [index, index], color=color, linewidth=3, solid_capstyle="round")
        axes.plot(bar.dots, [index + 0.28] * len(bar.dots), ".", color=PALE, alpha=0.55, markersize=5)
        if math.isfinite(bar.mean):
            axes.plot(bar.mean, index, "o", color=color, markerfacecolor=color if bar.settled else "white")
        axes.annotate(clipped(bar.label, 36), (0, index), (-10, 0), ("axes fraction", "data"), "offset points",
                      ha="right", va="bottom" if bar.over else "center", fontsize=9)  # fmt: skip
        if bar.over:
            axes.annotate(clipped(f"over {bar.over}", 42), (0, index), (-10, -1), ("axes fraction", "data"),
                          "offset points", ha="right", va="top", fontsize=7.5, color=PALE)  # fmt: skip
    axes.set_yticks([])
    axes.set_ylim(len(figure.bars) - 0.5, -0.5)
    axes.set_xlim(*span(figure.bars))
    axes.set_xlabel(figure.gain, fontsize=9)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)


def _draw_lines(axes, figure: Figure) -> None:  # type: ignore[no-untyped-def]
    box, border = plane(figure)
    for index, line in enumerate(figure.lines):
        color = COLORS[index % len(COLORS)]
        shift = 10 ** (0.006 * (box.right - box.left) * (index - (len(figure.lines) - 1) / 2))

        def inside(value: float) -> float:
            return min(max(value, box.low), box.high)

        axes.plot([x * shift for x, _ in line.dots], [inside(y) for _, y in line.dots], ".", color=color, alpha=0.5)
        axes.plot([x * shift for x, _ in line.means], [inside(y) for _, y in line.means], color=color,
                  label=legend(line, figure))  # fmt: skip
        best = [(x * shift, inside(y)) for x, y in line.means if x == line.best]
        axes.plot([x for x, _ in best], [y for _, y in best], "o", color=color, markerfacecolor="none", markersize=9)
        axes.plot([x * shift for x in line.lost], [border] * len(line.lost), "x", color=color, clip_on=False)
    axes.set_xscale("log")
    axes.set_xlim(10**box.left, 10**box.right)
    axes.set_ylim(box.low, box.high)
    axes.set_xticks(peak_ticks(figure), [peak_text(figure, peak) for peak in peak_ticks(figure)])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(figure.peak, fontsize=9)
    axes.tick_params(labelsize=9)
    better = f"{figure.metric} ({'lower' if figure.lower else 'higher'} is better)"
    axes.set_title(better, loc="left", fontsize=9, color=PALE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.14), borderaxespad=0)
