"""A few lines that stay at the bottom of a terminal while a script prints above them.

Nothing outlives a write: the cursor is hidden within one only, so that whatever ends the process leaves a terminal in
order. The script's output is not buffered, changed or delayed; what it writes takes the block away and puts it back
under it. Where the stream is no terminal there is no block, and :meth:`Footer.say` is all that shows.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import RLock
from time import monotonic

from .screen import Screen, columns, screen_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

BREATH = 0.02  # seconds: who prints faster than this sees the block again once it pauses
HIDE, SHOW, ERASE_LINE, ERASE_BELOW = "\x1b[?25l", "\x1b[?25h", "\x1b[K", "\x1b[J"
_COLOURS = re.compile(r"\x1b\[[0-9;]*[mK]")  # what leaves the cursor where it is
# What moves it elsewhere: such a script (rich, nested progress bars) has the screen for itself.
_MOVES = re.compile(r"\x1b(?!\[[0-9;]*[mK])|[\x08\x0b\x0c]")


class Footer:
    """A block at the bottom of ``stream`` (default: standard error). ``live`` says whether there can be one.

    Use it in a ``with``, so that the block goes when the work is done or fails. Streams that the work prints to are
    wrapped, where they are the same terminal::

        with Footer() as footer:
            sys.stdout, sys.stderr = footer.wrap(sys.stdout), footer.wrap(sys.stderr)
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = monotonic) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.screen = screen_of(self.stream)
        self.live = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self._block: list[str] = []  # what is to be seen
        self._shown: list[str] = []  # what is on the screen; the cursor is behind its last character
        self._column = 0  # where the script's own last line ends ...
        self._begun = False  # ... and whether it is a line without its end
        self._clock = clock
        self._drawn = 0.0
        self._lock = RLock()  # the script may print from several threads
        self._owner = os.getpid()

    def show(self, lines: Iterable[str]) -> None:
        """Put these lines there, in place of what was there before; those that do not fit are cut off."""
        if self.live:
            with self._lock:
                width, height = self._size()
                self._block = [_clipped(line, width - 1, self.screen) for line in lines][: max(height - 1, 1)]
                if self._block:
                    self._write(self._drawing())
                else:
                    self.clear()

    def say(self, lines: Iterable[str]) -> None:
        """Write lines that stay, above the block."""
        with suppress(OSError, ValueError):
            self.through(self.stream, "".join(f"{line}\n" for line in lines))

    def clear(self) -> None:
        """Take the block away."""
        with self._lock:
            self._block = []
            if self._shown:
                self._write(self._clearing())

    def close(self) -> None:
        """Take the block away for good: from now on wrapped streams are what they were."""
        self.clear()
        self.live = False

    def __enter__(self) -> Footer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def wrap(self, stream: TextIO) -> TextIO:
        """``stream`` for others to print to: what they print appears above the block."""
        shared = self.live and stream is not None and stream.isatty()
        return _Above(self, stream) if shared else stream  # type: ignore[return-value]

    def through(self, stream: TextIO, text: str) -> int:
        """Write ``text`` of somebody else to ``stream``, above the block."""
        if not (text and self.live) or os.getpid() != self._owner:  # a forked worker knows nothing of the screen
            return stream.write(text)
        with self._lock:
            if self._shown:
                self._write(self._clearing())
            written = stream.write(text)
            stream.flush()
            self._follow(text)
            # The second half of a print comes at once, and a progress bar rests on its unfinished line.
            whole = text.endswith("\n") or "\r" in text
            if self._block and whole and self._clock() - self._drawn > BREATH:
                self._write(self._drawing())
            return written

    # What is on the screen

    def _drawing(self) -> str:
        """From what is on the screen to the block: without erasing it first, which would flicker."""
        start = self._to_top() if self._shown else "\n" if self._begun else ""
        self._shown = self._block
        self._drawn = self._clock()
        return HIDE + start + "\n".join(line + ERASE_LINE for line in self._block) + ERASE_BELOW + SHOW

    def _clearing(self) -> str:
        top = self._to_top() + ERASE_BELOW
        self._shown = []
        if self._begun:
            top += "\x1b[A" + (f"\x1b[{self._column}C" if self._column else "")
        return top

    def _to_top(self) -> str:
        """From the end of the block to its start. A terminal that became narrower has broken its lines."""
        width, _ = self._size()
        rows = sum(max(1, -(-_columns(line) // width)) for line in self._shown)
        return "\r" + (f"\x1b[{rows - 1}A" if rows > 1 else "")

    def _follow(self, text: str) -> None:
        """Know where the script's own output ends now."""
        if _MOVES.search(text):
            self.live = False
            return
        _, newline, line = text.rpartition("\n")
        if newline:
            self._column, self._begun = 0, False
        self._begun = self._begun or bool(line.strip("\r"))
        _, back, line = line.rpartition("\r")
        line = " " * (0 if back else self._column) + _COLOURS.sub("", line)
        width, _ = self._size()
        end = columns(line.expandtabs(8))
        self._column = (end - 1) % width + 1 if end else 0

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # the terminal is gone, and the work goes on
            self.live = False

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):  # a terminal without a size
            return self.screen.width, 24
        return size.columns or self.screen.width, size.lines or 24


class _Above:
    """A stream that writes above the block; in all else it is the stream."""

    def __init__(self, footer: Footer, stream: TextIO) -> None:
        self._footer = footer
        self._stream = stream

    def write(self, text: str) -> int:
        return self._footer.through(self._stream, text)

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


def _columns(line: str) -> int:
    return columns(_COLOURS.sub("", line))


def _clipped(line: str, width: int, screen: Screen) -> str:
    """A line cut to ``width`` columns; one that is too long loses its colours."""
    if _columns(line) <= width:
        return line
    plain = _COLOURS.sub("", line)
    while columns(plain) > width - 1:
        plain = plain[:-1]
    return plain + screen.ellipsis[:1]


class Pace:
    """When to draw: at most every ``interval`` seconds, asked often and answered cheaply.

    ``left`` counts down the calls until the next look at the clock: who has no time to spare for a call of
    :meth:`due` counts for itself.

    The clock is read at every call while calls are rare, and at every 16th once they are many. With ``growth`` above 1
    the interval grows to ``most``, for logs that nobody is to scroll through.

    >>> pace = Pace(0.25, clock=iter([0.0, 0.1, 0.3, 0.4, 0.6]).__next__)
    >>> [pace.due() for _ in range(5)]
    [True, False, True, False, True]
    """

    __slots__ = ("_calls", "_clock", "_due", "_last", "growth", "interval", "left", "most")

    def __init__(
        self, interval: float, growth: float = 1.0, most: float = 300.0, *, clock: Callable[[], float] = monotonic
    ) -> None:
        self.interval, self.growth, self.most = interval, growth, most
        self._clock = clock
        self.left = self._calls = 1
        self._due = self._last = float("-inf")

    def due(self) -> bool:
        """Whether it is time; the first call says yes."""
        self.left -= 1
        return self.left <= 0 and self.look()

    def look(self) -> bool:
        """The same, with a look at the clock."""
        now = self._clock()
        gap = now - self._last
        if gap < self.interval / 16:
            self._calls = min(self._calls * 2, 16)
        elif gap > self.interval / 4:
            self._calls = 1
        self.left, self._last = self._calls, now
        if now < self._due:
            return False
        self._due = now + self.interval
        self.interval = min(self.interval * self.growth, max(self.most, self.interval))
        return True

