"""What a stream can show: its width, whether it has colours, whether it can say more than ASCII."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..records import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
NARROWEST, WIDEST, USUAL = 40, 100, 80
# Everything beyond ASCII that reports and charts are drawn with.
DRAWN = "│┤└─┬…·×⠿▪◦"


@record(frozen=True, slots=True)
class Screen:
    """How to draw for one stream. ``width`` is in columns.

    >>> Screen(color=True).paint("no", "red", "bold")
    '\\x1b[31;1mno\\x1b[0m'
    >>> Screen().paint("no", "red")
    'no'
    """

    width: int = USUAL
    color: bool = False
    unicode: bool = True

    def paint(self, text: str, *styles: str) -> str:
        """``text`` in ``styles``, or as it is where there are no colours."""
        if not (self.color and text and styles):
            return text
        return f"\x1b[{';'.join(STYLES[style] for style in styles)}m{text}\x1b[0m"

    @property
    def bar(self) -> str:
        """The line between line numbers and code."""
        return "│" if self.unicode else "|"

    @property
    def ellipsis(self) -> str:
        """What stands for what is left out."""
        return "…" if self.unicode else "..."

    def wrap(self, text: str, indent: str = "", first: str | None = None) -> list[str]:
        """``text`` in lines of at most the width; ``first`` is what the first line begins with.

        >>> Screen(width=40).wrap("the LR reaches 0 after 0.23 epochs and then rises", "  ")
        ['  the LR reaches 0 after 0.23 epochs and', '  then rises']
        """
        lines = []
        line = indent if first is None else first
        empty = True
        for word in text.split():
            if not empty and len(line) + 1 + len(word) > self.width:
                lines.append(line)
                line, empty = indent, True
            line += word if empty else " " + word
            empty = False
        return [*lines, line]

    def clip(self, text: str, room: int) -> str:
        """``text`` cut to ``room`` columns."""
        return text if columns(text) <= room else text[: max(room - len(self.ellipsis), 0)] + self.ellipsis


def screen_of(stream: TextIO, environ: Mapping[str, str] = os.environ) -> Screen:
    """The screen behind ``stream``: colours on a terminal or with FORCE_COLOR, never with NO_COLOR."""
    terminal = stream.isatty()
    forced = environ.get("FORCE_COLOR", "0") not in ("", "0")
    color = not environ.get("NO_COLOR") and (forced or (terminal and environ.get("TERM") != "dumb"))
    return Screen(_width(stream, environ, terminal), color, _can_say(DRAWN, stream.encoding))


def columns(text: str) -> int:
    """The columns that ``text`` takes: two for wide characters, none for combining ones.

    >>> columns("LR"), columns("学习率")
    (2, 6)
    """
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def printable(line: str) -> str:
    r"""A line of somebody's file, safe to show: tabs as spaces, control characters as escapes.

    >>> print(printable("a\tb\x1b[31m\r\n"))
    a   b\x1b[31m
    """
    line = line.rstrip("\r\n").expandtabs(4)
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _width(stream: TextIO, environ: Mapping[str, str], terminal: bool) -> int:
    wanted = environ.get("COLUMNS", "")
    if wanted.isascii() and wanted.isdigit() and int(wanted):
        width = int(wanted)
    elif terminal:
        try:
            width = os.get_terminal_size(stream.fileno()).columns or USUAL
        except OSError:  # a terminal without a size
            width = USUAL
    else:
        width = USUAL
    return max(NARROWEST, min(width, WIDEST))


def _can_say(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return False
    return True
