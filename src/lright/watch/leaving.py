"""Telling a recorder how the process ended, where nobody else does: frameworks call no callback after an exception."""

from __future__ import annotations

import atexit
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["at_exit", "reason_of", "where_run"]


def where_run() -> tuple[str, tuple[str, ...]]:
    """The script of this process and its arguments; nothing where there is none (a prompt, a notebook)."""
    import __main__

    if not getattr(__main__, "__file__", None):
        return "", ()
    return sys.argv[0], tuple(sys.argv[1:])


def reason_of(error: BaseException | None) -> tuple[str, str]:
    """How a run ended that this exception broke off, in the words of a trace's ``end`` row, and the message.

    >>> reason_of(None), reason_of(KeyboardInterrupt()), reason_of(ValueError("no data"))
    (('finished', ''), ('interrupted', ''), ('crashed', 'ValueError: no data'))
    """
    if error is None or (isinstance(error, SystemExit) and not error.code):
        return "finished", ""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", ""
    return "crashed", " ".join(f"{type(error).__name__}: {error}".split())


def at_exit(end: Callable[[str, str], object], otherwise: str = "interrupted") -> Callable[[], None]:
    """Call ``end(reason, message)`` when the process ends; gives what takes that back.

    ``otherwise`` is the reason where no exception ended the process.
    """

    def leave() -> None:
        error = getattr(sys, "last_value", None)  # Python keeps here what it prints before it leaves
        end(*(reason_of(error) if error is not None else (otherwise, "")))

    atexit.register(leave)
    return lambda: atexit.unregister(leave)
