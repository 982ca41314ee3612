"""Pieces of source as a person reads them: a few lines with a mark under the place, and diffs."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ..records import replace
from ..timeline import Place
from .screen import Screen, columns, printable

CONTEXT = 2  # lines around a place
TALLEST = 6  # of a place with more lines only the first one is marked


def lines_of(source: str) -> list[str]:
    """The lines of ``source``, cut where Python cuts them, with their ends."""
    return list(io.StringIO(source, newline=""))


def excerpt(
    lines: Sequence[str],
    place: Place,
    screen: Screen,
    *,
    gutter: int,
    context: int = CONTEXT,
    mark: str = "^",
    note: str = "",
) -> list[str]:
    """The lines around ``place`` with their numbers in ``gutter`` columns, and ``mark`` under what it names.

    ``note`` is said behind the mark, or below it where there is no room.

    >>> lines = ["a()\\n", "\\n", "if b:\\n", "    c(1)\\n"]
    >>> print("\\n".join(excerpt(lines, Place(4, 5, 4, 9), Screen(), gutter=2)))
     3 │ if b:
     4 │     c(1)
       │     ^^^^
    """
    if not 1 <= place.line <= len(lines):
        return []
    last = place.end_line if place.end_line - place.line < TALLEST else place.line
    last = min(last, len(lines))
    numbers = _around(lines, place.line, last, context)
    texts = [printable(lines[number - 1]) for number in numbers]
    room = screen.width - gutter - 3
    shift = _shared_indent(texts) if max(map(columns, texts)) > room else 0
    style = "red" if mark == "^" else "blue"
    blank = f"{'':>{gutter}} {screen.paint(screen.bar, 'dim')} "
    shown, under = [], ""
    for number, text in zip(numbers, texts, strict=True):
        if not place.line <= number <= last:
            shown.append(_numbered(number, screen.clip(text[shift:], room), screen, gutter))
            continue
        start, end = _marked(lines[number - 1], number, place)
        left = shift
        if end - shift > room and (end - start < room or start - shift > room // 2):
            left = max(shift, min(start - 4, end - room + 1))  # scrolled as far as the mark needs
        shown.append(_numbered(number, _scrolled(text, left, shift, room, screen), screen, gutter, strong=True))
        under = " " * (start - left) + mark * min(end - start, room - start + left)
        if under.strip():
            shown.append(blank + screen.paint(under, "bold", style))
    if note and under.strip() and columns(under) + 1 + columns(note) <= room:
        shown[-1] += " " + screen.paint(note, style)
    elif note:
        shown += [blank + screen.paint(line, style) for line in replace(screen, width=room).wrap(note)]
    return shown


def _scrolled(text: str, left: int, shift: int, room: int, screen: Screen) -> str:
    """``text`` from column ``left`` on, with a sign where that leaves out more than the ``shift`` of all lines."""
    if left == shift:
        return screen.clip(text[shift:], room)
    sign = screen.ellipsis
    return screen.clip(sign + text[left + len(sign) :], room)


def _numbered(number: int, text: str, screen: Screen, gutter: int, *, strong: bool = False) -> str:
    label = screen.paint(f"{number:>{gutter}}", "bold" if strong else "dim")
    return f"{label} {screen.paint(screen.bar, 'dim')} {text}".rstrip()


def unified(before: str, after: str, path: str, context: int = 3) -> list[str]:
    """The unified diff between two texts of the file at ``path``, each line with its end.

    Line ends are kept as they are, so that `patch` and `git apply` take the result.

    >>> print("".join(unified("a\\nb\\n", "a\\nc\\n", "t.py")), end="")
    --- t.py
    +++ t.py
    @@ -1,2 +1,2 @@
     a
    -b
    +c
    """
    from difflib import unified_diff

    diff = unified_diff(lines_of(before), lines_of(after), path, path, n=context)
    return [line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in diff]


def painted_diff(diff: Sequence[str], screen: Screen) -> list[str]:
    """The lines of a patch in colours, cut to the screen."""
    styles = {"+": "green", "-": "red", "@": "cyan"}
    shown = []
    for number, line in enumerate(diff):
        style = "bold" if number < 2 else styles.get(line[:1], "")
        text = screen.clip(printable(line), screen.width)
        shown.append(screen.paint(text, style) if style else text)
    return shown


def changes(before: str, after: str, screen: Screen, *, gutter: int) -> list[str]:
    """What changes between two texts, for people: numbered lines with their signs, one line of context.

    >>> print("\\n".join(changes("a\\nb\\nc\\n", "a\\nx\\nc\\n", Screen(), gutter=2)))
     1 │   a
     2 │ - b
     2 │ + x
     3 │   c
    """
    shown: list[str] = []
    room = screen.width - gutter - 5
    old = new = 0
    for line in unified(before, after, "", context=1)[2:]:
        sign, text = line[0], printable(line[1:])
        if sign == "@":  # @@ -14,3 +14,3 @@
            old, new = (int(part[1:].partition(",")[0]) for part in line.split()[1:3])
            if shown:
                shown.append(f"{'':>{gutter}} {screen.paint('...', 'dim')}")
        elif sign == " " and text.strip():
            shown.append(_numbered(old, "  " + screen.clip(text, room), screen, gutter))
        elif sign in "+-":
            style = "green" if sign == "+" else "red"
            first, *rest = (screen.paint(f"{sign} {piece}", style) for piece in _folded(text, room))
            shown.append(_numbered(new if sign == "+" else old, first, screen, gutter))
            shown += [f"{'':>{gutter}} {screen.paint(screen.bar, 'dim')} {piece}" for piece in rest]
        old += sign in " -"
        new += sign in " +"
    return shown


def _folded(text: str, room: int) -> list[str]:
    """A long line of code in pieces of at most ``room`` columns, cut at spaces where that is possible."""
    indent = " " * min(len(text) - len(text.lstrip()) + 4, room // 2)
    pieces = []
    while columns(text) > room:
        cut = text.rfind(" ", len(indent) + 1, room + 1)
        cut = cut if cut > 0 else room
        pieces.append(text[:cut])
        text = indent + text[cut:].lstrip()
    return [*pieces, text]


def _around(lines: Sequence[str], first: int, last: int, context: int) -> range:
    """The numbers of the lines to show: no blank ones at the edges."""
    start, stop = max(first - context, 1), min(last + context, len(lines))
    while start < first and not lines[start - 1].strip():
        start += 1
    while stop > last and not lines[stop - 1].strip():
        stop -= 1
    return range(start, stop + 1)


def _shared_indent(texts: Sequence[str]) -> int:
    return min((len(text) - len(text.lstrip()) for text in texts if text.strip()), default=0)


def _marked(line: str, number: int, place: Place) -> tuple[int, int]:
    """The columns, from 0, that the mark covers in a line of the place, as they are shown."""
    body = line.rstrip()
    start = place.column - 1 if number == place.line else len(body) - len(body.lstrip())
    end = place.end_column - 1 if number == place.end_line else len(body)
    begin = columns(printable(body[:start] + "."))
    return begin - 1, max(columns(printable(body[:end] + ".")) - 1, begin)
