"""Curves drawn with characters: a small chart for the terminal, wide enough to see what a schedule does.

>>> print("\\n".join(chart([Curve("linear", [(0, 0.1), (90, 0.0)], "epochs")], width=40, height=4)))
0.1 ┤⠉⠓⠒⠲⠤⠤⣄⣀⡀
    │        ⠉⠉⠙⠒⠲⠤⠤⣄⣀⡀
    │                 ⠉⠉⠙⠒⠒⠦⠤⣄⣀⣀
  0 ┤                          ⠈⠉⠉⠓⠒⠦⠤⢤⣀
    └┬───────┬──────┬───────┬───────────
     0      20     40      60  90 epochs
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..records import record


@record(frozen=True)
class Curve:
    """One line of a chart: ``points`` are (x, y) by rising x; a y of NaN or infinity breaks the line.

    ``x_unit`` is what x counts ("updates", "epochs"). ``raises`` marks the last point as the place where the
    schedule fails, with a cross.
    """

    label: str
    points: Sequence[tuple[float, float]]
    x_unit: str = "updates"
    raises: bool = False


@record(frozen=True)
class Box:
    """The part of the plane that a chart shows."""

    left: float
    right: float
    low: float
    high: float


BRAILLE = 0x2800
# The dots of a braille cell, numbered by [row of 4][column of 2] as Unicode does.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_MARKS = ("·", "+", "×", "o", "▪", "◦")
_ASCII_MARKS = ("*", ".", "+", "x", "o", "#", "%")
_COLORS = (36, 33, 35, 32, 34, 31, 37)


def chart(
    curves: Sequence[Curve],
    width: int = 78,
    height: int = 12,
    *,
    title: str = "",
    unicode: bool = True,
    color: bool = False,
    legend: bool | None = None,
    box: Box | None = None,
) -> list[str]:
    """The lines of a chart of ``curves``, none wider than ``width``; ``height`` counts the rows of the plot.

    The first curve is drawn as a line of braille dots and the others with one mark each, so that they are
    told apart without colour; list the one that matters first. ``legend`` defaults to yes for several
    curves. ``box`` fixes the axes, so that two charts side by side can be compared.
    """
    box = box or bounds(curves)
    rows = max(height, 2)
    ticks = _y_ticks(box, rows)
    margin = max(len(label) for label in ticks.values())
    columns = max(width - margin - 2, 8)
    cells = _draw(curves, box, columns, rows, unicode)
    axis = "│┤└─┬" if unicode else "||+-+"
    lines = [title] if title else []
    for row in range(rows):
        body = "".join(_painted(mark, color) for mark in cells[row]).rstrip()
        lines.append(f"{ticks.get(row, ''):>{margin}} {axis[1] if row in ticks else axis[0]}{body}".rstrip())
    marks, labels = _x_axis(box, columns, curves[0].x_unit if curves else "")
    line = "".join(axis[4] if column in marks else axis[3] for column in range(columns))
    lines.append(" " * (margin + 1) + axis[2] + line)
    lines.append((" " * (margin + 2) + labels).rstrip())
    if legend if legend is not None else len(curves) > 1:
        lines.extend(_legend(curves, width, margin, unicode, color))
    return lines


def side_by_side(left: Sequence[str], right: Sequence[str], width: int = 78, gap: int = 2) -> list[str]:
    """Two blocks of lines next to each other within ``width``, or one above the other where they do not fit.

    >>> side_by_side(["ab", "c"], ["xy"], width=8)
    ['ab  xy', 'c']
    """
    half = max((visible(line) for line in left), default=0)
    if half + gap + max((visible(line) for line in right), default=0) > width:
        return [*left, "", *right]
    joined = []
    for row in range(max(len(left), len(right))):
        first = left[row] if row < len(left) else ""
        second = right[row] if row < len(right) else ""
        joined.append((first + " " * (half + gap - visible(first)) + second).rstrip())
    return joined


def bounds(curves: Sequence[Curve]) -> Box:
    """The box that holds all ``curves``; y starts at 0 unless all values lie close together."""
    points = [point for curve in curves for point in curve.points if math.isfinite(point[1])]
    if not points:
        return Box(0.0, 1.0, 0.0, 1.0)
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)
    if low >= 0 and (low <= 0.5 * high or low == high):
        low = 0.0
    elif high <= 0:
        high = 0.0
    return Box(left, right if right > left else left + 1, low, high if high > low else low + 1)


def visible(line: str) -> int:
    """The columns that ``line`` takes on a screen: colour codes take none."""
    count, inside = 0, False
    for char in line:
        if char == "\x1b":
            inside = True
        elif inside:
            inside = char != "m"
        else:
            count += 1
    return count


def number_text(value: float) -> str:
    """A value as people write learning rates: three digits at most, ``3e-4`` rather than ``0.0003``.

    >>> number_text(0.1), number_text(0.0003), number_text(0), number_text(35190), number_text(0.01234)
    ('0.1', '3e-4', '0', '35190', '0.0123')
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value))
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}"
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def count_text(value: float) -> str:
    """A count with a short suffix.

    >>> count_text(90), count_text(35190), count_text(2_000_000), count_text(2.5)
    ('90', '35.2k', '2M', '2.5')
    """
    for size, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * (10 if suffix == "k" else 1):
            return f"{value / size:.3g}{suffix}"
    return f"{value:.4g}"


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` round numbers from ``low`` to ``high``, spaced by 1, 2 or 5 times a power of ten.

    >>> nice_ticks(0, 90, 5)
    [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    most = max(most, 2)
    size = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (size * factor) < most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def _y_ticks(box: Box, rows: int) -> dict[int, str]:
    """Row to label: the top, the bottom and round numbers between them that leave a row free."""
    ticks = {0: number_text(box.high), rows - 1: number_text(box.low)}
    for value in nice_ticks(box.low, box.high, max(rows // 2, 2)):
        row = _down(value, box, rows * 4) // 4
        if all(abs(row - taken) > 1 for taken in ticks):
            ticks[row] = number_text(value)
    return ticks


def _x_axis(box: Box, columns: int, unit: str) -> tuple[set[int], str]:
    """The columns with a tick, and the line of labels under the axis, which ends with the unit."""
    last = f"{count_text(box.right)} {unit}".strip()
    if len(last) > columns:  # the number matters more than the unit
        last = count_text(box.right)
    labels = [*(last if len(last) <= columns else "").rjust(columns)]  # one that is too long is left out
    free = columns - len(last) - 2
    marks = set()
    for value in nice_ticks(box.left, box.right, max(columns // 6, 2)):
        column = round((value - box.left) / (box.right - box.left) * (columns - 1))
        text = count_text(value)
        start = max(column - len(text) // 2, 0)
        if start + len(text) <= free:
            marks.add(column)
            labels[start : start + len(text)] = text
    return marks, "".join(labels)


@record(frozen=True)
class _Mark:
    char: str
    curve: int  # -1 for an empty cell


_EMPTY = _Mark(" ", -1)


def _draw(curves: Sequence[Curve], box: Box, columns: int, rows: int, unicode: bool) -> list[list[_Mark]]:
    cells = [[_EMPTY] * columns for _ in range(rows)]
    for index in reversed(range(len(curves))):
        curve = curves[index]
        if unicode and index == 0:
            _draw_line(curve, box, cells)
        else:
            mark = _Mark(_glyph(index, unicode), index)
            for column, low, high in _spans(curve.points, box, columns, rows):
                for row in range(low, high + 1):
                    cells[row][column] = mark
    for index, curve in enumerate(curves):
        if curve.raises and curve.points:
            x, y = curve.points[-1]
            cells[_down(y, box, rows)][_across(x, box, columns)] = _Mark("✗" if unicode else "X", index)
    return cells


def _draw_line(curve: Curve, box: Box, cells: list[list[_Mark]]) -> None:
    rows, columns = len(cells), len(cells[0])
    dots = [[0] * columns for _ in range(rows)]
    for x, low, high in _spans(curve.points, box, columns * 2, rows * 4):
        for y in range(low, high + 1):
            dots[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    for row in range(rows):
        for column in range(columns):
            crowded = dots[row][column] == 0xFF and cells[row][column] is not _EMPTY
            if dots[row][column] and not crowded:  # on a full cell another curve's mark still shows
                cells[row][column] = _Mark(chr(BRAILLE + dots[row][column]), 0)


def _spans(points: Sequence[tuple[float, float]], box: Box, columns: int, rows: int) -> Iterator[tuple[int, int, int]]:
    """For each column that the line through ``points`` crosses: column, top and bottom row (0 is the top)."""
    before: tuple[float, float] | None = None
    for x, y in points:
        if not math.isfinite(y):
            before = None
            continue
        here = (_place(x, box.left, box.right, columns), _place(y, box.high, box.low, rows))
        yield from _segment(before or here, here, columns, rows)
        before = here


def _segment(
    first: tuple[float, float], second: tuple[float, float], columns: int, rows: int
) -> Iterator[tuple[int, int, int]]:
    (x0, y0), (x1, y1) = first, second
    wide = x1 > x0
    for column in range(max(round(x0), 0), min(round(x1), columns - 1) + 1):
        # The piece of the segment that lies in this column, from its left to its right edge.
        begin = y0 + (y1 - y0) * ((max(column - 0.5, x0) - x0) / (x1 - x0)) if wide else y0
        end = y0 + (y1 - y0) * ((min(column + 0.5, x1) - x0) / (x1 - x0)) if wide else y1
        low, high = sorted((round(begin), round(end)))
        if high >= 0 and low < rows:
            yield column, max(low, 0), min(high, rows - 1)


def _place(value: float, first: float, last: float, count: int) -> float:
    return (value - first) / (last - first) * (count - 1)


def _across(x: float, box: Box, columns: int) -> int:
    return min(max(round(_place(x, box.left, box.right, columns)), 0), columns - 1)


def _down(y: float, box: Box, rows: int) -> int:
    if not math.isfinite(y):
        return rows - 1
    return min(max(round(_place(y, box.high, box.low, rows)), 0), rows - 1)


def _glyph(index: int, unicode: bool) -> str:
    if not unicode:
        return _ASCII_MARKS[index % len(_ASCII_MARKS)]
    return "⠒" if index == 0 else _MARKS[(index - 1) % len(_MARKS)]


def _painted(mark: _Mark, color: bool) -> str:
    if not color or mark.curve < 0:
        return mark.char
    return f"\x1b[{_COLORS[mark.curve % len(_COLORS)]}m{mark.char}\x1b[0m"


def _legend(curves: Sequence[Curve], width: int, margin: int, unicode: bool, color: bool) -> list[str]:
    """The names of the curves, on as many lines as they need."""
    lines, line = [], " " * (margin + 2)
    for index, curve in enumerate(curves):
        sample = "".join(_painted(_Mark(_glyph(index, unicode), index), color) for _ in range(2))
        entry = f"{sample} {curve.label}"
        if line.strip() and visible(line) + visible(entry) > width:
            lines.append(line.rstrip())
            line = " " * (margin + 2)
        line += entry + "   "
    return [*lines, line.rstrip()]
