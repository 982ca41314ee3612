"""How far a piece of work is: a bar at the bottom of the terminal, or a line now and then in a log.

>>> import sys
>>> with Progress(200, "find", sys.stdout) as progress:  # no terminal here: lines
...     progress.update(1, "loss 2.3 at LR 1e-6")
find: 1 of 200, loss 2.3 at LR 1e-6
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic

from .footer import Footer
from .live import duration, pace_of
from .screen import Screen, columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

BAR = 24  # columns at most


class Progress:
    """The progress of ``total`` steps of a work called ``label``, on ``stream`` (default: standard error).

    ``total`` None: not known. ``on`` False: nothing is shown at all. Use it in a ``with``: the bar is taken away
    however the work ends.
    """

    def __init__(
        self,
        total: int | None = None,
        label: str = "",
        stream: TextIO | None = None,
        *,
        on: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.footer = Footer(stream, clock=clock)
        self.total = total
        self.label = label
        self.on = on
        self._clock = clock
        self._pace = pace_of(self.footer, clock)
        self._began: float | None = None
        self._first = 0

    def update(self, done: int, message: str | Callable[[], str] = "") -> None:
        """``done`` steps are made. A ``message`` that is a function is called only when it is shown."""
        pace = self._pace
        pace.left -= 1
        if pace.left > 0 or not self.on or not pace.look():
            return
        now = self._clock()
        if self._began is None:
            self._began, self._first = now, done
        made, to_come = done - self._first, (self.total or 0) - done
        left = (now - self._began) / made * to_come if made > 0 and to_come > 0 else None
        told = message if isinstance(message, str) else message()
        if self.footer.live:
            self.footer.show([bar(done, self.total, left, self.label, told, self.footer.screen)])
        else:
            self.footer.say([_in_words(done, self.total, left, self.label, told)])

    def say(self, lines: Iterable[str]) -> None:
        """Write lines that stay, above the bar."""
        self.footer.say(lines)

    def wrap(self, stream: TextIO) -> TextIO:
        """``stream`` for others to print to: what they print appears above the bar."""
        return self.footer.wrap(stream) if self.on else stream

    def close(self) -> None:
        """Take the bar away; it is not drawn again."""
        self.on = False
        self.footer.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def bar(done: int, total: int | None, left: float | None, label: str, message: str, screen: Screen) -> str:
    """The progress in one line of a terminal.

    >>> bar(50, 200, 12.0, "find", "loss 2.31", Screen(width=70))
    'find ━━━━━━──────────────────  25%  50 of 200  0:12 left  loss 2.31'
    >>> bar(50, 200, None, "find", "", Screen(width=50, unicode=False))
    'find [######................]  25%  50 of 200'
    """
    parts = [_count(done, total)]
    if left is not None:
        parts.append(f"{duration(left)} left")
    if message:
        parts.append(message)
    text = "  ".join(parts)
    if not total:
        return f"{label} {text}".strip()
    share = min(max(done / total, 0.0), 1.0)
    text = f"{100 * share:3.0f}%  {text}"
    room = screen.width - columns(label) - columns(text) - 3
    return f"{label} {_drawn(share, max(min(BAR, room), 6), screen)} {text}".strip()


def _drawn(share: float, width: int, screen: Screen) -> str:
    if not screen.unicode:
        done = round(share * (width - 2))
        return f"[{'#' * done}{'.' * (width - 2 - done)}]"
    done = round(share * width)
    return screen.paint("━" * done, "cyan") + screen.paint("─" * (width - done), "dim")


def _in_words(done: int, total: int | None, left: float | None, label: str, message: str) -> str:
    time = f"{duration(left)} left" if left is not None else ""
    return f"{label}{': ' * bool(label)}" + ", ".join(filter(None, [_count(done, total), message, time]))


def _count(done: int, total: int | None) -> str:
    return f"{done:,} of {total:,}" if total else f"{done:,}"
