"""Charts as SVG, written by hand: no library, no script, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from .chart import Box, Curve, bounds, count_text, nice_ticks, number_text

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 68, 22, 18, 44
LEGEND = 22  # the height of a line of it
# Okabe and Ito's colours, told apart by the colour-blind too.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
DASHES = ("", "7 4", "2 4", "10 4 2 4")


def picture(groups: Sequence[Sequence[Curve]]) -> str:
    """One SVG with a chart for each group of curves, below each other."""
    parts, top = [], 0
    for curves in groups:
        parts.append(f'<g transform="translate(0 {top})">')
        parts.extend(_chart(curves))
        parts.append("</g>")
        top += HEIGHT + LEGEND * len(curves) + 14
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" '
            f'height="{top}" font-family="system-ui, sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        )
    )


def _chart(curves: Sequence[Curve]) -> Iterator[str]:
    box = bounds(curves)
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in nice_ticks(box.low, box.high, 6):
        y = _y(value, box)
        yield f'<line x1="{LEFT}" x2="{right}" y1="{y}" y2="{y}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:g}" text-anchor="end" fill="#555">{number_text(value)}</text>'
    for value in nice_ticks(box.left, box.right, 10):
        x = _x(value, box)
        yield f'<line x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 5}" stroke="#999"/>'
        yield f'<text x="{x}" y="{bottom + 19}" text-anchor="middle" fill="#555">{count_text(value)}</text>'
    yield f'<line x1="{LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}" stroke="#999"/>'
    unit = escape(curves[0].x_unit) if curves else ""
    yield f'<text x="{(LEFT + right) / 2:g}" y="{bottom + 37}" text-anchor="middle" fill="#555">{unit}</text>'
    for index, curve in enumerate(curves):
        yield from _curve(curve, box, _style(index))
        yield from _legend(curve, HEIGHT + LEGEND * index + 18, _style(index))


def _style(index: int) -> str:
    dash = DASHES[index % len(DASHES)]
    return f'stroke="{COLORS[index % len(COLORS)]}" stroke-width="2"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _curve(curve: Curve, box: Box, style: str) -> Iterator[str]:
    for run in _runs(curve.points):
        path = "M" + "L".join(f"{_x(x, box)} {_y(y, box)}" for x, y in run)
        yield f'<path d="{path}" fill="none" stroke-linejoin="round" {style}/>'
    if curve.raises and curve.points and math.isfinite(curve.points[-1][1]):
        x, y = _x(curve.points[-1][0], box), _y(curve.points[-1][1], box)
        yield f'<path d="M{x - 5:g} {y - 5:g}l10 10m0 -10l-10 10" stroke="#c00" stroke-width="2"/>'


def _runs(points: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """The stretches of finite values."""
    run: list[tuple[float, float]] = []
    for x, y in points:
        if math.isfinite(y):
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _legend(curve: Curve, y: int, style: str) -> Iterator[str]:
    yield f'<line x1="{LEFT}" x2="{LEFT + 28}" y1="{y - 4}" y2="{y - 4}" {style}/>'
    yield f'<text x="{LEFT + 38}" y="{y}" fill="#222">{escape(curve.label)}</text>'


def _x(value: float, box: Box) -> float:
    return round(LEFT + (value - box.left) / (box.right - box.left) * (WIDTH - LEFT - RIGHT), 1)


def _y(value: float, box: Box) -> float:
    return round(HEIGHT - BOTTOM - (value - box.low) / (box.high - box.low) * (HEIGHT - TOP - BOTTOM), 1)
